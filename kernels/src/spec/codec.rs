//! The codecs of a row: in bytes with a scale, and in levels of few bits.

use super::format::round;
use super::max_abs;
use super::sum::fold;
use crate::error::Error;

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

/// Sign bit *i* of a row.
pub(super) fn sign(words: &[u32], i: usize) -> u32 {
    words[i / 32] >> (i % 32) & 1
}

/// The level of a code of so many bits.
pub fn level(bits: usize, code: u32) -> i32 {
    const FOUR: [i32; 8] = [6, 18, 31, 44, 58, 75, 96, 127];
    match bits {
        1 => 1 - 2 * code as i32,
        2 => 3 - 2 * code as i32,
        _ if code < 8 => FOUR[code as usize],
        _ => -FOUR[code as usize - 8],
    }
}

/// Writes the codes of 64 values to `bits`·2 words, and returns Σ x·level. The code is
/// that of the level nearest to x·`levels`; in the middle, of the one further from zero,
/// and for zeros, of the one of their sign.
pub fn encode_bits(bits: usize, values: &[f32], levels: f32, words: &mut [u32]) -> f32 {
    words.fill(0);
    let mut lanes = [0.0_f32; 16];
    for (i, x) in values.iter().enumerate() {
        let magnitude = f64::from((x * levels).abs());
        let is_nearer = |code: u32, best: u32| {
            let distance = |code| (f64::from(level(bits, code)) - magnitude).abs();
            distance(code) < distance(best)
                || distance(code) == distance(best) && level(bits, code) > level(bits, best)
        };
        let best = (0..1 << bits).fold(0, |best, code| if is_nearer(code, best) { code } else { best });
        let wanted = if x.is_sign_negative() { -level(bits, best) } else { level(bits, best) };
        let code = (0..1 << bits).find(|code| level(bits, *code) == wanted).unwrap_or(0);
        words[i * bits / 32] |= code << (i * bits % 32);
        lanes[i % 16] += x * wanted as f32;
    }
    fold(&mut lanes, 1);
    lanes[0]
}

/// The code of value *i* of a row.
pub fn code_of(bits: usize, words: &[u32], i: usize) -> u32 {
    words[i * bits / 32] >> (i * bits % 32) & ((1 << bits) - 1)
}
