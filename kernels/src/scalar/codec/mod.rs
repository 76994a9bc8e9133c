//! The codecs ([`crate::codec`]) on a core without vectors.

pub(crate) mod bits;
pub(crate) mod int8;
