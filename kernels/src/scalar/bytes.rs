//! Sums of products of bytes, and of codes of few bits within them.

use crate::bits::LEVELS;

/// Σ row·query, of unsigned bytes of a row and signed bytes of a query.
#[inline(always)]
pub(crate) fn dot(row: &[u8], query: &[u8]) -> i32 {
    row.iter().zip(query).map(|(c, d)| i32::from(*c) * i32::from(d.cast_signed())).sum()
}

/// Σ over the lowest codes of a word's bytes: of code·d for 1 and 2 bits, of level·d for
/// 4.
#[inline(always)]
pub(crate) fn of_four<const BITS: usize>(word: u32, query: [u8; 4]) -> i32 {
    let codes = (word & every_byte::<BITS>()).to_le_bytes();
    if BITS < 4 {
        return dot(&codes, &query);
    }
    let products = codes
        .iter()
        .zip(query)
        .map(|(code, d)| i32::from(LEVELS[usize::from(*code) % 16]) * i32::from(d.cast_signed()));
    products.sum()
}

/// What the caller's sum of products of codes stands for, for codes of 1 or 2 bits:
/// Σ(m − 2c)·d with the largest level m.
#[inline(always)]
pub(crate) const fn of_codes<const BITS: usize>(sum: i32, total: i32) -> i32 {
    ((1 << BITS) - 1) * total - 2 * sum
}

/// The lowest code of every byte.
pub(crate) const fn every_byte<const BITS: usize>() -> u32 {
    0x0101_0101 * ((1 << BITS) - 1)
}
