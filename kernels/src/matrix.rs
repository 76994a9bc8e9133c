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

use crate::dispatch::run;
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector, wide};

pub use crate::part::{Part, PartMut};

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
        product_of_with(level, a, b, PartMut { values: out, stride: columns, first: 0, columns })?;
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
    mut out: PartMut<'_>,
) -> Result<(), Error> {
    same_length(a.columns, b.columns)?;
    same_length(a.rows(), out.rows())?;
    same_length(b.rows(), out.columns)?;
    run(level, Product { a, b, out: out.reborrow() });
    wide::product(a, b, &mut out);
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

struct Product<'a, T, U> {
    a: Part<'a, T>,
    b: Part<'a, U>,
    out: PartMut<'a>,
}

impl<T: Element, U: Element> Kernel for Product<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::matrix::product(self.a, self.b, self.out);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::matrix::product(s, self.a, self.b, self.out);
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
    fn scalar(self) {
        scalar::matrix::add_outer(self.weight, self.x, self.packed);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::matrix::add_outer(s, self.weight, self.x, self.packed);
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
    fn scalar(self) {
        scalar::matrix::add_products(self.u, self.v, self.m);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::matrix::add_products(s, self.u, self.v, self.m);
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
    fn scalar(self) {
        scalar::matrix::scale_add(self.alpha, self.x, self.beta, self.y);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::matrix::scale_add(s, self.alpha, self.x, self.beta, self.y);
    }
}
