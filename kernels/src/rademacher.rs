//! The dense Rademacher projection, made on the fly: every one of *k* outputs is the sum
//! of all inputs with signs of its own.
//!
//! out\[j\] += Σᵢ sᵢⱼ·xᵢ with independent fair signs from a hash of (seed, i, j), so
//! nothing is stored and a gradient may arrive in segments. The caller multiplies by
//! [`Rademacher::scale`] = 1/√k when the gradient is complete.
//!
//! Coordinates are taken in groups of [`GROUP`] = 32, aligned to multiples of 32 in the
//! whole gradient. Word number g·k/2 + m of the hash stream serves group g and the
//! outputs 2m (its lower 32 bits) and 2m + 1 (its upper 32 bits): 64 signs a word. Nibble
//! q of an output's 32 bits serves the four inputs x₀..x₃ of the group's q-th four, whose
//! sum is
//!
//! t_q = ±(((±x₀ ± x₁) ± x₂) + x₃)
//!
//! where bit b = 0, 1, 2 of the nibble, if set, gives x_b the other sign than x₃, and bit
//! 3, if set, flips the sign of the whole sum. (A bijection of four fair bits: the four
//! signs are fair and independent.) A group adds
//!
//! out\[j\] += ((t₀ + t₁) + (t₂ + t₃)) + ((t₄ + t₅) + (t₆ + t₇))
//!
//! in rising order of groups. Every operation is rounded once. There are only sixteen
//! values that t_q can take, so they are tabulated once a group and looked up for every
//! output (the mailman's method, or that of the four Russians): 32 inputs cost an output
//! eight look-ups and eight additions.
//!
//! *Where a gradient is cut*: inputs of a group that are not there count as +0. A segment
//! that begins and ends on multiples of 32 gives the bits of the whole. A cut inside a
//! group makes two groups with zeros of it, which is another rounding, and costs a
//! group's work twice. A [`Carry`] in the caller's hands takes that away: it holds the
//! incomplete group back (at most 31 numbers) until the segments that follow in order
//! complete it, and then every cut gives the bits of the whole.
//!
//! *Unbiased*: E⟨Rx, Ry⟩ = ⟨x, y⟩ over keys. *Variance* of ⟨Rx, Ry⟩: (‖x‖²‖y‖² + ⟨x, y⟩²
//! − 2Σxᵢ²yᵢ²)/k. Tails are light whatever the gradient, which is what the *k* additions
//! an element buy; where time counts, take the [`mod@crate::sjlt`].
//!
//! *Error* of an output against the exact sum: at most (7 + ⌈p/32⌉)·2⁻²⁴·Σ|xᵢ|, and about
//! √(p/32)·2⁻²⁴·‖x‖ in practice.
//!
//! The width is a multiple of [`WIDTH_MULTIPLE`] = 16: eight words of the hash, and one
//! vector of sixteen lanes, so that no instruction set is left with a rest.
//!
//! Sources: Achlioptas 2003 (±1 projections); Liberty & Zucker 2009 (the mailman
//! algorithm); Arlazarov et al. 1970 (the four Russians); Park et al. 2023 (TRAK) for its
//! use on gradients.

use crate::certain::Certain;
use crate::dispatch::run;
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::level::Level;
use crate::projection::rademacher::{BATCH, check_end};
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::projection::rademacher::{GROUP, Rademacher, WIDTH_MULTIPLE};

/// Adds the projection of `scale`·x, the coordinates `offset..offset + x.len()` of a
/// gradient, to `out`, which is *k* long. Each product is rounded to `f32` first; a scale
/// of 1 changes nothing.
///
/// # Errors
/// [`Error::Length`] if `out` is not *k* long; [`Error::Offset`] if the last coordinate's
/// number exceeds 64 bits. `out` is as it was.
#[inline]
pub fn rademacher<T: Element>(
    projection: Rademacher,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    rademacher_with(Level::best(), projection, offset, scale, x, out)
}

/// [`rademacher`] on a given level.
///
/// # Errors
/// As [`rademacher`].
#[inline]
pub fn rademacher_with<T: Element>(
    level: Level,
    projection: Rademacher,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) -> Result<(), Error> {
    same_length(projection.width(), out.len())?;
    check_end(offset, x.len())?;
    run(level, Project { projection, offset, scale, x, out });
    Ok(())
}

/// Adds the projections of the same coordinates of several gradients: row b of `out` (*k*
/// elements) gets that of `xs[b]`. The bits are those of [`rademacher`] with a scale of
/// 1, gradient by gradient; the signs are made once for all of them.
///
/// # Errors
/// [`Error::Length`] if the gradients differ in length, or `out` is not *k* times their
/// number long; [`Error::Offset`]. `out` is as it was.
#[inline]
pub fn rademacher_batch<T: Element>(
    projection: Rademacher,
    offset: u64,
    xs: &[&[T]],
    out: &mut [f32],
) -> Result<(), Error> {
    rademacher_batch_with(Level::best(), projection, offset, xs, out)
}

/// [`rademacher_batch`] on a given level.
///
/// # Errors
/// As [`rademacher_batch`].
pub fn rademacher_batch_with<T: Element>(
    level: Level,
    projection: Rademacher,
    offset: u64,
    xs: &[&[T]],
    out: &mut [f32],
) -> Result<(), Error> {
    same_length(xs.len().saturating_mul(projection.width()), out.len())?;
    let length = xs.first().map_or(0, |x| x.len());
    for x in xs {
        same_length(length, x.len())?;
    }
    check_end(offset, length)?;
    let width = projection.width().max(1);
    for (xs, out) in xs.chunks(BATCH).zip(out.chunks_mut(width.saturating_mul(BATCH))) {
        run(level, ProjectBatch { projection, offset, xs, out });
    }
    Ok(())
}

struct Project<'a, T> {
    projection: Rademacher,
    offset: u64,
    scale: f32,
    x: &'a [T],
    out: &'a mut [f32],
}

struct ProjectBatch<'a, T> {
    projection: Rademacher,
    offset: u64,
    /// At most [`BATCH`].
    xs: &'a [&'a [T]],
    out: &'a mut [f32],
}

impl<T: Element> Kernel for Project<'_, T> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::rademacher::project(self.projection, self.offset, self.scale, self.x, self.out);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::rademacher::project(s, self.projection, self.offset, self.scale, self.x, self.out);
    }
}

impl<T: Element> Kernel for ProjectBatch<'_, T> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::rademacher::batch(self.projection, self.offset, self.xs, self.out);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::rademacher::batch(s, self.projection, self.offset, self.xs, self.out);
    }
}

/// The incomplete group of a gradient that arrives in segments: with it, where a gradient
/// is cut changes no bit.
///
/// Segments that follow one another in order fill the group, and it is added when it is
/// complete, or when a segment comes that lies elsewhere, or by [`Carry::finish`]. A few
/// words and 32 numbers, in the caller's hands.
///
/// ```
/// use gradsieve_kernels::Key;
/// use gradsieve_kernels::rademacher::{Carry, Rademacher, rademacher};
///
/// let (projection, gradient) = (Rademacher::new(16, Key::seed(7))?, [0.1_f32; 50]);
/// let (mut whole, mut parts) = ([0.0; 16], [0.0; 16]);
/// rademacher(projection, 0, 1.0, &gradient, &mut whole)?;
///
/// let mut carry = Carry::new();
/// carry.add(projection, 0, 1.0, &gradient[..20], &mut parts)?;
/// carry.add(projection, 20, 1.0, &gradient[20..], &mut parts)?;
/// carry.finish(projection, &mut parts)?;
/// assert_eq!(parts, whole);
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Carry {
    /// The inputs that are held back: coordinates `next - held..next`, all of one group.
    inputs: [f32; GROUP],
    held: usize,
    next: u64,
}

impl Default for Carry {
    fn default() -> Self {
        Self::new()
    }
}

impl Carry {
    /// Nothing held back.
    #[must_use]
    pub const fn new() -> Self {
        Self { inputs: [0.0; GROUP], held: 0, next: 0 }
    }

    /// [`rademacher`] of a segment, but for the group that it leaves incomplete at its
    /// end.
    ///
    /// # Errors
    /// As [`rademacher`]; `out` and the carry are as they were.
    #[inline]
    pub fn add<T: Element>(
        &mut self,
        projection: Rademacher,
        offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        self.add_with(Level::best(), projection, offset, scale, x, out)
    }

    /// [`Carry::add`] on a given level.
    ///
    /// # Errors
    /// As [`Carry::add`].
    pub fn add_with<T: Element>(
        &mut self,
        level: Level,
        projection: Rademacher,
        mut offset: u64,
        scale: f32,
        x: &[T],
        out: &mut [f32],
    ) -> Result<(), Error> {
        same_length(projection.width(), out.len())?;
        check_end(offset, x.len())?;
        if x.is_empty() {
            return Ok(());
        }
        if offset != self.next {
            self.finish_with(level, projection, out)?;
        }
        // First the rest of a group that has begun, then whole groups, then the beginning
        // of another.
        let missing = (offset.wrapping_neg() % GROUP as u64) as usize;
        let (before, x) = x.split_at_checked(missing).unwrap_or((x, &[]));
        self.hold(offset, scale, before);
        if before.len() == missing {
            self.finish_with(level, projection, out)?;
        }
        offset += before.len() as u64;
        let (groups, behind) = x.split_at_checked(x.len() - x.len() % GROUP).unwrap_or((x, &[]));
        run(level, Project { projection, offset, scale, x: groups, out });
        self.hold(offset + groups.len() as u64, scale, behind);
        Ok(())
    }

    /// Adds what is held back. A later segment that would have completed the group begins
    /// a new one with zeros.
    ///
    /// # Errors
    /// [`Error::Length`] if `out` is not *k* long; the carry is as it was.
    #[inline]
    pub fn finish(&mut self, projection: Rademacher, out: &mut [f32]) -> Result<(), Error> {
        self.finish_with(Level::best(), projection, out)
    }

    /// [`Carry::finish`] on a given level.
    ///
    /// # Errors
    /// As [`Carry::finish`].
    pub fn finish_with(
        &mut self,
        level: Level,
        projection: Rademacher,
        out: &mut [f32],
    ) -> Result<(), Error> {
        same_length(projection.width(), out.len())?;
        let x = self.inputs.get(..self.held).certain();
        let offset = self.next.wrapping_sub(self.held as u64);
        run(level, Project { projection, offset, scale: 1.0, x, out });
        self.held = 0;
        Ok(())
    }

    /// Holds inputs back that follow those which are held; together they are less than a
    /// group or complete one.
    fn hold<T: Element>(&mut self, offset: u64, scale: f32, x: &[T]) {
        for (input, x) in self.inputs.iter_mut().skip(self.held).zip(x) {
            *input = scale * x.widen();
        }
        self.held += x.len();
        self.next = offset + x.len() as u64;
    }
}
