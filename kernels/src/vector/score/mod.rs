//! Scores ([`mod@crate::score`]) in vectors.

pub(crate) mod bits;
pub(crate) mod float;
pub(crate) mod hamming;
pub(crate) mod int8;
