//! A mask before the SJLT: of every *m* blocks of 32 coordinates one is kept, the others
//! are not even read.
//!
//! Coordinates are taken in strata of 32·*m*, aligned to multiples of that in the whole
//! gradient. Word number *t* of the hash stream chooses which of the *m* blocks of
//! stratum *t* is kept: its upper 32 bits, by multiply–shift. What is kept goes through
//! the [`mod@crate::sjlt`] as coordinates of their own numbers, as if all others were
//! zero. The caller multiplies by √(m/s) when the gradient is complete, *s* the SJLT's
//! repetitions.
//!
//! *Unbiased*: every coordinate is kept with probability 1/m (to one part in 2³²/m), so
//! E⟨Rx, Ry⟩ = ⟨x, y⟩ over seeds. *Variance* of ⟨Rx, Ry⟩: with u_tc the inner product of
//! x's and y's block *c* of stratum *t*, and |x_tc| a block's norm, at most
//!
//! M + (‖x‖²‖y‖² + ⟨x, y⟩² + M + N)/k, M = Σ_t (m·Σ_c u_tc² − (Σ_c u_tc)²), N = Σ_t
//! (m·Σ_c |x_tc|²|y_tc|² − Σ_c |x_tc|²·Σ_c |y_tc|²).
//!
//! M and N vanish where all blocks of a stratum are alike, and M is up to (m − 1)·Σu_tc²
//! where one block of it carries the gradient: **do not mask gradients that few blocks
//! carry** (embeddings, output heads), for what is dropped leaves no trace.
//!
//! Where a gradient is cut changes no bit, as for the SJLT. *Cost*: that of the SJLT of
//! p/m coordinates, and a hash a stratum. With *m* = 1 it is the SJLT.
//!
//! Sources: the GraSS paper (2025), which masks single coordinates anywhere. Whole
//! blocks, one of each stratum, are this project's: memory is skipped as well as
//! additions, and every region of the gradient is looked at.

use crate::dispatch::{Kernel, run};
use crate::element::Element;
use crate::error::Error;
use crate::hash;
use crate::level::Level;
use crate::simd::Simd;
use crate::sjlt::{self, BLOCK, Repeat, Sjlt};
use core::num::NonZeroU16;

/// Separates this mask's hash stream from every other use of a seed.
const STREAM: u64 = 0x4D41_534B_2D33_3200;

/// Which mask, and the SJLT behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mask {
    key: u64,
    every: NonZeroU16,
    sjlt: Sjlt,
}

impl Mask {
    /// The projection of a seed that keeps one block in `every`.
    #[must_use]
    pub const fn new(seed: u64, repeat: Repeat, every: NonZeroU16) -> Self {
        Self { key: hash::key(seed, STREAM), every, sjlt: Sjlt::new(seed, repeat) }
    }

    /// *m*: of so many blocks one is kept.
    #[must_use]
    pub const fn every(self) -> NonZeroU16 {
        self.every
    }

    /// The SJLT of what is kept.
    #[must_use]
    pub const fn sjlt(self) -> Sjlt {
        self.sjlt
    }

    /// Coordinates of a stratum.
    #[inline(always)]
    const fn stratum(self) -> u64 {
        BLOCK as u64 * self.every.get() as u64
    }

    /// Where in stratum number `t` the kept block begins.
    #[inline(always)]
    const fn kept(self, t: u64) -> u64 {
        BLOCK as u64 * hash::below(hash::word(self.key, t) >> 32, 32, self.every.get() as u64)
    }
}

/// Adds the projection of `scale`·x, the coordinates `offset..offset + x.len()` of a
/// gradient, to `out`. Each product is rounded to `f32` first; a scale of 1 changes
/// nothing.
///
/// # Errors
/// As [`crate::sjlt()`]; `out` is as it was.
#[inline]
pub fn mask<T: Element>(
    projection: Mask,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    mask_with(Level::best(), projection, offset, scale, x, out)
}

/// [`mask`] on a given level.
///
/// # Errors
/// As [`mask`].
#[inline]
pub fn mask_with<T: Element>(
    level: Level,
    projection: Mask,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    sjlt::check(projection.sjlt, offset, x.len(), out.len())?;
    let kept = Kept::new(projection, offset, x);
    match projection.sjlt.repeat() {
        Repeat::One => run(level, Project::<T, 1> { kept, scale, out }),
        Repeat::Two => run(level, Project::<T, 2> { kept, scale, out }),
        Repeat::Four => run(level, Project::<T, 4> { kept, scale, out }),
    }
    Ok(())
}

/// The parts of a segment that are kept, in order, each with its offset: at most one
/// block a stratum.
struct Kept<'a, T> {
    projection: Mask,
    /// Number of the next stratum, and its first coordinate's place in the segment; the
    /// first stratum may have begun `before` it.
    t: u64,
    place: usize,
    before: u64,
    offset: u64,
    x: &'a [T],
}

impl<'a, T> Kept<'a, T> {
    fn new(projection: Mask, offset: u64, x: &'a [T]) -> Self {
        let (t, before) = (offset / projection.stratum(), offset % projection.stratum());
        Self { projection, t, place: 0, before, offset, x }
    }

    /// Where in the segment the kept block begins of the stratum that is `ahead` after
    /// the next; it need not be there.
    #[inline(always)]
    fn place_of_later(&self, ahead: u16) -> usize {
        let projection = self.projection;
        let place =
            u64::from(ahead) * projection.stratum() + projection.kept(self.t.wrapping_add(ahead.into()));
        self.place.wrapping_add(place as usize)
    }

    /// A loop's `next`.
    #[inline(always)]
    fn take(&mut self) -> Option<(u64, &'a [T])> {
        loop {
            if self.place >= self.x.len() {
                return None;
            }
            // The kept block, counted from where the segment enters the stratum; what
            // lies before that is not there.
            let kept = self.projection.kept(self.t);
            let first = kept.saturating_sub(self.before) as usize;
            let end = (kept + BLOCK as u64).saturating_sub(self.before) as usize;
            let here = self.x.get(self.place..).unwrap_or_default();
            let piece = here.get(first..end.min(here.len())).unwrap_or_default();
            let offset = self.offset.wrapping_add((self.place + first) as u64);
            self.place += (self.projection.stratum() - self.before) as usize;
            self.before = 0;
            self.t = self.t.wrapping_add(1);
            if !piece.is_empty() {
                return Some((offset, piece));
            }
        }
    }
}

/// How many strata ahead memory is asked for: what is kept is too far apart for the
/// machine to guess.
const AHEAD: u16 = 16;

/// The scalar text.
fn definition<T: Element>(mut kept: Kept<'_, T>, scale: f32, out: &mut [f32]) {
    while let Some((offset, x)) = kept.take() {
        sjlt::definition(kept.projection.sjlt, offset, scale, x, out);
    }
}

struct Project<'a, T, const REPEAT: usize> {
    kept: Kept<'a, T>,
    scale: f32,
    out: &'a mut [f32],
}

impl<T: Element, const REPEAT: usize> Kernel for Project<'_, T, REPEAT> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        definition(self.kept, self.scale, self.out);
    }

    #[inline(always)]
    fn serial(self) {
        let Self { mut kept, scale, out } = self;
        while let Some((offset, x)) = kept.take() {
            sjlt::serial::<T, REPEAT, true>(kept.projection.sjlt, offset, scale, x, out);
        }
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { mut kept, scale, out } = self;
        let sjlt = kept.projection.sjlt;
        while let Some((offset, x)) = kept.take() {
            if let Some(from) = kept.x.first() {
                let bytes = kept.place_of_later(AHEAD).wrapping_mul(size_of::<T>());
                s.prefetch(from, bytes);
                if BLOCK * size_of::<T>() > 64 {
                    s.prefetch(from, bytes.wrapping_add(64));
                }
            }
            let Some(x) = x.first_chunk() else {
                sjlt::definition(sjlt, offset, scale, x, out);
                continue;
            };
            let out = out.as_chunks_mut::<16>().0.as_chunks_mut::<2>().0;
            let mut state = sjlt.state(offset / BLOCK as u64);
            sjlt::one_block::<S, T, REPEAT, true>(s, &mut state, scale, x, out);
        }
    }
}
