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

use crate::cannot_happen;
use crate::layout::order::{LANES, fold};

pub use crate::bits::{BLOCK, Bits, WORDS};

/// In the middle between two positive levels of 4 bits.
const MIDDLES: [f32; 7] = [12.0, 24.5, 37.5, 51.0, 66.5, 85.5, 111.5];

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
// Not inlined, for a small core's memory. A row's rotation takes longer.
#[inline(never)]
#[must_use]
pub fn encode_block(bits: Bits, values: &[f32; BLOCK], levels: f32) -> ([u32; WORDS], f32) {
    let middles: &[f32] = match bits {
        Bits::One => &[],
        Bits::Two => &[2.0],
        Bits::Four => &MIDDLES,
    };
    let (mut words, mut lanes) = ([0; WORDS], [0.0_f32; LANES]);
    let mut to = words.iter_mut();
    let (mut word, mut filled) = (0, 0);
    for values in values.as_chunks::<LANES>().0 {
        for (x, lane) in values.iter().zip(&mut lanes) {
            let (sign, magnitude) = (x.to_bits() >> 31, (x * levels).abs());
            let steps: u32 = middles.iter().map(|middle| u32::from(magnitude >= *middle)).sum();
            let code = match bits {
                Bits::One => sign,
                // 0 and 1 are positive, the far one first; 2 and 3 are negative.
                Bits::Two => (1 ^ steps) ^ (0_u32.wrapping_sub(sign) & 3),
                Bits::Four => sign << 3 | steps,
            };
            *lane += x * f32::from(bits.level(code));
            word |= code << filled;
            filled += bits.count();
            if filled == 32 {
                let Some(to) = to.next() else {
                    cannot_happen!("64 codes of at most four bits are eight words");
                    continue;
                };
                (*to, word, filled) = (word, 0, 0);
            }
        }
    }
    (words, fold(lanes))
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
