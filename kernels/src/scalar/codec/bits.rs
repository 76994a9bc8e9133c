//! Codes of few bits ([`crate::codec::bits`]) on a core without vectors: one text for all
//! of them, for a small core's memory, and for others, too. A row's rotation takes
//! longer.

use crate::bits::{BLOCK, Bits, WORDS};
use crate::layout::order::{LANES, fold};

/// In the middle between two positive levels of 4 bits.
const MIDDLES: [f32; 7] = [12.0, 24.5, 37.5, 51.0, 66.5, 85.5, 111.5];

/// Codes, and their sum of products.
#[inline(never)]
pub(crate) fn encode(bits: Bits, values: &[f32; BLOCK], levels: f32) -> ([u32; WORDS], f32) {
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
                if let Some(to) = to.next() {
                    *to = word;
                }
                (word, filled) = (0, 0);
            }
        }
    }
    (words, fold(lanes))
}
