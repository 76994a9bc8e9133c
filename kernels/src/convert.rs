//! Widening to `f32` (exact) and narrowing from it (to nearest, ties to even, subnormals
//! kept).

use crate::dispatch::{Kernel, run};
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::simd::Simd;

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

/// The scalar text.
fn definition<T: Element, U: Element>(from: &[T], to: &mut [U]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = U::narrow(from.widen());
    }
}

struct Convert<'a, T, U> {
    from: &'a [T],
    to: &'a mut [U],
}

impl<T: Element, U: Element> Kernel for Convert<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        definition(self.from, self.to);
    }

    #[inline(always)]
    fn serial(self) {
        let (from, from_rest) = self.from.as_chunks::<8>();
        let (to, to_rest) = self.to.as_chunks_mut::<8>();
        for (from, to) in from.iter().zip(to) {
            *to = T::widen_8(from).map(U::narrow);
        }
        definition(from_rest, to_rest);
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let (from, from_rest) = self.from.as_chunks::<16>();
        let (to, to_rest) = self.to.as_chunks_mut::<16>();
        for (from, to) in from.iter().zip(to) {
            U::store(s, T::load(s, from), to);
        }
        definition(from_rest, to_rest);
    }
}
