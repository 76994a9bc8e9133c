//! The codec of 1, 2 or 4 bits: 64 values at a time as numbers of levels.
//!
//! | bits | level of code c | levels a root mean square |
//! |---|---|---|
//! | 1 | 1 − 2c: 1, −1 | |
//! | 2 | 3 − 2c: 3, 1, −1, −3 | 2.0086 |
//! | 4 | ±6, ±18, ±31, ±44, ±58, ±75, ±96, ±127; bit 3 is the sign | 46.47 |
//!
//! A value's code is that of the level nearest to it, after it was multiplied by how many
//! levels there are to its unit; in the middle it is the level further from zero, and a
//! zero has its sign's. The levels are those of least squared error for normal numbers of
//! that root mean square: of 2 bits the evenly spaced ones (Max 1960: .9957 apart), which
//! are within 1 % of the best; of 4 bits the best ones (Lloyd 1982), rounded.
//!
//! Value *i* of a block stands in word ⌊i·b/32⌋ at bit i·b mod 32, b bits each. A decoded
//! value is level·scale. With scale = Σx²/Σx·level the inner product of the decoded row
//! and the row itself is Σx², and a score is unbiased where numbers are about normal
//! (RaBitQ, Gao & Long 2024).

use crate::scalar::codec::bits as scalar;

pub use crate::bits::{BLOCK, Bits, WORDS};

/// The codes of a block of finite values, and Σ value·level over it, in the order of a
/// score ([`mod@crate::score`]): |computed − exact| ≤ 9·2⁻²⁴·Σ|value·level|. It leaves
/// `f32` where values are above 10³⁴: scale a row before. `levels` is how many there are
/// to the unit.
///
/// ```
/// use gradsieve_kernels::codec::bits::{Bits, decode_block, encode_block};
///
/// let mut values = [0.5; 64];
/// values[1] = -2.0;
/// let (words, product) = encode_block(Bits::Two, &values, 2.0);
/// assert_eq!(product, 63.0 * 0.5 + 2.0 * 3.0);
/// let decoded = decode_block(Bits::Two, &words, 0.5);
/// assert_eq!(decoded[..2], [0.5, -1.5]);
/// ```
#[must_use]
pub fn encode_block(bits: Bits, values: &[f32; BLOCK], levels: f32) -> ([u32; WORDS], f32) {
    scalar::encode(bits, values, levels)
}

/// The values of a block's codes: level·scale.
#[must_use]
pub fn decode_block(bits: Bits, words: &[u32; WORDS], scale: f32) -> [f32; BLOCK] {
    let mut values = [0.0; BLOCK];
    let a_word = 32 / bits.count();
    for (some, word) in values.chunks_mut(a_word).zip(words) {
        let mut codes = *word;
        for value in some {
            *value = f32::from(bits.level(codes)) * scale;
            codes >>= bits.count();
        }
    }
    values
}
