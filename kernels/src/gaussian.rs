//! A dense Gaussian projection, made on the fly: every one of *k* outputs is the sum of
//! all inputs times normal numbers of its own.
//!
//! out\[j\] += Σᵢ gᵢⱼ·xᵢ with independent gᵢⱼ from a hash of (seed, i, j), so nothing is
//! stored and a gradient may arrive in any split. The caller multiplies by
//! [`Gaussian::scale`] = 1/√k when the gradient is complete.
//!
//! **What gᵢⱼ is.** Sixteen fair bits, four nibbles: g = t₀ + t₁ + t₂ + t₃, where t_q is
//! entry *n* mod 8 of row *q* of [`TABLES`], *n* the q-th nibble, with a minus if *n* is
//! 8 or more. So g takes 65,536 values, each as likely. The tables were fitted: the
//! moments up to the seventh are those of N(0, 1), to three parts in 10⁸ (variance 1,
//! kurtosis 3, sixth moment 15; the eighth is 0.6 % low), and the distribution function
//! is nowhere further than 7·10⁻⁴ from the normal one, 2.3·10⁻⁴ in the mean square. The
//! largest |g| is 4.33, which a normal number exceeds once in 67,000 times. There is no
//! logarithm or root in it, so it is the same everywhere. What a projection's variance
//! rests on is the fourth moment, and what the variance of that rests on the eighth: no
//! estimate from sketches can tell it from a normal one before some 10⁵ of them.
//!
//! Word number i·k/4 + 8b + m of the hash stream serves input i and, for the outputs from
//! 32·b on, those of numbers 2m, 2m + 1 (bits 0..16 and 32..48) and 16 + 2m, 16 + 2m + 1
//! (bits 16..32 and 48..64). An input adds
//!
//! out\[j\] += (t₀x + t₁x) + (t₂x + t₃x)
//!
//! in rising order of inputs; every operation is rounded once. The products t_q·x are
//! sixteen a table, made once an input, and looked up for every output.
//!
//! Where a gradient is cut changes no bit. *Unbiased*: E⟨Rx, Ry⟩ = ⟨x, y⟩ over keys.
//! *Variance* of ⟨Rx, Ry⟩: (‖x‖²‖y‖² + ⟨x, y⟩²)/k, whatever the gradient; the tails are
//! those of a χ² with k degrees of freedom. *Error* of an output: at most
//! 2⁻²⁴·(13·Σ|xᵢ| + p·Σ|gᵢⱼxᵢ|), and about √p·2⁻²⁴·‖x‖ in practice. An entry above 7·10³⁷
//! may overflow. *Cost*: four look-ups and four additions an input and output, and a word
//! of the hash for four; the [`mod@crate::rademacher`] costs a quarter of each, for 32
//! inputs at once, and has a smaller variance.
//!
//! Sources: Johnson & Lindenstrauss 1984; Dasgupta & Gupta 2003 (normal entries). The sum
//! of fitted tables is this project's.

use crate::dispatch::run;
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::projection::gaussian::{Gaussian, WIDTH_MULTIPLE};
pub use crate::spec::gaussian::TABLES;

/// Adds the projection of `scale`·x, the coordinates `offset..offset + x.len()` of a
/// gradient, to `out`, which is *k* long. Each product is rounded to `f32` first; a scale
/// of 1 changes nothing.
///
/// # Errors
/// [`Error::Length`] if `out` is not *k* long; [`Error::Offset`] if the last coordinate's
/// number exceeds 64 bits. `out` is as it was.
#[inline]
pub fn gaussian<T: Element>(
    projection: Gaussian,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    gaussian_with(Level::best(), projection, offset, scale, x, out)
}

/// [`gaussian`] on a given level.
///
/// # Errors
/// As [`gaussian`].
#[inline]
pub fn gaussian_with<T: Element>(
    level: Level,
    projection: Gaussian,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    same_length(projection.width(), out.len())?;
    if offset.checked_add(x.len() as u64).is_none() {
        return Err(Error::Offset);
    }
    run(level, Project { projection, offset, scale, x, out });
    Ok(())
}

struct Project<'a, T> {
    projection: Gaussian,
    offset: u64,
    scale: f32,
    x: &'a [T],
    out: &'a mut [f32],
}

impl<T: Element> Kernel for Project<'_, T> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::gaussian::project(self.projection, self.offset, self.scale, self.x, self.out);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::gaussian::project(s, self.projection, self.offset, self.scale, self.x, self.out);
    }
}
