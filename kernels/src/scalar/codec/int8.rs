//! The int8 codec ([`crate::codec::int8`]) on a core without vectors.

use crate::error::Error;

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

/// Writes a row's codes, and returns its scale.
#[inline(always)]
pub(crate) fn encode(row: &[f32], codes: &mut [u8]) -> Result<f32, Error> {
    let mut max = 0.0_f32;
    for x in row {
        if !x.is_finite() {
            return Err(Error::NonFinite);
        }
        max = if x.abs() > max { x.abs() } else { max };
    }
    let scale = scale_of(max);
    encode_part(row, scale, codes);
    Ok(scale)
}

/// Writes codes of a known scale.
#[inline(always)]
pub(crate) fn encode_part(part: &[f32], scale: f32, codes: &mut [u8]) {
    for (x, to) in part.iter().zip(codes) {
        *to = code(*x, scale).cast_unsigned() ^ 0x80;
    }
}

/// Writes the values of codes.
#[inline(always)]
pub(crate) fn decode(codes: &[u8], scale: f32, row: &mut [f32]) {
    for (code, to) in codes.iter().zip(row) {
        *to = (i32::from(*code) - 128) as f32 * scale;
    }
}
