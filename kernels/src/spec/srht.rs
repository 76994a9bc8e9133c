//! The blocked subsampled randomised Hadamard transform.

use super::{Format, hadamard, hash, sjlt};
use crate::Key;

/// Coordinates that are transformed together.
const BLOCK: u64 = 1024;

/// Adds the projection of `scale`·x, coordinates `offset` and following of a gradient, to
/// `out`. Each block of 1,024 coordinates gets random signs, is transformed, and goes
/// through the SJLT with one repetition. Coordinates of a block that are not in x count
/// as +0.
///
/// The projection of an outer product b aᵀ is that of its rows, one after the other, each
/// product rounded to `f32`.
pub fn srht<T: Format>(key: impl Into<Key>, offset: u64, scale: f32, x: &[T], out: &mut [f32]) {
    let key = key.into();
    let stream = hash::stream(key, u64::from_be_bytes(*b"SRHT-102"));
    let mut done = 0;
    while done < x.len() {
        let coordinate = offset + done as u64;
        let start = coordinate - coordinate % BLOCK;
        let mut block = [0.0; BLOCK as usize];
        for to in &mut block[(coordinate - start) as usize..] {
            if done < x.len() {
                *to = scale * x[done].value();
                done += 1;
            }
        }
        for (to, coordinate) in block.iter_mut().zip(start..) {
            if stream.word(coordinate / 64) >> (coordinate % 64) & 1 == 1 {
                *to = -*to;
            }
        }
        hadamard(&mut block);
        sjlt(key, 1, start, 1.0, &block, out);
    }
}
