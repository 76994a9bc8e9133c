//! The int8 codec: a row of *k* values in *k* bytes and one `f32` scale.
//!
//! scale = max |x|/127, rounded to nearest, or to the next float above it where a code
//! would else exceed 127 (which happens only if the scale is subnormal), or below it
//! where the largest value would else decode to infinity. code = x/scale, rounded to
//! `f32`, then to the nearest integer, ties to even; it lies in −127..=127 and is stored
//! as code + 128, because instructions multiply unsigned bytes by signed ones. A row of
//! zeros has scale 0 and codes 0.
//!
//! |decoded − x| ≤ scale/2·(1 + 2⁻¹⁵), which is max |x|/254 where the scale is normal. Zero is kept.

use crate::dispatch::run;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::scalar::codec::int8::scale_of;

/// Writes a row's codes, each + 128, and returns the row's scale.
///
/// # Errors
/// [`Error::Length`] if the lengths differ; [`Error::NonFinite`] if a value is infinite
/// or NaN. Nothing was written.
#[inline]
pub fn encode_int8(row: &[f32], codes: &mut [u8]) -> Result<f32, Error> {
    encode_int8_with(Level::best(), row, codes)
}

/// [`encode_int8`] on a given level.
///
/// # Errors
/// As [`encode_int8`].
#[inline]
pub fn encode_int8_with(level: Level, row: &[f32], codes: &mut [u8]) -> Result<f32, Error> {
    same_length(row.len(), codes.len())?;
    run(level, Encode { row, codes })
}

/// Writes the values of a row's codes: (code − 128)·scale, rounded once.
///
/// # Errors
/// [`Error::Length`] if the lengths differ; nothing was written.
#[inline]
pub fn decode_int8(codes: &[u8], scale: f32, row: &mut [f32]) -> Result<(), Error> {
    decode_int8_with(Level::best(), codes, scale, row)
}

/// [`decode_int8`] on a given level.
///
/// # Errors
/// As [`decode_int8`].
#[inline]
pub fn decode_int8_with(level: Level, codes: &[u8], scale: f32, row: &mut [f32]) -> Result<(), Error> {
    same_length(codes.len(), row.len())?;
    run(level, Decode { codes, scale, row });
    Ok(())
}

/// Writes the codes of a part of a row whose scale is known ([`scale_of`]), each + 128.
///
/// # Errors
/// [`Error::Length`] if the lengths differ; nothing was written.
#[inline]
pub fn encode_int8_part(part: &[f32], scale: f32, codes: &mut [u8]) -> Result<(), Error> {
    encode_int8_part_with(Level::best(), part, scale, codes)
}

/// [`encode_int8_part`] on a given level.
///
/// # Errors
/// As [`encode_int8_part`].
#[inline]
pub fn encode_int8_part_with(level: Level, part: &[f32], scale: f32, codes: &mut [u8]) -> Result<(), Error> {
    same_length(part.len(), codes.len())?;
    run(level, Part { part, scale, codes });
    Ok(())
}

struct Encode<'a> {
    row: &'a [f32],
    codes: &'a mut [u8],
}

struct Part<'a> {
    part: &'a [f32],
    scale: f32,
    codes: &'a mut [u8],
}

struct Decode<'a> {
    codes: &'a [u8],
    scale: f32,
    row: &'a mut [f32],
}

impl Kernel for Encode<'_> {
    type Output = Result<f32, Error>;

    #[inline(always)]
    fn scalar(self) -> Result<f32, Error> {
        scalar::codec::int8::encode(self.row, self.codes)
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) -> Result<f32, Error> {
        vector::codec::int8::encode(s, self.row, self.codes)
    }
}

impl Kernel for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::codec::int8::encode_part(self.part, self.scale, self.codes);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::codec::int8::encode_part(s, self.part, self.scale, self.codes);
    }
}

impl Kernel for Decode<'_> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::codec::int8::decode(self.codes, self.scale, self.row);
    }

    /// The same form: every compiler makes vectors of it.
    #[inline(always)]
    fn vector<S: Simd>(self, _s: S) {
        scalar::codec::int8::decode(self.codes, self.scale, self.row);
    }
}
