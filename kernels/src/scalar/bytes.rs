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
pub(crate) fn of_four<const BITS: usize>(word: u32, query: [i32; 4]) -> i32 {
    let codes = (word & every_byte::<BITS>()).to_le_bytes();
    let factor =
        |code: u8| i32::from(if BITS < 4 { code.cast_signed() } else { LEVELS[usize::from(code) % 16] });
    codes.into_iter().zip(query).map(|(code, d)| factor(code) * d).sum()
}

/// Four signed bytes, each + 128.
#[inline(always)]
pub(crate) const fn biased(query: [u8; 4]) -> u32 {
    u32::from_le_bytes(query) ^ 0x8080_8080
}

/// Σ bit·d over a word of codes of 1 bit and eight quads of a query, each byte + 128:
/// four bytes at a time in a register of 32 bits, masked by the bits, and added in pairs.
/// What was added to the bytes is taken off again, by as many bits as are set.
#[inline(always)]
pub(crate) fn of_signs(mut word: u32, queries: &[u32; 8]) -> i32 {
    const PAIRS: u32 = 0x00FF_00FF;
    let (mut even, mut odd, mut ones) = (0_u32, 0_u32, 0_u32);
    for query in queries {
        let codes = word & every_byte::<1>();
        word >>= 1;
        let chosen = (codes << 8).wrapping_sub(codes) & query;
        even += chosen & PAIRS;
        odd += chosen >> 8 & PAIRS;
        ones += codes;
    }
    let both = even + odd;
    let sum = (both & 0xFFFF) + (both >> 16);
    sum.cast_signed() - 128 * (ones.wrapping_mul(0x0101_0101) >> 24).cast_signed()
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
