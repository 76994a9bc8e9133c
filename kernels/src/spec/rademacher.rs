//! The dense Rademacher projection.

use super::{Format, hash};
use crate::Key;

/// Coordinates that are summed together before an output is touched.
const GROUP: u64 = 32;

/// Adds the projection of `scale`·x, coordinates `offset` and following of a gradient, to
/// `out`. Coordinates are taken in groups of 32; those of a group that are not in x count
/// as +0.
///
/// A group and an output have 32 bits of the hash: half a word, a nibble for each four
/// coordinates.
pub fn rademacher<T: Format>(key: impl Into<Key>, offset: u64, scale: f32, x: &[T], out: &mut [f32]) {
    let stream = hash::stream(key, u64::from_be_bytes(*b"RADEMACH"));
    let words = out.len() as u64 / 2;
    let mut done = 0;
    while done < x.len() {
        let (group, first) = ((offset + done as u64) / GROUP, (offset + done as u64) % GROUP);
        let mut inputs = [0.0; GROUP as usize];
        for input in &mut inputs[first as usize..] {
            if done < x.len() {
                *input = scale * x[done].value();
                done += 1;
            }
        }
        for (j, out) in out.iter_mut().enumerate() {
            let word = stream.word(group.wrapping_mul(words).wrapping_add(j as u64 / 2));
            let bits = if j % 2 == 0 { word as u32 } else { (word >> 32) as u32 };
            let t = |q: usize| signed_sum(&inputs[4 * q..], bits >> (4 * q));
            *out += ((t(0) + t(1)) + (t(2) + t(3))) + ((t(4) + t(5)) + (t(6) + t(7)));
        }
    }
}

/// ±(((±x₀ ± x₁) ± x₂) + x₃), by the four lowest bits.
fn signed_sum(x: &[f32], bits: u32) -> f32 {
    let signed = |x: f32, bit: u32| if bits >> bit & 1 == 1 { -x } else { x };
    signed(((signed(x[0], 0) + signed(x[1], 1)) + signed(x[2], 2)) + x[3], 3)
}
