//! The dense Gaussian projection.

use super::{Format, hash};
use crate::Key;

/// The magnitudes that a nibble's three lower bits choose from, for each of the four
/// nibbles; the fourth bit is the sign. `tests/golden/gaussian.py` fitted them.
pub const TABLES: [[f32; 8]; 4] = [
    [0.03534863, 0.15452993, 0.2613045, 0.3847366, 0.48207536, 0.7291584, 0.827904, 1.2168516],
    [0.06810865, 0.16950035, 0.288353, 0.31773221, 0.44884443, 0.54263604, 0.7649707, 1.0461514],
    [0.009154989, 0.060886085, 0.08712699, 0.1448617, 0.17035817, 0.26094964, 0.34471324, 1.0069622],
    [0.0041464656, 0.013264631, 0.014946054, 0.082104705, 0.09395404, 0.113362566, 0.12671022, 1.0621551],
];

/// Adds the projection of `scale`·x, coordinates `offset` and following of a gradient, to
/// `out`.
///
/// An entry of the matrix has sixteen bits of the hash. A word of it serves four outputs
/// of every 32: numbers 2m, 16 + 2m, 2m + 1 and 17 + 2m, from its lowest bits up.
pub fn gaussian<T: Format>(key: impl Into<Key>, offset: u64, scale: f32, x: &[T], out: &mut [f32]) {
    let stream = hash::stream(key, u64::from_be_bytes(*b"GAUSSIAN"));
    let words = out.len() as u64 / 4;
    for (x, coordinate) in x.iter().zip(offset..) {
        let x = scale * x.value();
        for (j, out) in out.iter_mut().enumerate() {
            let (block, m, odd, upper) = (j / 32, j % 16 / 2, j % 2, j % 32 / 16);
            let counter = coordinate.wrapping_mul(words).wrapping_add((8 * block + m) as u64);
            let bits = (stream.word(counter) >> (32 * odd + 16 * upper)) as u16;
            let t = |q: usize| entry(q, bits >> (4 * q)) * x;
            *out += (t(0) + t(1)) + (t(2) + t(3));
        }
    }
}

/// What the four lowest bits choose from table `q`.
fn entry(q: usize, bits: u16) -> f32 {
    let magnitude = TABLES[q][usize::from(bits & 7)];
    if bits & 8 == 8 { -magnitude } else { magnitude }
}
