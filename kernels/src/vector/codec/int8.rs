//! The int8 codec ([`crate::codec::int8`]) in vectors.

use crate::error::Error;
use crate::scalar::codec::int8::scale_of;
use crate::simd::Simd;

/// Writes a row's codes, and returns its scale.
#[inline(always)]
pub(crate) fn encode<S: Simd>(s: S, row: &[f32], codes: &mut [u8]) -> Result<f32, Error> {
    let (whole, rest) = row.as_chunks::<16>();
    let rest = s.load_part(rest);
    let (mut max, mut odd) = (s.abs(rest), s.count_non_finite(rest));
    if odd > 0 {
        return Err(Error::NonFinite);
    }
    for x in whole {
        let x = s.load(x);
        max = s.max_or(s.abs(x), max);
        odd += s.count_non_finite(x);
    }
    if odd > 0 {
        return Err(Error::NonFinite);
    }
    let scale = scale_of(s.fold_max(max));
    encode_part(s, row, scale, codes);
    Ok(scale)
}

/// Writes codes of a known scale.
#[inline(always)]
pub(crate) fn encode_part<S: Simd>(s: S, part: &[f32], scale: f32, codes: &mut [u8]) {
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
