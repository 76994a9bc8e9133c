//! [`crate::double`] on a core without vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::real::Real;
use crate::sum::fold_to;

/// Partial sums a dot product.
pub(crate) const LANES: usize = 8;

/// Σ xᵢ·yᵢ.
#[inline(always)]
pub(crate) fn dot<T: Real>(x: &[f64], y: &[T]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in x.iter().zip(y) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * (*y).into();
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += x * (*y).into();
    }
    fold_to(&mut lanes, 1);
    lanes[0]
}

/// y + α·x.
#[inline(always)]
pub(crate) fn axpy<T: Real>(alpha: f64, x: &[T], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * (*x).into();
    }
}

/// C + Σᵣ wᵣ·xᵣ xᵣᵀ.
#[inline(always)]
pub(crate) fn add_outers(weights: &[f64], k: usize, rows: &[f32], packed: &mut [f64]) {
    for (weight, x) in weights.iter().zip(rows.chunks(k.max(1))) {
        each_row(k, packed, |i, row| {
            let x = x.get(..=i).certain();
            axpy(weight * x.last().copied().map(f64::from).certain(), x, row);
        });
    }
}

/// The rows of a packed triangle: row `i` has i + 1 entries.
#[inline(always)]
pub(crate) fn each_row(k: usize, packed: &mut [f64], mut visit: impl FnMut(usize, &mut [f64])) {
    let mut packed = packed;
    for i in 0..k {
        let Some((row, rest)) = core::mem::take(&mut packed).split_at_mut_checked(i + 1) else {
            cannot_happen!("a triangle has a row for each column");
            return;
        };
        packed = rest;
        visit(i, row);
    }
}
