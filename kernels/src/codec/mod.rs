//! Row codecs: a row of `f32` in a byte or a bit a value, with one scale a row.
//!
//! | codec | bytes of k values | scale | a value is off by at most |
//! |---|---|---|---|
//! | [`int8`] | k | `f32`, max \|x\|/127 | half a scale |
//! | [`sign`] | 8·⌈k/64⌉ | `f16`, Σx²/Σ\|x\| | (a sign) |
//!
//! What a codec's rows are for is [`crate::score`].

pub mod int8;
pub mod sign;
