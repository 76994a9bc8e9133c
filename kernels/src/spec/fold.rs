//! The folded factor, and its measures.

use super::sum::fold as fold_lanes;
use super::{Format, hash, max_abs};
use crate::Key;
use crate::fold::Tame;

/// Lanes.
const LANES: usize = 8;

const TWO_TO_30: f32 = (1_u64 << 30) as f32;
const TWO_TO_MINUS_40: f32 = 1.0 / (1_u64 << 40) as f32;

/// The factor folded to 1, 2, 4 or 8 numbers; or to as many as it has entries, and then
/// each is itself.
pub fn fold<T: Format>(key: impl Into<Key>, x: &[T], out: &mut [f32]) {
    if out.len() == x.len() {
        out.iter_mut().zip(x).for_each(|(out, x)| *out = x.value());
        return;
    }
    let stream = hash::stream(key, u64::from_be_bytes(*b"FOLD-32\0"));
    let mut lanes = [0.0; LANES];
    for (i, x) in x.iter().enumerate() {
        let flipped = stream.word(i as u64 / 32) >> (i % 32) & 1 == 1;
        lanes[i % LANES] += if flipped { -x.value() } else { x.value() };
    }
    fold_lanes(&mut lanes, out.len());
    out.copy_from_slice(&lanes[..out.len()]);
}

/// The measures of up to 4,096 entries, all of them finite, of which the largest is 0 or
/// from 2⁻⁴⁰ to below 2³⁰.
pub fn tame<T: Format>(x: &[T]) -> Option<Tame> {
    let max = max_abs(x);
    let held = max == 0.0 || (TWO_TO_MINUS_40..TWO_TO_30).contains(&max);
    let finite = x.iter().all(|x| x.value().is_finite());
    let (l1, l2_squared) = (sum(x, f32::abs), sum(x, |x| x * x));
    (held && finite && x.len() <= 4096).then_some(Tame { l1, l2_squared, max })
}

/// The sum of a term of each entry: in lanes, which are added up after each 512 entries.
fn sum<T: Format>(x: &[T], term: fn(f32) -> f32) -> f32 {
    let mut sum = 0.0;
    for piece in x.chunks(512) {
        let mut lanes = [0.0; LANES];
        for (i, x) in piece.iter().enumerate() {
            lanes[i % LANES] += term(x.value());
        }
        fold_lanes(&mut lanes, 1);
        sum += lanes[0];
    }
    sum
}
