//! The contestants of a demonstration: the core's detectors, the sieve, and losses as the
//! baselines that need no gradient.
//!
//! A detector is fed all sketches (the ones that are not finite excepted), fitted, and
//! asked for every score; the sieve judges each by those before it. Means are over
//! epochs of training. To add one, write a function here and a line in the table.

use gradsieve::outlier::{Detector, Direction, Forest, L1, L2, Mahalanobis, Node, SelfInfluence};
use gradsieve::outlier::{DirectionSettings, ForestSettings, MahalanobisSettings, SelfInfluenceSettings};
use gradsieve::visits::VisitsSettings;
use gradsieve::{Error, Groups, Memory, Sieve, SieveSettings, Sketch, f16};

use super::error::{DemoError, core};
use super::gradients::{Gradients, sketched};
use super::settings::Settings;
use gradsieve_harness::Silent;
use gradsieve_harness::data::Dataset;
use gradsieve_harness::measures::mean_over_visits;
use gradsieve_harness::methods::out_of_fold;
use gradsieve_harness::model::{Mlp, TrainConfig, Trained};

/// Scores of all samples, and the bytes of state that they took.
type Scored = (Vec<f64>, usize);

/// What contestants may look at.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What the sketches are made by.
    pub settings: &'a Settings,
    /// The samples that were trained on.
    pub set: &'a Dataset,
    /// How.
    pub config: &'a TrainConfig,
    /// What came of it, with a checkpoint after each epoch.
    pub trained: &'a Trained,
    /// The gradients at its end.
    pub gradients: &'a Gradients,
}

/// One contestant.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    /// Short name, as on the command line.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    score: fn(&Evidence<'_>) -> Result<Scored, DemoError>,
}

impl Contestant {
    /// A score for each sample, larger is more suspicious (infinite where the gradient is
    /// not finite), and the bytes of state.
    ///
    /// # Errors
    /// Gradients of which none is finite; a model of some of the samples that cannot be
    /// trained.
    pub fn score(&self, evidence: &Evidence<'_>) -> Result<(Vec<f64>, usize), DemoError> {
        (self.score)(evidence)
    }
}

/// All contestants, in the order of the table. This is the one place to add another.
pub const CONTESTANTS: &[Contestant] = &[
    Contestant {
        name: "loss",
        about: "the plain loss, no gradient needed: the baseline",
        score: |evidence| Ok((evidence.gradients.losses.iter().copied().map(infinite_if_nan).collect(), 0)),
    },
    Contestant {
        name: "mean loss",
        about: "mean of the loss over all epochs: a number a sample to be kept",
        score: mean_loss,
    },
    Contestant {
        name: "out-of-fold loss",
        about: "the loss under models trained without the sample: four more trainings",
        score: |evidence| {
            let losses = out_of_fold(evidence.set, evidence.config)?;
            Ok((losses.into_iter().map(infinite_if_nan).collect(), 0))
        },
    },
    Contestant {
        name: "l1",
        about: "L1 norm of the gradient",
        score: |evidence| Ok((scores(&L1, evidence.gradients)?, 0)),
    },
    Contestant {
        name: "l2",
        about: "squared L2 norm of the gradient",
        score: |evidence| Ok((scores(&L2, evidence.gradients)?, 0)),
    },
    Contestant {
        name: "forest",
        about: "isolation forest on the sketch: 100 trees of 256 samples",
        score: forest,
    },
    Contestant {
        name: "mahalanobis",
        about: "distance from the mean in units of the covariance, on the sketch",
        score: mahalanobis,
    },
    Contestant {
        name: "direction",
        about: "angle to the mean direction of the sample's class, joined with the norm",
        score: direction,
    },
    Contestant {
        name: "self-influence",
        about: "how much a sample moves its own loss: gᵀ(C+λI)⁻¹g on the sketch",
        score: self_influence,
    },
    Contestant {
        name: "sieve",
        about: "the sieve in one pass: each sample judged by those before it, with its loss",
        score: sieve,
    },
    Contestant {
        name: "mean sieve",
        about: "mean of the sieve's score over thirty of the epochs: a number a sample to be kept",
        score: mean_sieve,
    },
];

fn infinite_if_nan(score: f64) -> f64 {
    if score.is_nan() { f64::INFINITY } else { score }
}

/// Every sketch's score; a gradient that is not finite is as suspicious as can be.
fn scores(detector: &dyn Detector, gradients: &Gradients) -> Result<Vec<f64>, DemoError> {
    let mut scratch = vec![0.0; detector.scratch()];
    let score = |sketch| match detector.score(&sketch, &mut scratch) {
        Ok(score) => Ok(score),
        Err(Error::NonFinite) => Ok(f64::INFINITY),
        Err(error) => Err(core("scoring")(error)),
    };
    gradients.sketches().map(score).collect()
}

/// Has a detector observe every finite sketch, and scores all of them.
fn observed_and_scored(
    mut detector: impl Detector,
    name: &'static str,
    gradients: &Gradients,
) -> Result<Vec<f64>, DemoError> {
    let mut seen = 0;
    for sketch in gradients.sketches() {
        match detector.observe(&sketch) {
            Ok(()) => seen += 1,
            Err(Error::NonFinite) => {}
            Err(error) => return Err(core("observing")(error)),
        }
    }
    if seen == 0 {
        return Err(DemoError::NothingFinite { samples: gradients.len() });
    }
    detector.fit().map_err(core(name))?;
    scores(&detector, gradients)
}

/// Bytes of a detector's buffers, scratch included.
fn bytes(memory: Memory) -> usize {
    memory.bytes_with::<Node>() + memory.scratch * size_of::<f32>()
}

fn self_influence(evidence: &Evidence<'_>) -> Result<Scored, DemoError> {
    let gradients = evidence.gradients;
    let settings = SelfInfluenceSettings::new(gradients.id.width);
    let memory = settings.memory();
    let detector = SelfInfluence::new(settings, vec![0.0; memory.f64s]).map_err(core("self-influence"))?;
    Ok((observed_and_scored(detector, "self-influence", gradients)?, bytes(memory)))
}

fn mahalanobis(evidence: &Evidence<'_>) -> Result<Scored, DemoError> {
    let gradients = evidence.gradients;
    let settings = MahalanobisSettings::new(gradients.id.width);
    let memory = settings.memory();
    let detector = Mahalanobis::new(settings, vec![0.0; memory.f64s]).map_err(core("mahalanobis"))?;
    Ok((observed_and_scored(detector, "mahalanobis", gradients)?, bytes(memory)))
}

/// The bytes are those of the trees: the rows that they are grown on are forgotten.
fn forest(evidence: &Evidence<'_>) -> Result<Scored, DemoError> {
    let (gradients, seed) = (evidence.gradients, evidence.settings.seed);
    let settings = ForestSettings { seed, ..ForestSettings::new(gradients.len(), gradients.id.width) };
    let memory = settings.memory();
    let nodes = vec![Node::EMPTY; memory.others];
    let bytes = size_of_val(&nodes[..]);
    let forest = Forest::new(settings, nodes, vec![0.0; memory.f32s]).map_err(core("forest"))?;
    let bytes = bytes + size_of_val(&forest);
    Ok((observed_and_scored(forest, "forest", gradients)?, bytes))
}

fn direction(evidence: &Evidence<'_>) -> Result<Scored, DemoError> {
    let gradients = evidence.gradients;
    let settings = DirectionSettings::new(evidence.set.classes() as u32, gradients.id.width);
    let memory = settings.memory();
    let detector = Direction::new(settings, vec![0; memory.i64s]).map_err(core("direction"))?;
    let bytes = bytes(memory) + size_of_val(&detector);
    Ok((observed_and_scored(detector, "direction", gradients)?, bytes))
}

/// The model after each epoch.
fn after_each_epoch(trained: &Trained) -> impl Iterator<Item = Mlp> {
    trained.checkpoints.iter().map(|checkpoint| {
        let mut model = trained.model.clone();
        model.parameters_mut().copy_from_slice(&checkpoint.parameters);
        model
    })
}

/// The mean over visits of what is said of all samples at each, in an `f16` and a count a
/// sample.
fn mean(evidence: &Evidence<'_>, each: &[f64]) -> Scored {
    let samples = evidence.set.len();
    let visited: Vec<usize> = (0..each.len()).map(|visit| visit % samples).collect();
    let memory = VisitsSettings { first: 0, samples }.memory::<f16>();
    let bytes = memory.bytes_with::<(f16, u16)>();
    (mean_over_visits::<f16>(each, &visited, samples), bytes)
}

fn mean_loss(evidence: &Evidence<'_>) -> Result<Scored, DemoError> {
    let mut each = Vec::new();
    for model in after_each_epoch(evidence.trained) {
        each.extend(model.losses(evidence.set)?);
    }
    Ok(mean(evidence, &each))
}

/// A sieve that is to see so many sketches, and its bytes.
fn new_sieve(evidence: &Evidence<'_>, half_life: Option<u32>) -> Result<(Sieve<Vec<i64>>, usize), DemoError> {
    let groups = Groups::Fixed(evidence.set.classes() as u32);
    let settings = SieveSettings { groups, half_life, ..SieveSettings::new(evidence.gradients.id.width) };
    let sieve = Sieve::new(settings, vec![0; settings.memory().i64s]).map_err(core("the sieve"))?;
    Ok((sieve, settings.bytes()))
}

/// Judges a sketch by those before it, and learns it.
fn pass(sieve: &mut Sieve<Vec<i64>>, sketch: &Sketch<'_>) -> Result<f64, DemoError> {
    let verdict = sieve.judge(sketch).map_err(core("the sieve"))?;
    sieve.observe(sketch, &verdict).map_err(core("the sieve"))?;
    Ok(if verdict.score < f32::MAX { f64::from(verdict.score) } else { f64::INFINITY })
}

fn sieve(evidence: &Evidence<'_>) -> Result<Scored, DemoError> {
    let (mut sieve, bytes) = new_sieve(evidence, None)?;
    let scores = evidence.gradients.sketches_with_loss().map(|sketch| pass(&mut sieve, &sketch));
    Ok((scores.collect::<Result<_, _>>()?, bytes))
}

/// Epochs, evenly spaced, at which the sieve sees all samples.
const PASSES: usize = 30;

/// One sieve for the whole of training, which forgets what is older than a tenth of it.
fn mean_sieve(evidence: &Evidence<'_>) -> Result<Scored, DemoError> {
    let every = evidence.trained.checkpoints.len().div_ceil(PASSES).max(1);
    let visits = evidence.set.len() * (evidence.trained.checkpoints.len() / every);
    let half_life = u32::try_from((visits / 10).clamp(16, 1 << 22)).ok();
    let (mut sieve, bytes) = new_sieve(evidence, half_life)?;
    let mut each = Vec::with_capacity(visits);
    for model in after_each_epoch(evidence.trained).skip(every - 1).step_by(every) {
        let gradients = sketched(evidence.settings, &model, evidence.set, &Silent)?;
        for sketch in gradients.sketches_with_loss() {
            each.push(pass(&mut sieve, &sketch)?);
        }
    }
    let (scores, kept) = mean(evidence, &each);
    Ok((scores, bytes + kept))
}
