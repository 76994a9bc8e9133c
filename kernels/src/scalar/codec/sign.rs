//! The 1-bit codec ([`crate::codec::sign`]) on a core without vectors.

/// Writes the sign bits of a row, and zeros behind them.
#[inline(always)]
pub(crate) fn encode(row: &[f32], words: &mut [u32]) {
    words.fill(0);
    for (row, word) in row.chunks(32).zip(words) {
        for (i, x) in row.iter().enumerate() {
            *word |= x.to_bits() >> 31 << i;
        }
    }
}
