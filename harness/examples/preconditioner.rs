//! How many passes over the rows an influence takes: conjugate gradients, the same with
//! EK-FAC as a preconditioner, and LiSSA.
//!
//! ```text
//! cargo run --release -p gradsieve-harness --example preconditioner -- [--csv FILE]
//!     [--mnist FILE] [--most PASSES]
//! ```
//!
//! C is the second moment of the gradients of a small network's training samples (the
//! empirical Fisher), or of their pseudo-gradients, one a class (the Gauss–Newton
//! matrix); λ is the damping times its mean eigenvalue. EK-FAC is of the same rows.
//! Targets are the gradients of test samples. A pass more than the table says would see
//! that the residual is what the recursion said; those of LiSSA that estimate λ_max are
//! counted.

use gradsieve::influence::{
    ConjugateGradients, ConjugateGradientsSettings, Ekfac, EkfacInverse, EkfacSettings, IterativeSolver,
    Lissa, LissaSettings,
};
use gradsieve::{Exact, Layout, Projector, Sketch, SketchId};
use gradsieve_harness::data::{Dataset, Scaling, csv as table, digits};
use gradsieve_harness::model::{Mlp, Scratch, TrainConfig, train};
use gradsieve_kernels::summarize;

const USAGE: &str = "usage: preconditioner [--csv FILE] [--mnist FILE] [--most PASSES]

Passes over the rows until a target's residual is 1e-3, of cg, of cg with EK-FAC and of
lissa, on the digits, and on MNIST if `node harness/mnist.mjs FILE` has made its file.";

const DAMPINGS: [f32; 3] = [0.1, 0.01, 0.001];
const TOLERANCE: f32 = 1e-3;
/// Test samples whose gradients are targets.
const TARGETS: usize = 5;
/// Training samples, at most: each has ten pseudo-gradients.
const SAMPLES: usize = 500;
const EPOCHS: usize = 10;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A layer's factors of samples: what went in, with a 1 for the bias, and the gradient of
/// what came out.
type Factors = Vec<(Vec<f32>, Vec<f32>)>;

/// The gradients of samples, and their factors, layer by layer from the input.
struct Gradients {
    factors: Vec<Factors>,
    rows: Vec<f32>,
}

impl Gradients {
    /// Those of the samples' losses.
    fn new(model: &Mlp, set: &Dataset) -> Result<Self> {
        Self::of(model, set.samples().map(|(x, label)| (x, label, false)))
    }

    /// √p_c·∇(−ln p_c) of each class c.
    fn pseudo(model: &Mlp, set: &Dataset) -> Result<Self> {
        let classes = 0..set.classes() as u32;
        Self::of(model, set.samples().flat_map(|(x, _)| classes.clone().map(move |c| (x, c, true))))
    }

    fn of<'x>(model: &Mlp, samples: impl Iterator<Item = (&'x [f32], u32, bool)>) -> Result<Self> {
        let (mut factors, mut rows) = (vec![Factors::new(); model.layers().len()], Vec::new());
        let mut scratch = Scratch::default();
        for (x, label, is_pseudo) in samples {
            let scale = |p: f64, _| if is_pseudo { p.sqrt() } else { 1.0 };
            model.backward_scaled(x, label, scale, &mut scratch, |layer| {
                let a = [layer.activation, &[1.0]].concat();
                factors[layer.layer].push((a, layer.delta.to_vec()));
            })?;
            for (a, b) in factors.iter().filter_map(|layer| layer.last()) {
                rows.extend(b.iter().flat_map(|b| a.iter().map(move |a| a * b)));
            }
        }
        Ok(Self { factors, rows })
    }

    /// EK-FAC of each layer.
    fn layers(&self) -> Result<Vec<Ekfac<Vec<f32>>>> {
        let fit = |factors: &Factors| {
            let (a, b) = factors.first().ok_or("no samples")?;
            let settings = EkfacSettings::new(b.len(), a.len());
            let mut layer = Ekfac::new(settings, vec![0.0; settings.memory().f32s])?;
            factors.iter().try_for_each(|(a, b)| layer.factors(a, b))?;
            layer.decompose(&mut vec![0.0; settings.memory().f64s])?;
            for (a, b) in factors {
                layer.position(a, b)?;
                layer.sample()?;
            }
            Ok(layer)
        };
        self.factors.iter().map(fit).collect()
    }
}

/// A task: the rows, its targets, and what both are labelled with.
struct Task {
    name: &'static str,
    curvature: &'static str,
    id: SketchId,
    rows: Gradients,
    targets: Vec<Vec<f32>>,
    most: u32,
}

impl Task {
    /// A network with at most one hidden layer, trained on some samples of a set: with
    /// the empirical Fisher and with the Gauss–Newton matrix.
    fn both(name: &'static str, all: &Dataset, hidden: &[usize], most: u32) -> Result<[Self; 2]> {
        let (train_set, test_set) = all.split(0.3, 0)?;
        let first = |set: &Dataset, most: usize| set.subset(&(0..most.min(set.len())).collect::<Vec<_>>());
        let (mut train_set, mut test_set) = (first(&train_set, SAMPLES)?, first(&test_set, TARGETS)?);
        let scaling = Scaling::standard(&train_set);
        scaling.apply(&mut train_set)?;
        scaling.apply(&mut test_set)?;
        let config = TrainConfig { hidden: hidden.to_vec(), epochs: EPOCHS, ..TrainConfig::default() };
        let model = train(&train_set, &config, |_| {})?.model;
        let width = model.parameters().len();
        let id = Exact::new(width).id(Layout::flat(width as u64)?.id());
        let test = Gradients::new(&model, &test_set)?;
        let targets: Vec<Vec<f32>> = test.rows.chunks(width).map(<[f32]>::to_vec).collect();
        let task = |curvature, rows| Self { name, curvature, id, rows, targets: targets.clone(), most };
        Ok([
            task("gradients", Gradients::new(&model, &train_set)?),
            task("Gauss–Newton", Gradients::pseudo(&model, &train_set)?),
        ])
    }

    /// Passes until the residual of each target is within the tolerance; none for those
    /// that are not in as many as there may be.
    fn passes<S: IterativeSolver>(&self, make: impl Fn() -> Result<S>) -> Result<Vec<Option<u32>>> {
        let one = |v: &Vec<f32>| {
            let mut solver = make()?;
            solver.target(&Sketch::from_parts(self.id, v, summarize(v))?)?;
            loop {
                solver.observe_rows(&self.id, &self.rows.rows)?;
                let progress = solver.end_pass()?;
                if progress.residual <= f64::from(TOLERANCE) {
                    return Ok(Some(progress.passes));
                }
                if progress.passes >= self.most {
                    return Ok(None);
                }
            }
        };
        self.targets.iter().map(one).collect()
    }

    /// The passes of cg, of cg with EK-FAC and of lissa at a damping.
    fn at(&self, damping: f32, layers: &[Ekfac<Vec<f32>>]) -> Result<[Vec<Option<u32>>; 3]> {
        let width = self.id.width;
        let settings = ConjugateGradientsSettings {
            damping,
            tolerance: TOLERANCE,
            ..ConjugateGradientsSettings::new(width)
        };
        let lissa = LissaSettings { damping, tolerance: TOLERANCE, ..LissaSettings::new(width) };
        let buffer = || vec![0.0; settings.memory().f64s];
        let scratch =
            self.rows.factors.iter().filter_map(|layer| layer.first()).map(|(a, _)| 2 * a.len()).max();
        let scratch = || vec![0.0; scratch.unwrap_or(0)];
        Ok([
            self.passes(|| Ok(ConjugateGradients::new(settings, buffer())?))?,
            self.passes(|| {
                let inverse = EkfacInverse::new(layers, damping, scratch())?;
                Ok(ConjugateGradients::preconditioned(settings, inverse, buffer())?)
            })?,
            self.passes(|| Ok(Lissa::new(lissa, vec![0.0; lissa.memory().f64s])?))?,
        ])
    }
}

fn main() -> Result<()> {
    let (mut file, mut mnist, mut most) = (None, None, 400);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value\n\n{USAGE}"));
        match name.as_str() {
            "--csv" => file = Some(csv::Writer::from_path(value()?)?),
            "--mnist" => mnist = Some(table::read(value()?)?),
            "--most" => most = value()?.parse()?,
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(());
            }
            other => return Err(format!("{other} is not known\n\n{USAGE}").into()),
        }
    }
    let header = [
        "task",
        "C of",
        "parameters",
        "rows",
        "damping",
        "cg",
        "cg at most",
        "with EK-FAC",
        "with EK-FAC at most",
        "lissa",
    ];
    if let Some(file) = &mut file {
        file.write_record(header)?;
    }
    println!("{}", header.join("  "));
    let mut tasks = Vec::from(Task::both("digits; softmax regression", &digits()?, &[], most)?);
    tasks.extend(Task::both("digits; 16 hidden units", &digits()?, &[16], most)?);
    if let Some(all) = mnist {
        tasks.extend(Task::both("mnist; 8 hidden units", &all, &[8], most)?);
    }
    for task in &tasks {
        let layers = task.rows.layers()?;
        for damping in DAMPINGS {
            let (k, n) = (task.id.width, task.rows.rows.len() / task.id.width.max(1));
            let mut row = vec![task.name.to_owned(), task.curvature.to_owned()];
            row.extend([k.to_string(), n.to_string(), damping.to_string()]);
            for mut passes in task.at(damping, &layers)? {
                passes.sort_by_key(|passes| passes.unwrap_or(u32::MAX));
                let said =
                    |passes: Option<u32>| passes.map_or(format!("over {}", task.most), |x| x.to_string());
                row.extend([said(passes[passes.len() / 2]), said(passes[passes.len() - 1])]);
            }
            // The most of lissa says no more than its median.
            row.truncate(header.len());
            println!("{}", row.join("  "));
            if let Some(file) = &mut file {
                file.write_record(&row)?;
                file.flush()?;
            }
        }
    }
    Ok(())
}
