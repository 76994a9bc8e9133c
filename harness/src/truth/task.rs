//! The data and the training of one seed.

use rand::seq::SliceRandom;

use super::error::TruthError;
use super::settings::Settings;
use crate::data::Dataset;
use crate::data::random::{Purpose, generator};
use crate::model::{Optimizer, TrainConfig};

/// What one seed is about.
#[derive(Clone, Debug)]
pub struct Task {
    /// The samples that are scored.
    pub train: Dataset,
    /// The targets.
    pub test: Dataset,
    /// How models are trained.
    pub config: TrainConfig,
    /// The seed.
    pub seed: u64,
    /// What the set that samples were drawn from is called in keys.
    data: String,
}

impl Task {
    /// Draws training and test samples from the data, scales them where features have
    /// units of their own, and flips the share of training labels that is noise.
    ///
    /// # Errors
    /// Data that cannot be read; more samples than there are.
    pub fn new(settings: &Settings, seed: u64) -> Result<Self, TruthError> {
        let set = settings.data.load()?;
        let (n, m) = (settings.train_samples, settings.test_samples);
        if n.saturating_add(m) > set.len() {
            return Err(TruthError::Setting {
                what: "training and test samples",
                expected: format!("at most {} together", set.len()),
                found: format!("{n} and {m}"),
            });
        }
        let mut order: Vec<usize> = (0..set.len()).collect();
        order.shuffle(&mut generator(seed, Purpose::Split));
        let (mut train, mut test) = (set.subset(&order[..n])?, set.subset(&order[n..n + m])?);
        settings.data.scale(&mut train, &mut test)?;
        if settings.noise > 0.0 {
            train.flip_labels(settings.noise, seed)?;
        }
        let data = settings.data.key(&set);
        Ok(Self { train, test, config: settings.training(seed), seed, data })
    }

    /// What the truth of this seed depends on, in words: the key of its ledger.
    #[must_use]
    pub fn key(&self, settings: &Settings, what: &str) -> String {
        let Settings { hidden, learning_rate, batch_size, epochs, optimizer, weight_decay, noise, .. } =
            settings;
        // Plain SGD without decay goes unnamed, and so do clean labels.
        let optimizer = if *optimizer == Optimizer::Sgd && *weight_decay == 0.0 {
            String::new()
        } else {
            format!(", {optimizer:?}, weight decay {weight_decay}")
        };
        let noise = if *noise > 0.0 { format!(", noise {noise}") } else { String::new() };
        format!(
            "{what}; {} {} and {}{noise}, seed {}; hidden {hidden:?}, rate {learning_rate}, batches of {batch_size}, {epochs} epochs{optimizer}",
            self.data,
            self.train.len(),
            self.test.len(),
            self.seed
        )
    }
}
