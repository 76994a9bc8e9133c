//! [`crate::double`] in vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::part::{Part, PartMut};
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

/// The dot product of each two rows, added to `out`.
#[inline(always)]
pub(crate) fn add_dots<S: Simd, T: Real>(s: S, x: Part<'_, f64>, y: Part<'_, T>, out: &mut [f64]) {
    if S::ROOMY { tiles::<S, T, 4>(s, x, y, out) } else { tiles::<S, T, 2>(s, x, y, out) }
}

/// Tiles of `N` by `N` dot products, and what is left one by one.
#[inline(always)]
fn tiles<S: Simd, T: Real, const N: usize>(s: S, x: Part<'_, f64>, y: Part<'_, T>, out: &mut [f64]) {
    let rows = y.rows();
    for q in (0..x.rows()).step_by(N) {
        let vectors = N.min(x.rows() - q);
        for r in (0..rows).step_by(N) {
            let others = N.min(rows - r);
            let mut sums = [[0.0; N]; N];
            if vectors == N && others == N {
                let (mut near, mut far): ([&[f64]; N], [&[T]; N]) = ([&[]; N], [&[]; N]);
                for (i, (near, far)) in near.iter_mut().zip(&mut far).enumerate() {
                    (*near, *far) = (x.row(q + i), y.row(r + i));
                }
                sums = square(s, &near, &far);
            } else {
                for (i, sums) in sums.iter_mut().take(vectors).enumerate() {
                    for (j, sum) in sums.iter_mut().take(others).enumerate() {
                        *sum = dot(s, x.row(q + i), y.row(r + j));
                    }
                }
            }
            for (i, sums) in sums.iter().take(vectors).enumerate() {
                let to = out.get_mut((q + i) * rows + r..).certain();
                for (to, sum) in to.iter_mut().zip(sums).take(others) {
                    *to += sum;
                }
            }
        }
    }
}

/// The dot products of `N` vectors with `N` rows, their lanes in registers.
#[inline(always)]
fn square<S: Simd, T: Real, const N: usize>(s: S, x: &[&[f64]; N], y: &[&[T]; N]) -> [[f64; N]; N] {
    let mut sums = [[s.splat_8(0.0); N]; N];
    let len = x.first().map_or(0, |x| x.len());
    for c in 0..len / LANES {
        let mut others = [s.splat_8(0.0); N];
        for (to, y) in others.iter_mut().zip(y) {
            let Some(y) = y.as_chunks::<LANES>().0.get(c) else {
                cannot_happen!("rows are as long as vectors");
                continue;
            };
            *to = T::load_8(s, y);
        }
        for (sums, x) in sums.iter_mut().zip(x) {
            let Some(x) = x.as_chunks::<LANES>().0.get(c) else {
                cannot_happen!("vectors are of one length");
                continue;
            };
            let x = s.load_8(x);
            for (sum, y) in sums.iter_mut().zip(others) {
                *sum = s.add_8(*sum, s.mul_8(x, y));
            }
        }
    }
    if !len.is_multiple_of(LANES) {
        // Zeros behind the rest leave their lanes as they are: no sum is −0.
        let others = y.map(|y| s.load_8(&padded(y.as_chunks::<LANES>().1)));
        for (sums, x) in sums.iter_mut().zip(x) {
            let x = s.load_8(&padded(x.as_chunks::<LANES>().1));
            for (sum, y) in sums.iter_mut().zip(others) {
                *sum = s.add_8(*sum, s.mul_8(x, y));
            }
        }
    }
    let mut out = [[0.0; N]; N];
    let all = out.as_flattened_mut().as_chunks_mut().0;
    for (out, sums) in all.iter_mut().zip(sums.as_flattened().as_chunks().0) {
        *out = s.fold_8(*sums);
    }
    out
}

/// Numbers, and zeros behind them.
#[inline(always)]
fn padded<T: Real>(rest: &[T]) -> [f64; LANES] {
    let mut lanes = [0.0; LANES];
    lanes.iter_mut().zip(rest).for_each(|(lane, x)| *lane = (*x).into());
    lanes
}

/// y + Σᵣ wᵣ·xᵣ of each vector.
#[inline(always)]
pub(crate) fn add_rows<S: Simd, T: Real>(s: S, weights: &[f64], rows: Part<'_, T>, y: PartMut<'_, f64>) {
    if S::ROOMY {
        strips::<S, T, 4, 4>(s, weights, rows, y);
    } else {
        strips::<S, T, 2, 2>(s, weights, rows, y);
    }
}

/// Strips of `N` vectors, and what is left one by one.
#[inline(always)]
fn strips<S: Simd, T: Real, const N: usize, const C: usize>(
    s: S,
    weights: &[f64],
    rows: Part<'_, T>,
    mut y: PartMut<'_, f64>,
) {
    let mut q = 0;
    while q < y.rows() {
        let weights = weights.get(q * rows.rows()..).certain();
        if q + N <= y.rows() {
            strip::<S, T, N, C>(s, weights, rows, &mut y, q);
            q += N;
        } else {
            strip::<S, T, 1, C>(s, weights, rows, &mut y, q);
            q += 1;
        }
    }
}

/// `N` vectors from `q` on, `C` registers of each at a time.
#[inline(always)]
fn strip<S: Simd, T: Real, const N: usize, const C: usize>(
    s: S,
    weights: &[f64],
    rows: Part<'_, T>,
    y: &mut PartMut<'_, f64>,
    q: usize,
) {
    let mut own: [&[f64]; N] = [&[]; N];
    for (own, weights) in own.iter_mut().zip(weights.chunks_exact(rows.rows().max(1))) {
        *own = weights;
    }
    let whole = y.columns / LANES;
    for at in (0..whole / C * C).step_by(C) {
        tile::<S, T, N, C>(s, &own, rows, y, (q, at));
    }
    for at in whole / C * C..whole {
        tile::<S, T, N, 1>(s, &own, rows, y, (q, at));
    }
    for (i, own) in own.iter().enumerate() {
        let rest = y.row_from(q + i, 0).as_chunks_mut::<LANES>().1;
        for (r, weight) in own.iter().enumerate() {
            for (y, x) in rest.iter_mut().zip(rows.row(r).as_chunks::<LANES>().1) {
                *y += weight * (*x).into();
            }
        }
    }
}

/// `C` registers of each of `N` vectors, which stay there while all rows go by.
#[inline(always)]
fn tile<S: Simd, T: Real, const N: usize, const C: usize>(
    s: S,
    weights: &[&[f64]; N],
    rows: Part<'_, T>,
    y: &mut PartMut<'_, f64>,
    (q, at): (usize, usize),
) {
    let mut sums = [[s.splat_8(0.0); C]; N];
    for (i, sums) in sums.iter_mut().enumerate() {
        let Some(from) = y.row_from(q + i, 0).as_chunks().0.get(at..).and_then(<[_]>::first_chunk::<C>)
        else {
            cannot_happen!("a vector has the columns of a tile");
            return;
        };
        *sums = from.each_ref().map(|from| s.load_8(from));
    }
    for r in 0..rows.rows() {
        let Some(from) = rows.row(r).as_chunks().0.get(at..).and_then(<[_]>::first_chunk::<C>) else {
            cannot_happen!("a row has the columns of a tile");
            return;
        };
        let x = from.each_ref().map(|from| T::load_8(s, from));
        for (sums, weights) in sums.iter_mut().zip(weights) {
            let weight = s.splat_8(weights.get(r).copied().certain());
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = s.add_8(*sum, s.mul_8(weight, x));
            }
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        let to = y.row_from(q + i, 0).as_chunks_mut::<LANES>().0;
        for (sum, to) in sums.into_iter().zip(to.iter_mut().skip(at)) {
            s.store_8(sum, to);
        }
    }
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
