//! Dot product Σ xᵢ·yᵢ: each product rounded to `f32`, then summed canonically
//! ([`crate::sum`]).
//!
//! |computed − exact| ≤ 23·2⁻²⁴·Σ|xᵢ·yᵢ|, whatever the length and the size of finite
//! entries: a sum that overflows `f32`, or is below 2⁻⁸⁰, is taken again in `f64`, in
//! sixteen lanes. Operands may differ in format; `f16` and `bf16` widen exactly first.

use crate::certain::Certain;
use crate::dispatch::run;
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::level::Level;
use crate::part::Part;
use crate::simd::Simd;
use crate::sum::{TILE, WIDE};
use crate::{scalar, vector, wide};

pub use crate::carried::Carried;

/// Σ xᵢ·yᵢ of two slices of one length.
///
/// # Errors
/// [`Error::Length`] if the lengths differ.
#[inline]
pub fn dot<T: Element, U: Element>(x: &[T], y: &[U]) -> Result<f64, Error> {
    dot_with(Level::best(), x, y)
}

/// [`dot`] on a given level.
///
/// # Errors
/// As [`dot`].
#[inline]
pub fn dot_with<T: Element, U: Element>(level: Level, x: &[T], y: &[U]) -> Result<f64, Error> {
    same_length(x.len(), y.len())?;
    Ok(wide::dot(run(level, Dot { x, y }), x, y))
}

impl Carried {
    /// No terms yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { wide: [0.0; WIDE], begun: false }
    }

    /// Takes in whole tiles ([`TILE`]) that are not the vectors' last.
    ///
    /// # Errors
    /// [`Error::Length`] if the lengths differ or are no multiple of a tile; the state is
    /// as it was.
    #[inline]
    pub fn add<T: Element, U: Element>(&mut self, x: &[T], y: &[U]) -> Result<(), Error> {
        self.add_with(Level::best(), x, y)
    }

    /// [`Carried::add`] on a given level.
    ///
    /// # Errors
    /// As [`Carried::add`].
    #[inline]
    pub fn add_with<T: Element, U: Element>(&mut self, level: Level, x: &[T], y: &[U]) -> Result<(), Error> {
        same_length(x.len(), y.len())?;
        same_length(x.len() / TILE * TILE, x.len())?;
        self.begun |= !x.is_empty();
        run(level, Carry { wide: &mut self.wide, x, y });
        Ok(())
    }

    /// [`Carried::add`] for each row of `x` with each of `y`, `carried` row after row of
    /// `x`, with the same bits and several times as fast: what is loaded of a row serves
    /// four others.
    ///
    /// ```
    /// use gradsieve_kernels::{dot, dot::Carried, matrix::Part, sum::TILE};
    /// let (x, y) = ([0.1_f32; 2 * (TILE + 3)], [0.2_f32; 3 * (TILE + 3)]);
    /// let mut carried = [Carried::new(); 6];
    /// let tile = |rows| Part::new(rows, TILE + 3, 0, TILE);
    /// Carried::add_pairs(&mut carried, tile(&x)?, tile(&y)?)?;
    /// assert_eq!(carried[5].finish(&x[2 * TILE + 3..], &y[3 * TILE + 6..]), dot(&x[TILE + 3..], &y[2 * TILE + 6..]));
    /// # Ok::<(), gradsieve_kernels::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if the columns differ or are no multiple of a tile, or there is
    /// not a state for each pair; the states are as they were.
    #[inline]
    pub fn add_pairs<T: Element, U: Element>(
        carried: &mut [Self],
        x: Part<'_, T>,
        y: Part<'_, U>,
    ) -> Result<(), Error> {
        Self::add_pairs_with(Level::best(), carried, x, y)
    }

    /// [`Carried::add_pairs`] on a given level.
    ///
    /// # Errors
    /// As [`Carried::add_pairs`].
    #[inline]
    pub fn add_pairs_with<T: Element, U: Element>(
        level: Level,
        carried: &mut [Self],
        x: Part<'_, T>,
        y: Part<'_, U>,
    ) -> Result<(), Error> {
        same_length(x.columns, y.columns)?;
        same_length(x.columns / TILE * TILE, x.columns)?;
        same_length(x.rows().saturating_mul(y.rows()), carried.len())?;
        if x.columns > 0 {
            run(level, CarryPairs { carried, x, y });
        }
        Ok(())
    }

    /// The product, of what was taken in and the rest of the two vectors, which is not
    /// empty if anything was taken in.
    ///
    /// # Errors
    /// [`Error::Length`] if the lengths differ, or there is no rest.
    #[inline]
    pub fn finish<T: Element, U: Element>(&self, x: &[T], y: &[U]) -> Result<f64, Error> {
        self.finish_with(Level::best(), x, y)
    }

    /// [`Carried::finish`] on a given level.
    ///
    /// # Errors
    /// As [`Carried::finish`].
    #[inline]
    pub fn finish_with<T: Element, U: Element>(&self, level: Level, x: &[T], y: &[U]) -> Result<f64, Error> {
        same_length(x.len(), y.len())?;
        if x.is_empty() && self.begun {
            return Err(Error::Length { expected: 1, found: 0 });
        }
        let before = x.len().saturating_sub(1) / TILE * TILE;
        let (x, x_last) = (x.get(..before).certain(), x.get(before..).certain());
        let (y, y_last) = (y.get(..before).certain(), y.get(before..).certain());
        let mut all = *self;
        all.add_with(level, x, y)?;
        // One tile's sum, and so an `f32`.
        let last = run(level, Dot { x: x_last, y: y_last });
        Ok(if all.begun {
            scalar::sum::total(&mut all.wide, last as f32)
        } else {
            wide::dot(last, x_last, y_last)
        })
    }
}

struct Carry<'a, T, U> {
    wide: &'a mut [f64; WIDE],
    x: &'a [T],
    y: &'a [U],
}

struct CarryPairs<'a, T, U> {
    carried: &'a mut [Carried],
    x: Part<'a, T>,
    y: Part<'a, U>,
}

struct Dot<'a, T, U> {
    x: &'a [T],
    y: &'a [U],
}

impl<T: Element, U: Element> Kernel for Carry<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::dot::carry(self.wide, self.x, self.y);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::dot::carry(s, self.wide, self.x, self.y);
    }
}

impl<T: Element, U: Element> Kernel for CarryPairs<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        let rows = self.y.rows().max(1);
        for (i, carried) in self.carried.chunks_exact_mut(rows).enumerate() {
            for (j, carried) in carried.iter_mut().enumerate() {
                scalar::dot::carry(&mut carried.wide, self.x.row(i), self.y.row(j));
                carried.begun = true;
            }
        }
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::matrix::carry_pairs(s, self.carried, self.x, self.y);
    }
}

impl<T: Element, U: Element> Kernel for Dot<'_, T, U> {
    type Output = f64;

    #[inline(always)]
    fn scalar(self) -> f64 {
        scalar::dot::dot(self.x, self.y)
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) -> f64 {
        vector::dot::dot(s, self.x, self.y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_are_no_whole_tiles_are_refused_and_change_nothing() {
        let mut carried = Carried::new();
        carried.add(&[1.0_f32; TILE], &[1.0_f32; TILE]).unwrap();
        let before = carried;
        assert_eq!(carried.add(&[1.0_f32; 5], &[1.0_f32; 5]), Err(Error::Length { expected: 0, found: 5 }));
        assert!(carried.add(&[1.0_f32; TILE], &[1.0_f32; 5]).is_err());
        assert_eq!(carried.finish::<f32, f32>(&[], &[]), Err(Error::Length { expected: 1, found: 0 }));
        assert_eq!(carried, before);
        assert_eq!(carried.finish(&[1.0_f32], &[2.0_f32]), Ok(TILE as f64 + 2.0));
        assert_eq!(Carried::new().finish::<f32, f32>(&[], &[]), Ok(0.0));
    }
}
