//! The mask before the SJLT.

use super::{Format, hash, sjlt};
use crate::Key;

/// Adds the projection of `scale`·x, coordinates `offset` and following of a gradient, to
/// `out`: of every `every` blocks of 32 coordinates one is kept, which the hash chooses,
/// and goes through the SJLT; the others are dropped.
pub fn mask<T: Format>(
    key: impl Into<Key>,
    repetitions: u64,
    every: u64,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) {
    let key = key.into();
    let stream = hash::stream(key, u64::from_be_bytes(*b"MASK-32\0"));
    for (x, coordinate) in x.iter().zip(offset..) {
        let (stratum, block) = (coordinate / (32 * every), coordinate / 32 % every);
        if block == hash::below(stream.word(stratum) >> 32, 32, every) {
            sjlt(key, repetitions, coordinate, scale, &[*x], out);
        }
    }
}
