//! Who judges the samples of a stream, each by what came before it: [`SCORERS`].

use gradsieve::outlier::{
    Direction, DirectionSettings, Forest, ForestSettings, L1, L2, Mahalanobis, MahalanobisSettings, Node,
    SelfInfluence, SelfInfluenceSettings,
};
use gradsieve::{Error, Memory, Rate, SieveSettings};

use super::by_sieve::{BySieve, Question, Ranking};
use super::in_stream::{InStream, Loss};
use super::ranks::{FirstScores, LastScores};
use super::scorer::{Scope, Scorer};

/// A scorer that has seen nothing.
pub(super) type Made = Result<Box<dyn Scorer>, Error>;

/// A scorer of the table.
#[derive(Clone, Copy, Debug)]
pub struct Scoring {
    /// Short name.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    memory: fn(&Scope) -> Memory,
    pub(super) make: fn(&Scope) -> Made,
}

impl Scoring {
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
        make: direction,
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
        make: |scope| Ok(Box::new(FirstScores::new(by_direction(scope)?))),
    },
    Scoring {
        name: "direction-last-300",
        about: "direction, its rank among the last 300",
        memory: |scope| DirectionSettings::new(scope.groups, scope.width).memory(),
        make: |scope| Ok(Box::new(LastScores::new(by_direction(scope)?))),
    },
    Scoring {
        name: "sieve",
        about: "the sieve, by its score",
        memory: |scope| Question::USUAL.memory(scope),
        make: sieve,
    },
    Scoring {
        name: "sieve-p",
        about: "the same by its p-value, in which guards speak",
        memory: |scope| Question::USUAL.memory(scope),
        make: |scope| by_sieve(Question { ranking: Ranking::P, ..Question::USUAL }, scope),
    },
    Scoring {
        name: "sieve-forgets",
        about: "with a half-life of 1,000 samples",
        memory: |scope| Question::USUAL.memory(scope),
        make: |scope| {
            let settings = SieveSettings { half_life: Some(1000), ..Question::USUAL.settings };
            by_sieve(Question::by(settings), scope)
        },
    },
    Scoring {
        name: "sieve-no-loss",
        about: "without the losses",
        memory: |scope| Question::USUAL.memory(scope),
        make: |scope| by_sieve(Question { with_loss: false, ..Question::USUAL }, scope),
    },
    Scoring {
        name: "sieve-discoveries",
        about: "at most 10 % false discoveries",
        memory: |scope| Question::USUAL.memory(scope),
        make: |scope| {
            let settings = SieveSettings { rate: Rate::FalseDiscoveries(0.1), ..Question::USUAL.settings };
            by_sieve(Question::by(settings), scope)
        },
    },
];

/// The scorer `sieve`.
pub(super) fn sieve(scope: &Scope) -> Made {
    by_sieve(Question::USUAL, scope)
}

/// A sieve that is asked in that way.
pub(super) fn by_sieve(question: Question, scope: &Scope) -> Made {
    Ok(Box::new(BySieve::new(question, scope)?))
}

/// The scorer `loss`.
pub(super) fn loss(_: &Scope) -> Made {
    Ok(Box::new(Loss))
}

/// The scorer `direction`.
pub(super) fn direction(scope: &Scope) -> Made {
    Ok(Box::new(by_direction(scope)?))
}

fn by_direction(scope: &Scope) -> Result<InStream<Direction<Vec<i64>>>, Error> {
    let settings = DirectionSettings::new(scope.groups, scope.width);
    Ok(InStream::new(Direction::new(settings, vec![0; settings.memory().i64s])?))
}
