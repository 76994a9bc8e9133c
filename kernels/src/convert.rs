//! Widening to `f32` (exact) and narrowing from it (to nearest, ties to even, subnormals
//! kept).

use crate::dispatch::run;
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector};

/// Writes the same values as `f32`.
///
/// # Errors
/// [`Error::Length`] if the lengths differ; `to` is as it was.
#[inline]
pub fn widen<T: Element>(from: &[T], to: &mut [f32]) -> Result<(), Error> {
    widen_with(Level::best(), from, to)
}

/// [`widen`] on a given level.
///
/// # Errors
/// As [`widen`].
#[inline]
pub fn widen_with<T: Element>(level: Level, from: &[T], to: &mut [f32]) -> Result<(), Error> {
    convert(level, from, to)
}

/// Writes the nearest values of a smaller format. What is too large becomes an infinity.
///
/// # Errors
/// [`Error::Length`] if the lengths differ; `to` is as it was.
#[inline]
pub fn narrow<T: Element>(from: &[f32], to: &mut [T]) -> Result<(), Error> {
    narrow_with(Level::best(), from, to)
}

/// [`narrow`] on a given level.
///
/// # Errors
/// As [`narrow`].
#[inline]
pub fn narrow_with<T: Element>(level: Level, from: &[f32], to: &mut [T]) -> Result<(), Error> {
    convert(level, from, to)
}

#[inline]
fn convert<T: Element, U: Element>(level: Level, from: &[T], to: &mut [U]) -> Result<(), Error> {
    same_length(from.len(), to.len())?;
    run(level, Convert { from, to });
    Ok(())
}

struct Convert<'a, T, U> {
    from: &'a [T],
    to: &'a mut [U],
}

impl<T: Element, U: Element> Kernel for Convert<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::convert::convert(self.from, self.to);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::convert::convert(s, self.from, self.to);
    }
}
