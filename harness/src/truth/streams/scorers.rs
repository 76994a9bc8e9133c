//! Who judges the samples of a stream, each by what came before it: [`SCORERS`].

use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Forest, ForestSettings, L1, L2, Mahalanobis, MahalanobisSettings,
    Node, SelfInfluence, SelfInfluenceSettings,
};
use gradsieve::{Error, Memory};

use super::ranks::{FirstScores, LastScores};
use super::stream::Seen;

/// Judges samples one after another.
pub trait Scorer {
    /// What is to be said of a sample by what was observed before it.
    ///
    /// # Errors
    /// A sample of another kind than the scorer was made for.
    fn judge(&mut self, seen: &Seen<'_>) -> Result<Judgement, Error>;

    /// Learns from a sample.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    fn observe(&mut self, seen: &Seen<'_>) -> Result<(), Error>;
}

/// What is said of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Larger is more suspicious; never NaN.
    pub score: f64,
    /// The share of honest samples that would look as suspicious, if the scorer says.
    pub p: Option<f64>,
    /// Whether the sample is to be left out, if the scorer decides.
    pub flagged: Option<bool>,
    /// Whether the scorer says that the stream has changed.
    pub alarm: bool,
}

impl Judgement {
    /// A score and nothing else; NaN is as suspicious as can be.
    #[must_use]
    pub const fn score(score: f64) -> Self {
        let score = if score.is_nan() { f64::INFINITY } else { score };
        Self { score, p: None, flagged: None, alarm: false }
    }
}

/// What a scorer is made for.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Groups of samples.
    pub groups: u32,
    /// Numbers a sketch.
    pub width: usize,
    /// How many will be judged.
    pub samples: usize,
    /// Seed of what a scorer draws.
    pub seed: u64,
}

type Made = Result<Box<dyn Scorer>, Error>;

/// A scorer of the table.
#[derive(Clone, Copy, Debug)]
pub struct Scoring {
    /// Short name.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    memory: fn(&Scope) -> Memory,
    make: fn(&Scope) -> Made,
}

impl Scoring {
    /// One that has seen nothing.
    ///
    /// # Errors
    /// A scope that it cannot be made for.
    pub fn make(&self, scope: &Scope) -> Made {
        (self.make)(scope)
    }

    /// Bytes of its state, scratch included.
    pub(super) fn bytes(&self, scope: &Scope) -> usize {
        let memory = (self.memory)(scope);
        memory.bytes_with::<Node>() + memory.scratch * size_of::<f32>()
    }
}

/// All of them, in the order of the tables. This is the one place to add another.
pub const SCORERS: &[Scoring] = &[
    Scoring { name: "loss", about: "the loss", memory: |_| Memory::NONE, make: |_| Ok(Box::new(Loss)) },
    Scoring {
        name: "l1",
        about: "L1 norm",
        memory: |_| Memory::NONE,
        make: |_| Ok(Box::new(InStream::new(L1))),
    },
    Scoring {
        name: "l2",
        about: "squared L2 norm",
        memory: |_| Memory::NONE,
        make: |_| Ok(Box::new(InStream::new(L2))),
    },
    Scoring {
        name: "direction",
        about: "norm and angle to the class",
        memory: |scope| DirectionSettings::new(scope.groups, scope.width).memory(),
        make: |scope| Ok(Box::new(direction(scope)?)),
    },
    Scoring {
        name: "mahalanobis",
        about: "distance by the covariance",
        memory: |scope| MahalanobisSettings::new(scope.width).memory(),
        make: |scope| {
            let settings = MahalanobisSettings::new(scope.width);
            Ok(Box::new(InStream::new(Mahalanobis::new(settings, vec![0.0; settings.memory().f64s])?)))
        },
    },
    Scoring {
        name: "self-influence",
        about: "gᵀ(C+λI)⁻¹g",
        memory: |scope| SelfInfluenceSettings::new(scope.width).memory(),
        make: |scope| {
            let settings = SelfInfluenceSettings::new(scope.width);
            Ok(Box::new(InStream::new(SelfInfluence::new(settings, vec![0.0; settings.memory().f64s])?)))
        },
    },
    Scoring {
        name: "forest",
        about: "isolation forest: 100 trees of 256 samples",
        memory: |scope| ForestSettings::new(scope.samples, scope.width).memory(),
        make: |scope| {
            let settings =
                ForestSettings { seed: scope.seed, ..ForestSettings::new(scope.samples, scope.width) };
            let memory = settings.memory();
            let forest = Forest::new(settings, vec![Node::EMPTY; memory.others], vec![0.0; memory.f32s])?;
            Ok(Box::new(InStream::new(forest)))
        },
    },
    Scoring {
        name: "direction-first-300",
        about: "direction, its rank among the first 300",
        memory: |scope| DirectionSettings::new(scope.groups, scope.width).memory(),
        make: |scope| Ok(Box::new(FirstScores::new(direction(scope)?))),
    },
    Scoring {
        name: "direction-last-300",
        about: "direction, its rank among the last 300",
        memory: |scope| DirectionSettings::new(scope.groups, scope.width).memory(),
        make: |scope| Ok(Box::new(LastScores::new(direction(scope)?))),
    },
];

fn direction(scope: &Scope) -> Result<InStream<Direction<Vec<f32>>>, Error> {
    let settings = DirectionSettings::new(scope.groups, scope.width);
    Ok(InStream::new(Direction::new(settings, vec![0.0; settings.memory().f32s])?))
}

/// The loss of a sample.
struct Loss;

impl Scorer for Loss {
    fn judge(&mut self, seen: &Seen<'_>) -> Result<Judgement, Error> {
        Ok(Judgement::score(seen.loss))
    }

    fn observe(&mut self, _: &Seen<'_>) -> Result<(), Error> {
        Ok(())
    }
}

/// A detector in a stream: fitted anew after every hundred samples, if it has to be.
pub(super) struct InStream<D> {
    detector: D,
    scratch: Vec<f32>,
    observed: usize,
}

/// Samples between fits.
const REFIT: usize = 100;

impl<D: Detector> InStream<D> {
    fn new(detector: D) -> Self {
        let scratch = vec![0.0; detector.scratch()];
        Self { detector, scratch, observed: 0 }
    }
}

impl<D: Detector> Scorer for InStream<D> {
    /// A gradient that is not finite is as suspicious as can be. Before the first fit all
    /// are alike.
    fn judge(&mut self, seen: &Seen<'_>) -> Result<Judgement, Error> {
        match self.detector.score(&seen.sketch, &mut self.scratch) {
            Ok(score) => Ok(Judgement::score(score)),
            Err(Error::NonFinite) => Ok(Judgement::score(f64::INFINITY)),
            Err(Error::NotFitted | Error::TooFew { .. }) => Ok(Judgement::score(0.0)),
            Err(error) => Err(error),
        }
    }

    fn observe(&mut self, seen: &Seen<'_>) -> Result<(), Error> {
        match self.detector.observe(&seen.sketch) {
            Ok(()) => self.observed += 1,
            Err(Error::NonFinite) => return Ok(()),
            Err(error) => return Err(error),
        }
        if !self.observed.is_multiple_of(REFIT) {
            return Ok(());
        }
        match self.detector.fit() {
            // It goes on with what it was fitted to before.
            Ok(()) | Err(Error::TooFew { .. } | Error::NotPositiveDefinite { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
