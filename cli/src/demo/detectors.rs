//! The contestants of a demonstration: the core's detectors, and the plain loss as the
//! baseline that needs no gradient.
//!
//! Each is fed all sketches (the ones that are not finite excepted), fitted, and asked
//! for every score. To add one, write a function here and a line in the table.

use gradsieve::Error;
use gradsieve::outlier::{Detector, Direction, Forest, L1, L2, Mahalanobis, Node, SelfInfluence};
use gradsieve::outlier::{DirectionSettings, ForestSettings};

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
            score: |gradients, _| Ok((scores(&mut L1, gradients)?, 0)),
        },
        Contestant {
            name: "l2",
            about: "squared L2 norm of the gradient",
            score: |gradients, _| Ok((scores(&mut L2, gradients)?, 0)),
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
fn scores(detector: &mut dyn Detector, gradients: &Gradients) -> Result<Vec<f64>, DemoError> {
    let score = |sketch| match detector.score(&sketch) {
        Ok(score) => Ok(score),
        Err(Error::NonFinite) => Ok(f64::INFINITY),
        Err(error) => Err(core("scoring")(error)),
    };
    gradients.sketches().map(score).collect()
}

/// Passes every finite sketch to `observe`.
fn observe_all(
    gradients: &Gradients,
    mut observe: impl FnMut(&gradsieve::Sketch<'_>) -> Result<(), Error>,
) -> Result<(), DemoError> {
    let mut seen = 0;
    for sketch in gradients.sketches() {
        match observe(&sketch) {
            Ok(()) => seen += 1,
            Err(Error::NonFinite) => {}
            Err(error) => return Err(core("observing")(error)),
        }
    }
    if seen == 0 { Err(DemoError::NothingFinite { samples: gradients.len() }) } else { Ok(()) }
}

fn self_influence(gradients: &Gradients, _seed: u64) -> Result<Scored, DemoError> {
    let width = gradients.id.width;
    let mut memory = vec![0.0; SelfInfluence::floats(width)];
    let bytes = size_of_val(&memory[..]);
    let mut detector =
        SelfInfluence::new(SelfInfluence::DAMPING, width, &mut memory).map_err(core("self-influence"))?;
    observe_all(gradients, |sketch| detector.observe(sketch))?;
    detector.fit().map_err(core("self-influence"))?;
    Ok((scores(&mut detector, gradients)?, bytes))
}

fn mahalanobis(gradients: &Gradients, _seed: u64) -> Result<Scored, DemoError> {
    let width = gradients.id.width;
    let mut memory = vec![0.0; Mahalanobis::floats(width)];
    let bytes = size_of_val(&memory[..]);
    let mut detector =
        Mahalanobis::new(Mahalanobis::SHRINKAGE, width, &mut memory).map_err(core("mahalanobis"))?;
    observe_all(gradients, |sketch| detector.observe(sketch))?;
    detector.fit().map_err(core("mahalanobis"))?;
    Ok((scores(&mut detector, gradients)?, bytes))
}

fn forest(gradients: &Gradients, seed: u64) -> Result<Scored, DemoError> {
    // A row that is not finite cannot be grown on; it is scored as such below.
    let finite: Vec<f32> = gradients
        .sketches()
        .filter(|sketch| sketch.check_finite().is_ok())
        .flat_map(|sketch| sketch.values.iter().copied())
        .collect();
    if finite.is_empty() {
        return Err(DemoError::NothingFinite { samples: gradients.len() });
    }
    let settings = ForestSettings::new(seed);
    let mut nodes = vec![Node::EMPTY; Forest::nodes(settings)];
    let mut scratch = vec![0; Forest::scratch(settings)];
    let mut forest = Forest::new(settings, &mut nodes).map_err(core("forest"))?;
    forest.fit(gradients.id, &finite, &mut scratch).map_err(core("forest"))?;
    Ok((scores(&mut forest, gradients)?, Forest::bytes(settings)))
}

fn direction(gradients: &Gradients, _seed: u64) -> Result<Scored, DemoError> {
    let groups = gradients.groups.iter().max().map_or(1, |&group| group + 1);
    let settings = DirectionSettings { groups, width: gradients.id.width };
    let mut memory = vec![0.0; Direction::floats(groups, settings.width)];
    let bytes = size_of_val(&memory[..]) + Direction::BYTES;
    let mut detector = Direction::new(settings, &mut memory).map_err(core("direction"))?;
    observe_all(gradients, |sketch| detector.observe(sketch))?;
    Ok((scores(&mut detector, gradients)?, bytes))
}
