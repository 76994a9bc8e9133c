//! Which samples are shown, of how many.

use std::collections::BTreeSet;

/// Samples that something is to be seen of.
pub(super) struct Wanted<'a> {
    /// The rows that are shown.
    pub(super) rows: &'a BTreeSet<usize>,
    /// How many there are.
    pub(super) count: usize,
    /// What they are rows of, for errors.
    pub(super) of: &'a str,
    /// What each row is called, if it has a name.
    pub(super) ids: Option<&'a [String]>,
}
