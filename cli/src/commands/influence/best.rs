//! Who helps and who harms a target.

/// Who helps and who harms one target, most first.
#[derive(Debug, PartialEq)]
pub(in crate::commands) struct RankedTarget {
    pub(in crate::commands) index: usize,
    pub(in crate::commands) proponents: Vec<RankedSample>,
    pub(in crate::commands) opponents: Vec<RankedSample>,
}

/// A training sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::commands) struct RankedSample {
    pub(in crate::commands) index: usize,
    pub(in crate::commands) influence: f64,
}
