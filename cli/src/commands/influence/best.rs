//! Who helps and who harms a target.

use serde::Serialize;

/// Who helps and who harms one target, most first.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct RankedTarget {
    pub(super) index: usize,
    pub(super) proponents: Vec<RankedSample>,
    pub(super) opponents: Vec<RankedSample>,
}

/// A training sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct RankedSample {
    pub(super) index: usize,
    pub(super) influence: f64,
}
