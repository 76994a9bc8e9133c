//! Scores ([`mod@crate::score`]) on a core without vectors.

pub(crate) mod float;
pub(crate) mod hamming;
pub(crate) mod int8;
pub(crate) mod sign;
