//! What the loops of all frameworks share: digits of which a fifth is labelled wrongly,
//! and a sieve that is told a batch's factors.
//!
//! A linear layer's gradient of one sample is δ aᵀ: a is what went into the layer, δ the
//! gradient of the sample's loss by what came out. A framework computes both for a whole
//! batch at once, for the sum of the losses. So per-sample gradients cost no pass of
//! their own.

use anyhow::ensure;
use gradsieve::sketch::Kronecker;
use gradsieve::{Allocate, Groups, Guards, Key, Layer, Rate, Sieve, SieveSettings, Sketcher};
use gradsieve_harness::data::{Dataset, Scaling, digits};
use rand::seq::SliceRandom;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

pub const INPUTS: usize = 64;
pub const HIDDEN: usize = 64;
pub const CLASSES: usize = 10;
/// The step's size, for the mean over a batch.
pub const RATE: f64 = 0.5;

const BATCH: usize = 32;
const EPOCHS: usize = 20;
/// Epochs in which nothing is left out: what is hard for a network that knows nothing is
/// not wrong for that.
const WARM_UP: usize = 2;
const WRONG: f64 = 0.2;
const SEEDS: u64 = 3;

/// A network of a framework: 64 inputs, 64 rectifiers, 10 classes.
pub trait Network {
    /// A training step on a batch, row by row. Between the backward pass and the step,
    /// `choose` is told the factors, and says which samples count: 1 or 0 each.
    ///
    /// # Errors
    /// The framework's, and those of `choose`.
    fn step(&mut self, inputs: &[f32], labels: &[u32], choose: Choose<'_>) -> anyhow::Result<()>;

    /// The likeliest class of each row.
    ///
    /// # Errors
    /// The framework's.
    fn predict(&self, inputs: &[f32]) -> anyhow::Result<Vec<u32>>;
}

/// Told a batch's factors, it says which samples count.
pub type Choose<'c> = &'c mut dyn FnMut(&Factors) -> anyhow::Result<Vec<f32>>;

/// What the gradients of a batch are made of, row by row.
pub struct Factors {
    /// What came out of the hidden layer, and went into the other.
    pub hidden: Vec<f32>,
    /// The gradient of a sample's loss by the hidden layer's sums,
    pub hidden_delta: Vec<f32>,
    /// and by the logits.
    pub delta: Vec<f32>,
    pub losses: Vec<f32>,
}

/// Weights to begin with, layer by layer: rows of outputs.
pub fn weights(seed: u64) -> [Vec<f32>; 2] {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    [(HIDDEN, INPUTS), (CLASSES, HIDDEN)].map(|(outputs, inputs)| {
        let most = (3.0 / inputs as f32).sqrt();
        (0..outputs * inputs).map(|_| random.random_range(-most..most)).collect()
    })
}

/// Trains on digits of which a fifth is labelled wrongly, without a sieve and with one,
/// and prints what came of it.
///
/// # Errors
/// Those of the data, the networks and the sieve.
pub fn compare<N: Network>(make: impl Fn(u64) -> anyhow::Result<N>) -> anyhow::Result<()> {
    println!("seed  right without, with the sieve  wrong labels left out  other samples left out");
    for seed in 0..SEEDS {
        let (mut train, mut test) = digits()?.split(0.3, seed)?;
        let scaling = Scaling::standard(&train);
        scaling.apply(&mut train)?;
        scaling.apply(&mut test)?;
        train.flip_labels(WRONG, seed)?;
        let mut all = make(seed)?;
        epochs(&mut all, &train, seed, None)?;
        let (mut some, mut watch) = (make(seed)?, Watch::new(seed)?);
        epochs(&mut some, &train, seed, Some(&mut watch))?;
        println!(
            "{seed:>4} {:>14.1} % {:>14.1} % {:>19.0} % {:>20.1} %",
            100.0 * accuracy(&all, &test)?,
            100.0 * accuracy(&some, &test)?,
            100.0 * watch.share(true),
            100.0 * watch.share(false),
        );
    }
    Ok(())
}

fn epochs(
    network: &mut impl Network,
    train: &Dataset,
    seed: u64,
    mut watch: Option<&mut Watch>,
) -> anyhow::Result<()> {
    let mut order: Vec<usize> = (0..train.len()).collect();
    let mut random = ChaCha8Rng::seed_from_u64(1000 + seed);
    for epoch in 0..EPOCHS {
        order.shuffle(&mut random);
        for ids in order.chunks(BATCH) {
            let batch = train.subset(ids)?;
            let wrong = batch.flipped().unwrap_or_default();
            network.step(batch.features(), batch.labels(), &mut |factors| match &mut watch {
                Some(watch) => watch.choose(&batch, factors, wrong, epoch >= WARM_UP),
                None => Ok(vec![1.0; ids.len()]),
            })?;
        }
    }
    Ok(())
}

fn accuracy(network: &impl Network, test: &Dataset) -> anyhow::Result<f64> {
    let found = network.predict(test.features())?;
    let right = found.iter().zip(test.labels()).filter(|(found, label)| found == label).count();
    Ok(right as f64 / test.len() as f64)
}

/// A row of a matrix.
fn row(values: &[f32], width: usize, index: usize) -> &[f32] {
    &values[index * width..(index + 1) * width]
}

/// A sieve, and what it has left out.
struct Watch {
    layers: [Layer; 2],
    sketcher: Sketcher<Kronecker<2>, Vec<f32>>,
    sieve: Sieve<Vec<i64>>,
    /// Of other samples, and of those labelled wrongly: how many there were, and how many
    /// were left out.
    counts: [[u32; 2]; 2],
}

impl Watch {
    fn new(seed: u64) -> anyhow::Result<Self> {
        // Each bias is the weight of one more input.
        let hidden = Layer::new(0, HIDDEN as u64, INPUTS as u64 + 1);
        let output = Layer::new((HIDDEN * (INPUTS + 1)) as u64, CLASSES as u64, HIDDEN as u64 + 1);
        let layers = [hidden, output];
        let projector = Kronecker::for_layers(&layers, 64, Key::seed(seed))?;
        let settings = SieveSettings {
            groups: Groups::Fixed(CLASSES as u32),
            rate: Rate::FalseAlarms(0.2),
            half_life: Some(2500),
            guards: Guards { duplicates: 0, ..Guards::ALL },
            ..SieveSettings::new(projector.width())
        };
        Ok(Self {
            layers,
            sketcher: Sketcher::allocated(projector, projector.layout())?,
            sieve: settings.allocate()?,
            counts: [[0; 2]; 2],
        })
    }

    /// Judges and learns each sample of a batch.
    fn choose(
        &mut self,
        batch: &Dataset,
        factors: &Factors,
        wrong: &[bool],
        decides: bool,
    ) -> anyhow::Result<Vec<f32>> {
        let Factors { hidden, hidden_delta, delta, losses } = factors;
        ensure!(losses.len() == batch.len(), "expected {} losses, found {}", batch.len(), losses.len());
        let mut counts = Vec::new();
        for (i, (inputs, label)) in batch.samples().enumerate() {
            let [first, second] = &self.layers;
            self.sketcher.outer_biased(second, row(hidden, HIDDEN, i), row(delta, CLASSES, i))?;
            self.sketcher.outer_biased(first, inputs, row(hidden_delta, HIDDEN, i))?;
            let sketch = self.sketcher.finish()?.in_group(label).with_loss(losses[i]);
            let verdict = self.sieve.judge(&sketch)?;
            self.sieve.observe(&sketch, &verdict)?;
            let leaves_out = decides && verdict.flagged;
            if decides {
                let [there, left_out] = &mut self.counts[usize::from(wrong[i])];
                *there += 1;
                *left_out += u32::from(leaves_out);
            }
            counts.push(if leaves_out { 0.0 } else { 1.0 });
        }
        Ok(counts)
    }

    /// The share of visits of wrong labels, or of others, that were left out.
    fn share(&self, wrong: bool) -> f64 {
        let [there, left_out] = self.counts[usize::from(wrong)];
        f64::from(left_out) / f64::from(there)
    }
}
