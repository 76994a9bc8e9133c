//! Which model the samples of a stream meet.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::super::error::TruthError;
use super::super::settings::Settings;
use super::corruptions::{Corrupted, Corruption, Damage, Touches};
use super::stream::{Reading, Recorder, Stream};
use super::tasks::StreamTask;
use crate::data::Dataset;
use crate::data::random::{Purpose, generator};
use crate::model::{Mlp, ModelError, Scratch};

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
/// As [`stream`].
pub(super) fn model_of_others(plan: &StreamPlan<'_>) -> Result<Option<Mlp>, TruthError> {
    let StreamPlan { settings, task, regime, seed, .. } = *plan;
    let epochs = match regime {
        Regime::Converged => settings.epochs,
        Regime::OneEpoch => 1,
        Regime::Memorised | Regime::Training | Regime::Epochs => return Ok(None),
    };
    let (others, _) = task.draw(settings.test_samples, settings.train_samples, seed)?;
    let mut walk = Loop::new(settings, &others, seed)?;
    walk.train(&others, epochs)?;
    Ok(Some(walk.model))
}

/// A stream's samples, damage included, and a model under way.
pub(super) struct Loop<'a> {
    settings: &'a Settings,
    pub(super) model: Mlp,
    order: ChaCha8Rng,
    scratch: Scratch,
    gradient: Vec<f32>,
    /// The gradient as it is judged: what damages it leaves the step as it is.
    judged: Vec<f32>,
    sum: Vec<f32>,
}

impl<'a> Loop<'a> {
    pub(super) fn new(settings: &'a Settings, set: &Dataset, seed: u64) -> Result<Self, TruthError> {
        let model = Mlp::new(set.dim(), &settings.hidden, set.classes(), seed)?;
        let zeros = vec![0.0; model.parameters().len()];
        let (scratch, order) = (Scratch::default(), generator(seed, Purpose::Shuffle));
        Ok(Self {
            settings,
            model,
            order,
            scratch,
            gradient: zeros.clone(),
            judged: zeros.clone(),
            sum: zeros,
        })
    }

    /// The order of an epoch: as they come in the first, then shuffled.
    pub(super) fn order(&mut self, epoch: usize, samples: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..samples).collect();
        if epoch > 0 {
            order.shuffle(&mut self.order);
        }
        order
    }

    /// One epoch over `set` in that order. Before it is used, each sample is shown to
    /// `judge` with the model's reading and its gradient; what `judge` refuses is left
    /// out of its step.
    pub(super) fn epoch(
        &mut self,
        set: &Dataset,
        order: &[usize],
        mut judge: impl FnMut(usize, Reading, &mut [f32]) -> Result<bool, TruthError>,
    ) -> Result<(), TruthError> {
        for batch in order.chunks(self.settings.batch_size) {
            self.sum.fill(0.0);
            let mut used = 0;
            for &i in batch {
                let (reading, label) = self.read(set, i)?;
                let x = set.row(i).unwrap_or_default();
                self.model.gradient_into(x, label, &mut self.scratch, &mut self.gradient)?;
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
        Err(ModelError::Diverged { epoch: 0, learning_rate: self.settings.learning_rate }.into())
    }

    fn read(&mut self, set: &Dataset, i: usize) -> Result<(Reading, u32), TruthError> {
        let (x, label) = (set.row(i).unwrap_or_default(), set.labels().get(i).copied().unwrap_or_default());
        Ok((Reading::of(&self.model, x, label, &mut self.scratch)?, label))
    }

    /// Trains for so many epochs.
    fn train(&mut self, set: &Dataset, epochs: usize) -> Result<(), TruthError> {
        for epoch in 0..epochs {
            let order = self.order(epoch, set.len());
            self.epoch(set, &order, |_, _, _| Ok(true))?;
        }
        Ok(())
    }
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
    let mut walk = Loop::new(settings, &set, seed)?;
    if let Some(model) = others {
        walk.model = model.clone();
    }
    let mut rng = damage.generator();
    let recorder = |model: &Mlp| {
        let recorder = Recorder::new(model, settings.dim.unwrap_or(WIDTH), mask.clone(), seed)?;
        Ok::<_, TruthError>(recorder)
    };
    let mut record = |to: &mut Recorder, i: usize, reading: Reading, gradient: &mut [f32]| {
        if let (true, Some(Touches::Gradient(damage))) =
            (mask[i], corruption.map(|corruption| corruption.touches))
        {
            damage(gradient, &mut rng);
        }
        to.add(i, set.labels()[i], reading, gradient)
    };
    let mut visits = recorder(&walk.model)?;
    for epoch in 0..regime.epochs(settings) {
        let order = walk.order(epoch, set.len());
        walk.epoch(&set, &order, |i, reading, gradient| {
            record(&mut visits, i, reading, gradient).map(|()| true)
        })?;
    }
    if matches!(regime, Regime::Training | Regime::Epochs) {
        return Ok(Streams { judged: visits.stream, visits: None, set });
    }
    let mut judged = recorder(&walk.model)?;
    for i in 0..set.len() {
        let (reading, label) = walk.read(&set, i)?;
        let x = set.row(i).unwrap_or_default();
        walk.model.gradient_into(x, label, &mut walk.scratch, &mut walk.gradient)?;
        record(&mut judged, i, reading, &mut walk.gradient)?;
    }
    let visits = (regime == Regime::Memorised).then_some(visits.stream);
    Ok(Streams { judged: judged.stream, visits, set })
}

/// Numbers a sketch, unless the settings say otherwise.
const WIDTH: usize = 64;
