//! The blocked subsampled randomised Hadamard transform: a gradient of any length becomes
//! *k* numbers, after its coordinates have been mixed.
//!
//! Coordinates are taken in blocks of [`BLOCK`] = 1,024, aligned to multiples of it in
//! the whole gradient. A block is
//!
//! 1. given random signs: bit *i* mod 64 of word ⌊*i*/64⌋ of the hash stream, if set,
//!    flips coordinate *i* (coordinates that are not there count as +0, and have signs,
//!    too),
//! 2. transformed in place: [`mod@crate::hadamard`],
//! 3. projected by the [`mod@crate::sjlt`] with one repetition, as coordinates of the
//!    same numbers.
//!
//! So R = S·H·D, and the caller multiplies by [`Srht::SCALE`] = 1/√1024 = 1/32 when the
//! gradient is complete, which is exact. The transform spreads whatever a block holds
//! over all of its 1,024 places: what reaches the SJLT is never carried by few blocks of
//! 32, which is where the SJLT alone has heavy tails.
//!
//! *Unbiased*: E⟨Rx, Ry⟩ = ⟨x, y⟩ over keys. *Variance* of ⟨Rx, Ry⟩: at most (‖x‖²‖y‖² +
//! ⟨x, y⟩²)/k, as the SJLT's, for HD/32 keeps inner products. *Tails* are light unless k
//! is above some thousands and few blocks of 1,024 carry the gradient. *Error* of an
//! output: at most (10 + n)·2⁻²⁴ times the sum, over the n ≈ p/k transformed elements
//! that reach it, of the magnitudes of all coordinates in the element's block. An entry
//! above 3·10³⁵ may overflow, for the transform of a block is as large as its sum.
//!
//! *Where a gradient is cut*: a segment that begins and ends on multiples of 1,024 gives
//! the bits of the whole. A cut inside a block makes two blocks of it, each with zeros
//! where the other has numbers: the transform is linear, so that is another rounding and
//! nothing else, but a whole block's work for each piece. [`srht_outer`] writes the rows
//! of an outer product side by side into the block, so that they are no cuts.
//!
//! *Cost*: ten additions an element for the transform, then the SJLT. *Memory*: 4 KiB of
//! stack for the block, and some hundred bytes. 1,024 and not 4,096, the transform's best
//! length: 16 KiB are too much for a microcontroller's stack, and a cut costs four times
//! as much.
//!
//! Sources: Ailon & Chazelle 2009 (randomised Hadamard transforms before sparse
//! projections); Tropp 2011 (SRHT). The blocked form with an SJLT in the place of the
//! subsampling is this project's.

use crate::dispatch::run;
use crate::element::Element;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::level::Level;
use crate::projection::srht::{Rows, check};
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::projection::srht::{BLOCK, Srht};

/// Adds the projection of `scale`·x, the coordinates `offset..offset + x.len()` of a
/// gradient, to `out`. Each product is rounded to `f32` first; a scale of 1 changes
/// nothing.
///
/// # Errors
/// [`Error::Width`] as [`Srht::check_width`]; [`Error::Offset`] if the end of the last
/// coordinate's block exceeds 64 bits. `out` is as it was.
#[inline]
pub fn srht<T: Element>(
    projection: Srht,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    srht_with(Level::best(), projection, offset, scale, x, out)
}

/// [`srht`] on a given level.
///
/// # Errors
/// As [`srht`].
#[inline]
pub fn srht_with<T: Element>(
    level: Level,
    projection: Srht,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    check(projection, offset, x.len(), out.len())?;
    run(level, Project { projection, offset, rows: Rows { a: x, b: &[scale], taken: 0 }, out });
    Ok(())
}

/// Adds the projection of the outer product b aᵀ, rows side by side from coordinate
/// `offset` on, each product rounded to `f32`: the bits of [`srht`] of the matrix written
/// out.
///
/// # Errors
/// As [`srht`].
#[inline]
pub fn srht_outer<T: Element, U: Element>(
    projection: Srht,
    offset: u64,
    a: &[T],
    b: &[U],
    out: &mut [f32],
) -> Result<(), Error> {
    srht_outer_with(Level::best(), projection, offset, a, b, out)
}

/// [`srht_outer`] on a given level.
///
/// # Errors
/// As [`srht`].
#[inline]
pub fn srht_outer_with<T: Element, U: Element>(
    level: Level,
    projection: Srht,
    offset: u64,
    a: &[T],
    b: &[U],
    out: &mut [f32],
) -> Result<(), Error> {
    let length = a.len().checked_mul(b.len()).ok_or(Error::Offset)?;
    check(projection, offset, length, out.len())?;
    run(level, Project { projection, offset, rows: Rows { a, b, taken: 0 }, out });
    Ok(())
}

struct Project<'a, T, U> {
    projection: Srht,
    offset: u64,
    rows: Rows<'a, T, U>,
    out: &'a mut [f32],
}

impl<T: Element, U: Element> Kernel for Project<'_, T, U> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::srht::project(self.projection, self.offset, self.rows, self.out);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::srht::project(s, self.projection, self.offset, self.rows, self.out);
    }
}
