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

use crate::dispatch::{Kernel, run};
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::simd::Simd;

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

/// The scale of a row whose largest magnitude is `max`, a finite number.
#[inline]
#[must_use]
pub fn scale_of(max: f32) -> f32 {
    let scale = max / 127.0;
    // Not so for a row of zeros, whose quotient is a NaN.
    if max / scale >= 127.5 {
        return f32::from_bits(scale.to_bits() + 1);
    }
    if scale * 127.0 > f32::MAX { f32::from_bits(scale.to_bits() - 1) } else { scale }
}

/// x/scale to the nearest integer: adding 1.5·2²³ leaves no bits for a fraction.
#[inline(always)]
pub(crate) fn code(x: f32, scale: f32) -> i8 {
    const ROUND: f32 = 12_582_912.0;
    if scale == 0.0 { 0 } else { (x / scale + ROUND - ROUND) as i8 }
}

struct Encode<'a> {
    row: &'a [f32],
    codes: &'a mut [u8],
}

impl Kernel for Encode<'_> {
    type Output = Result<f32, Error>;

    /// The scalar text.
    #[inline(always)]
    fn define(self) -> Result<f32, Error> {
        let mut max = 0.0_f32;
        for x in self.row {
            if !x.is_finite() {
                return Err(Error::NonFinite);
            }
            max = if x.abs() > max { x.abs() } else { max };
        }
        let scale = scale_of(max);
        Part { part: self.row, scale, codes: self.codes }.define();
        Ok(scale)
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) -> Result<f32, Error> {
        let (row, rest) = self.row.as_chunks::<16>();
        let rest = s.load_part(rest);
        let (mut max, mut odd) = (s.abs(rest), s.count_non_finite(rest));
        if odd > 0 {
            return Err(Error::NonFinite);
        }
        for x in row {
            let x = s.load(x);
            max = s.max_or(s.abs(x), max);
            odd += s.count_non_finite(x);
        }
        if odd > 0 {
            return Err(Error::NonFinite);
        }
        let scale = scale_of(s.fold_max(max));
        Part { part: self.row, scale, codes: self.codes }.vectorise(s);
        Ok(scale)
    }
}

struct Part<'a> {
    part: &'a [f32],
    scale: f32,
    codes: &'a mut [u8],
}

impl Kernel for Part<'_> {
    type Output = ();

    /// The scalar text.
    #[inline(always)]
    fn define(self) {
        for (x, to) in self.part.iter().zip(self.codes) {
            *to = code(*x, self.scale).cast_unsigned() ^ 0x80;
        }
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { part, scale, codes } = self;
        if scale == 0.0 {
            codes.fill(0x80);
            return;
        }
        let (part, part_rest) = part.as_chunks::<16>();
        let (codes, codes_rest) = codes.as_chunks_mut::<16>();
        for (x, to) in part.iter().zip(codes) {
            *to = s.divide_and_round(s.load(x), scale).map(|code| code.cast_unsigned() ^ 0x80);
        }
        for (to, code) in codes_rest.iter_mut().zip(s.divide_and_round(s.load_part(part_rest), scale)) {
            *to = code.cast_unsigned() ^ 0x80;
        }
    }
}

struct Decode<'a> {
    codes: &'a [u8],
    scale: f32,
    row: &'a mut [f32],
}

impl Kernel for Decode<'_> {
    type Output = ();

    /// The scalar text.
    #[inline(always)]
    fn define(self) {
        for (code, to) in self.codes.iter().zip(self.row) {
            *to = (i32::from(*code) - 128) as f32 * self.scale;
        }
    }

    /// The same text: every compiler makes vectors of it.
    #[inline(always)]
    fn vectorise<S: Simd>(self, _s: S) {
        self.define();
    }
}
