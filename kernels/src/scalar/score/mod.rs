//! Scores ([`mod@crate::score`]) on a core without vectors.

pub(crate) mod bits;
pub(crate) mod float;
pub(crate) mod hamming;
pub(crate) mod int8;
