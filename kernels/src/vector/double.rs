//! [`crate::double`] in vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::real::Real;
use crate::simd::Simd;
use crate::sum::fold_to;

/// Lanes of a vector, which are the partial sums of a dot product.
const LANES: usize = 8;

/// Rows whose outer products are added while an entry is in a register.
const ABREAST: usize = 4;

/// Σ xᵢ·yᵢ.
#[inline(always)]
pub(crate) fn dot<S: Simd, T: Real>(s: S, x: &[f64], y: &[T]) -> f64 {
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    let mut sums = s.splat_8(0.0);
    for (x, y) in x.iter().zip(y) {
        sums = s.add_8(sums, s.mul_8(s.load_8(x), T::load_8(s, y)));
    }
    let mut lanes = [0.0; LANES];
    s.store_8(sums, &mut lanes);
    for ((lane, x), y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += x * (*y).into();
    }
    fold_to(&mut lanes, 1);
    lanes[0]
}

/// y + α·x.
#[inline(always)]
pub(crate) fn axpy<S: Simd, T: Real>(s: S, alpha: f64, x: &[T], y: &mut [f64]) {
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks_mut::<LANES>();
    let all = s.splat_8(alpha);
    for (y, x) in y.iter_mut().zip(x) {
        s.store_8(s.add_8(s.load_8(y), s.mul_8(all, T::load_8(s, x))), y);
    }
    for (y, x) in y_rest.iter_mut().zip(x_rest) {
        *y += alpha * (*x).into();
    }
}

/// C + Σᵣ wᵣ·xᵣ xᵣᵀ.
#[inline(always)]
pub(crate) fn add_outers<S: Simd>(s: S, weights: &[f64], k: usize, rows: &[f32], packed: &mut [f64]) {
    let rows_at_once = ABREAST * k.max(1);
    for (weights, rows) in weights.chunks(ABREAST).zip(rows.chunks(rows_at_once)) {
        let mut packed = &mut *packed;
        for i in 0..k {
            let Some((row, rest)) = core::mem::take(&mut packed).split_at_mut_checked(i + 1) else {
                cannot_happen!("a triangle has a row for each column");
                return;
            };
            packed = rest;
            add_to_row(s, weights, k, rows, i, row);
        }
    }
}

/// Row `i` of the triangle.
#[inline(always)]
fn add_to_row<S: Simd>(s: S, weights: &[f64], k: usize, rows: &[f32], i: usize, row: &mut [f64]) {
    let part = |r: usize| -> (f64, &[f32]) {
        let x = rows.get(r * k..).and_then(|x| x.get(..=i)).certain();
        let weight = weights.get(r).copied().certain();
        (weight * x.last().copied().map(f64::from).certain(), x)
    };
    if weights.len() < ABREAST {
        for r in 0..weights.len() {
            let (weight, x) = part(r);
            axpy(s, weight, x, row);
        }
        return;
    }
    let parts = [part(0), part(1), part(2), part(3)];
    let all = parts.map(|(weight, _)| s.splat_8(weight));
    let [x, y, z, w] = parts.map(|(_, x)| x.as_chunks::<LANES>().0);
    let (whole, rest) = row.as_chunks_mut::<LANES>();
    let done = whole.as_flattened().len();
    for ((((to, x), y), z), w) in whole.iter_mut().zip(x).zip(y).zip(z).zip(w) {
        let mut sums = s.load_8(to);
        for (all, x) in all.iter().zip([x, y, z, w]) {
            sums = s.add_8(sums, s.mul_8(*all, s.widen_8(x)));
        }
        s.store_8(sums, to);
    }
    for (at, to) in (done..).zip(rest) {
        for (weight, x) in parts {
            *to += weight * f64::from(x.get(at).copied().certain());
        }
    }
}
