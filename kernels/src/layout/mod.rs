//! Where stored rows and packed queries stand, and the order of a score
//! ([`mod@crate::score`]).
//!
//! No kernel that scores is called from here: these are what its forms are told.

pub(crate) mod bits;
pub(crate) mod float;
pub(crate) mod hamming;
pub(crate) mod int8;
pub(crate) mod order;
