//! Training that shows each sample before it is used.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::super::error::TruthError;
use super::super::settings::Settings;
use super::stream::Reading;
use crate::data::Dataset;
use crate::data::random::{Purpose, generator};
use crate::model::{Mlp, ModelError, Scratch};

/// A model under way.
pub(super) struct Trainer<'a> {
    settings: &'a Settings,
    pub(super) model: Mlp,
    order: ChaCha8Rng,
    scratch: Scratch,
    /// Epochs so far.
    epochs: usize,
    gradient: Vec<f32>,
    /// The gradient as it is judged: what damages it leaves the step as it is.
    judged: Vec<f32>,
    sum: Vec<f32>,
}

impl<'a> Trainer<'a> {
    pub(super) fn new(settings: &'a Settings, set: &Dataset, seed: u64) -> Result<Self, TruthError> {
        settings.training(seed).check()?;
        let model = Mlp::new(set.dim(), &settings.hidden, set.classes(), seed)?;
        let zeros = vec![0.0; model.parameters().len()];
        let (scratch, order) = (Scratch::default(), generator(seed, Purpose::Shuffle));
        Ok(Self {
            settings,
            model,
            order,
            scratch,
            epochs: 0,
            gradient: zeros.clone(),
            judged: zeros.clone(),
            sum: zeros,
        })
    }

    /// The order of an epoch: as they come in the first, then shuffled.
    fn order(&mut self, samples: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..samples).collect();
        if self.epochs > 0 {
            order.shuffle(&mut self.order);
        }
        order
    }

    /// One epoch over `set`. Before it is used, each sample is shown to `judge` with the
    /// model's reading and its gradient; what `judge` refuses is left out of its step.
    pub(super) fn epoch(
        &mut self,
        set: &Dataset,
        mut judge: impl FnMut(usize, Reading, &mut [f32]) -> Result<bool, TruthError>,
    ) -> Result<(), TruthError> {
        let order = self.order(set.len());
        self.epochs += 1;
        for batch in order.chunks(self.settings.batch_size) {
            self.sum.fill(0.0);
            let mut used = 0;
            for &i in batch {
                let reading = self.read(set, i)?;
                self.judged.copy_from_slice(&self.gradient);
                if judge(i, reading, &mut self.judged)? {
                    used += 1;
                    self.sum.iter_mut().zip(&self.gradient).for_each(|(sum, g)| *sum += g);
                }
            }
            let rate = self.settings.learning_rate / used.max(1) as f32;
            for (w, g) in self.model.parameters_mut().iter_mut().zip(&self.sum) {
                *w -= rate * g;
            }
        }
        if self.model.parameters().iter().all(|w| w.is_finite()) {
            return Ok(());
        }
        Err(ModelError::Diverged { epoch: self.epochs, learning_rate: self.settings.learning_rate }.into())
    }

    /// What the model makes of a sample, whose gradient it leaves in `self`.
    fn read(&mut self, set: &Dataset, i: usize) -> Result<Reading, TruthError> {
        let (x, label) = (set.row(i).unwrap_or_default(), set.labels().get(i).copied().unwrap_or_default());
        let reading = Reading::of(&self.model, x, label, &mut self.scratch)?;
        self.model.gradient_into(x, label, &mut self.scratch, &mut self.gradient)?;
        Ok(reading)
    }

    /// Trains for so many epochs.
    pub(super) fn train(&mut self, set: &Dataset, epochs: usize) -> Result<(), TruthError> {
        (0..epochs).try_for_each(|_| self.epoch(set, |_, _, _| Ok(true)))
    }

    /// Shows every sample to `judge`, in order, and learns nothing.
    pub(super) fn show(
        &mut self,
        set: &Dataset,
        mut judge: impl FnMut(usize, Reading, &mut [f32]) -> Result<(), TruthError>,
    ) -> Result<(), TruthError> {
        for i in 0..set.len() {
            let reading = self.read(set, i)?;
            judge(i, reading, &mut self.gradient)?;
        }
        Ok(())
    }
}
