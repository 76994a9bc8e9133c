//! Squared L2 norm Σ xᵢ², L1 norm Σ |xᵢ| and largest magnitude max |xᵢ|.
//!
//! The two sums are canonical ([`crate::sum`]), with relative errors of at most 23·2⁻²⁴
//! (L2²) and 22·2⁻²⁴ (L1): all terms are of one sign. Finite entries of any size have
//! their norms: sums that leave `f32` are taken again, as in [`mod@crate::dot`]. The
//! maximum is exact and passes over NaNs. Whoever wants several of them at once takes
//! [`crate::summary`], which reads the slice once.

use crate::dispatch::run;
use crate::element::Element;
use crate::kernel::Kernel;
use crate::level::Level;
use crate::simd::Simd;
use crate::vector::norm::{Magnitude, Square};
use crate::{scalar, vector, wide};

/// Σ xᵢ²: the squared Euclidean norm. 0 for an empty slice.
#[inline]
#[must_use]
pub fn squared_norm<T: Element>(x: &[T]) -> f64 {
    squared_norm_with(Level::best(), x)
}

/// [`squared_norm`] on a given level.
#[inline]
#[must_use]
pub fn squared_norm_with<T: Element>(level: Level, x: &[T]) -> f64 {
    wide::dot(run(level, SquaredNorm { x }), x, x)
}

/// Σ |xᵢ|. 0 for an empty slice.
#[inline]
#[must_use]
pub fn l1_norm<T: Element>(x: &[T]) -> f64 {
    l1_norm_with(Level::best(), x)
}

/// [`l1_norm`] on a given level.
#[inline]
#[must_use]
pub fn l1_norm_with<T: Element>(level: Level, x: &[T]) -> f64 {
    wide::l1_norm(run(level, L1Norm { x }), x)
}

/// max |xᵢ| over the entries that are not NaN. 0 for an empty slice.
#[inline]
#[must_use]
pub fn max_abs<T: Element>(x: &[T]) -> f32 {
    max_abs_with(Level::best(), x)
}

/// [`max_abs`] on a given level.
#[inline]
#[must_use]
pub fn max_abs_with<T: Element>(level: Level, x: &[T]) -> f32 {
    run(level, MaxAbs { x })
}

struct SquaredNorm<'a, T> {
    x: &'a [T],
}

impl<T: Element> Kernel for SquaredNorm<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn scalar(self) -> f64 {
        scalar::norm::squared_norm(self.x)
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) -> f64 {
        vector::norm::sum(s, self.x, Square)
    }
}

struct L1Norm<'a, T> {
    x: &'a [T],
}

impl<T: Element> Kernel for L1Norm<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn scalar(self) -> f64 {
        scalar::norm::l1_norm(self.x)
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) -> f64 {
        vector::norm::sum(s, self.x, Magnitude)
    }
}

struct MaxAbs<'a, T> {
    x: &'a [T],
}

impl<T: Element> Kernel for MaxAbs<'_, T> {
    type Output = f32;

    #[inline(always)]
    fn scalar(self) -> f32 {
        scalar::norm::max_abs(self.x)
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) -> f32 {
        vector::norm::max_abs(s, self.x)
    }
}
