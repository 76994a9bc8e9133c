//! Small dense matrices, row by row: products in canonical order, updates in a fixed one, and β·y + α·x.
//!
//! An entry of a product is the canonical dot ([`crate::dot()`]) of two rows, rounded to `f32`; its error is that of the dot plus one
//! rounding. An update adds rounded products in the order of the batch: after B of them an entry's error is at most
//! (B + 1)·2⁻²⁴·(|before| + Σ|products|).
//!
//! | function | does | multiply–adds |
//! |---|---|---|
//! | [`matvec`] | A x | rows · columns |
//! | [`product`] | A Bᵀ | rows of A · rows of B · columns |
//! | [`add_outer`] | C + w·x xᵀ, a packed lower triangle | k(k + 1)/2 |
//! | [`add_products`] | M + Uᵀ V | batch · columns of U · columns of V |
//! | [`scale_add`] | β·y + α·x | 2 · length |

use crate::dispatch::{Kernel, run};
use crate::dot;
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::simd::Simd;
use crate::sum::TILE;

/// `out`ᵢ = ⟨row i of `matrix`, `x`⟩, where rows are as long as `x`, and as many as `out` is long.
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

/// `out` = A Bᵀ of two matrices with rows of `columns` entries: entry (i, j) is ⟨row i of `a`, row j of `b`⟩.
///
/// # Errors
/// [`Error::Length`] if `a` or `b` is not made of whole rows, or `out` has not an entry for each two of them; `out` is as it was.
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
    let (rows, others) = (a.len() / columns, b.len() / columns);
    same_length(rows * columns, a.len())?;
    same_length(others * columns, b.len())?;
    same_length(rows.saturating_mul(others), out.len())?;
    run(level, Product { columns, a, b, out });
    Ok(())
}

/// Adds `weight`·x xᵀ to a packed lower triangle (row i has i + 1 entries): (weight·xᵢ)·xⱼ, both products rounded.
///
/// # Errors
/// [`Error::Length`] if `packed` has not k(k + 1)/2 entries for the k of `x`; it is as it was.
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

/// Adds Uᵀ V to `m`: U and V have a row for each member of a batch, `m` a row for each column of U and a column for each of V. To
/// each entry (i, j) the rounded products uᵦᵢ·vᵦⱼ are added in the order of b.
///
/// # Errors
/// [`Error::Length`] if `u` or `v` does not consist of `batch` rows, or `m` has another shape; it is as it was.
#[inline]
pub fn add_products(batch: usize, u: &[f32], v: &[f32], m: &mut [f32]) -> Result<(), Error> {
    add_products_with(Level::best(), batch, u, v, m)
}

/// [`add_products`] on a given level.
///
/// # Errors
/// As [`add_products`].
#[inline]
pub fn add_products_with(
    level: Level,
    batch: usize,
    u: &[f32],
    v: &[f32],
    m: &mut [f32],
) -> Result<(), Error> {
    if batch == 0 {
        return same_length(0, u.len().max(v.len()));
    }
    let (rows, columns) = (u.len() / batch, v.len() / batch);
    same_length(rows * batch, u.len())?;
    same_length(columns * batch, v.len())?;
    same_length(rows.saturating_mul(columns), m.len())?;
    run(level, Products { rows, columns, u, v, m });
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

struct Product<'a, T, U> {
    columns: usize,
    a: &'a [T],
    b: &'a [U],
    out: &'a mut [f32],
}

impl<T: Element, U: Element> Product<'_, T, U> {
    /// Every entry by that dot product.
    #[inline(always)]
    fn entries(self, dot: impl Fn(&[T], &[U]) -> f64) {
        // Never zero, as `product_with` has seen to; the optimiser does not know that.
        let columns = self.columns.max(1);
        let mut out = self.out.iter_mut();
        for a in self.a.chunks_exact(columns) {
            for (b, out) in self.b.chunks_exact(columns).zip(&mut out) {
                *out = dot(a, b) as f32;
            }
        }
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
        self.entries(
            #[inline(always)]
            |a, b| {
                let tiles = a.chunks(TILE).zip(b.chunks(TILE));
                tiles.fold(0.0, |total, (a, b)| total + f64::from(dot::tile(s, a, b)))
            },
        );
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

struct Products<'a> {
    rows: usize,
    columns: usize,
    u: &'a [f32],
    v: &'a [f32],
    m: &'a mut [f32],
}

impl Kernel for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        // `max`: without rows or columns there is no entry either.
        let (rows, columns) = (self.rows.max(1), self.columns.max(1));
        for (u, v) in self.u.chunks_exact(rows).zip(self.v.chunks_exact(columns)) {
            for (m, &u) in self.m.chunks_exact_mut(columns).zip(u) {
                for (m, &v) in m.iter_mut().zip(v) {
                    *m += u * v;
                }
            }
        }
    }

    /// Each sixteen entries stay in a register while the batch goes by.
    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let (rows, columns) = (self.rows.max(1), self.columns.max(1));
        for (i, m) in self.m.chunks_exact_mut(columns).enumerate() {
            let factors = || self.u.chunks_exact(rows).filter_map(|u| u.get(i).copied());
            let (m, m_rest) = m.as_chunks_mut::<16>();
            let done = 16 * m.len();
            for (j, m) in m.iter_mut().enumerate() {
                let mut lanes = s.load(m);
                for (u, v) in factors().zip(self.v.chunks_exact(columns)) {
                    let Some(v) = v.get(16 * j..).and_then(|v| v.first_chunk()) else { continue };
                    lanes = s.add(lanes, s.mul(s.splat(u), s.load(v)));
                }
                s.store(lanes, m);
            }
            for (u, v) in factors().zip(self.v.chunks_exact(columns)) {
                for (m, v) in m_rest.iter_mut().zip(v.get(done..).unwrap_or_default()) {
                    *m += u * v;
                }
            }
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
