//! Dot product Σ xᵢ·yᵢ: each product rounded to `f32`, then summed canonically
//! ([`crate::sum`]).
//!
//! |computed − exact| ≤ 23·2⁻²⁴·Σ|xᵢ·yᵢ|, whatever the length, while no product underflows. Operands may differ in
//! format; `f16` and `bf16` widen exactly first. A lane whose partial sum overflows gives
//! an infinity or a NaN.

use crate::dispatch::{Kernel, run};
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::simd::Simd;
use crate::sum::{self, ABREAST, LANES, Lanes, NO_TERMS, TILE, WIDE, tiles};
use core::hint::black_box;
use core::ops::Range;

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

/// The dot product of two vectors that come in pieces, in order: 128 bytes, and the bits
/// of [`dot`] of the whole.
///
/// ```
/// use gradsieve_kernels::{dot, dot::Carried, sum::TILE};
/// let (x, y) = ([0.1_f32; 3 * TILE + 5], [0.2_f32; 3 * TILE + 5]);
/// let mut carried = Carried::new();
/// carried.add(&x[..2 * TILE], &y[..2 * TILE])?;
/// assert_eq!(carried.finish(&x[2 * TILE..], &y[2 * TILE..]), dot(&x, &y));
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Carried {
    wide: [f64; WIDE],
    begun: bool,
}

impl Carried {
    /// No terms yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { wide: [0.0; WIDE], begun: false }
    }

    /// Takes in whole tiles ([`sum::TILE`]) that are not the vectors' last.
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
        let (x, x_last) = (x.get(..before).unwrap_or_default(), x.get(before..).unwrap_or_default());
        let (y, y_last) = (y.get(..before).unwrap_or_default(), y.get(before..).unwrap_or_default());
        let mut all = *self;
        all.add_with(level, x, y)?;
        // One tile's sum, and so an `f32`.
        let last = dot_with(level, x_last, y_last)?;
        Ok(if all.begun { sum::total(&mut all.wide, last as f32) } else { last })
    }
}

struct Carry<'a, T, U> {
    wide: &'a mut [f64; WIDE],
    x: &'a [T],
    y: &'a [U],
}

impl<T: Element, U: Element> Kernel for Carry<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        let mut lanes = NO_TERMS;
        for (x, y) in tiles(self.x).zip(tiles(self.y)) {
            defined_lanes(x, y, &mut lanes);
            sum::add_tile(self.wide, &mut lanes);
        }
    }

    #[inline(always)]
    fn serial(self) {
        let mut lanes = NO_TERMS;
        for (x, y) in tiles(self.x).zip(tiles(self.y)) {
            serial_lanes(x, y, &mut lanes);
            sum::add_tile(self.wide, &mut lanes);
        }
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let paired = T::PAIRED && U::PAIRED;
        let (mut sixteen, length) = ([0.0; 16], black_box(TILE));
        for (x, y) in self.x.as_chunks::<TILE>().0.iter().zip(self.y.as_chunks::<TILE>().0) {
            let lanes = lanes(s, rows(x, 0..length, true), rows(y, 0..length, true));
            s.store(fold_to_16(s, lanes, paired), &mut sixteen);
            for (i, lane) in sixteen.into_iter().enumerate() {
                // Of pairs, the even places stand first.
                let place = if paired { 2 * (i % 8) + i / 8 } else { i };
                if let Some(wide) = self.wide.get_mut(place) {
                    *wide += f64::from(lane);
                }
            }
        }
    }
}

/// The scalar text.
pub(crate) fn definition<T: Element, U: Element>(x: &[T], y: &[U]) -> f64 {
    let [dot] = sum::sums(x.len(), tiles(x).zip(tiles(y)), |(x, y), [lanes]| {
        defined_lanes(x, y, lanes);
    });
    dot
}

/// The lanes of a tile: the scalar text.
fn defined_lanes<T: Element, U: Element>(x: &[T], y: &[U], lanes: &mut Lanes) {
    *lanes = NO_TERMS;
    for (x, y) in x.chunks(LANES).zip(y.chunks(LANES)) {
        for ((lane, x), y) in lanes.as_flattened_mut().iter_mut().zip(x).zip(y) {
            *lane += x.widen() * y.widen();
        }
    }
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
        vector(s, self.x, self.y)
    }
}

/// [`definition`] with a few lanes at a time down each tile.
#[inline(always)]
pub(crate) fn serial<T: Element, U: Element>(x: &[T], y: &[U]) -> f64 {
    let [dot] = sum::sums(
        x.len(),
        tiles(x).zip(tiles(y)),
        #[inline(always)]
        |(x, y), [lanes]| serial_lanes(x, y, lanes),
    );
    dot
}

#[inline(always)]
fn serial_lanes<T: Element, U: Element>(x: &[T], y: &[U], lanes: &mut Lanes) {
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    for (i, lanes) in lanes.iter_mut().enumerate() {
        let mut few = [0.0; ABREAST];
        for (x, y) in x.iter().zip(y) {
            let (x, y) = (x.as_chunks::<ABREAST>().0.get(i), y.as_chunks::<ABREAST>().0.get(i));
            let (Some(x), Some(y)) = (x, y) else { continue };
            for ((lane, x), y) in few.iter_mut().zip(x).zip(y) {
                *lane += x.widen() * y.widen();
            }
        }
        *lanes = few;
    }
    for ((lane, x), y) in lanes.as_flattened_mut().iter_mut().zip(x_rest).zip(y_rest) {
        *lane += x.widen() * y.widen();
    }
}

/// The vector form.
#[inline(always)]
pub(crate) fn vector<S: Simd, T: Element, U: Element>(s: S, x: &[T], y: &[U]) -> f64 {
    if x.len() <= LANES {
        let y = y.get(..x.len()).unwrap_or_default();
        let [dot] = short_sums(
            s,
            x.len(),
            #[inline(always)]
            |i| [multiply::<S, T, U>(s, load_at(s, x, i), load_at(s, y, i))],
            #[inline(always)]
            |i| [multiply::<S, T, U>(s, load_from(s, x, i), load_from(s, y, i))],
        );
        return dot;
    }
    let [dot] = vector_sums(
        s,
        x.len(),
        [T::PAIRED && U::PAIRED],
        #[inline(always)]
        |tile, whole| [lanes(s, rows(x, tile.clone(), whole), rows(y, tile, whole))],
    );
    dot
}

/// N canonical sums of at most 64 terms, with no more registers than the terms fill:
/// `whole` gives lanes 16·i.. of those that are full, `part` of the last.
///
/// The bits are those of all 64 lanes. The lanes left out hold +0. No lane holds −0, for
/// it starts at +0 and x + y is −0 only if both are; so no sum in the fold is −0 either,
/// and what the fold would add, +0, changes no number, infinity or NaN.
#[inline(always)]
pub(crate) fn short_sums<S: Simd, const N: usize>(
    s: S,
    count: usize,
    whole: impl Fn(usize) -> [S::F; N],
    part: impl Fn(usize) -> [S::F; N],
) -> [f64; N] {
    let add = |a: [S::F; N], b: [S::F; N]| {
        let mut sums = a;
        for i in 0..N {
            sums[i] = s.add(a[i], b[i]);
        }
        sums
    };
    let lanes = match count {
        0..=16 => part(0),
        17..=32 => add(whole(0), part(1)),
        33..=48 => add(add(whole(0), part(2)), whole(1)),
        _ => add(add(whole(0), whole(2)), add(whole(1), part(3))),
    };
    let mut sums = [0.0; N];
    for (sum, lanes) in sums.iter_mut().zip(lanes) {
        *sum = s.fold(lanes).into();
    }
    sums
}

/// Elements 16·`i`.. of a slice that has sixteen of them.
#[inline(always)]
pub(crate) fn load_at<S: Simd, T: Element>(s: S, x: &[T], i: usize) -> S::F {
    match x.get(16 * i..).and_then(|x| x.first_chunk()) {
        Some(x) => T::load(s, x),
        None => s.splat(0.0),
    }
}

/// Elements 16·`i`.. of a slice that has at most sixteen of them, with zeros behind.
#[inline(always)]
pub(crate) fn load_from<S: Simd, T: Element>(s: S, x: &[T], i: usize) -> S::F {
    T::load_part(s, x.get(16 * i..).unwrap_or_default())
}

/// N canonical sums of `count` terms each: `lanes` gives those of a tile, of which it is
/// told the place and whether it is made of whole rows; `paired` says which were loaded
/// in pairs.
#[inline(always)]
pub(crate) fn vector_sums<S: Simd, const N: usize>(
    s: S,
    count: usize,
    paired: [bool; N],
    mut lanes: impl FnMut(Range<usize>, bool) -> [[[S::F; 2]; 2]; N],
) -> [f64; N] {
    let mut wide = [s.wide(); N];
    let mut start = 0;
    if count > TILE {
        // The compiler is not to know the length, lest it write a tile's loop out: then
        // no load repeats, and the hardware's prefetch sees no stride.
        let length = black_box(TILE);
        while count - start > TILE {
            let lanes = lanes(start..start + length, true);
            for i in 0..N {
                wide[i] = s.add_wide(wide[i], fold_to_16(s, lanes[i], paired[i]));
            }
            start += TILE;
        }
    }
    let lanes = lanes(start..count, false);
    let mut sums = [0.0; N];
    for i in 0..N {
        let last = f64::from(fold_halves(s, lanes[i], paired[i]));
        sums[i] = if start == 0 { last } else { s.fold_wide(wide[i], paired[i]) + last };
    }
    sums
}

/// A tile's rows of 64, and what is left: nothing, if it is known to be made of whole
/// rows.
#[inline(always)]
pub(crate) fn rows<T>(x: &[T], tile: Range<usize>, whole: bool) -> (&[[T; LANES]], &[T]) {
    let (rows, rest) = x.get(tile).unwrap_or_default().as_chunks();
    (rows, if whole { &[] } else { rest })
}

/// The 64 lanes of a tile, in two halves. What does not fill four registers is loaded in
/// parts, with zeros behind: a zero term leaves every canonical sum as it is, because a
/// sum that starts at +0 is never −0.
#[inline(always)]
pub(crate) fn lanes<S: Simd, T: Element, U: Element>(
    s: S,
    (x, x_rest): (&[[T; LANES]], &[T]),
    (y, y_rest): (&[[U; LANES]], &[U]),
) -> [[S::F; 2]; 2] {
    let paired = T::PAIRED && U::PAIRED;
    let mut lanes = [[s.splat(0.0); 2]; 2];
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
    lanes
}

/// How far ahead to ask for memory, in bytes, where a load costs more than two
/// operations.
pub(crate) const AHEAD: usize = 4096;

#[inline(always)]
fn step<S: Simd, T: Element, U: Element>(s: S, x: [S::F; 2], y: [S::F; 2], lanes: [S::F; 2]) -> [S::F; 2] {
    [multiply_add::<S, T, U>(s, x[0], y[0], lanes[0]), multiply_add::<S, T, U>(s, x[1], y[1], lanes[1])]
}

#[inline(always)]
fn multiply_add<S: Simd, T: Element, U: Element>(s: S, x: S::F, y: S::F, lane: S::F) -> S::F {
    if T::EXACT_SQUARE && U::EXACT_SQUARE { s.mul_exact_add(x, y, lane) } else { s.add(lane, s.mul(x, y)) }
}

/// The first products of a lane, added to +0.
#[inline(always)]
fn multiply<S: Simd, T: Element, U: Element>(s: S, x: S::F, y: S::F) -> S::F {
    multiply_add::<S, T, U>(s, x, y, s.splat(0.0))
}

/// Folds two halves of 32 lanes, loaded by [`Element::load_32`]. Lanes of even places are
/// folded as all are, but for the last step, in which lane 1, the first of the odd
/// places, is added to lane 0.
#[inline(always)]
pub(crate) fn fold_halves<S: Simd>(s: S, [[a, b], [c, d]]: [[S::F; 2]; 2], paired: bool) -> f32 {
    if paired { s.fold(s.add(a, c)) + s.fold(s.add(b, d)) } else { fold_lanes(s, [a, b, c, d]) }
}

/// [`fold_halves`] until sixteen lanes are left: if they are paired, the eight of even
/// places first.
#[inline(always)]
pub(crate) fn fold_to_16<S: Simd>(s: S, [[a, b], [c, d]]: [[S::F; 2]; 2], paired: bool) -> S::F {
    let (low, high) = (s.add(a, c), s.add(b, d));
    if paired { s.fold_two_to_8(low, high) } else { s.add(low, high) }
}

/// Folds four registers, 64 lanes, as [`sum::fold`] does.
#[inline(always)]
pub(crate) fn fold_lanes<S: Simd>(s: S, [a, b, c, d]: [S::F; 4]) -> f32 {
    s.fold(s.add(s.add(a, c), s.add(b, d)))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::dispatch::tests::{bits, inputs};
    use half::bf16;
    use std::vec::Vec;

    #[test]
    fn the_serial_form_has_the_bits_of_the_definition() {
        for x in inputs() {
            let mut y = x.clone();
            y.reverse();
            assert_eq!(bits(&[serial(&x, &y)]), bits(&[definition(&x, &y)]), "length {}", x.len());
        }
    }

    #[test]
    fn vectors_in_pieces_have_the_bits_of_the_whole() {
        fn check<T: Element>(x: &[T], y: &[T]) {
            for tiles in 0..x.len().div_ceil(TILE) {
                let mut carried = Carried::new();
                let ((x, x_rest), (y, y_rest)) = (x.split_at(tiles * TILE), y.split_at(tiles * TILE));
                for (x, y) in x.chunks(2 * TILE).zip(y.chunks(2 * TILE)) {
                    carried.add(x, y).unwrap();
                }
                let whole = [x, x_rest].concat();
                let expected = definition(&whole, &[y, y_rest].concat());
                let found = carried.finish(x_rest, y_rest).unwrap();
                assert_eq!(bits(&[found]), bits(&[expected]), "{tiles} of {}", whole.len());
            }
        }
        for x in inputs().filter(|x| x.len() > 190) {
            let y: Vec<f32> = x.iter().rev().copied().collect();
            check(&x, &y);
            let brain = |x: &[f32]| x.iter().map(|&x| bf16::from_f32(x)).collect::<Vec<_>>();
            check(&brain(&x), &brain(&y));
        }
    }

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
