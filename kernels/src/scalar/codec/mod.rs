//! The codecs ([`crate::codec`]) on a core without vectors.

pub(crate) mod int8;
