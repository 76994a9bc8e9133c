//! `gradsieve influence --trajectory`: a recorded run, step by step, against targets at
//! its end (data value embedding) or at its steps (in-run Shapley).
//!
//! | file | what |
//! |---|---|
//! | `recorded` | a run whose files have been looked at, and its gradients as sketches |
//! | `optimizer` | what took the steps: the form that follows them, and how far they are from it |
//! | `keep` | what is to be kept of gradients, and the factors it is fitted to |
//! | `kept` | the same, fitted |
//! | `principal` | gradients on the principal directions of their layers' inputs |
//! | `eigen` | gradients on coordinates in the eigenbases of their layers' factors |
//!
//! May import `files`, the core, of `truth` the eigenvectors and their coordinates, and
//! of the commands the `rows`, their errors and the console.

mod eigen;
mod keep;
mod kept;
mod optimizer;
mod principal;
mod recorded;

use std::path::Path;

use gradsieve::Sketch;
use gradsieve::influence::InRunShapley;
use gradsieve::influence::SgdForm;
use gradsieve::influence::dvemb::{
    Adjoint, AdjointSettings, Blocks, Curvature, MomentumAdjoint, MomentumSettings, MomentumStep, Stability,
    Step,
};

pub(super) use self::keep::Keep;
use self::optimizer::Form;
use self::recorded::Recorded;
use super::rows::{ProjectionArguments, Rows, zeros};
use super::{CommandError, console};
use gradsieve_io::files::{Matrix, RunFile, StepFile};

/// Influence of all pairs, row after row.
pub(super) struct Run {
    pub(super) values: Vec<f64>,
    pub(super) trains: usize,
    pub(super) targets: usize,
}

/// Data value embedding, last step first. `targets` are gradients at the model after the
/// last step; with `keep` they are not projected.
pub(super) fn dvemb(
    directory: &Path,
    targets: &mut Rows,
    arguments: &ProjectionArguments,
    keep: Option<Keep>,
) -> Result<Run, CommandError> {
    let form = Form::of(RunFile::read(directory)?.as_ref());
    let run = Recorded::open(directory, arguments, keep)?;
    // Sketches have no columns to compare; their ids say more.
    let columns = targets.matrix().map_or(run.columns, Matrix::cols);
    if columns != run.columns {
        let expected = format!("{} columns, as the steps of {} have", run.columns, directory.display());
        return Err(CommandError::step(targets.name(), expected, columns.to_string()));
    }
    let name = targets.name().to_owned();
    if targets.matrix().is_none() {
        run.id.check(&targets.id()).map_err(CommandError::core(&name))?;
    }
    let at_the_end = run.targets(targets)?;
    let count = targets.count();
    let what = directory.display().to_string();
    let ends = [run.width()];
    let blocks = Blocks::new(&ends).map_err(CommandError::core(&what))?;
    form.say(&run, &what, "data value embedding")?;
    let mut adjoint = Walk::new(&what, &form, &run, blocks, &at_the_end)?;
    let mut values = zeros(&what, influences(&what, run.trains, count)?)?;
    let mut progress = console::Progress::new(format!("walking back through {what}"), run.paths.len());
    let mut unstable: Vec<String> = Vec::new();
    for (done, path) in run.paths.iter().rev().enumerate() {
        let step = StepFile::read(path)?;
        let gradients = run.gradients(&step)?;
        let factors = run.factors(&step)?;
        let curvature =
            factors.as_ref().map_or(Curvature::EmpiricalFisher, |f| Curvature::Factors(&f.values));
        let learning_rate = step.learning_rate as f32;
        if !learning_rate.is_finite() {
            let expected = format!("a learning rate of at most {:e}", f32::MAX);
            return Err(CommandError::step(&step.name, expected, format!("{:e}", step.learning_rate)));
        }
        let taken = Step { id: run.id, learning_rate, gradients: &gradients.values, curvature };
        let mut scores = vec![0.0; step.ids.len() * count];
        let divisor = form.divisor(step.ids.len());
        let stability = adjoint.step(taken, divisor, &mut scores).map_err(CommandError::core(&step.name))?;
        if stability.is_unstable() {
            unstable.push(step.name.clone());
        }
        for (&id, scores) in step.ids.iter().zip(scores.chunks_exact(count.max(1))) {
            let row = &mut values[id as usize * count..][..count];
            row.iter_mut().zip(scores).for_each(|(sum, &score): (&mut f64, _)| *sum += f64::from(score));
        }
        progress.reach(done + 1);
    }
    warn(&unstable);
    Ok(Run { values, trains: run.trains, targets: count })
}

/// The walk back along a run: by the form of what took its steps.
enum Walk<'b> {
    Plain(Adjoint<'b, Vec<f32>>),
    Momentum(MomentumAdjoint<'b, Vec<f32>>),
}

impl<'b> Walk<'b> {
    fn new(
        what: &str,
        form: &Form,
        run: &Recorded,
        blocks: Blocks<'b>,
        targets: &[f32],
    ) -> Result<Self, CommandError> {
        let count = targets.len().checked_div(run.width()).unwrap_or(0);
        let core = CommandError::core(what);
        if form.is_plain() {
            let settings = AdjointSettings { blocks, targets: count, rows: run.rows };
            let memory = zeros(what, settings.memory().f32s)?;
            return Adjoint::new(settings, run.id, targets, memory).map(Self::Plain).map_err(core);
        }
        let SgdForm { momentum, gain, nesterov, weight_decay } = form.sgd;
        let [momentum, gain, weight_decay] = [momentum, gain, weight_decay].map(|setting| setting as f32);
        let usual = MomentumSettings::new(blocks, count, run.rows);
        let settings = MomentumSettings { momentum, gain, nesterov, weight_decay, ..usual };
        let memory = zeros(what, settings.memory().f32s)?;
        MomentumAdjoint::new(settings, run.id, targets, memory).map(Self::Momentum).map_err(core)
    }

    /// `divisor` is what the optimizer's gradient was divided by.
    fn step(
        &mut self,
        step: Step<'_>,
        divisor: f32,
        scores: &mut [f32],
    ) -> Result<Stability, gradsieve::Error> {
        match self {
            Self::Plain(adjoint) => adjoint.step(&step, scores),
            Self::Momentum(adjoint) => adjoint.step(&MomentumStep { step, divisor, decay: 0.0 }, scores),
        }
    }
}

/// The most bytes of influence that are held.
const INFLUENCE_BYTES: u128 = 8 << 30;

/// How many numbers the influence of so many samples on so many targets is, if they are
/// not too many: the largest id says how many samples there are, and may be anything.
fn influences(what: &str, trains: usize, targets: usize) -> Result<usize, CommandError> {
    let count = trains as u128 * targets as u128;
    let bytes = count * size_of::<f64>() as u128;
    if bytes <= INFLUENCE_BYTES {
        return Ok(count as usize);
    }
    let what_for = format!("the influence of {trains} samples, as the largest id says, on {targets} targets");
    Err(CommandError::Memory { file: what.to_owned(), what: what_for, bytes })
}

/// Says which steps are too large for the linear model.
fn warn(unstable: &[String]) {
    if let Some(last) = unstable.first() {
        let others = match unstable.len() - 1 {
            0 => String::new(),
            n => format!(" and {n} steps before it"),
        };
        console::remark(format!(
            "{last}{others}: learning rate times curvature is above 2, so the run is unstable there and influence through it is not to be trusted"
        ));
    }
}

/// In-run Shapley values for the targets of the steps themselves.
pub(super) fn shapley(
    directory: &Path,
    arguments: &ProjectionArguments,
    keep: Option<Keep>,
) -> Result<Run, CommandError> {
    let form = Form::of(RunFile::read(directory)?.as_ref());
    let run = Recorded::open(directory, arguments, keep)?;
    let what = directory.display().to_string();
    form.say_of_plain(&run, &what, "in-run Shapley values")?;
    let mut scores: Vec<Vec<f64>> = Vec::new();
    let mut progress = console::Progress::new(format!("walking through {what}"), run.paths.len());
    for (done, path) in run.paths.iter().enumerate() {
        let step = StepFile::read(path)?;
        let Some(target) = &step.target else {
            let expected = "a tensor \"target\", the validation gradients at the step".to_owned();
            return Err(CommandError::step(&step.name, expected, "none".to_owned()));
        };
        if done == 0 {
            influences(&what, run.trains, target.count())?;
            scores = vec![zeros(&what, run.trains)?; target.count()];
        } else if target.count() != scores.len() {
            let expected = format!("{} targets, as the steps before have", scores.len());
            return Err(CommandError::step(&step.name, expected, target.count().to_string()));
        }
        let gradients = run.gradients(&step)?;
        let target = run.rows(&step.name, target)?;
        let curvature = step.curvature.as_ref().map(|rows| run.rows(&step.name, rows)).transpose()?;
        let curvature: Option<Vec<Sketch<'_>>> =
            curvature.as_ref().map(|rows| rows.sketches(run.id).collect());
        let ids = step.ids.iter().map(|&id| id as usize);
        let batch: Vec<(usize, Sketch<'_>)> = ids.zip(gradients.sketches(run.id)).collect();
        for (number, (target, scores)) in target.sketches(run.id).zip(&mut scores).enumerate() {
            // The state is its scores: those of this step are added to the ones before.
            let mut of_step = zeros(&what, run.trains)?;
            let curvature = curvature.as_ref().and_then(|rows| rows.get(number));
            InRunShapley::new(&mut of_step)
                .observe_step(step.learning_rate, &target, curvature, &batch)
                .map_err(CommandError::core(&step.name))?;
            scores.iter_mut().zip(of_step).for_each(|(sum, score)| *sum += score);
            if let Some(sum) = scores.iter().find(|sum| !sum.is_finite()) {
                return Err(CommandError::step(
                    &step.name,
                    "sums within the range of f64".to_owned(),
                    sum.to_string(),
                ));
            }
        }
        progress.reach(done + 1);
    }
    let targets = scores.len();
    let values = (0..run.trains).flat_map(|i| scores.iter().map(move |scores| scores[i])).collect();
    Ok(Run { values, trains: run.trains, targets })
}
