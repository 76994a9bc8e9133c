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
//! *Unbiased*: E⟨Rx, Ry⟩ = ⟨x, y⟩ over keys. *Variance* of ⟨Rx, Ry⟩: at most (‖x‖²‖y‖² +
//! ⟨x, y⟩²)/k. Two elements of one repetition meet with probability s/k if their blocks
//! differ and never if they share one, so the variance is count-sketch's sum with
//! non-negative terms left out. Tails are heavier than count-sketch's when few blocks
//! carry the gradient (embeddings, output heads): take s = 2 or 4 there. Multiply–shift
//! makes a destination likelier than another by at most one part in 2²⁷·32·s/k.
//!
//! Sources: Charikar, Chen & Farach-Colton 2002 (count-sketch); Kane & Nelson 2014
//! (sparse JL); the GraSS paper (2025) for its use on gradients. The blocked form is this
//! project's.

use crate::dispatch::run;
use crate::element::Element;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::level::Level;
use crate::projection::sjlt::check;
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::projection::sjlt::{BLOCK, Repeat, Sjlt};

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

/// Runs the kernel that is compiled for this many repetitions.
#[inline]
fn project<T: Element, const SCALED: bool>(level: Level, projection: Sjlt, part: Part<'_, T>) {
    match projection.repeat() {
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
    fn scalar(self) {
        let Part { offset, scale, x, out } = self.part;
        scalar::sjlt::project::<T, REPEAT, SCALED>(self.projection, offset, scale, x, out);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        let Part { offset, scale, x, out } = self.part;
        vector::sjlt::project::<S, T, REPEAT, SCALED>(s, self.projection, offset, scale, x, out);
    }
}
