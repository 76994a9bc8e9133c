//! [`crate::double`] on a core without vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::part::{Part, PartMut};
use crate::real::Real;
use crate::sum::fold_to;

/// Partial sums a dot product.
const LANES: usize = 8;

/// Rows whose outer products are added while an entry is in a register.
const ABREAST: usize = 4;

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

/// The dot product of each two rows, added to `out`.
#[inline(always)]
pub(crate) fn add_dots<T: Real>(x: Part<'_, f64>, y: Part<'_, T>, out: &mut [f64]) {
    for (q, out) in out.chunks_exact_mut(y.rows().max(1)).enumerate() {
        for (r, out) in out.iter_mut().enumerate() {
            *out += dot(x.row(q), y.row(r));
        }
    }
}

/// y + Σᵣ wᵣ·xᵣ.
#[inline(always)]
pub(crate) fn add_rows<T: Real>(weights: &[f64], rows: Part<'_, T>, mut y: PartMut<'_, f64>) {
    for (q, weights) in weights.chunks_exact(rows.rows().max(1)).enumerate() {
        for (r, &weight) in weights.iter().enumerate() {
            axpy(weight, rows.row(r), y.row_from(q, 0));
        }
    }
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
    let rows_at_once = ABREAST * k.max(1);
    for (weights, rows) in weights.chunks(ABREAST).zip(rows.chunks(rows_at_once)) {
        let mut packed = &mut *packed;
        for i in 0..k {
            let Some((row, rest)) = core::mem::take(&mut packed).split_at_mut_checked(i + 1) else {
                cannot_happen!("a triangle has a row for each column");
                return;
            };
            packed = rest;
            add_to_row(weights, k, rows, i, row);
        }
    }
}

/// Row `i` of the triangle.
#[inline(always)]
fn add_to_row(weights: &[f64], k: usize, rows: &[f32], i: usize, row: &mut [f64]) {
    let part = |r: usize| -> (f64, &[f32]) {
        let x = rows.get(r * k..).and_then(|x| x.get(..=i)).certain();
        let weight = weights.get(r).copied().certain();
        (weight * x.last().copied().map(f64::from).certain(), x)
    };
    if weights.len() == ABREAST {
        let ((a, x), (b, y), (c, z), (d, w)) = (part(0), part(1), part(2), part(3));
        let entries = row.iter_mut().zip(x).zip(y).zip(z).zip(w);
        for ((((to, x), y), z), w) in entries {
            let one = *to + a * f64::from(*x);
            let two = one + b * f64::from(*y);
            let three = two + c * f64::from(*z);
            *to = three + d * f64::from(*w);
        }
    } else {
        for r in 0..weights.len() {
            let (weight, x) = part(r);
            axpy(weight, x, row);
        }
    }
}
