//! The contestants of a demonstration: the core's detectors, and the plain loss as the
//! baseline that needs no gradient.
//!
//! Each is fed all sketches (the ones that are not finite excepted), fitted, and asked
//! for every score. To add one, write a function here and a line in the table.

use gradsieve::outlier::{Detector, Direction, Forest, L1, L2, Mahalanobis, Node, SelfInfluence};
use gradsieve::outlier::{DirectionSettings, ForestSettings, MahalanobisSettings, SelfInfluenceSettings};
use gradsieve::{Error, Memory};

use super::error::{DemoError, core};
use super::gradients::Gradients;

/// Scores of all samples, and the bytes of state that they took.
type Scored = (Vec<f64>, usize);

/// One contestant.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    /// Short name, as on the command line.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    score: fn(&Gradients, u64) -> Result<Scored, DemoError>,
}

impl Contestant {
    /// A score for each sample, larger is more suspicious (infinite where the gradient is
    /// not finite), and the bytes of state.
    ///
    /// # Errors
    /// Gradients of which none is finite.
    pub fn score(&self, gradients: &Gradients, seed: u64) -> Result<(Vec<f64>, usize), DemoError> {
        (self.score)(gradients, seed)
    }
}

/// All contestants, in the order of the table.
#[must_use]
pub const fn contestants() -> [Contestant; 7] {
    [
        Contestant {
            name: "loss",
            about: "the plain loss, no gradient needed: the baseline",
            score: |gradients, _| Ok((gradients.losses.iter().copied().map(infinite_if_nan).collect(), 0)),
        },
        Contestant {
            name: "l1",
            about: "L1 norm of the gradient",
            score: |gradients, _| Ok((scores(&L1, gradients)?, 0)),
        },
        Contestant {
            name: "l2",
            about: "squared L2 norm of the gradient",
            score: |gradients, _| Ok((scores(&L2, gradients)?, 0)),
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
    ]
}

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

fn self_influence(gradients: &Gradients, _seed: u64) -> Result<Scored, DemoError> {
    let settings = SelfInfluenceSettings::new(gradients.id.width);
    let memory = settings.memory();
    let detector = SelfInfluence::new(settings, vec![0.0; memory.f64s]).map_err(core("self-influence"))?;
    Ok((observed_and_scored(detector, "self-influence", gradients)?, bytes(memory)))
}

fn mahalanobis(gradients: &Gradients, _seed: u64) -> Result<Scored, DemoError> {
    let settings = MahalanobisSettings::new(gradients.id.width);
    let memory = settings.memory();
    let detector = Mahalanobis::new(settings, vec![0.0; memory.f64s]).map_err(core("mahalanobis"))?;
    Ok((observed_and_scored(detector, "mahalanobis", gradients)?, bytes(memory)))
}

/// The bytes are those of the trees: the rows that they are grown on are forgotten.
fn forest(gradients: &Gradients, seed: u64) -> Result<Scored, DemoError> {
    let settings = ForestSettings { seed, ..ForestSettings::new(gradients.len(), gradients.id.width) };
    let memory = settings.memory();
    let nodes = vec![Node::EMPTY; memory.others];
    let bytes = size_of_val(&nodes[..]);
    let forest = Forest::new(settings, nodes, vec![0.0; memory.f32s]).map_err(core("forest"))?;
    let bytes = bytes + size_of_val(&forest);
    Ok((observed_and_scored(forest, "forest", gradients)?, bytes))
}

fn direction(gradients: &Gradients, _seed: u64) -> Result<Scored, DemoError> {
    let groups = gradients.groups.iter().max().map_or(1, |&group| group + 1);
    let settings = DirectionSettings::new(groups, gradients.id.width);
    let memory = settings.memory();
    let detector = Direction::new(settings, vec![0; memory.i64s]).map_err(core("direction"))?;
    let bytes = bytes(memory) + size_of_val(&detector);
    Ok((observed_and_scored(detector, "direction", gradients)?, bytes))
}
