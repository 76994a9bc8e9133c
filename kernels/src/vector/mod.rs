//! Each algorithm once, in vectors: over the operations of [`crate::simd`], which every
//! instruction set gives its own instructions.
//!
//! Must give the bits of [`crate::spec`]. May import the operations, the order of sums
//! and scores, and the scalar forms for what is left over; no entry point.

pub(crate) mod ahead;
pub(crate) mod axpy;
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
pub(crate) mod pairs;
pub(crate) mod rademacher;
pub(crate) mod score;
pub(crate) mod sjlt;
pub(crate) mod srht;
pub(crate) mod sum;
pub(crate) mod summary;
