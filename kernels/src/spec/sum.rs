//! The canonical sum: the one order in which gradsieve adds.
//!
//! Terms are taken in tiles of [`TILE`], of which the last may be shorter. In a tile,
//! term *i* goes to lane *i* mod [`LANES`], in `f32`. The lanes are folded by adding the
//! upper half to the lower: to a single one in the last tile, to sixteen in every tile
//! before it. Those sixteen are added to sixteen lanes of `f64`, which are folded when
//! all tiles are in; to that the last tile's sum is added, in `f64`.
//!
//! No sum is −0, and the sum of nothing is +0. [`crate::sum`] says why this order, and
//! what its error is.

use crate::sum::{LANES, TILE, WIDE};
use core::ops::AddAssign;

/// The sum of terms 0 to `count` − 1.
pub fn sum(count: usize, term: impl Fn(usize) -> f32) -> f64 {
    let mut wide = [0.0_f64; WIDE];
    let mut last = 0.0_f32;
    for start in (0..count).step_by(TILE) {
        let end = count.min(start + TILE);
        let mut lanes = [0.0_f32; LANES];
        for i in start..end {
            lanes[i % LANES] += term(i);
        }
        if end < count {
            fold(&mut lanes, WIDE);
            for j in 0..WIDE {
                wide[j] += f64::from(lanes[j]);
            }
        } else {
            fold(&mut lanes, 1);
            last = lanes[0];
        }
    }
    fold(&mut wide, 1);
    wide[0] + f64::from(last)
}

/// A sum of rounded products below this magnitude, 2⁻⁸⁰, may have lost them to underflow.
const LEAST: f64 = 1.0 / (1_u128 << 80) as f64;

/// `narrow`, the sum of rounded terms, if it is finite and not below 2⁻⁸⁰. Else the sum
/// of the exact terms in `f64`: term *i* goes to lane *i* mod [`WIDE`], and the lanes are
/// folded.
pub(super) fn or_wide(narrow: f64, count: usize, term: impl Fn(usize) -> f64) -> f64 {
    if narrow.is_finite() && narrow.abs() >= LEAST {
        return narrow;
    }
    let mut lanes = [0.0_f64; WIDE];
    for i in 0..count {
        lanes[i % WIDE] += term(i);
    }
    fold(&mut lanes, 1);
    lanes[0]
}

/// Adds the upper half of the lanes to the lower, until `rest` are left, which stand
/// first.
pub(super) fn fold<T: Copy + AddAssign>(lanes: &mut [T], rest: usize) {
    let mut half = lanes.len() / 2;
    while half >= rest {
        for j in 0..half {
            let upper = lanes[j + half];
            lanes[j] += upper;
        }
        half /= 2;
    }
}
