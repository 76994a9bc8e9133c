//! The exact measures of a whole gradient.
//!
//! Its two sums have an order of their own: tiles of [`TILE`] terms, 64 lanes in `f32`,
//! every tile folded to one `f32`, and these added in `f64`, one after the other.
//! [`crate::summary`] says why.

use super::sum::fold;
use super::{Format, max_abs};
use crate::sum::LANES;
use crate::summary::{Summary, TILE};

const TWO_TO_30: f64 = (1_u64 << 30) as f64;
const TWO_TO_60: f64 = (1_u64 << 60) as f64;
const TWO_TO_110: f64 = (1_u128 << 110) as f64;
const TWO_TO_MINUS_40: f64 = 1.0 / (1_u64 << 40) as f64;

/// The measures of a gradient, wherever it was cut.
pub fn summarize<T: Format>(x: &[T]) -> Summary {
    let mut measures = Summary {
        l1: sum(x.len(), |i| x[i].value().abs()),
        l2_squared: sum(x.len(), |i| x[i].value() * x[i].value()),
        max: max_abs(x),
        non_finite: x.iter().filter(|x| !x.value().is_finite()).count() as u64,
        count: x.len() as u64,
    };
    // What `f32` cannot hold is summed in `f64`, one entry after the other; beside an
    // entry of 2⁶⁰ those below 2³⁰ do not count.
    let max = f64::from(measures.max);
    let is_large = measures.non_finite == 0 && max >= TWO_TO_60;
    let least = if is_large { TWO_TO_30 } else { 0.0 };
    let entries = || x.iter().map(|x| f64::from(x.value().abs())).filter(move |&x| x >= least);
    let is_small = measures.non_finite == 0 && max > 0.0 && max < TWO_TO_MINUS_40;
    if is_large || is_small {
        measures.l2_squared = entries().fold(0.0, |sum, x| sum + x * x);
    }
    if is_large && max >= TWO_TO_110 {
        measures.l1 = entries().fold(0.0, |sum, x| sum + x);
    }
    measures
}

/// The sum of terms 0 to `count` − 1, in this module's order.
fn sum(count: usize, term: impl Fn(usize) -> f32) -> f64 {
    let mut total = 0.0_f64;
    for start in (0..count).step_by(TILE) {
        let mut lanes = [0.0_f32; LANES];
        for i in start..count.min(start + TILE) {
            lanes[i % LANES] += term(i);
        }
        fold(&mut lanes, 1);
        total += f64::from(lanes[0]);
    }
    total
}
