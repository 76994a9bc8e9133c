//! Small dense matrices, row by row: products in canonical order, updates in a fixed one,
//! and β·y + α·x.
//!
//! An entry of a product is the canonical dot ([`crate::dot()`]) of two rows, rounded to
//! `f32`; its error is that of the dot plus one rounding. An update adds rounded products
//! in the order of the batch: after B of them an entry's error is at most (B +
//! 1)·2⁻²⁴·(|before| + Σ|products|).
//!
//! | function | does | multiply–adds |
//! |---|---|---|
//! | [`matvec`] | A x | rows · columns |
//! | [`product`], [`product_of`] | A Bᵀ | rows of A · rows of B · columns |
//! | [`add_outer`] | C + w·x xᵀ, a packed lower triangle | k(k + 1)/2 |
//! | [`add_products`], [`add_products_of`] | M + Uᵀ V | batch · columns of U · columns of V |
//! | [`scale_add`] | β·y + α·x | 2 · length |
//!
//! The forms `…_of` take [`Part`]s: some columns of matrices whose rows are longer.

use crate::dispatch::{Kernel, run};
use crate::dot;
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::simd::Simd;
use crate::sum::{LANES, TILE};

/// `out`ᵢ = ⟨row i of `matrix`, `x`⟩, where rows are as long as `x`, and as many as `out`
/// is long.
///
/// # Errors
/// [`Error::Length`] if `matrix` has another length than that; `out` is as it was.
#[inline]
pub fn matvec<T: Element, U: Element>(matrix: &[T], x: &[U], out: &mut [f32]) -> Result<(), Error> {
    matvec_with(Level::best(), matrix, x, out)
}

/// [`matvec`] on a given level.
///
/// # Errors
/// As [`matvec`].
#[inline]
pub fn matvec_with<T: Element, U: Element>(
    level: Level,
    matrix: &[T],
    x: &[U],
    out: &mut [f32],
) -> Result<(), Error> {
    product_with(level, x.len(), matrix, x, out)
}

/// `out` = A Bᵀ of two matrices with rows of `columns` entries: entry (i, j) is ⟨row i of
/// `a`, row j of `b`⟩.
///
/// # Errors
/// [`Error::Length`] if `a` or `b` is not made of whole rows, or `out` has not an entry
/// for each two of them; `out` is as it was.
#[inline]
pub fn product<T: Element, U: Element>(
    columns: usize,
    a: &[T],
    b: &[U],
    out: &mut [f32],
) -> Result<(), Error> {
    product_with(Level::best(), columns, a, b, out)
}

/// [`product`] on a given level.
///
/// # Errors
/// As [`product`].
#[inline]
pub fn product_with<T: Element, U: Element>(
    level: Level,
    columns: usize,
    a: &[T],
    b: &[U],
    out: &mut [f32],
) -> Result<(), Error> {
    if columns == 0 {
        // Rows without entries cannot be counted; every dot is an empty sum.
        same_length(0, a.len().max(b.len()))?;
        out.fill(0.0);
        return Ok(());
    }
    let (a, b) = (Part::whole(a, columns)?, Part::whole(b, columns)?);
    same_length(a.rows().saturating_mul(b.rows()), out.len())?;
    if b.rows() > 0 {
        let columns = b.rows();
        run(level, Product { a, b, out: PartMut { values: out, stride: columns, first: 0, columns } });
    }
    Ok(())
}

/// [`product`] of some columns of two matrices, into some columns of a third.
///
/// # Errors
/// [`Error::Length`] unless `a` and `b` have as many columns, and `out` a row for each
/// row of `a` and a column for each of `b`; `out` is as it was.
#[inline]
pub fn product_of<T: Element, U: Element>(
    a: Part<'_, T>,
    b: Part<'_, U>,
    out: PartMut<'_>,
) -> Result<(), Error> {
    product_of_with(Level::best(), a, b, out)
}

/// [`product_of`] on a given level.
///
/// # Errors
/// As [`product_of`].
#[inline]
pub fn product_of_with<T: Element, U: Element>(
    level: Level,
    a: Part<'_, T>,
    b: Part<'_, U>,
    out: PartMut<'_>,
) -> Result<(), Error> {
    same_length(a.columns, b.columns)?;
    same_length(a.rows(), out.rows())?;
    same_length(b.rows(), out.columns)?;
    run(level, Product { a, b, out });
    Ok(())
}

/// Adds `weight`·x xᵀ to a packed lower triangle (row i has i + 1 entries):
/// (weight·xᵢ)·xⱼ, both products rounded.
///
/// # Errors
/// [`Error::Length`] if `packed` has not k(k + 1)/2 entries for the k of `x`; it is as it
/// was.
#[inline]
pub fn add_outer(weight: f32, x: &[f32], packed: &mut [f32]) -> Result<(), Error> {
    add_outer_with(Level::best(), weight, x, packed)
}

/// [`add_outer`] on a given level.
///
/// # Errors
/// As [`add_outer`].
#[inline]
pub fn add_outer_with(level: Level, weight: f32, x: &[f32], packed: &mut [f32]) -> Result<(), Error> {
    let k = x.len();
    // One of k and k + 1 is even.
    let (half, other) = if k.is_multiple_of(2) { (k / 2, k + 1) } else { (k / 2 + 1, k) };
    same_length(half.saturating_mul(other), packed.len())?;
    run(level, Outer { weight, x, packed });
    Ok(())
}

/// Adds Uᵀ V to `m`: U and V have a row for each member of a batch, `m` a row for each
/// column of U and a column for each of V. To each entry (i, j) the rounded products
/// uᵦᵢ·vᵦⱼ are added in the order of b; a V of a small format is widened first, exactly.
///
/// # Errors
/// [`Error::Length`] if `u` or `v` does not consist of `batch` rows, or `m` has another
/// shape; it is as it was.
#[inline]
pub fn add_products<T: Element>(batch: usize, u: &[f32], v: &[T], m: &mut [f32]) -> Result<(), Error> {
    add_products_with(Level::best(), batch, u, v, m)
}

/// [`add_products`] on a given level.
///
/// # Errors
/// As [`add_products`].
#[inline]
pub fn add_products_with<T: Element>(
    level: Level,
    batch: usize,
    u: &[f32],
    v: &[T],
    m: &mut [f32],
) -> Result<(), Error> {
    if batch == 0 {
        return same_length(0, u.len().max(v.len()));
    }
    let (rows, columns) = (u.len() / batch, v.len() / batch);
    same_length(rows * batch, u.len())?;
    same_length(columns * batch, v.len())?;
    same_length(rows.saturating_mul(columns), m.len())?;
    if !m.is_empty() {
        let (u, v) = (Part::whole(u, rows)?, Part::whole(v, columns)?);
        run(level, Products { u, v, m: PartMut { values: m, stride: columns, first: 0, columns } });
    }
    Ok(())
}

/// [`add_products`] of some columns of two matrices, to some columns of a third.
///
/// # Errors
/// [`Error::Length`] unless `u` and `v` have as many rows, and `m` a row for each column
/// of `u` and a column for each of `v`; `m` is as it was.
#[inline]
pub fn add_products_of<T: Element>(u: Part<'_, f32>, v: Part<'_, T>, m: PartMut<'_>) -> Result<(), Error> {
    add_products_of_with(Level::best(), u, v, m)
}

/// [`add_products_of`] on a given level.
///
/// # Errors
/// As [`add_products_of`].
#[inline]
pub fn add_products_of_with<T: Element>(
    level: Level,
    u: Part<'_, f32>,
    v: Part<'_, T>,
    m: PartMut<'_>,
) -> Result<(), Error> {
    same_length(u.rows(), v.rows())?;
    same_length(u.columns, m.rows())?;
    same_length(v.columns, m.columns)?;
    run(level, Products { u, v, m });
    Ok(())
}

/// Replaces `y` by β·y + α·x: two rounded products, and their rounded sum.
///
/// # Errors
/// [`Error::Length`] if the lengths differ; `y` is as it was.
#[inline]
pub fn scale_add<T: Element>(alpha: f32, x: &[T], beta: f32, y: &mut [f32]) -> Result<(), Error> {
    scale_add_with(Level::best(), alpha, x, beta, y)
}

/// [`scale_add`] on a given level.
///
/// # Errors
/// As [`scale_add`].
#[inline]
pub fn scale_add_with<T: Element>(
    level: Level,
    alpha: f32,
    x: &[T],
    beta: f32,
    y: &mut [f32],
) -> Result<(), Error> {
    same_length(x.len(), y.len())?;
    run(level, ScaleAdd { alpha, x, beta, y });
    Ok(())
}

/// Some columns of a matrix: of each row of `stride` entries those from `first` on,
/// `columns` of them.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a, T> {
    values: &'a [T],
    stride: usize,
    first: usize,
    columns: usize,
}

impl<'a, T> Part<'a, T> {
    /// Columns `first..first + columns` of rows of `stride` entries.
    ///
    /// # Errors
    /// [`Error::Width`] if there are no such columns; [`Error::Length`] if `values` is
    /// not made of whole rows.
    pub const fn new(values: &'a [T], stride: usize, first: usize, columns: usize) -> Result<Self, Error> {
        match check_part(values.len(), stride, first, columns) {
            Ok(()) => Ok(Self { values, stride, first, columns }),
            Err(error) => Err(error),
        }
    }

    /// All of a matrix with rows of `columns` entries.
    ///
    /// # Errors
    /// As [`Part::new`].
    pub const fn whole(values: &'a [T], columns: usize) -> Result<Self, Error> {
        Self::new(values, columns, 0, columns)
    }

    /// How many rows there are.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.values.len() / if self.stride == 0 { 1 } else { self.stride }
    }

    #[inline(always)]
    fn row(&self, i: usize) -> &'a [T] {
        let row = self.values.get(i * self.stride + self.first..).unwrap_or_default();
        row.get(..self.columns).unwrap_or_default()
    }
}

/// [`Part`], to be written to.
#[derive(Debug)]
pub struct PartMut<'a> {
    values: &'a mut [f32],
    stride: usize,
    first: usize,
    columns: usize,
}

impl<'a> PartMut<'a> {
    /// Columns `first..first + columns` of rows of `stride` entries.
    ///
    /// # Errors
    /// As [`Part::new`].
    pub const fn new(
        values: &'a mut [f32],
        stride: usize,
        first: usize,
        columns: usize,
    ) -> Result<Self, Error> {
        match check_part(values.len(), stride, first, columns) {
            Ok(()) => Ok(Self { values, stride, first, columns }),
            Err(error) => Err(error),
        }
    }

    /// All of a matrix with rows of `columns` entries.
    ///
    /// # Errors
    /// As [`Part::new`].
    pub const fn whole(values: &'a mut [f32], columns: usize) -> Result<Self, Error> {
        Self::new(values, columns, 0, columns)
    }

    /// How many rows there are.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.values.len() / if self.stride == 0 { 1 } else { self.stride }
    }

    /// Row `i` from column `j` on.
    #[inline(always)]
    fn row_from(&mut self, i: usize, j: usize) -> &mut [f32] {
        let row = self.values.get_mut(i * self.stride + self.first..).unwrap_or_default();
        row.get_mut(j..self.columns).unwrap_or_default()
    }
}

const fn check_part(len: usize, stride: usize, first: usize, columns: usize) -> Result<(), Error> {
    match (first.checked_add(columns), len.checked_rem(stride)) {
        (Some(end), Some(rest)) if end <= stride && columns > 0 => same_length(len - rest, len),
        _ => Err(Error::Width { multiple: 1, found: columns }),
    }
}

struct Product<'a, T, U> {
    a: Part<'a, T>,
    b: Part<'a, U>,
    out: PartMut<'a>,
}

impl<T: Element, U: Element> Product<'_, T, U> {
    /// Every entry by that dot product.
    #[inline(always)]
    fn entries(mut self, dot: impl Fn(&[T], &[U]) -> f64) {
        for i in 0..self.a.rows() {
            let a = self.a.row(i);
            for (j, out) in self.out.row_from(i, 0).iter_mut().enumerate() {
                *out = dot(a, self.b.row(j)) as f32;
            }
        }
    }

    /// Tiles of `N` by `N` entries, and what is left one by one. So many rows of A that
    /// they stay near meet `N` rows of B at a time.
    #[inline(always)]
    fn tiles<S: Simd, const N: usize>(mut self, s: S) {
        let (a, b) = (self.a, self.b);
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
                            for (out, sum) in self.out.row_from(i + r, j).iter_mut().zip(sums) {
                                *out = *sum as f32;
                            }
                        }
                        continue;
                    }
                    for r in i..i + rows {
                        let x = a.row(r);
                        for (c, out) in self.out.row_from(r, j).iter_mut().take(others).enumerate() {
                            *out = dot::vector(s, x, b.row(j + c)) as f32;
                        }
                    }
                }
            }
        }
    }
}

/// Asks for the memory of `count` elements of a row from place `at` on, as far as there
/// are such.
#[inline(always)]
fn ask_for<S: Simd, T>(s: S, row: &[T], at: usize, count: usize) {
    let part = row.get(at..).unwrap_or_default();
    let part = part.get(..count).unwrap_or(part);
    for line in part.chunks(64 / size_of::<T>().clamp(1, 64)) {
        if let Some(first) = line.first() {
            s.prefetch(first, 0);
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
            *left = x.get(first..end).unwrap_or_default();
            *right = y.get(first..end).unwrap_or_default();
        }
        // The fold: 64 lanes to 32, to 16, and those in the vocabulary's word.
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
        let mut folded = [[0.0; N]; N];
        let all = folded.as_flattened_mut().first_chunk_mut::<16>();
        if let (Some(lanes), Some(folded)) = (lanes.as_flattened().first_chunk(), all) {
            *folded = s.fold_16(*lanes);
        } else {
            for (folded, lanes) in folded.as_flattened_mut().iter_mut().zip(lanes.as_flattened()) {
                *folded = s.fold(*lanes);
            }
        }
        let sums = folded.as_flattened().iter().zip(wide.as_flattened());
        for (total, (folded, wide)) in totals.as_flattened_mut().iter_mut().zip(sums) {
            let last = f64::from(*folded);
            *total = if first == 0 { last } else { s.fold_wide(*wide, false) + last };
        }
    }
    totals
}

#[inline(always)]
fn add_all<S: Simd, const N: usize>(s: S, to: &mut [[S::F; N]; N], from: [[S::F; N]; N]) {
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
        let (Some(x), Some(y)) = (steps(x).get(..count), steps(y).get(..count)) else { return lanes };
        (*to, *other) = (x, y);
    }
    for step in 0..count {
        let mut held = [s.splat(0.0); N];
        for (held, x) in held.iter_mut().zip(rows) {
            let Some(x) = x.get(step) else { return lanes };
            *held = load::<S, T, G>(s, x);
        }
        for (column, y) in others.into_iter().enumerate() {
            let Some(y) = y.get(step) else { return lanes };
            let y = load::<S, U, G>(s, y);
            for (lanes, x) in lanes.iter_mut().zip(held) {
                lanes[column] = s.add(lanes[column], s.mul(x, y));
            }
        }
    }
    let part = |len: usize| (len - len % LANES + 16 * G).min(len)..(len - len % LANES + 16 * G + 16).min(len);
    if x.first().is_some_and(|x| !part(x.len()).is_empty()) {
        for (lanes, x) in lanes.iter_mut().zip(x) {
            let x = T::load_part(s, x.get(part(x.len())).unwrap_or_default());
            for (lane, y) in lanes.iter_mut().zip(y) {
                let y = U::load_part(s, y.get(part(y.len())).unwrap_or_default());
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

impl<T: Element, U: Element> Kernel for Product<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        self.entries(dot::definition);
    }

    #[inline(always)]
    fn serial(self) {
        self.entries(dot::serial);
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        if S::ROOMY { self.tiles::<S, 4>(s) } else { self.tiles::<S, 2>(s) }
    }
}

struct Outer<'a> {
    weight: f32,
    x: &'a [f32],
    packed: &'a mut [f32],
}

impl Kernel for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        let mut packed = self.packed.iter_mut();
        for (i, &row) in self.x.iter().enumerate() {
            let factor = self.weight * row;
            for (x, entry) in self.x.iter().take(i + 1).zip(&mut packed) {
                *entry += factor * x;
            }
        }
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let mut rest = self.packed;
        for (i, &row) in self.x.iter().enumerate() {
            let (Some(x), Some((entries, below))) = (self.x.get(..=i), rest.split_at_mut_checked(i + 1))
            else {
                break;
            };
            rest = below;
            let factor = self.weight * row;
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
}

struct Products<'a, T> {
    u: Part<'a, f32>,
    v: Part<'a, T>,
    m: PartMut<'a>,
}

impl<T: Element> Kernel for Products<'_, T> {
    type Output = ();

    #[inline(always)]
    fn define(mut self) {
        for b in 0..self.v.rows() {
            for (i, u) in self.u.row(b).iter().enumerate() {
                for (m, v) in self.m.row_from(i, 0).iter_mut().zip(self.v.row(b)) {
                    *m += u * v.widen();
                }
            }
        }
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        if S::ROOMY { self.tiles::<S, 8, 2, 8>(s) } else { self.tiles::<S, 6, 1, 4>(s) }
    }
}

/// Members of a batch whose factors are gathered at a time.
const GATHERED: usize = 32;

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
            if let Some(u) = u.row(first + b).get(i..).and_then(|u| u.first_chunk()) {
                *to = *u;
            }
        }
        let factors = gathered.get(..count).unwrap_or_default();
        let values = v.values.get(first * v.stride + v.first..).unwrap_or_default();
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
            let v = v.row(first + b).get(full..).unwrap_or_default();
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
        let Some(m) = m.row_from(i + r, j).as_chunks().0.first_chunk::<C>() else { return };
        for (sum, m) in sums.iter_mut().zip(m) {
            *sum = s.load(m);
        }
    }
    let mut at = j;
    for u in factors {
        let Some(v) = v.get(at..).and_then(|v| v.as_chunks().0.first_chunk::<C>()) else { return };
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
        let Some(m) = m.row_from(i + r, j).as_chunks_mut().0.first_chunk_mut::<C>() else { return };
        for (sum, m) in sums.iter().zip(m) {
            s.store(*sum, m);
        }
    }
}

struct ScaleAdd<'a, T> {
    alpha: f32,
    x: &'a [T],
    beta: f32,
    y: &'a mut [f32],
}

impl<T: Element> Kernel for ScaleAdd<'_, T> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        for (y, x) in self.y.iter_mut().zip(self.x) {
            *y = self.beta * *y + self.alpha * x.widen();
        }
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let (alpha, beta) = (s.splat(self.alpha), s.splat(self.beta));
        let (x, x_rest) = self.x.as_chunks::<16>();
        let (y, y_rest) = self.y.as_chunks_mut::<16>();
        for (x, y) in x.iter().zip(y) {
            s.store(s.add(s.mul(beta, s.load(y)), s.mul(alpha, T::load(s, x))), y);
        }
        ScaleAdd { alpha: self.alpha, x: x_rest, beta: self.beta, y: y_rest }.define();
    }
}
