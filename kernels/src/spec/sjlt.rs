//! The blocked sparse Johnson–Lindenstrauss transform.

use super::{Format, hash};
use crate::Key;

/// Coordinates that share one word of the hash.
const BLOCK: u64 = 32;

/// Adds the projection of `scale`·x, coordinates `offset` and following of a gradient, to
/// `out`, with 1, 2 or 4 repetitions; `out` holds one part after the other, one for each
/// repetition.
///
/// In each part a block of 32 coordinates goes to one block of 32 outputs. Within it,
/// coordinate *i* goes to output *i* XOR *p*, with its sign flipped if bit *i* of the
/// block's word is set. The word's upper 27 bits choose the block of outputs; the five
/// below them are *p*.
pub fn sjlt<T: Format>(
    key: impl Into<Key>,
    repetitions: u64,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) {
    let stream = hash::stream(key, u64::from_be_bytes(*b"SJLT-32\0"));
    let part = out.len() / repetitions as usize;
    for (x, coordinate) in x.iter().zip(offset..) {
        let (block, i) = (coordinate / BLOCK, coordinate % BLOCK);
        for repetition in 0..repetitions {
            let word = stream.word(block * repetitions + repetition);
            let to = BLOCK * hash::below(word >> 37, 27, part as u64 / BLOCK) + (i ^ word >> 32 & 31);
            let term = scale * x.value();
            out[repetition as usize * part + to as usize] += if word >> i & 1 == 1 { -term } else { term };
        }
    }
}
