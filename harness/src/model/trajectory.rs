//! The path of a training run: every batch, every learning rate, every θ_t and what the
//! optimizer remembered; and exact replays of it with a sample left out.
//!
//! In f64 and in **sum form**: with plain SGD θ_{t+1} = θ_t − η_t Σ_{z ∈ B_t} ∇ℓ(z; θ_t),
//! η_t = lr/|B_t|; other [optimizers](super::optimizer) see the mean gradient (1/|B_t|) Σ
//! ∇ℓ, and weight decay. A replay leaves a sample's term out of the sum and changes
//! nothing else: the batches are the same, η_t and the division by |B_t| are the same (it
//! does *not* become |B_t| − 1), so a removal does not rescale the others. The optimizer
//! takes up again from its moments before the first changed step, and they go their own
//! way from there. The first parameters and the order of samples are those of
//! [`train`](super::train) with the same settings; only the precision is another.
//!
//! *Memory*: 8·p bytes a step; 16·p with momentum, 24·p with Adam's moments.

use super::error::{ModelError, check_length};
use super::mlp::{Mlp, Scratch};
use super::optimizer::{Moments, Optimizer};
use super::second::sample;
use super::training::{Order, TrainConfig};
use crate::data::Dataset;

/// One step of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The epoch it belongs to, from 1.
    pub epoch: usize,
    /// The samples of the batch, by their index in the set, in the order of their sum.
    pub batch: Vec<usize>,
    /// η_t in sum form: the learning rate over the size of the batch.
    pub rate: f64,
    /// θ_t before the step, p values.
    pub parameters: Vec<f64>,
    /// What the optimizer remembered before the step.
    pub moments: Moments,
}

impl Step {
    /// The learning rate for the mean gradient of the batch.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.rate * self.batch.len() as f64
    }
}

/// A recorded training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    steps: Vec<Step>,
    end: Mlp<f64>,
    last: Moments,
    optimizer: Optimizer,
    weight_decay: f64,
}

/// From which steps a replay leaves a sample out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// From its batch in the last epoch only.
    LastEpoch,
    /// From every batch that it was in.
    AllEpochs,
}

impl Removal {
    /// Its name in tables and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LastEpoch => "last epoch",
            Self::AllEpochs => "all epochs",
        }
    }
}

impl Trajectory {
    /// Trains a fresh model on `set` and keeps the path.
    ///
    /// # Errors
    /// A setting outside its range; training that diverges.
    pub fn record(set: &Dataset, config: &TrainConfig) -> Result<Self, ModelError> {
        config.check()?;
        let (optimizer, weight_decay) = (config.optimizer, f64::from(config.weight_decay));
        let mut end = Mlp::new(set.dim(), &config.hidden, set.classes(), config.seed)?.widened();
        let mut order = Order::new(set.len(), config.seed);
        let mut steps = Vec::new();
        let moments = Moments::new(&optimizer, end.parameters().len());
        let mut walk = Walk::new(set, end.parameters().len(), (optimizer, weight_decay), moments);
        for epoch in 1..=config.epochs {
            let learning_rate = config.rate_in(epoch);
            for batch in order.next_epoch().chunks(config.batch_size) {
                let rate = f64::from(learning_rate) / batch.len() as f64;
                let (parameters, moments) = (end.parameters().to_vec(), walk.moments.clone());
                let loss = walk.step(&mut end, (steps.len(), batch, rate), |_| 1.0)?;
                if !loss.is_finite() {
                    return Err(ModelError::Diverged { epoch, learning_rate });
                }
                steps.push(Step { epoch, batch: batch.to_vec(), rate, parameters, moments });
            }
        }
        Ok(Self { steps, end, last: walk.moments, optimizer, weight_decay })
    }

    /// All steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The optimizer that took the steps.
    #[must_use]
    pub const fn optimizer(&self) -> Optimizer {
        self.optimizer
    }

    /// λ: of the term λθ that is added to every mean gradient, or with AdamW of θ ← (1 −
    /// ηλ)θ.
    #[must_use]
    pub const fn weight_decay(&self) -> f64 {
        self.weight_decay
    }

    /// The parameters after step `t`, by its number from 0, had the optimizer seen
    /// `mean`, p numbers, for the mean gradient and had its learning rate been `times` as
    /// large; θ_T if there is no such step.
    #[must_use]
    pub fn stepped(&self, t: usize, mean: &[f64], times: f64) -> Vec<f64> {
        let Some(step) = self.steps.get(t) else { return self.end.parameters().to_vec() };
        let (mut parameters, mut moments) = (step.parameters.clone(), step.moments.clone());
        let rate = (t + 1, times * step.learning_rate());
        moments.step(&self.optimizer, self.weight_decay, rate, &mut mean.to_vec(), &mut parameters);
        parameters
    }

    /// What the optimizer remembered after step `t`, by its number from 0.
    #[must_use]
    pub fn moments_after(&self, t: usize) -> &Moments {
        self.steps.get(t + 1).map_or(&self.last, |step| &step.moments)
    }

    /// θ_T, the parameters after the last step.
    pub fn end(&self) -> &Mlp<f64> {
        &self.end
    }

    /// The model at the end, rounded to f32.
    pub fn model(&self) -> Mlp {
        self.end.rounded()
    }

    /// The model before step `t`, rounded to f32; the one at the end if there is no such
    /// step.
    pub fn model_before(&self, t: usize) -> Mlp {
        let parameters = self.steps.get(t).map_or(self.end.parameters(), |step| &step.parameters);
        let parameters = parameters.iter().map(|&w| w as f32).collect();
        Mlp { layers: self.end.layers.clone(), parameters }
    }

    /// The first step that a removal may change; the number of steps if there is none.
    pub fn first_step(&self, removal: Removal) -> usize {
        let last = self.steps.last().map_or(0, |step| step.epoch);
        match removal {
            Removal::AllEpochs => 0,
            Removal::LastEpoch => self.steps.iter().position(|step| step.epoch == last).unwrap_or(0),
        }
    }

    /// Trains again from the first step that holds sample `left_out`, on the same
    /// batches, without its gradient in the steps that `removal` names. `set` is the one
    /// that was recorded. The result is θ_T′; without such a step, θ_T.
    ///
    /// # Errors
    /// A set of another shape.
    pub fn without(&self, set: &Dataset, left_out: usize, removal: Removal) -> Result<Mlp<f64>, ModelError> {
        self.reweighted(set, left_out, 0.0, removal)
    }

    /// The same, with sample `i`'s gradient times `weight` in those steps: 0 leaves it
    /// out, 1 changes nothing.
    ///
    /// # Errors
    /// As [`without`](Self::without).
    pub fn reweighted(
        &self,
        set: &Dataset,
        i: usize,
        weight: f64,
        removal: Removal,
    ) -> Result<Mlp<f64>, ModelError> {
        let from = self.first_step(removal);
        let holds = |step: &Step| step.batch.contains(&i);
        let Some(begin) = self.steps[from..].iter().position(holds).map(|after| from + after) else {
            return Ok(self.end.clone());
        };
        self.replay(set, begin, |j| if j == i { weight } else { 1.0 })
    }

    /// Trains again from the beginning, on the same batches, with each sample's gradient
    /// times its weight, n of them. η stays as it was.
    ///
    /// # Errors
    /// Another number of weights than samples; a set of another shape.
    pub fn weighted(&self, set: &Dataset, weights: &[f64]) -> Result<Mlp<f64>, ModelError> {
        check_length("weights", weights.len(), set.len())?;
        self.replay(set, 0, |i| weights.get(i).copied().unwrap_or(1.0))
    }

    fn replay(
        &self,
        set: &Dataset,
        begin: usize,
        weight: impl Fn(usize) -> f64,
    ) -> Result<Mlp<f64>, ModelError> {
        let mut model = self.end.clone();
        let Some(first) = self.steps.get(begin) else { return Ok(model) };
        model.parameters_mut().copy_from_slice(&first.parameters);
        let settings = (self.optimizer, self.weight_decay);
        let mut walk = Walk::new(set, model.parameters().len(), settings, first.moments.clone());
        for (number, step) in self.steps.iter().enumerate().skip(begin) {
            walk.step(&mut model, (number, &step.batch, step.rate), &weight)?;
        }
        Ok(model)
    }
}

/// What a walk along batches works with.
struct Walk<'a> {
    set: &'a Dataset,
    scratch: Scratch<f64>,
    gradient: Vec<f64>,
    optimizer: Optimizer,
    weight_decay: f64,
    moments: Moments,
}

impl<'a> Walk<'a> {
    fn new(
        set: &'a Dataset,
        parameters: usize,
        (optimizer, weight_decay): (Optimizer, f64),
        moments: Moments,
    ) -> Self {
        let gradient = vec![0.0; parameters];
        Self { set, scratch: Scratch::default(), gradient, optimizer, weight_decay, moments }
    }

    /// One step, by its number from 0, its batch and its rate in sum form; returns the
    /// sum of the losses that were summed.
    fn step(
        &mut self,
        model: &mut Mlp<f64>,
        (number, batch, rate): (usize, &[usize], f64),
        weight: impl Fn(usize) -> f64,
    ) -> Result<f64, ModelError> {
        self.gradient.fill(0.0);
        let mut total = 0.0;
        for &i in batch {
            let weight = weight(i);
            if weight == 0.0 {
                continue;
            }
            let (x, label) = sample(self.set, i)?;
            total += model.add_gradient(x, label, weight, &mut self.scratch, &mut self.gradient)?;
        }
        if self.optimizer == Optimizer::Sgd && self.weight_decay == 0.0 {
            for (w, g) in model.parameters_mut().iter_mut().zip(&self.gradient) {
                *w -= rate * g;
            }
            return Ok(total);
        }
        let samples = batch.len() as f64;
        self.gradient.iter_mut().for_each(|g| *g /= samples);
        self.moments.step(
            &self.optimizer,
            self.weight_decay,
            (number + 1, rate * samples),
            &mut self.gradient,
            model.parameters_mut(),
        );
        Ok(total)
    }
}
