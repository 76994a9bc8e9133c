//! y ← y + α·x: each product rounded to `f32`, then added. One rounding each, so the
//! order is of no concern.

use crate::dispatch::{Kernel, run};
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::simd::Simd;

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

/// The scalar text.
fn definition<T: Element>(alpha: f32, x: &[T], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x.widen();
    }
}

struct Axpy<'a, T> {
    alpha: f32,
    x: &'a [T],
    y: &'a mut [f32],
}

impl<T: Element> Kernel for Axpy<'_, T> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        definition(self.alpha, self.x, self.y);
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let alpha = s.splat(self.alpha);
        let (x, x_rest) = self.x.as_chunks::<16>();
        let (y, y_rest) = self.y.as_chunks_mut::<16>();
        for (x, y) in x.iter().zip(y) {
            s.store(s.add(s.load(y), s.mul(alpha, T::load(s, x))), y);
        }
        rest(self.alpha, x_rest, y_rest);
    }
}

/// Fewer than sixteen, in eights, fours and ones: left to itself, the compiler makes
/// longer code of it that is slower.
#[inline(always)]
fn rest<T: Element>(alpha: f32, x: &[T], y: &mut [f32]) {
    let (x_eights, x) = x.as_chunks::<8>();
    let (y_eights, y) = y.as_chunks_mut::<8>();
    let (x_fours, x) = x.as_chunks::<4>();
    let (y_fours, y) = y.as_chunks_mut::<4>();
    if let (Some(x), Some(y)) = (x_eights.first(), y_eights.first_mut()) {
        update(alpha, x, y);
    }
    if let (Some(x), Some(y)) = (x_fours.first(), y_fours.first_mut()) {
        update(alpha, x, y);
    }
    for (x, y) in x.iter().zip(y).take(3) {
        *y += alpha * x.widen();
    }
}

/// [`definition`] of so many.
#[inline(always)]
fn update<T: Element, const N: usize>(alpha: f32, x: &[T; N], y: &mut [f32; N]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x.widen();
    }
}
