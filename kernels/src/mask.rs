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
//! E⟨Rx, Ry⟩ = ⟨x, y⟩ over keys. *Variance* of ⟨Rx, Ry⟩: with u_tc the inner product of
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

use crate::dispatch::run;
use crate::element::Element;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::level::Level;
use crate::projection::mask::Kept;
use crate::projection::sjlt::{Repeat, check};
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::projection::mask::Mask;

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
    check(projection.sjlt(), offset, x.len(), out.len())?;
    let kept = Kept::new(projection, offset, x);
    match projection.sjlt().repeat() {
        Repeat::One => run(level, Project::<T, 1> { kept, scale, out }),
        Repeat::Two => run(level, Project::<T, 2> { kept, scale, out }),
        Repeat::Four => run(level, Project::<T, 4> { kept, scale, out }),
    }
    Ok(())
}

struct Project<'a, T, const REPEAT: usize> {
    kept: Kept<'a, T>,
    scale: f32,
    out: &'a mut [f32],
}

impl<T: Element, const REPEAT: usize> Kernel for Project<'_, T, REPEAT> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::mask::project::<T, REPEAT>(self.kept, self.scale, self.out);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::mask::project::<S, T, REPEAT>(s, self.kept, self.scale, self.out);
    }
}
