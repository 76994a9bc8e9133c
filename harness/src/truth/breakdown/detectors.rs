//! The detectors, in the form that clips and in the exact one.

use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Forest, ForestSettings, L1, L2, Mahalanobis, MahalanobisSettings,
    Node, SelfInfluence, SelfInfluenceSettings,
};
use gradsieve::{Error, Memory, Sketch};

use super::poison::{GROUPS, Mixed};

/// A detector of the table.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Short name.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    /// What it is lent for sketches of a width.
    memory: fn(usize) -> Memory,
    /// A score for each honest sample, once all were observed.
    pub(super) score: fn(&Mixed<'_>, u64) -> Result<Vec<f64>, Error>,
}

impl Form {
    /// Bytes of the detector for sketches of `width` numbers, scratch included.
    pub(super) fn bytes(&self, width: usize) -> usize {
        let memory = (self.memory)(width);
        memory.bytes_with::<Node>() + memory.scratch * size_of::<f32>()
    }
}

/// All of them, in the order of the tables.
pub const DETECTORS: &[Form] = &[
    Form {
        name: "l1",
        about: "L1 norm: no state to poison",
        memory: |_| Memory::NONE,
        score: |mixed, _| scores(L1, mixed),
    },
    Form {
        name: "l2",
        about: "squared L2 norm: no state to poison",
        memory: |_| Memory::NONE,
        score: |mixed, _| scores(L2, mixed),
    },
    Form {
        name: "direction",
        about: "norm and angle, what one adds held to eight medians",
        memory: |width| DirectionSettings::new(GROUPS, width).memory(),
        score: |mixed, _| direction(DirectionSettings::new(GROUPS, mixed.width()), mixed),
    },
    Form {
        name: "direction-exact",
        about: "the same as they come",
        memory: |width| DirectionSettings { clip: None, ..DirectionSettings::new(GROUPS, width) }.memory(),
        score: |mixed, _| {
            direction(
                DirectionSettings { clip: None, ..DirectionSettings::new(GROUPS, mixed.width()) },
                mixed,
            )
        },
    },
    Form {
        name: "mahalanobis",
        about: "distance by the covariance of rows within eight medians",
        memory: |width| MahalanobisSettings::new(width).memory(),
        score: |mixed, _| mahalanobis(MahalanobisSettings::new(mixed.width()), mixed),
    },
    Form {
        name: "mahalanobis-exact",
        about: "the same of rows as they come",
        memory: |width| MahalanobisSettings { clip: None, ..MahalanobisSettings::new(width) }.memory(),
        score: |mixed, _| {
            mahalanobis(MahalanobisSettings { clip: None, ..MahalanobisSettings::new(mixed.width()) }, mixed)
        },
    },
    Form {
        name: "self-influence",
        about: "gᵀ(C+λI)⁻¹g, C of rows within eight medians",
        memory: |width| SelfInfluenceSettings::new(width).memory(),
        score: |mixed, _| self_influence(SelfInfluenceSettings::new(mixed.width()), mixed),
    },
    Form {
        name: "self-influence-exact",
        about: "the same of rows as they come",
        memory: |width| SelfInfluenceSettings { clip: None, ..SelfInfluenceSettings::new(width) }.memory(),
        score: |mixed, _| {
            self_influence(
                SelfInfluenceSettings { clip: None, ..SelfInfluenceSettings::new(mixed.width()) },
                mixed,
            )
        },
    },
    Form {
        name: "forest",
        about: "isolation forest: 100 trees of 256 samples",
        memory: |width| ForestSettings::new(0, width).memory(),
        score: forest,
    },
];

fn scores(mut detector: impl Detector, mixed: &Mixed<'_>) -> Result<Vec<f64>, Error> {
    mixed.all().try_for_each(|sketch| detector.observe(&sketch))?;
    detector.fit()?;
    let mut scratch = vec![0.0; detector.scratch()];
    mixed.honest().map(|sketch: Sketch<'_>| detector.score(&sketch, &mut scratch)).collect()
}

fn direction(settings: DirectionSettings, mixed: &Mixed<'_>) -> Result<Vec<f64>, Error> {
    scores(Direction::new(settings, vec![0; settings.memory().i64s])?, mixed)
}

fn mahalanobis(settings: MahalanobisSettings, mixed: &Mixed<'_>) -> Result<Vec<f64>, Error> {
    scores(Mahalanobis::new(settings, vec![0.0; settings.memory().f64s])?, mixed)
}

fn self_influence(settings: SelfInfluenceSettings, mixed: &Mixed<'_>) -> Result<Vec<f64>, Error> {
    scores(SelfInfluence::new(settings, vec![0.0; settings.memory().f64s])?, mixed)
}

fn forest(mixed: &Mixed<'_>, seed: u64) -> Result<Vec<f64>, Error> {
    let settings = ForestSettings { seed, ..ForestSettings::new(mixed.all().count(), mixed.width()) };
    let memory = settings.memory();
    scores(Forest::new(settings, vec![Node::EMPTY; memory.others], vec![0.0; memory.f32s])?, mixed)
}
