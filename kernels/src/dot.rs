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
use crate::vector::pairs;
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

/// Rows of `y` that are under way together: 128 with 32 of `x` have 512 KiB of states,
/// which the second cache holds.
const TOGETHER: usize = 128;

/// So few rows on either side cost less pair by pair than to be laid side by side.
const FEW: usize = 8;

/// How many [`Carried`] are lent to [`dots`] of so many rows: none if a tile holds a row.
#[must_use]
pub const fn carried_for(x: usize, y: usize, width: usize) -> usize {
    if width <= TILE {
        return 0;
    }
    let x = if x < pairs::TOGETHER { x } else { pairs::TOGETHER };
    let y = if y < TOGETHER { y } else { TOGETHER };
    x * y
}

/// The dot products of all rows of `x` with all of `y`, `width` numbers each: `out` has a
/// row for each of `x`, a column for each of `y`. The bits of [`dot`], several times as
/// fast. What `carried` holds is of no concern. Stack: 136 KiB in vectors.
///
/// ```
/// use gradsieve_kernels::dot::{Carried, carried_for, dots};
/// const CARRIED: usize = carried_for(2, 1, 2);
/// let (x, y, mut out) = ([1.0_f32, 2.0, 3.0, 4.0], [5.0_f32, 6.0], [0.0; 2]);
/// dots(&x, &y, 2, &mut [Carried::new(); CARRIED], &mut out)?;
/// assert_eq!(out, [17.0, 39.0]);
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if there is no width, rows are not whole, `carried` is not as long
/// as [`carried_for`] says, or there is not a place for each pair. Nothing was written.
#[inline]
pub fn dots<T: Element, U: Element>(
    x: &[T],
    y: &[U],
    width: usize,
    carried: &mut [Carried],
    out: &mut [f64],
) -> Result<(), Error> {
    dots_with(Level::best(), x, y, width, carried, out)
}

/// [`dots`] on a given level.
///
/// # Errors
/// As [`dots`].
#[inline]
pub fn dots_with<T: Element, U: Element>(
    level: Level,
    x: &[T],
    y: &[U],
    width: usize,
    carried: &mut [Carried],
    out: &mut [f64],
) -> Result<(), Error> {
    let rows = |len: usize| len.checked_div(width).ok_or(Error::Length { expected: 1, found: 0 });
    let (rows, others) = (rows(x.len())?, rows(y.len())?);
    same_length(rows * width, x.len())?;
    same_length(others * width, y.len())?;
    same_length(carried_for(rows, others, width), carried.len())?;
    same_length(rows.saturating_mul(others), out.len())?;
    if rows.min(others) < FEW {
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(others.max(1))) {
            for (y, out) in y.chunks_exact(width).zip(out) {
                *out = dot_with(level, x, y)?;
            }
        }
        return Ok(());
    }
    for (first, y) in (0..).step_by(TOGETHER).zip(y.chunks(TOGETHER * width)) {
        let (y, rows) = (Part::whole(y, width)?, pairs::TOGETHER);
        for (x, out) in x.chunks(rows * width).zip(out.chunks_mut(rows * others)) {
            let (x, out) = (Part::whole(x, width)?, out.get_mut(first..).certain());
            run(level, Dots { carried, x, y, places: others, out });
            for (i, out) in out.chunks_mut(others).enumerate() {
                for (j, out) in out.iter_mut().enumerate().take(y.rows()) {
                    *out = wide::dot(*out, x.row(i), y.row(j));
                }
            }
        }
    }
    Ok(())
}

impl Carried {
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
        run(level, Carry { wide: &mut self.wide, x, y });
        Ok(())
    }

    /// The product of two vectors that are there whole, of which the first `taken`
    /// numbers were taken in: the bits of [`dot`] whatever the size of the entries.
    ///
    /// # Errors
    /// [`Error::Length`] if the lengths differ, or not more than `taken` numbers are
    /// there.
    #[inline]
    pub fn finish_whole<T: Element, U: Element>(&self, taken: usize, x: &[T], y: &[U]) -> Result<f64, Error> {
        let short = Error::Length { expected: taken, found: x.len().min(y.len()) };
        let sum = self.finish(x.get(taken..).ok_or(short)?, y.get(taken..).ok_or(short)?)?;
        Ok(if self.begun() { wide::dot(sum, x, y) } else { sum })
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
        if x.is_empty() && self.begun() {
            return Err(Error::Length { expected: 1, found: 0 });
        }
        let before = x.len().saturating_sub(1) / TILE * TILE;
        let (x, x_last) = (x.get(..before).certain(), x.get(before..).certain());
        let (y, y_last) = (y.get(..before).certain(), y.get(before..).certain());
        let mut all = *self;
        all.add_with(level, x, y)?;
        // One tile's sum, and so an `f32`.
        let last = run(level, Dot { x: x_last, y: y_last });
        Ok(if all.begun() {
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

struct Dots<'a, T, U> {
    carried: &'a mut [Carried],
    x: Part<'a, T>,
    y: Part<'a, U>,
    places: usize,
    out: &'a mut [f64],
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

impl<T: Element, U: Element> Kernel for Dots<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        for (i, out) in self.out.chunks_mut(self.places.max(1)).enumerate() {
            for (j, out) in out.iter_mut().enumerate().take(self.y.rows()) {
                *out = scalar::dot::dot(self.x.row(i), self.y.row(j));
            }
        }
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        pairs::pairs(s, self.carried, self.x, self.y, self.places, self.out);
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
    extern crate std;

    use std::vec;
    use std::vec::Vec;

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

    #[test]
    fn products_of_all_rows_are_those_of_each_pair() {
        for (rows, others, width) in
            [(1, 1, 1), (3, 2, TILE), (2, 133, TILE + 17), (67, 2, 2 * TILE), (0, 3, 5)]
        {
            // Of all sizes: some products leave f32 on the way.
            let number = |i: usize| ((i * 7919) % 1013) as f32 / 500.0 - 1.0;
            let sized = |i: usize| number(i) * [1.0, 1e30, 1e-30][i / width % 3];
            let numbers = |rows: usize| (0..rows * width).map(sized).collect::<Vec<_>>();
            let (x, y) = (numbers(rows), numbers(others));
            let mut carried = vec![Carried::new(); carried_for(rows, others, width)];
            let mut out = vec![7.0; rows * others];
            dots(&x, &y, width, &mut carried, &mut out).unwrap();
            let pairs =
                x.chunks_exact(width).flat_map(|x| y.chunks_exact(width).map(move |y| dot(x, y).unwrap()));
            assert!(pairs.eq(out));
        }
    }

    #[test]
    fn rows_that_do_not_fit_are_refused_and_nothing_is_written() {
        const ROW: usize = TILE + 1;
        let refused = |x: usize, width: usize, carried: usize, places: usize| {
            let mut out = [7.0; 9];
            let error = dots(
                &[1.0_f32; 3 * ROW][..x],
                &[1.0_f32; 2 * ROW],
                width,
                &mut [Carried::new(); 9][..carried],
                &mut out[..places],
            );
            assert_eq!(out, [7.0; 9]);
            error
        };
        assert_eq!(refused(3 * ROW, 0, 6, 6), Err(Error::Length { expected: 1, found: 0 }));
        assert_eq!(
            refused(2 * ROW + 5, ROW, 4, 4),
            Err(Error::Length { expected: 2 * ROW, found: 2 * ROW + 5 })
        );
        assert_eq!(refused(3 * ROW, ROW, 5, 6), Err(Error::Length { expected: 6, found: 5 }));
        assert_eq!(refused(3 * ROW, ROW, 6, 5), Err(Error::Length { expected: 6, found: 5 }));
        assert_eq!(refused(ROW, 1, 1, 9), Err(Error::Length { expected: 0, found: 1 }));
    }
}
