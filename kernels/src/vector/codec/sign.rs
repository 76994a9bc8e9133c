//! The 1-bit codec ([`crate::codec::sign`]) in vectors.

use crate::scalar;
use crate::simd::Simd;

/// Writes the sign bits of a row, and zeros behind them.
#[inline(always)]
pub(crate) fn encode<S: Simd>(s: S, row: &[f32], words: &mut [u32]) {
    let (row, rest) = row.as_chunks::<16>();
    let (row, half) = row.as_chunks::<2>();
    let (words, words_rest) = words.split_at_mut(row.len().min(words.len()));
    for ([low, high], word) in row.iter().zip(words) {
        *word = u32::from(s.signs(s.load(low))) | u32::from(s.signs(s.load(high))) << 16;
    }
    scalar::codec::sign::encode(half.as_flattened(), words_rest);
    let first = 16 * half.len();
    if let Some(word) = words_rest.first_mut() {
        for (i, x) in (first..).zip(rest) {
            *word |= x.to_bits() >> 31 << i;
        }
    }
}
