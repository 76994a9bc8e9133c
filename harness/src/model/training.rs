//! Training: mini-batches in a seeded order, checkpoints, one report an epoch. A pure
//! function of the set and the settings: retraining on a subset differs only by what was
//! left out.
//!
//! A step uses the mean gradient of its batch, summed in f32 over the samples in their
//! order (a product is rounded, then added) and multiplied by 1/B; the last batch of an
//! epoch may be smaller. In the sum form of the influence methods a step's rate is
//! therefore η/B.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::error::ModelError;
use super::mlp::{Mlp, Scratch};
use super::optimizer::{Optimizer, Stepper};
use crate::data::Dataset;
use crate::data::random::{Purpose, generator};

/// How the learning rate moves over the epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// The same rate always.
    #[default]
    Constant,
    /// From the full rate in the first epoch down half a cosine, towards 0: η·(1 +
    /// cos(π·(e−1)/E))/2 in epoch e of E.
    Cosine,
}

/// Everything that training depends on besides the set.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainConfig {
    /// Widths of the hidden layers; none for softmax regression.
    pub hidden: Vec<usize>,
    /// Passes over the set. 0 returns the fresh model.
    pub epochs: usize,
    /// Samples B of a mini-batch, at least 1.
    pub batch_size: usize,
    /// η of the first epoch, for the mean gradient of a batch.
    pub learning_rate: f32,
    /// How η moves.
    pub schedule: Schedule,
    /// The rule of a step.
    pub optimizer: Optimizer,
    /// λ of the term λθ that is added to every gradient; with AdamW, of θ ← (1 − ηλ)θ.
    pub weight_decay: f32,
    /// Decides the first parameters and the order of samples.
    pub seed: u64,
    /// After which epochs the parameters are kept; 0 is the fresh model. Order and
    /// repetition do not matter.
    pub checkpoints: Vec<usize>,
}

impl Default for TrainConfig {
    /// One hidden layer of 64, SGD at 0.1, batches of 32, 150 epochs, no decay, no
    /// checkpoints, seed 0: the settings of the demonstration on digits.
    fn default() -> Self {
        Self {
            hidden: vec![64],
            epochs: 150,
            batch_size: 32,
            learning_rate: 0.1,
            schedule: Schedule::Constant,
            optimizer: Optimizer::Sgd,
            weight_decay: 0.0,
            seed: 0,
            checkpoints: Vec::new(),
        }
    }
}

/// What an observer learns after each epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// The epoch, from 1.
    pub number: usize,
    /// The epochs there will be.
    pub of: usize,
    /// The mean loss over the epoch, each sample at the moment it was trained on (before
    /// its step).
    pub loss: f64,
    /// The learning rate η of the epoch.
    pub learning_rate: f32,
}

/// The model as it was after an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The epoch after which it was kept, 0 for the fresh model.
    pub epoch: usize,
    /// The learning rate η of that epoch (of the first for epoch 0).
    pub learning_rate: f32,
    /// All p parameters.
    pub parameters: Vec<f32>,
}

/// A trained model and its history.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The model after the last epoch.
    pub model: Mlp,
    /// The checkpoints asked for that lie within the epochs, rising.
    pub checkpoints: Vec<Checkpoint>,
    /// Every epoch's report.
    pub history: Vec<Epoch>,
}

/// Trains a fresh model on `set`; `observe` is called after every epoch.
///
/// # Errors
/// A setting outside its range; training that diverges (a loss that is not finite).
pub fn train(
    set: &Dataset,
    config: &TrainConfig,
    mut observe: impl FnMut(&Epoch),
) -> Result<Trained, ModelError> {
    config.check()?;
    let mut model = Mlp::new(set.dim(), &config.hidden, set.classes(), config.seed)?;
    let mut pass = Pass {
        set,
        batch_size: config.batch_size,
        stepper: Stepper::new(config.optimizer, config.weight_decay, model.parameters().len()),
        scratch: Scratch::default(),
        gradient: vec![0.0; model.parameters().len()],
    };
    let mut order = Order::new(set.len(), config.seed);
    let mut checkpoints = Vec::new();
    let mut history = Vec::new();
    let keep = |number, learning_rate, model: &Mlp, kept: &mut Vec<Checkpoint>| {
        if config.checkpoints.contains(&number) {
            kept.push(Checkpoint { epoch: number, learning_rate, parameters: model.parameters().to_vec() });
        }
    };
    keep(0, config.learning_rate, &model, &mut checkpoints);
    for number in 1..=config.epochs {
        let learning_rate = config.rate_in(number);
        let loss = pass.run(order.next_epoch(), learning_rate, &mut model)?;
        if !loss.is_finite() {
            return Err(ModelError::Diverged { epoch: number, learning_rate });
        }
        keep(number, learning_rate, &model, &mut checkpoints);
        let epoch = Epoch { number, of: config.epochs, loss, learning_rate };
        history.push(epoch);
        observe(&epoch);
    }
    Ok(Trained { model, checkpoints, history })
}

/// The order of samples, shuffled anew for each epoch.
pub(super) struct Order {
    rng: ChaCha8Rng,
    order: Vec<usize>,
}

impl Order {
    pub(super) fn new(samples: usize, seed: u64) -> Self {
        Self { rng: generator(seed, Purpose::Shuffle), order: (0..samples).collect() }
    }

    pub(super) fn next_epoch(&mut self) -> &[usize] {
        self.order.shuffle(&mut self.rng);
        &self.order
    }
}

/// What an epoch works with.
struct Pass<'a> {
    set: &'a Dataset,
    batch_size: usize,
    stepper: Stepper,
    scratch: Scratch,
    gradient: Vec<f32>,
}

impl Pass<'_> {
    /// One epoch in the given order; returns the mean loss.
    fn run(&mut self, order: &[usize], learning_rate: f32, model: &mut Mlp) -> Result<f64, ModelError> {
        let mut total = 0.0;
        for batch in order.chunks(self.batch_size) {
            self.gradient.fill(0.0);
            total += add_gradients(model, self.set, batch, &mut self.scratch, &mut self.gradient)?;
            let share = 1.0 / batch.len() as f32;
            self.gradient.iter_mut().for_each(|g| *g *= share);
            self.stepper.step(learning_rate, &mut self.gradient, model.parameters_mut());
        }
        Ok(total / order.len() as f64)
    }
}

/// The mean gradient of the samples at `indices` into `gradient` (p values, overwritten),
/// as a training step on that batch uses it. Returns their mean loss.
///
/// # Errors
/// No index, or one past the end; a set that is not the model's shape; a `gradient` of
/// another length than p.
pub fn batch_gradient_into(
    model: &Mlp,
    set: &Dataset,
    indices: &[usize],
    scratch: &mut Scratch,
    gradient: &mut [f32],
) -> Result<f64, ModelError> {
    super::error::check_length("gradient", gradient.len(), model.parameters().len())?;
    if indices.is_empty() {
        return Err(ModelError::Range { what: "samples of a batch", found: 0.0, expected: "at least 1" });
    }
    gradient.fill(0.0);
    let total = add_gradients(model, set, indices, scratch, gradient)?;
    let share = 1.0 / indices.len() as f32;
    gradient.iter_mut().for_each(|g| *g *= share);
    Ok(total / indices.len() as f64)
}

/// Adds the samples' gradients to `sum` one after another; returns the sum of their
/// losses.
fn add_gradients(
    model: &Mlp,
    set: &Dataset,
    indices: &[usize],
    scratch: &mut Scratch,
    sum: &mut [f32],
) -> Result<f64, ModelError> {
    let mut total = 0.0;
    for &i in indices {
        let (Some(x), Some(&label)) = (set.row(i), set.labels().get(i)) else {
            let expected = "an index below the number of samples";
            return Err(ModelError::Range { what: "index of a sample", found: i as f64, expected });
        };
        total += model.backward(x, label, scratch, |part| part.add_to(1.0, sum))?;
    }
    Ok(total)
}

impl TrainConfig {
    /// The learning rate η in epoch `number`, from 1.
    pub fn rate_in(&self, number: usize) -> f32 {
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::Cosine => {
                let done = number.saturating_sub(1) as f64 / self.epochs.max(1) as f64;
                (f64::from(self.learning_rate) * 0.5 * (1.0 + libm::cos(core::f64::consts::PI * done))) as f32
            }
        }
    }

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let refuse = |what, found, expected| Err(ModelError::Range { what, found, expected });
        if self.batch_size == 0 {
            return refuse("batch size", 0.0, "at least 1");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return refuse("learning rate", self.learning_rate.into(), "a positive number");
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return refuse("weight decay", self.weight_decay.into(), "a number that is not negative");
        }
        self.optimizer.check()
    }
}
