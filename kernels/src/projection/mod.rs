//! Which projection: the key of its hash stream, its width and repetitions.
//!
//! No kernel is called from here: these are what the forms of a kernel are told.

mod dense;
pub(crate) mod gaussian;
pub(crate) mod mask;
pub(crate) mod rademacher;
pub(crate) mod sjlt;
pub(crate) mod srht;
