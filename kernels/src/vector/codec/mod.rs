//! The codecs ([`crate::codec`]) in vectors.

pub(crate) mod int8;
