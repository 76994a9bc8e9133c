//! Each algorithm as a core without vectors likes it: lanes in registers, nothing wider
//! than 32 bits in a loop.
//!
//! Must give the bits of [`crate::spec`]. May import the order of sums and scores; no
//! operation and no entry point.

pub(crate) mod axpy;
pub(crate) mod bytes;
pub(crate) mod codec;
pub(crate) mod convert;
pub(crate) mod dot;
pub(crate) mod double;
pub(crate) mod gaussian;
pub(crate) mod hadamard;
pub(crate) mod mask;
pub(crate) mod matrix;
pub(crate) mod norm;
pub(crate) mod pair;
pub(crate) mod rademacher;
pub(crate) mod score;
pub(crate) mod sjlt;
pub(crate) mod srht;
pub(crate) mod sum;
pub(crate) mod summary;
