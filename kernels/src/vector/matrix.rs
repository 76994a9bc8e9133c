//! [`crate::matrix`] in vectors.

use super::ahead::ask_for;
use super::dot::dot;
use crate::cannot_happen;
use crate::certain::Certain;
use crate::element::Element;
use crate::part::{Part, PartMut};
use crate::scalar;
use crate::simd::Simd;
use crate::sum::{LANES, TILE};

/// A Bᵀ.
#[inline(always)]
pub(crate) fn product<S: Simd, T: Element, U: Element>(
    s: S,
    a: Part<'_, T>,
    b: Part<'_, U>,
    out: PartMut<'_>,
) {
    if S::ROOMY {
        product_tiles::<S, T, U, 4>(s, a, b, out)
    } else {
        product_tiles::<S, T, U, 2>(s, a, b, out)
    }
}

/// Tiles of `N` by `N` entries, and what is left one by one. So many rows of A that
/// they stay near meet `N` rows of B at a time.
#[inline(always)]
fn product_tiles<S: Simd, T: Element, U: Element, const N: usize>(
    s: S,
    a: Part<'_, T>,
    b: Part<'_, U>,
    mut out: PartMut<'_>,
) {
    let near = (NEAR / (size_of::<T>() * a.columns.max(1))).next_multiple_of(N).max(N);
    for first in (0..a.rows()).step_by(near) {
        let last = a.rows().min(first + near);
        let share = a.columns.div_ceil((last - first).div_ceil(N));
        for j in (0..b.rows()).step_by(N) {
            let others = N.min(b.rows() - j);
            for (tile, i) in (first..last).step_by(N).enumerate() {
                for next in j + N..(j + 2 * N).min(b.rows()) {
                    ask_for(s, b.row(next), tile * share, share);
                }
                let rows = N.min(last - i);
                if rows == N && others == N {
                    let (mut x, mut y): ([&[T]; N], [&[U]; N]) = ([&[]; N], [&[]; N]);
                    for (r, (x, y)) in x.iter_mut().zip(&mut y).enumerate() {
                        (*x, *y) = (a.row(i + r), b.row(j + r));
                    }
                    let sums = square::<S, T, U, N>(s, &x, &y);
                    for (r, sums) in sums.iter().enumerate() {
                        for (to, sum) in out.row_from(i + r, j).iter_mut().zip(sums) {
                            *to = *sum as f32;
                        }
                    }
                    continue;
                }
                for r in i..i + rows {
                    let x = a.row(r);
                    for (c, to) in out.row_from(r, j).iter_mut().take(others).enumerate() {
                        *to = dot(s, x, b.row(j + c)) as f32;
                    }
                }
            }
        }
    }
}

/// Bytes of rows that are to stay in the second cache.
const NEAR: usize = 1 << 17;

/// The canonical dots of `N` rows with `N` others; `N` is 4 or 2.
#[inline(always)]
fn square<S: Simd, T: Element, U: Element, const N: usize>(
    s: S,
    x: &[&[T]; N],
    y: &[&[U]; N],
) -> [[f64; N]; N] {
    let (mut totals, mut wide) = ([[0.0; N]; N], [[s.wide(); N]; N]);
    let columns = x.first().map_or(0, |x| x.len());
    for first in (0..columns).step_by(TILE) {
        let end = columns.min(first + TILE);
        let (mut left, mut right): ([&[T]; N], [&[U]; N]) = ([&[]; N], [&[]; N]);
        for ((left, right), (x, y)) in left.iter_mut().zip(&mut right).zip(x.iter().zip(y)) {
            *left = x.get(first..end).certain();
            *right = y.get(first..end).certain();
        }
        // The fold: 64 lanes to 32, to 16, and those in the operation.
        let mut lanes = sixteen::<S, T, U, N, 0>(s, &left, &right);
        add_all(s, &mut lanes, sixteen::<S, T, U, N, 2>(s, &left, &right));
        let mut others = sixteen::<S, T, U, N, 1>(s, &left, &right);
        add_all(s, &mut others, sixteen::<S, T, U, N, 3>(s, &left, &right));
        add_all(s, &mut lanes, others);
        if end < columns {
            for (wide, lanes) in wide.as_flattened_mut().iter_mut().zip(lanes.as_flattened()) {
                *wide = s.add_wide(*wide, *lanes);
            }
            continue;
        }
        let folded = folded(s, &lanes);
        let sums = folded.as_flattened().iter().zip(wide.as_flattened());
        for (total, (folded, wide)) in totals.as_flattened_mut().iter_mut().zip(sums) {
            let last = f64::from(*folded);
            *total = if first == 0 { last } else { s.fold_wide(*wide, false) + last };
        }
    }
    totals
}

/// What is left of a tile's lanes: the fold to one.
#[inline(always)]
pub(super) fn folded<S: Simd, const N: usize>(s: S, lanes: &[[S::F; N]; N]) -> [[f32; N]; N] {
    let mut sums = [[0.0; N]; N];
    let all = sums.as_flattened_mut().first_chunk_mut::<16>();
    if let (Some(lanes), Some(sums)) = (lanes.as_flattened().first_chunk(), all) {
        *sums = s.fold_16(*lanes);
    } else {
        for (sum, lanes) in sums.as_flattened_mut().iter_mut().zip(lanes.as_flattened()) {
            *sum = s.fold(*lanes);
        }
    }
    sums
}

/// Adds each of these vectors to its place.
#[inline(always)]
pub(super) fn add_all<S: Simd, const N: usize>(s: S, to: &mut [[S::F; N]; N], from: [[S::F; N]; N]) {
    for (to, from) in to.as_flattened_mut().iter_mut().zip(from.as_flattened()) {
        *to = s.add(*to, *from);
    }
}

/// Of a tile's 64 lanes the sixteen from 16·`G` on, for each two rows. All rows are as
/// long as the first: they are walked side by side, one counter serves them, and no place
/// need be checked.
#[inline(always)]
fn sixteen<S: Simd, T: Element, U: Element, const N: usize, const G: usize>(
    s: S,
    x: &[&[T]; N],
    y: &[&[U]; N],
) -> [[S::F; N]; N] {
    let mut lanes = [[s.splat(0.0); N]; N];
    let count = x.first().map_or(0, |x| x.len() / LANES);
    let mut rows: [&[[T; LANES]]; N] = [&[]; N];
    let mut others: [&[[U; LANES]]; N] = [&[]; N];
    for ((to, other), (x, y)) in rows.iter_mut().zip(&mut others).zip(x.iter().zip(y)) {
        let (Some(x), Some(y)) = (steps(x).get(..count), steps(y).get(..count)) else {
            cannot_happen!("all rows are as long as the first");
            return lanes;
        };
        (*to, *other) = (x, y);
    }
    for step in 0..count {
        let mut held = [s.splat(0.0); N];
        for (held, x) in held.iter_mut().zip(rows) {
            let Some(x) = x.get(step) else {
                cannot_happen!("all rows are as long as the first");
                return lanes;
            };
            *held = load::<S, T, G>(s, x);
        }
        for (column, y) in others.into_iter().enumerate() {
            let Some(y) = y.get(step) else {
                cannot_happen!("all rows are as long as the first");
                return lanes;
            };
            let y = load::<S, U, G>(s, y);
            for (lanes, x) in lanes.iter_mut().zip(held) {
                lanes[column] = s.add(lanes[column], s.mul(x, y));
            }
        }
    }
    let part = |len: usize| (len - len % LANES + 16 * G).min(len)..(len - len % LANES + 16 * G + 16).min(len);
    if x.first().is_some_and(|x| !part(x.len()).is_empty()) {
        for (lanes, x) in lanes.iter_mut().zip(x) {
            let x = T::load_part(s, x.get(part(x.len())).certain());
            for (lane, y) in lanes.iter_mut().zip(y) {
                let y = U::load_part(s, y.get(part(y.len())).certain());
                *lane = s.add(*lane, s.mul(x, y));
            }
        }
    }
    lanes
}

#[inline(always)]
fn steps<T>(row: &[T]) -> &[[T; LANES]] {
    row.as_chunks().0
}

/// Sixteen of 64 elements, from 16·`G` on.
#[inline(always)]
fn load<S: Simd, T: Element, const G: usize>(s: S, from: &[T; LANES]) -> S::F {
    match from.as_chunks().0.get(G) {
        Some(from) => T::load(s, from),
        None => s.splat(0.0),
    }
}

/// C + w·x xᵀ, row by row.
#[inline(always)]
pub(crate) fn add_outer<S: Simd>(s: S, weight: f32, x: &[f32], packed: &mut [f32]) {
    let all = x;
    let mut rest = packed;
    for (i, &row) in all.iter().enumerate() {
        let (Some(x), Some((entries, below))) = (all.get(..=i), rest.split_at_mut_checked(i + 1)) else {
            cannot_happen!("the triangle has a row for each element");
            break;
        };
        rest = below;
        let factor = weight * row;
        let lanes = s.splat(factor);
        let (x, x_rest) = x.as_chunks::<16>();
        let (entries, entries_rest) = entries.as_chunks_mut::<16>();
        for (x, entry) in x.iter().zip(entries) {
            s.store(s.add(s.load(entry), s.mul(lanes, s.load(x))), entry);
        }
        for (x, entry) in x_rest.iter().zip(entries_rest) {
            *entry += factor * x;
        }
    }
}

/// Members of a batch whose factors are gathered at a time.
const GATHERED: usize = 32;

/// M + Uᵀ V.
#[inline(always)]
pub(crate) fn add_products<S: Simd, T: Element>(s: S, u: Part<'_, f32>, v: Part<'_, T>, m: PartMut<'_>) {
    let products = Products { u, v, m };
    if S::ROOMY { products.tiles::<S, 8, 2, 8>(s) } else { products.tiles::<S, 6, 1, 4>(s) }
}

struct Products<'a, T> {
    u: Part<'a, f32>,
    v: Part<'a, T>,
    m: PartMut<'a>,
}

impl<T: Element> Products<'_, T> {
    /// `R` rows by `C` times sixteen columns stay in registers while some of the batch
    /// goes by; of a row that is left over, `W` times sixteen, for one addition waits for
    /// the last, and others fill the time.
    #[inline(always)]
    fn tiles<S: Simd, const R: usize, const C: usize, const W: usize>(mut self, s: S) {
        let rows = self.u.columns;
        for first in (0..self.v.rows()).step_by(GATHERED) {
            for i in (0..rows - rows % R).step_by(R) {
                self.stripe::<S, R, C>(s, first, i);
            }
            for i in rows - rows % R..rows {
                self.stripe::<S, 1, W>(s, first, i);
            }
        }
    }

    /// `R` rows of M from row `i` on, and the batch from `first` on.
    #[inline(always)]
    fn stripe<S: Simd, const R: usize, const C: usize>(&mut self, s: S, first: usize, i: usize) {
        let (u, v, m) = (self.u, self.v, &mut self.m);
        let mut gathered = [[0.0; R]; GATHERED];
        let count = GATHERED.min(v.rows() - first);
        for (b, to) in gathered.iter_mut().take(count).enumerate() {
            let Some(u) = u.row(first + b).get(i..).and_then(|u| u.first_chunk()) else {
                cannot_happen!("M has R rows from here on");
                continue;
            };
            *to = *u;
        }
        let factors = gathered.get(..count).certain();
        let values = v.values.get(first * v.stride + v.first..).certain();
        let (full, wide) = (v.columns - v.columns % 16, 16 * C);
        let mut j = 0;
        while j + wide <= full {
            tile::<S, T, R, C>(s, factors, values, v.stride, j, i, m);
            j += wide;
        }
        while j < full {
            tile::<S, T, R, 1>(s, factors, values, v.stride, j, i, m);
            j += 16;
        }
        for (b, factors) in factors.iter().enumerate() {
            let v = v.row(first + b).get(full..).certain();
            for (r, u) in factors.iter().enumerate() {
                for (m, v) in m.row_from(i + r, full).iter_mut().zip(v) {
                    *m += u * v.widen();
                }
            }
        }
    }
}

#[inline(always)]
fn tile<S: Simd, T: Element, const R: usize, const C: usize>(
    s: S,
    factors: &[[f32; R]],
    v: &[T],
    stride: usize,
    j: usize,
    i: usize,
    m: &mut PartMut<'_>,
) {
    let mut sums = [[s.splat(0.0); C]; R];
    for (r, sums) in sums.iter_mut().enumerate() {
        let Some(m) = m.row_from(i + r, j).as_chunks().0.first_chunk::<C>() else {
            cannot_happen!("a row has C times sixteen columns from here on");
            return;
        };
        for (sum, m) in sums.iter_mut().zip(m) {
            *sum = s.load(m);
        }
    }
    let mut at = j;
    for u in factors {
        let Some(v) = v.get(at..).and_then(|v| v.as_chunks().0.first_chunk::<C>()) else {
            cannot_happen!("a row has C times sixteen columns from here on");
            return;
        };
        at += stride;
        let mut lanes = [s.splat(0.0); C];
        for (lane, v) in lanes.iter_mut().zip(v) {
            *lane = T::load(s, v);
        }
        for (sums, u) in sums.iter_mut().zip(u) {
            let u = s.splat(*u);
            for (sum, v) in sums.iter_mut().zip(lanes) {
                *sum = s.add(*sum, s.mul(u, v));
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        let Some(m) = m.row_from(i + r, j).as_chunks_mut().0.first_chunk_mut::<C>() else {
            cannot_happen!("a row has C times sixteen columns from here on");
            return;
        };
        for (sum, m) in sums.iter().zip(m) {
            s.store(*sum, m);
        }
    }
}

/// β·y + α·x.
#[inline(always)]
pub(crate) fn scale_add<S: Simd, T: Element>(s: S, alpha: f32, x: &[T], beta: f32, y: &mut [f32]) {
    let (by_alpha, by_beta) = (s.splat(alpha), s.splat(beta));
    let (x, x_rest) = x.as_chunks::<16>();
    let (y, y_rest) = y.as_chunks_mut::<16>();
    for (x, y) in x.iter().zip(y) {
        s.store(s.add(s.mul(by_beta, s.load(y)), s.mul(by_alpha, T::load(s, x))), y);
    }
    scalar::matrix::scale_add(alpha, x_rest, beta, y_rest);
}
