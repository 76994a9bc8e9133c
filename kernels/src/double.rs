//! Sums, updates and outer products in `f64`, of numbers that may be `f32`.
//!
//! For what `f32` cannot hold: second moments, whose terms are products of any two
//! numbers, and the solutions of ill-conditioned systems. A product of two `f32` is exact
//! in `f64` and leaves its range never.
//!
//! | function | does | order |
//! |---|---|---|
//! | [`dot`] | Σ xᵢ·yᵢ | term *i* goes to lane *i* mod 8, the lanes are folded 8→4→2→1 |
//! | [`add_dots`] | out + Σ xᵢ·yᵢ, of each of some vectors with each of some rows | as [`dot`] |
//! | [`axpy`] | y + α·x | one product and one sum an entry |
//! | [`add_rows`] | y + Σᵣ wᵣ·xᵣ, of each of some vectors | as [`axpy`] of one row after the other |
//! | [`add_outers`] | C + Σᵣ wᵣ·xᵣ xᵣᵀ, a packed lower triangle | (wᵣ·xᵢ)·xⱼ, in the order of the rows |
//!
//! Each product is rounded to `f64` before it is added.

use crate::dispatch::run;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::level::Level;
use crate::part::{Part, PartMut};
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::real::Real;

/// Σ xᵢ·yᵢ.
///
/// # Errors
/// [`Error::Length`] if the lengths differ.
#[inline]
pub fn dot<T: Real>(x: &[f64], y: &[T]) -> Result<f64, Error> {
    dot_with(Level::best(), x, y)
}

/// [`dot`] on a given level.
///
/// # Errors
/// As [`dot`].
#[inline]
pub fn dot_with<T: Real>(level: Level, x: &[f64], y: &[T]) -> Result<f64, Error> {
    same_length(x.len(), y.len())?;
    Ok(run(level, Dot { x, y }))
}

/// Adds the dot product of each vector of `x` with each row of `y` to its place in `out`,
/// vector after vector: the bits of [`dot`], and one sum. Some vectors and some rows are
/// in registers together, so that each comes from memory a few times less.
///
/// # Errors
/// [`Error::Length`] unless vectors and rows have as many columns, and there is a place
/// for each two of them; `out` is as it was.
#[inline]
pub fn add_dots<T: Real>(x: Part<'_, f64>, y: Part<'_, T>, out: &mut [f64]) -> Result<(), Error> {
    add_dots_with(Level::best(), x, y, out)
}

/// [`add_dots`] on a given level.
///
/// # Errors
/// As [`add_dots`].
#[inline]
pub fn add_dots_with<T: Real>(
    level: Level,
    x: Part<'_, f64>,
    y: Part<'_, T>,
    out: &mut [f64],
) -> Result<(), Error> {
    same_length(x.columns, y.columns)?;
    same_length(x.rows().saturating_mul(y.rows()), out.len())?;
    run(level, Dots { x, y, out });
    Ok(())
}

/// Adds `alpha`·`x` to `y`.
///
/// # Errors
/// [`Error::Length`] if the lengths differ; `y` is as it was.
#[inline]
pub fn axpy<T: Real>(alpha: f64, x: &[T], y: &mut [f64]) -> Result<(), Error> {
    axpy_with(Level::best(), alpha, x, y)
}

/// [`axpy`] on a given level.
///
/// # Errors
/// As [`axpy`].
#[inline]
pub fn axpy_with<T: Real>(level: Level, alpha: f64, x: &[T], y: &mut [f64]) -> Result<(), Error> {
    same_length(x.len(), y.len())?;
    run(level, Axpy { alpha, x, y });
    Ok(())
}

/// Adds Σᵣ weight·x to each vector of `y`, of all rows x and the vector's weights of
/// them, vector after vector, in the order of the rows: the bits of [`axpy`] of each.
/// Some vectors are in registers together, and come from memory once for all rows.
///
/// # Errors
/// [`Error::Length`] unless vectors and rows have as many columns, and there is a weight
/// for each two of them; `y` is as it was.
#[inline]
pub fn add_rows<T: Real>(weights: &[f64], rows: Part<'_, T>, y: PartMut<'_, f64>) -> Result<(), Error> {
    add_rows_with(Level::best(), weights, rows, y)
}

/// [`add_rows`] on a given level.
///
/// # Errors
/// As [`add_rows`].
#[inline]
pub fn add_rows_with<T: Real>(
    level: Level,
    weights: &[f64],
    rows: Part<'_, T>,
    y: PartMut<'_, f64>,
) -> Result<(), Error> {
    same_length(y.columns, rows.columns)?;
    same_length(y.rows().saturating_mul(rows.rows()), weights.len())?;
    run(level, Rows { weights, rows, y });
    Ok(())
}

/// Adds weight·x xᵀ to a packed lower triangle (row i has i + 1 entries), for every row x
/// of `k` numbers and its weight.
///
/// # Errors
/// [`Error::Length`] unless there is a weight for each row, and `packed` has k(k + 1)/2
/// entries; it is as it was.
#[inline]
pub fn add_outers(weights: &[f64], k: usize, rows: &[f32], packed: &mut [f64]) -> Result<(), Error> {
    add_outers_with(Level::best(), weights, k, rows, packed)
}

/// [`add_outers`] on a given level.
///
/// # Errors
/// As [`add_outers`].
#[inline]
pub fn add_outers_with(
    level: Level,
    weights: &[f64],
    k: usize,
    rows: &[f32],
    packed: &mut [f64],
) -> Result<(), Error> {
    same_length(weights.len().saturating_mul(k), rows.len())?;
    // One of k and k + 1 is even.
    let (half, other) = if k.is_multiple_of(2) { (k / 2, k + 1) } else { (k / 2 + 1, k) };
    same_length(half.saturating_mul(other), packed.len())?;
    run(level, Outers { weights, k, rows, packed });
    Ok(())
}

struct Dot<'a, T> {
    x: &'a [f64],
    y: &'a [T],
}

struct Axpy<'a, T> {
    alpha: f64,
    x: &'a [T],
    y: &'a mut [f64],
}

struct Dots<'a, T> {
    x: Part<'a, f64>,
    y: Part<'a, T>,
    out: &'a mut [f64],
}

struct Rows<'a, T> {
    weights: &'a [f64],
    rows: Part<'a, T>,
    y: PartMut<'a, f64>,
}

struct Outers<'a> {
    weights: &'a [f64],
    k: usize,
    rows: &'a [f32],
    packed: &'a mut [f64],
}

impl<T: Real> Kernel for Dot<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn scalar(self) -> f64 {
        scalar::double::dot(self.x, self.y)
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) -> f64 {
        vector::double::dot(s, self.x, self.y)
    }
}

impl<T: Real> Kernel for Axpy<'_, T> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::double::axpy(self.alpha, self.x, self.y);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::double::axpy(s, self.alpha, self.x, self.y);
    }
}

impl<T: Real> Kernel for Dots<'_, T> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::double::add_dots(self.x, self.y, self.out);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::double::add_dots(s, self.x, self.y, self.out);
    }
}

impl<T: Real> Kernel for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::double::add_rows(self.weights, self.rows, self.y);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::double::add_rows(s, self.weights, self.rows, self.y);
    }
}

impl Kernel for Outers<'_> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::double::add_outers(self.weights, self.k, self.rows, self.packed);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::double::add_outers(s, self.weights, self.k, self.rows, self.packed);
    }
}
