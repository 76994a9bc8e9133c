//! The blocked sparse Johnson–Lindenstrauss transform: a gradient of any length becomes
//! *k* numbers.
//!
//! Coordinates are taken in blocks of [`BLOCK`] = 32. For each of *s* repetitions, one
//! word of the hash stream (number `block·s + repetition`) sends a block to one block of
//! the repetition's own k/s outputs:
//!
//! | bits of the word | use |
//! |---|---|
//! | 0..32 | bit *i* set: the sign of element *i* is flipped |
//! | 32..37 | *p*: element *i* is added to element *i* XOR *p* of the destination |
//! | 37..64 | destination, by multiply–shift among k/(32·s) blocks |
//!
//! Blocks are taken in order of arrival, repetitions in rising order, each addition
//! rounded once. The caller multiplies by 1/√s when the gradient is complete. An element
//! costs s additions, whatever *k* is.
//!
//! *Unbiased*: E⟨Rx, Ry⟩ = ⟨x, y⟩ over seeds. *Variance* of ⟨Rx, Ry⟩: at most (‖x‖²‖y‖² +
//! ⟨x, y⟩²)/k. Two elements of one repetition meet with probability s/k if their blocks
//! differ and never if they share one, so the variance is count-sketch's sum with
//! non-negative terms left out. Tails are heavier than count-sketch's when few blocks
//! carry the gradient (embeddings, output heads): take s = 2 or 4 there. Multiply–shift
//! makes a destination likelier than another by at most one part in 2²⁷·32·s/k.
//!
//! Sources: Charikar, Chen & Farach-Colton 2002 (count-sketch); Kane & Nelson 2014
//! (sparse JL); the GraSS paper (2025) for its use on gradients. The blocked form is this
//! project's.

use crate::dispatch::{Kernel, run};
use crate::dot::AHEAD;
use crate::element::Element;
use crate::error::Error;
use crate::hash::{self, GOLDEN};
use crate::level::Level;
use crate::simd::Simd;

/// Coordinates that share one word of the hash.
pub const BLOCK: usize = 32;

/// Separates this projection's hash stream from every other use of a seed.
const STREAM: u64 = 0x534A_4C54_2D33_3200;

/// Which blocked SJLT: the key of its hash stream and its repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sjlt {
    key: u64,
    repeat: Repeat,
}

/// How many outputs a coordinate is sent to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Repeat {
    /// s = 1, for dense gradients.
    #[default]
    One = 1,
    /// s = 2.
    Two = 2,
    /// s = 4, where few blocks carry the gradient.
    Four = 4,
}

impl Repeat {
    /// s as a number.
    #[must_use]
    pub const fn count(self) -> usize {
        self as usize
    }

    /// The repetition count `s`, if it is 1, 2 or 4.
    #[must_use]
    pub const fn from_count(s: usize) -> Option<Self> {
        match s {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            _ => None,
        }
    }

    /// 1/√s, correctly rounded: what the finished outputs are multiplied by.
    #[must_use]
    pub const fn scale(self) -> f32 {
        match self {
            Self::One => 1.0,
            Self::Two => core::f32::consts::FRAC_1_SQRT_2,
            Self::Four => 0.5,
        }
    }
}

impl Sjlt {
    /// The projection of a seed.
    #[must_use]
    pub const fn new(seed: u64, repeat: Repeat) -> Self {
        Self { key: hash::key(seed, STREAM), repeat }
    }

    /// Its repetitions.
    #[must_use]
    pub const fn repeat(self) -> Repeat {
        self.repeat
    }

    /// What an output's width must be a multiple of: 32·s.
    #[must_use]
    pub const fn multiple(self) -> usize {
        BLOCK * self.repeat.count()
    }

    /// Whether `width` outputs fit this projection.
    ///
    /// # Errors
    /// [`Error::Width`] unless `width` is a positive multiple of [`Sjlt::multiple`] with
    /// at most 2²⁷ blocks.
    pub const fn check_width(self, width: usize) -> Result<(), Error> {
        let multiple = self.multiple();
        if width == 0 || !width.is_multiple_of(multiple) || width / multiple > 1 << 27 {
            return Err(Error::Width { multiple, found: width });
        }
        Ok(())
    }

    /// The hash state that belongs to the first repetition of `block`; adding [`GOLDEN`]
    /// leads to the next word.
    #[inline(always)]
    pub(crate) const fn state(self, block: u64) -> u64 {
        let counter = block.wrapping_mul(self.repeat.count() as u64);
        self.key.wrapping_add(counter.wrapping_add(1).wrapping_mul(GOLDEN))
    }
}

/// Adds the projection of the coordinates `offset..offset + x.len()` of a gradient to
/// `out`.
///
/// # Errors
/// [`Error::Width`] as [`Sjlt::check_width`]; [`Error::Offset`] if the last coordinate's
/// number exceeds 64 bits. `out` is as it was.
#[inline]
pub fn sjlt<T: Element>(projection: Sjlt, offset: u64, x: &[T], out: &mut [f32]) -> Result<(), Error> {
    sjlt_with(Level::best(), projection, offset, x, out)
}

/// [`sjlt`] on a given level.
///
/// # Errors
/// As [`sjlt`].
#[inline]
pub fn sjlt_with<T: Element>(
    level: Level,
    projection: Sjlt,
    offset: u64,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    check(projection, offset, x.len(), out.len())?;
    project::<T, false>(level, projection, Part { offset, scale: 1.0, x, out });
    Ok(())
}

/// [`sjlt`] of `scale`·x, each product rounded to `f32` first: a row of an outer product
/// that is never written down.
///
/// # Errors
/// As [`sjlt`].
#[inline]
pub fn sjlt_scaled<T: Element>(
    projection: Sjlt,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    sjlt_scaled_with(Level::best(), projection, offset, scale, x, out)
}

/// [`sjlt_scaled`] on a given level.
///
/// # Errors
/// As [`sjlt`].
#[inline]
pub fn sjlt_scaled_with<T: Element>(
    level: Level,
    projection: Sjlt,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    check(projection, offset, x.len(), out.len())?;
    project::<T, true>(level, projection, Part { offset, scale, x, out });
    Ok(())
}

pub(crate) fn check(projection: Sjlt, offset: u64, length: usize, width: usize) -> Result<(), Error> {
    projection.check_width(width)?;
    match offset.checked_add(length as u64) {
        Some(_) => Ok(()),
        None => Err(Error::Offset),
    }
}

/// The scalar text. (`scale` is 1 where there is none: multiplying by 1 changes nothing.)
pub(crate) fn definition<T: Element>(
    projection: Sjlt,
    mut offset: u64,
    scale: f32,
    mut x: &[T],
    out: &mut [f32],
) {
    while !x.is_empty() {
        let first = (offset % BLOCK as u64) as usize;
        let (now, later) = x.split_at((BLOCK - first).min(x.len()));
        part_of_block(projection, offset / BLOCK as u64, first, scale, now, out);
        offset += now.len() as u64;
        x = later;
    }
}

/// The scalar text for elements `first..` of one block.
fn part_of_block<T: Element>(
    projection: Sjlt,
    block: u64,
    first: usize,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) {
    // Never zero, as `check` has seen to; the optimiser does not know that.
    let width = (out.len() / projection.repeat.count()).max(1);
    let mut state = projection.state(block);
    for out in out.chunks_mut(width) {
        let word = hash::mix(state);
        state = state.wrapping_add(GOLDEN);
        let permutation = (word >> 32) as usize % BLOCK;
        let destination = hash::below(word >> 37, 27, (width / BLOCK) as u64) as usize;
        for (i, x) in (first..).zip(x) {
            let flip = (((word >> i) & 1) as u32) << 31;
            let term = f32::from_bits((scale * x.widen()).to_bits() ^ flip);
            if let Some(out) = out.get_mut(BLOCK * destination + (i ^ permutation)) {
                *out += term;
            }
        }
    }
}

/// Runs the kernel that is compiled for this many repetitions.
#[inline]
fn project<T: Element, const SCALED: bool>(level: Level, projection: Sjlt, part: Part<'_, T>) {
    match projection.repeat {
        Repeat::One => run(level, Project::<T, 1, SCALED> { projection, part }),
        Repeat::Two => run(level, Project::<T, 2, SCALED> { projection, part }),
        Repeat::Four => run(level, Project::<T, 4, SCALED> { projection, part }),
    }
}

/// What is projected, and where to. Without `SCALED`, `scale` is 1.
struct Part<'a, T> {
    offset: u64,
    scale: f32,
    x: &'a [T],
    out: &'a mut [f32],
}

struct Project<'a, T, const REPEAT: usize, const SCALED: bool> {
    projection: Sjlt,
    part: Part<'a, T>,
}

impl<T: Element, const REPEAT: usize, const SCALED: bool> Kernel for Project<'_, T, REPEAT, SCALED> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        let Part { offset, scale, x, out } = self.part;
        definition(self.projection, offset, scale, x, out);
    }

    #[inline(always)]
    fn serial(self) {
        let Part { offset, scale, x, out } = self.part;
        serial::<T, REPEAT, SCALED>(self.projection, offset, scale, x, out);
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Part { offset, scale, x, out } = self.part;
        blocks::<S, T, REPEAT, SCALED>(s, self.projection, offset, scale, x, out);
    }
}

/// Whole blocks without a test an element; what lies before the first and behind the last
/// of them by the scalar text.
#[inline(always)]
pub(crate) fn serial<T: Element, const REPEAT: usize, const SCALED: bool>(
    projection: Sjlt,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) {
    let ahead = offset.wrapping_neg() % BLOCK as u64;
    let (before, x) = x.split_at((ahead as usize).min(x.len()));
    definition(projection, offset, scale, before, out);

    let (x, behind) = x.as_chunks::<BLOCK>();
    let block = (offset + before.len() as u64) / BLOCK as u64;
    {
        let out = out.as_chunks_mut::<BLOCK>().0;
        let width = out.len() / REPEAT;
        let mut state = projection.state(block);
        for x in x {
            for repetition in 0..REPEAT {
                let word = hash::mix(state);
                state = state.wrapping_add(GOLDEN);
                let destination = hash::below(word >> 37, 27, width as u64) as usize;
                let Some(out) = out.get_mut(repetition * width + destination) else { continue };
                // One machine code for each way to permute four neighbours.
                match (word >> 32) % 4 {
                    0 => scatter::<T, 0, SCALED>(scale, x, word, out),
                    1 => scatter::<T, 1, SCALED>(scale, x, word, out),
                    2 => scatter::<T, 2, SCALED>(scale, x, word, out),
                    _ => scatter::<T, 3, SCALED>(scale, x, word, out),
                }
            }
        }
    }
    let done = x.as_flattened().len();
    definition(projection, offset + (before.len() + done) as u64, scale, behind, out);
}

/// Adds a block to its destination, where `LOW` is the permutation within four
/// neighbours.
#[inline(always)]
fn scatter<T: Element, const LOW: usize, const SCALED: bool>(
    scale: f32,
    x: &[T; BLOCK],
    word: u64,
    out: &mut [f32; BLOCK],
) {
    let signs = word as u32;
    let high = (word >> 34) as usize % 8;
    let out = out.as_chunks_mut::<4>().0;
    for (group, x) in x.as_chunks::<4>().0.iter().enumerate() {
        let Some(out) = out.get_mut(group ^ high) else { continue };
        let mut terms = [0.0; 4];
        for (i, x) in x.iter().enumerate() {
            let x = if SCALED { scale * x.widen() } else { x.widen() };
            let flip = (signs << (31 - (4 * group + i))) & 0x8000_0000;
            terms[i ^ LOW] = f32::from_bits(x.to_bits() ^ flip);
        }
        for (out, term) in out.iter_mut().zip(terms) {
            *out += term;
        }
    }
}

/// Whole blocks in vectors; what lies before the first and behind the last of them by the
/// scalar text.
#[inline(always)]
fn blocks<S: Simd, T: Element, const REPEAT: usize, const SCALED: bool>(
    s: S,
    projection: Sjlt,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) {
    let ahead = offset.wrapping_neg() % BLOCK as u64;
    let (before, x) = x.split_at((ahead as usize).min(x.len()));
    definition(projection, offset, scale, before, out);

    let (x, behind) = x.as_chunks::<32>();
    let block = (offset + before.len() as u64) / BLOCK as u64;
    {
        let out = out.as_chunks_mut::<16>().0.as_chunks_mut::<2>().0;
        let mut state = projection.state(block);
        for x in x {
            s.prefetch(x, AHEAD);
            one_block::<S, T, REPEAT, SCALED>(s, &mut state, scale, x, out);
        }
    }
    let done = x.as_flattened().len();
    definition(projection, offset + (before.len() + done) as u64, scale, behind, out);
}

/// One whole block, whose hash state is `state`, which moves on to the next block; `out`
/// in blocks of 32.
#[inline(always)]
pub(crate) fn one_block<S: Simd, T: Element, const REPEAT: usize, const SCALED: bool>(
    s: S,
    state: &mut u64,
    scale: f32,
    x: &[T; BLOCK],
    out: &mut [[[f32; 16]; 2]],
) {
    let width = out.len() / REPEAT;
    let [x] = x.as_chunks::<16>().0.as_chunks::<2>().0 else { return };
    let mut pair = [s.splat(scale); 2];
    if SCALED || REPEAT > 1 {
        let [lanes, _] = pair;
        pair = [T::load(s, &x[0]), T::load(s, &x[1])];
        if SCALED {
            pair = [s.mul(lanes, pair[0]), s.mul(lanes, pair[1])];
        }
    }
    for repetition in 0..REPEAT {
        let word = hash::mix(*state);
        *state = state.wrapping_add(GOLDEN);
        let destination = hash::below(word >> 37, 27, width as u64) as usize;
        let Some(out) = out.get_mut(repetition * width + destination) else { continue };
        if SCALED || REPEAT > 1 {
            s.scatter(pair, word, out);
        } else {
            T::scatter(s, x, word, out);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::dispatch::tests::{bits, inputs};
    use std::vec::Vec;

    fn compare<const REPEAT: usize, const SCALED: bool>(x: &[f32], offset: u64) {
        let repeat = Repeat::from_count(REPEAT).unwrap();
        let projection = Sjlt::new(offset, repeat);
        let scale = if SCALED { -0.7 } else { 1.0 };
        let zeros = std::vec![0.0_f32; 3 * projection.multiple()];
        let (mut found, mut expected) = (zeros.clone(), zeros);
        serial::<f32, REPEAT, SCALED>(projection, offset, scale, x, &mut found);
        definition(projection, offset, scale, x, &mut expected);
        let [found, expected] =
            [found, expected].map(|out| out.into_iter().map(f64::from).collect::<Vec<_>>());
        assert_eq!(bits(&found), bits(&expected), "length {}, offset {offset}", x.len());
    }

    #[test]
    fn the_serial_form_has_the_bits_of_the_definition() {
        for x in inputs() {
            for offset in [0, 7, 64, 1 << 40] {
                compare::<1, false>(&x, offset);
                compare::<1, true>(&x, offset);
                compare::<2, false>(&x, offset);
                compare::<4, true>(&x, offset);
            }
        }
    }
}
