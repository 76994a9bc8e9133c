//! Who helps and who harms a target, and what they are called.

use serde::Serialize;

use super::best::{RankedSample, RankedTarget};
use super::output::Names;
use crate::commands::escaped::escaped;
use gradsieve_io::files::Label;

/// Who helps and who harms one target, most first.
#[derive(Debug, Serialize)]
pub(super) struct NamedTarget<'a> {
    pub(super) index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a Label>,
    pub(super) proponents: Vec<NamedSample<'a>>,
    pub(super) opponents: Vec<NamedSample<'a>>,
}

/// A training sample.
#[derive(Debug, Serialize)]
pub(super) struct NamedSample<'a> {
    pub(super) index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a Label>,
    pub(super) influence: f64,
}

/// The best of each target by their names.
pub(super) fn named<'a>(best: &[RankedTarget], names: &'a Names) -> Vec<NamedTarget<'a>> {
    let of = |names: &'a Option<Vec<Label>>, index: usize| names.as_ref().and_then(|names| names.get(index));
    let samples = |samples: &[RankedSample]| {
        let sample = |&RankedSample { index, influence }: &RankedSample| NamedSample {
            index,
            id: of(&names.trains, index),
            influence,
        };
        samples.iter().map(sample).collect()
    };
    let target = |target: &RankedTarget| NamedTarget {
        index: target.index,
        id: of(&names.targets, target.index),
        proponents: samples(&target.proponents),
        opponents: samples(&target.opponents),
    };
    best.iter().map(target).collect()
}

/// What a row is called, for people: by its number, if it has no name.
pub(super) fn called(index: usize, id: Option<&Label>) -> String {
    id.map_or_else(|| index.to_string(), |id| escaped(&id.text()).to_string())
}
