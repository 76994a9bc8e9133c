//! Training on a third of each batch: which third? GREATS against random picks, the
//! largest losses, and the whole batch.
//!
//! `cargo run --release -p gradsieve-harness --example greats -- [FILE.csv]`
//!
//! Each step draws 48 candidates and takes one step of SGD with the mean gradient of 16
//! of them. GREATS sees the mean gradient of 100 validation samples, whose labels are
//! right; "random third, validation too" may train on them. All that GREATS needs comes
//! from the layers' factors ([`gradsieve::ghost`]): 48 × 48 products a step.

use gradsieve::ghost::{LayerGradient, memory, products};
use gradsieve::influence::Greats;
use gradsieve::{Layer, Sequence};
use gradsieve_harness::data::machine::machine;
use gradsieve_harness::data::random::{Purpose, generator};
use gradsieve_harness::data::{Dataset, Scaling, digits};
use gradsieve_harness::model::{Mlp, Scratch};
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

const CANDIDATES: usize = 48;
const PICKED: usize = CANDIDATES / 3;
const HIDDEN: usize = 32;
const RATE: f32 = 0.1;
const VALIDATION: usize = 100;
const SEEDS: u64 = 5;
const NOISE: [f64; 2] = [0.0, 0.2];
/// Steps after which the test accuracy is taken.
const LOOKS: [usize; 2] = [100, 600];

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Whole,
    Random,
    RandomOfAll,
    Losses,
    Greats(u8),
}

const WAYS: [(Way, &str); 8] = [
    (Way::Whole, "the whole batch"),
    (Way::Random, "random third"),
    (Way::RandomOfAll, "random third, validation too"),
    (Way::Losses, "largest losses"),
    (Way::Greats(0), "GREATS, c = 0"),
    (Way::Greats(1), "GREATS, c = 1"),
    (Way::Greats(10), "GREATS, c = 10"),
    (Way::Greats(100), "GREATS, c = 100"),
];

/// One sample's loss, and the factors of its layers, from the first layer to the last.
struct Sample {
    loss: f64,
    activations: Vec<Vec<f32>>,
    deltas: Vec<Vec<f32>>,
}

impl Sample {
    fn new(model: &Mlp, x: &[f32], label: u32, scratch: &mut Scratch) -> Result<Self> {
        let (mut activations, mut deltas) = (Vec::new(), Vec::new());
        let loss = model.backward(x, label, scratch, |layer| {
            // The bias is the weight of one more input, which is 1.
            activations.push([layer.activation, &[1.0]].concat());
            deltas.push(layer.delta.to_vec());
        })?;
        activations.reverse();
        deltas.reverse();
        Ok(Self { loss, activations, deltas })
    }

    fn gradient(&self) -> Result<Vec<LayerGradient<'_, f32>>> {
        let layers = self.activations.iter().zip(&self.deltas);
        layers
            .map(|(a, b)| {
                let layer = Layer::new(0, b.len() as u64, a.len() as u64);
                Ok(LayerGradient::Linear(Sequence::new(&layer, 1, a, b)?))
            })
            .collect()
    }
}

/// A sample of a set.
fn at(set: &Dataset, place: usize) -> Result<(&[f32], u32)> {
    let (x, label) = set.row(place).zip(set.labels().get(place)).ok_or("no such sample")?;
    Ok((x, *label))
}

/// The gradients of samples.
fn gradients(samples: &[Sample]) -> Result<Vec<Vec<LayerGradient<'_, f32>>>> {
    samples.iter().map(Sample::gradient).collect()
}

/// g·g′ of all samples of two lists.
fn all_products(x: &[Sample], y: &[Sample]) -> Result<Vec<f64>> {
    let (x, y) = (gradients(x)?, gradients(y)?);
    let (x, y): (Vec<_>, Vec<_>) =
        (x.iter().map(Vec::as_slice).collect(), y.iter().map(Vec::as_slice).collect());
    let mut out = vec![0.0; x.len() * y.len()];
    products(&x, &y, &mut vec![0.0; memory(x.len(), y.len()).scratch], &mut out)?;
    Ok(out)
}

/// The places of the candidates to train on.
fn picked(
    way: Way,
    candidates: &[Sample],
    validation: impl FnOnce() -> Result<Vec<Sample>>,
) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    match way {
        Way::Whole => return Ok(order),
        Way::Random | Way::RandomOfAll => {} // They are drawn at random.
        Way::Losses => order.sort_by(|&x, &y| candidates[y].loss.total_cmp(&candidates[x].loss)),
        Way::Greats(curvature) => {
            let aims = validation()?;
            let aligned = all_products(candidates, &aims)?;
            let mean = |row: &[f64]| row.iter().sum::<f64>() / row.len() as f64;
            let mut gains: Vec<f64> = aligned.chunks(aims.len()).map(mean).collect();
            let greats = Greats::new(f64::from(RATE) / PICKED as f64)?.with_curvature(curvature.into())?;
            greats.pick(PICKED, &mut gains, &all_products(candidates, candidates)?, &mut order)?;
        }
    }
    order.truncate(PICKED);
    Ok(order)
}

/// Test accuracies, in percent, after so many steps.
fn trained(way: Way, train: &Dataset, validation: &Dataset, test: &Dataset, seed: u64) -> Result<Vec<f64>> {
    let mut model = Mlp::new(train.dim(), &[HIDDEN], train.classes(), seed)?;
    let mut rng: ChaCha8Rng = generator(seed, Purpose::Shuffle);
    let (mut scratch, mut found) = (Scratch::default(), Vec::new());
    let mut sum = vec![0.0_f32; model.parameters().len()];
    for step in 1..=LOOKS[1] {
        let others = if way == Way::RandomOfAll { validation.len() } else { 0 };
        let places = index::sample(&mut rng, train.len() + others, CANDIDATES).into_vec();
        let drawn = places.iter().map(|&place| match place.checked_sub(train.len()) {
            Some(place) => at(validation, place),
            None => at(train, place),
        });
        let drawn = drawn.collect::<Result<Vec<_>>>()?;
        let mut sample = |(x, label): (&[f32], u32)| Sample::new(&model, x, label, &mut scratch);
        let candidates = drawn.iter().map(|&drawn| sample(drawn)).collect::<Result<Vec<_>>>()?;
        let aims = || (0..validation.len()).map(|place| sample(at(validation, place)?)).collect();
        let picked = picked(way, &candidates, aims)?;
        sum.fill(0.0);
        let rate = RATE / picked.len() as f32;
        for &place in &picked {
            let (x, label) = drawn[place];
            model.add_gradient(x, label, 1.0, &mut scratch, &mut sum)?;
        }
        model.parameters_mut().iter_mut().zip(&sum).for_each(|(w, g)| *w -= rate * g);
        if LOOKS.contains(&step) {
            found.push(100.0 * model.accuracy(test)?);
        }
    }
    Ok(found)
}

/// Training set with wrong labels, validation and test set.
fn sets(task: &str, noise: f64, seed: u64) -> Result<[Dataset; 3]> {
    let all = if task == "digits" { digits()? } else { machine(1500, seed)? };
    let (mut train, mut test) = all.split(0.3, seed)?;
    let scaling = Scaling::standard(&train);
    scaling.apply(&mut train)?;
    scaling.apply(&mut test)?;
    let (first, rest): (Vec<_>, Vec<_>) = (0..train.len()).partition(|&place| place < VALIDATION);
    let (validation, mut train) = (train.subset(&first)?, train.subset(&rest)?);
    train.flip_labels(noise, seed)?;
    Ok([train, validation, test])
}

fn main() -> Result<()> {
    let mut file = std::env::args().nth(1).map(csv::Writer::from_path).transpose()?;
    let header = ["task", "wrong labels", "way", "accuracy after 100 steps", "after 600 steps", "deviation"];
    if let Some(file) = &mut file {
        file.write_record(header)?;
    }
    println!("{}", header.join("  "));
    for task in ["digits", "machine"] {
        for noise in NOISE {
            for (way, name) in WAYS {
                let runs = (0..SEEDS).map(|seed| {
                    let [train, validation, test] = sets(task, noise, seed)?;
                    trained(way, &train, &validation, &test, seed)
                });
                let runs = runs.collect::<Result<Vec<_>>>()?;
                let mean = |look: usize| runs.iter().map(|run| run[look]).sum::<f64>() / SEEDS as f64;
                let squares: f64 = runs.iter().map(|run| (run[1] - mean(1)).powi(2)).sum();
                let figures = [mean(0), mean(1), (squares / (SEEDS - 1) as f64).sqrt()];
                let [early, late, deviation] = figures.map(|x| format!("{x:.1}"));
                let row =
                    [task.into(), format!("{:.0} %", 100.0 * noise), name.into(), early, late, deviation];
                println!("{}", row.join("  "));
                if let Some(file) = &mut file {
                    file.write_record(&row)?;
                }
            }
        }
    }
    Ok(())
}
