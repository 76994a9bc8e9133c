//! Dot product Σ xᵢ·yᵢ: each product rounded to `f32`, then summed canonically ([`crate::sum`]).
//!
//! |computed − exact| ≤ 71·2⁻²⁴·Σ|xᵢ·yᵢ|, whatever the length, while no product underflows. Operands may differ in
//! format; `f16` and `bf16` widen exactly first. A lane whose partial sum overflows gives an infinity or a NaN.

use crate::dispatch::{Kernel, run};
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::simd::Simd;
use crate::sum::{LANES, TILE, fold};

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
    Ok(run(level, Dot { x, y }))
}

/// The scalar text.
pub(crate) fn definition<T: Element, U: Element>(x: &[T], y: &[U]) -> f64 {
    let mut total = 0.0;
    for (x, y) in x.chunks(TILE).zip(y.chunks(TILE)) {
        let mut lanes = [0.0_f32; LANES];
        for (x, y) in x.chunks(LANES).zip(y.chunks(LANES)) {
            for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
                *lane += x.widen() * y.widen();
            }
        }
        total += f64::from(fold(lanes));
    }
    total
}

struct Dot<'a, T, U> {
    x: &'a [T],
    y: &'a [U],
}

impl<T: Element, U: Element> Kernel for Dot<'_, T, U> {
    type Output = f64;

    #[inline(always)]
    fn define(self) -> f64 {
        definition(self.x, self.y)
    }

    #[inline(always)]
    fn serial(self) -> f64 {
        serial(self.x, self.y)
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) -> f64 {
        let mut total = 0.0;
        for (x, y) in self.x.chunks(TILE).zip(self.y.chunks(TILE)) {
            total += f64::from(tile(s, x, y));
        }
        total
    }
}

/// Lanes that are summed side by side where there are no vectors: with their operands they fit 32 registers.
pub(crate) const ABREAST: usize = 8;

/// [`definition`] with a few lanes at a time down each tile.
#[inline(always)]
pub(crate) fn serial<T: Element, U: Element>(x: &[T], y: &[U]) -> f64 {
    let mut total = 0.0;
    for (x, y) in tiles(x).zip(tiles(y)) {
        let mut lanes = [0.0_f32; LANES];
        for (first, sums) in (0..).step_by(ABREAST).zip(lanes.as_chunks_mut::<ABREAST>().0) {
            // Every 64th term from `first` on begins a row; what is left of the last row may be short.
            let (x, x_rest) = x.get(first..).unwrap_or_default().as_chunks::<LANES>();
            let (y, y_rest) = y.get(first..).unwrap_or_default().as_chunks::<LANES>();
            let mut lanes = [0.0; ABREAST];
            for (x, y) in x.iter().zip(y) {
                for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
                    *lane += x.widen() * y.widen();
                }
            }
            for ((lane, x), y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
                *lane += x.widen() * y.widen();
            }
            *sums = lanes;
        }
        total += f64::from(fold(lanes));
    }
    total
}

/// The tiles, and an empty or short one at the end. (`chunks` divides by a length that the optimiser may lose sight of.)
#[inline(always)]
fn tiles<T>(x: &[T]) -> impl Iterator<Item = &[T]> {
    let (tiles, rest) = x.as_chunks::<TILE>();
    tiles.iter().map(<[T; TILE]>::as_slice).chain(core::iter::once(rest))
}

/// One tile's sum. What does not fill four registers is loaded in parts, with zeros behind: a zero term leaves every
/// canonical sum as it is, because a sum that starts at +0 is never −0.
#[inline(always)]
pub(crate) fn tile<S: Simd, T: Element, U: Element>(s: S, x: &[T], y: &[U]) -> f32 {
    let paired = T::PAIRED && U::PAIRED;
    let mut lanes = [[s.splat(0.0); 2]; 2];
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in x.iter().zip(y) {
        if size_of::<T>() < 4 || size_of::<U>() < 4 {
            s.prefetch(x, AHEAD);
            s.prefetch(y, AHEAD);
        }
        for ((lanes, x), y) in lanes.iter_mut().zip(x.as_chunks().0).zip(y.as_chunks().0) {
            *lanes = step::<S, T, U>(s, T::load_32(s, x, paired), U::load_32(s, y, paired), *lanes);
        }
    }
    for ((lanes, x), y) in lanes.iter_mut().zip(x_rest.chunks(32)).zip(y_rest.chunks(32)) {
        *lanes = step::<S, T, U>(s, T::load_part_32(s, x, paired), U::load_part_32(s, y, paired), *lanes);
    }
    fold_halves(s, lanes, paired)
}

/// How far ahead to ask for memory, in bytes, where a load costs more than two operations.
pub(crate) const AHEAD: usize = 4096;

#[inline(always)]
fn step<S: Simd, T: Element, U: Element>(s: S, x: [S::F; 2], y: [S::F; 2], lanes: [S::F; 2]) -> [S::F; 2] {
    let one = |x, y, lane| {
        if T::EXACT_SQUARE && U::EXACT_SQUARE {
            s.mul_exact_add(x, y, lane)
        } else {
            s.add(lane, s.mul(x, y))
        }
    };
    [one(x[0], y[0], lanes[0]), one(x[1], y[1], lanes[1])]
}

/// Folds two halves of 32 lanes, loaded by [`Element::load_32`]. Lanes of even places are folded as all are, but for the
/// last step, in which lane 1, the first of the odd places, is added to lane 0.
#[inline(always)]
pub(crate) fn fold_halves<S: Simd>(s: S, [[a, b], [c, d]]: [[S::F; 2]; 2], paired: bool) -> f32 {
    if paired { s.fold(s.add(a, c)) + s.fold(s.add(b, d)) } else { fold_lanes(s, [a, b, c, d]) }
}

/// Folds four registers, 64 lanes, as [`fold`] does.
#[inline(always)]
pub(crate) fn fold_lanes<S: Simd>(s: S, [a, b, c, d]: [S::F; 4]) -> f32 {
    s.fold(s.add(s.add(a, c), s.add(b, d)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::{bits, inputs};

    #[test]
    fn the_serial_form_has_the_bits_of_the_definition() {
        for x in inputs() {
            let mut y = x.clone();
            y.reverse();
            assert_eq!(bits(&[serial(&x, &y)]), bits(&[definition(&x, &y)]), "length {}", x.len());
        }
    }
}
