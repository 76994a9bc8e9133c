//! Which model the samples of a stream meet.

use super::super::error::TruthError;
use super::super::settings::Settings;
use super::corruptions::{Corrupted, Corruption, Damage, Touches};
use super::stream::{Reading, Recorder, Stream};
use super::tasks::StreamTask;
use super::trainer::Trainer;
use crate::data::Dataset;
use crate::model::Mlp;

/// Which model the samples of a stream meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// One that was trained on them, damage included, until it had learned them.
    Memorised,
    /// One that was trained on other samples, which are clean, to the same end.
    Converged,
    /// One that has seen those others once.
    OneEpoch,
    /// One that is trained on them, from its first step on.
    Training,
    /// The same, over several epochs.
    Epochs,
}

impl Regime {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 5] =
        [Self::Memorised, Self::Converged, Self::OneEpoch, Self::Training, Self::Epochs];

    /// Whether each sample is seen more than once.
    pub(super) const fn has_visits(self) -> bool {
        matches!(self, Self::Memorised | Self::Epochs)
    }

    /// Epochs over its samples in which they are seen.
    pub(super) const fn epochs(self, settings: &Settings) -> usize {
        match self {
            Self::Memorised => settings.epochs,
            Self::Converged | Self::OneEpoch => 0,
            Self::Training => 1,
            Self::Epochs => settings.passes,
        }
    }

    /// Its name in tables and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memorised => "memorised",
            Self::Converged => "converged clean",
            Self::OneEpoch => "one epoch",
            Self::Training => "training",
            Self::Epochs => "epochs",
        }
    }
}

/// What a stream is made of.
#[derive(Clone, Copy, Debug)]
pub struct StreamPlan<'a> {
    /// Lengths, network and training.
    pub settings: &'a Settings,
    /// The task.
    pub task: &'static StreamTask,
    /// The model.
    pub regime: Regime,
    /// What is wrong with some samples; none for a clean stream.
    pub corruption: Option<&'static Corruption>,
    /// The seed of all draws.
    pub seed: u64,
}

/// The model that a stream meets, if it was trained on other samples.
///
/// # Errors
/// As [`streams`].
pub(super) fn model_of_others(plan: &StreamPlan<'_>) -> Result<Option<Mlp>, TruthError> {
    let StreamPlan { settings, task, regime, seed, .. } = *plan;
    let epochs = match regime {
        Regime::Converged => settings.epochs,
        Regime::OneEpoch => 1,
        Regime::Memorised | Regime::Training | Regime::Epochs => return Ok(None),
    };
    let (others, _) = task.draw(settings.test_samples, settings.train_samples, seed)?;
    let mut trainer = Trainer::new(settings, &others, seed)?;
    trainer.train(&others, epochs)?;
    Ok(Some(trainer.model))
}

/// A stream, and what was seen before it.
#[derive(Clone, Debug)]
pub struct Streams {
    /// What is judged.
    pub judged: Stream,
    /// The visits to its samples while the model was trained on them, if it was.
    pub visits: Option<Stream>,
    /// The samples, damage included.
    pub set: Dataset,
}

/// Makes a stream; `others` is what [`model_of_others`] gives for the plan.
///
/// # Errors
/// Samples that a task cannot give; training that diverges.
pub(super) fn streams(plan: &StreamPlan<'_>, others: Option<&Mlp>) -> Result<Streams, TruthError> {
    let StreamPlan { settings, task, regime, corruption, seed } = *plan;
    let (_, clean) = task.draw(settings.test_samples, settings.train_samples, seed)?;
    let damage = Damage { task, corruption, share: settings.corrupt, placement: settings.placement, seed };
    let Corrupted { set, mask } = damage.apply(&clean)?;
    let mut trainer = Trainer::new(settings, &set, seed)?;
    if let Some(model) = others {
        trainer.model = model.clone();
    }
    let mut rng = damage.generator();
    let width = settings.dim.unwrap_or(WIDTH);
    let recorder = |model: &Mlp| Recorder::new(model, width, mask.clone(), seed);
    let mut record = |to: &mut Recorder, i: usize, reading: Reading, gradient: &mut [f32]| {
        if let (true, Some(Touches::Gradient(damage))) =
            (mask[i], corruption.map(|corruption| corruption.touches))
        {
            damage(gradient, &mut rng);
        }
        to.add(i, set.labels()[i], reading, gradient)
    };
    let mut visits = recorder(&trainer.model)?;
    for _ in 0..regime.epochs(settings) {
        trainer
            .epoch(&set, |i, reading, gradient| record(&mut visits, i, reading, gradient).map(|()| true))?;
    }
    if matches!(regime, Regime::Training | Regime::Epochs) {
        return Ok(Streams { judged: visits.stream, visits: None, set });
    }
    let mut judged = recorder(&trainer.model)?;
    trainer.show(&set, |i, reading, gradient| record(&mut judged, i, reading, gradient))?;
    let visits = (regime == Regime::Memorised).then_some(visits.stream);
    Ok(Streams { judged: judged.stream, visits, set })
}

/// Numbers a sketch, unless the settings say otherwise.
const WIDTH: usize = 64;
