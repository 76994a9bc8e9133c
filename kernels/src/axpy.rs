//! y ← y + α·x: each product rounded to `f32`, then added. One rounding each, so the
//! order is of no concern.

use crate::dispatch::run;
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector};

/// Adds `alpha`·`x` to `y`.
///
/// # Errors
/// [`Error::Length`] if the lengths differ; `y` is as it was.
#[inline]
pub fn axpy<T: Element>(alpha: f32, x: &[T], y: &mut [f32]) -> Result<(), Error> {
    axpy_with(Level::best(), alpha, x, y)
}

/// [`axpy`] on a given level.
///
/// # Errors
/// As [`axpy`].
#[inline]
pub fn axpy_with<T: Element>(level: Level, alpha: f32, x: &[T], y: &mut [f32]) -> Result<(), Error> {
    same_length(x.len(), y.len())?;
    run(level, Axpy { alpha, x, y });
    Ok(())
}

struct Axpy<'a, T> {
    alpha: f32,
    x: &'a [T],
    y: &'a mut [f32],
}

impl<T: Element> Kernel for Axpy<'_, T> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::axpy::axpy(self.alpha, self.x, self.y);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::axpy::axpy(s, self.alpha, self.x, self.y);
    }
}
