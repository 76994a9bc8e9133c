//! The codecs of a row: in bytes with a scale in `f32`, in bits with a scale in `f16`.

use super::format::round;
use super::{Format, l1_norm, max_abs, squared_norm};
use crate::error::Error;
use half::f16;

/// The scale of a row in bytes whose largest magnitude is `max`: max/127, but a float
/// more where a code would exceed 127, or a float less where 127 would decode to
/// infinity.
pub fn scale_of(max: f32) -> f32 {
    let scale = max / 127.0;
    if max == 0.0 {
        0.0
    } else if max / scale >= 127.5 {
        f32::from_bits(scale.to_bits() + 1)
    } else if scale * 127.0 == f32::INFINITY {
        f32::from_bits(scale.to_bits() - 1)
    } else {
        scale
    }
}

/// x/scale, rounded to `f32`, then to the nearest integer, ties to even: from −127 to
/// 127.
pub fn code(x: f32, scale: f32) -> i32 {
    if scale == 0.0 { 0 } else { round(f64::from(x / scale)) as i32 }
}

/// Writes a row's codes, each + 128, and returns its scale.
///
/// # Errors
/// [`Error::NonFinite`] if a value is infinite or NaN.
pub fn encode_int8(row: &[f32], codes: &mut [u8]) -> Result<f32, Error> {
    assert_eq!(row.len(), codes.len());
    if row.iter().any(|x| !x.is_finite()) {
        return Err(Error::NonFinite);
    }
    let scale = scale_of(max_abs(row));
    for i in 0..row.len() {
        codes[i] = (code(row[i], scale) + 128) as u8;
    }
    Ok(scale)
}

/// Writes the values of codes: (code − 128)·scale.
pub fn decode_int8(codes: &[u8], scale: f32, row: &mut [f32]) {
    for i in 0..row.len() {
        row[i] = (i32::from(codes[i]) - 128) as f32 * scale;
    }
}

/// Writes a row's sign bits, value *i* at bit *i* mod 32 of word ⌊i/32⌋ and zeros behind
/// the last, and returns its scale Σxᵢ²/Σ|xᵢ|.
///
/// # Errors
/// [`Error::NonFinite`] if a value is infinite or NaN, or the scale too large for `f16`.
pub fn encode_signs(row: &[f32], words: &mut [u32]) -> Result<f16, Error> {
    let magnitudes = l1_norm(row);
    let scale = if magnitudes == 0.0 { 0.0 } else { squared_norm(row) / magnitudes };
    let scale = f16::nearest(scale as f32);
    if !scale.value().is_finite() {
        return Err(Error::NonFinite);
    }
    words.fill(0);
    for (i, x) in row.iter().enumerate() {
        words[i / 32] |= u32::from(x.is_sign_negative()) << (i % 32);
    }
    Ok(scale)
}

/// Writes the values of signs: ±scale.
pub fn decode_signs(words: &[u32], scale: f16, row: &mut [f32]) {
    for (i, to) in row.iter_mut().enumerate() {
        *to = if sign(words, i) == 1 { -scale.value() } else { scale.value() };
    }
}

/// Sign bit *i* of a row.
pub(super) fn sign(words: &[u32], i: usize) -> u32 {
    words[i / 32] >> (i % 32) & 1
}
