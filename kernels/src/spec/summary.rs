//! The exact measures of a whole gradient.
//!
//! Its two sums have an order of their own: tiles of [`TILE`] terms, 64 lanes in `f32`,
//! every tile folded to one `f32`, and these added in `f64`, one after the other.
//! [`crate::summary`] says why.

use super::sum::fold;
use super::{Format, max_abs};
use crate::sum::LANES;
use crate::summary::{Summary, TILE};

/// The measures of a gradient, wherever it was cut.
pub fn summarize<T: Format>(x: &[T]) -> Summary {
    Summary {
        l1: sum(x.len(), |i| x[i].value().abs()),
        l2_squared: sum(x.len(), |i| x[i].value() * x[i].value()),
        max: max_abs(x),
        non_finite: x.iter().filter(|x| !x.value().is_finite()).count() as u64,
        count: x.len() as u64,
    }
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
