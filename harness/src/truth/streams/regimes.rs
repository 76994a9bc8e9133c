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

#[cfg(test)]
mod tests {
    use super::super::super::settings::Experiment;
    use super::super::corruptions::CORRUPTIONS;
    use super::super::tasks::TASKS;
    use super::*;

    fn settings() -> Settings {
        Settings { train_samples: 60, corrupt: 0.2, ..Settings::of(Experiment::Streams).quick() }
    }

    fn made(settings: &Settings, regime: Regime, corruption: Option<&str>) -> Streams {
        let corruption = CORRUPTIONS.iter().find(|kind| Some(kind.name) == corruption);
        let plan = StreamPlan { settings, task: &TASKS[0], regime, corruption, seed: 2 };
        streams(&plan, model_of_others(&plan).unwrap().as_ref()).unwrap()
    }

    #[test]
    fn a_stream_begins_in_the_order_of_its_samples_and_shows_each_once_an_epoch() {
        let settings = settings();
        for regime in Regime::ALL {
            let made = made(&settings, regime, None);
            let epochs = if regime == Regime::Epochs { settings.passes } else { 1 };
            assert_eq!(made.judged.samples[..60], (0..60).collect::<Vec<_>>(), "{regime:?}");
            let mut all = made.judged.samples.clone();
            all.sort_unstable();
            let expected: Vec<usize> = (0..60).flat_map(|i| vec![i; epochs]).collect();
            assert_eq!(all, expected, "{regime:?}");
            let visits = made.visits.map_or(0, |visits| visits.len());
            assert_eq!(visits, if regime == Regime::Memorised { 60 * settings.epochs } else { 0 });
        }
    }

    #[test]
    fn damage_to_gradients_leaves_what_is_judged_of_the_others_as_it_was() {
        let settings = settings();
        for regime in Regime::ALL {
            let (clean, damaged) = (made(&settings, regime, None), made(&settings, regime, Some("x10")));
            let truth = damaged.judged.truth();
            assert!(truth.contains(&true) && !clean.judged.truth().contains(&true), "{regime:?}");
            for ((before, after), corrupt) in clean.judged.seen().zip(damaged.judged.seen()).zip(truth) {
                assert_eq!(before.loss.to_bits(), after.loss.to_bits());
                let (before, after) = (before.sketch, after.sketch);
                let factor = if corrupt { 100.0 } else { 1.0 };
                let ratio = after.measures.l2_squared / before.measures.l2_squared;
                assert!((ratio - factor).abs() < 1e-4 * factor, "{regime:?}: {ratio}");
                assert!(corrupt || before.values == after.values, "{regime:?}");
            }
        }
    }

    #[test]
    fn a_clean_model_is_trained_on_other_samples_and_once_is_less_than_to_the_end() {
        let settings = settings();
        let loss = |regime| {
            let losses = made(&settings, regime, None).judged.losses;
            losses.iter().sum::<f64>() / losses.len() as f64
        };
        assert!(loss(Regime::Memorised) < loss(Regime::Training));
        assert_ne!(loss(Regime::Converged), loss(Regime::OneEpoch));
    }
}
