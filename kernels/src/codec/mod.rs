//! Row codecs: a row of `f32` in a byte or a bit a value, with one scale a row.
//!
//! | codec | bytes of k values | scale | a value is off by at most |
//! |---|---|---|---|
//! | [`int8`] | k | `f32`, max \|x\|/127 | half a scale |
//! | [`bits`], b = 1, 2 or 4 | 8·b·⌈k/64⌉ | left to the caller | half a distance of levels, or more beyond the last |
//!
//! What a codec's rows are for is [`crate::score`].

pub mod bits;
pub mod int8;
