//! ReTrac: every gradient that contributes is divided by its norm first, then they are
//! averaged, then the averages are multiplied: (1/C Σ_c g_c/‖g_c‖) · (1/C Σ_c
//! v_c/‖v_c‖).
//!
//! The contributions c of one sample are its gradients at several checkpoints, noise
//! levels or time steps; long ones would drown the others, which is an accident of the
//! step and nothing about the sample. Positive is helpful. Scale: none, in [−1, 1].
//! Source: Diffusion-ReTrac, Xie et al. 2024.
//!
//! The norms are those of the sketches, as in [`grad_cos`](super::grad_cos), which is
//! ReTrac with one contribution. A zero gradient has no direction: it counts in the
//! average, as zero.
//!
//! *Memory*: K numbers of `f32` a sample. *Cost*: two passes over K numbers a
//! contribution, one a pair. *Error*: an entry of the sum has a relative error of at most
//! (C + 1)·2⁻²⁴ of the sum of its magnitudes.

use super::targets::Targets;
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::moments::added_in_f32;
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, place, slice};
use gradsieve_kernels::{axpy, dot, squared_norm};

/// The average direction of one sample's gradients, train or target, in a buffer of K
/// numbers.
///
/// ```
/// use gradsieve::influence::ReTrac;
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let sketch = |x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x));
/// let (mut train, mut target) = (ReTrac::<[f32; 2]>::owned(2)?, ReTrac::<[f32; 2]>::owned(2)?);
/// let pairs = [([1.0, 0.0], [2.0, 0.0]), ([0.0, 8.0], [0.0, 0.5])];
/// for (g, v) in &pairs {
///     train.observe(&sketch(g)?)?;
///     target.observe(&sketch(v)?)?;
/// }
/// assert_eq!(train.score(&target)?, 0.5);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReTrac<B> {
    sum: B,
    count: u64,
    id: Option<SketchId>,
}

impl<const N: usize> ReTrac<[f32; N]> {
    /// No contributions yet, in an array of its own.
    ///
    /// # Errors
    /// [`Error::Length`] if that is not K long.
    pub const fn owned(width: usize) -> Result<Self, Error> {
        match check_length(width, N) {
            Ok(()) => Ok(Self { sum: [0.0; N], count: 0, id: None }),
            Err(error) => Err(error),
        }
    }
}

impl ReTrac<&mut [f32]> {
    /// What a sample needs.
    #[must_use]
    pub const fn memory(width: usize) -> Memory {
        let bytes_at_rest = width.saturating_mul(4).saturating_add(FRAME + 16);
        Memory { f32s: width, bytes_at_rest, ..Memory::NONE }
    }
}

impl<B: Buffer<f32>> ReTrac<B> {
    /// No contributions yet. The buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Length`] if `buffer` is not K long.
    pub fn new(width: usize, mut buffer: B) -> Result<Self, Error> {
        check_length(width, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        Ok(Self { sum: buffer, count: 0, id: None })
    }

    /// Adds a contribution.
    ///
    /// # Errors
    /// [`Error::NonFinite`], [`Error::Length`] or [`Error::Mismatch`]; [`Error::Full`]
    /// past 2²⁴ contributions, where sums of `f32` stop counting. The state is as it was.
    pub fn observe(&mut self, gradient: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.sum.as_ref().len(), gradient.values.len())?;
        gradient.check_finite()?;
        self.id.map_or(Ok(()), |id| id.check(&gradient.id))?;
        let count = added_in_f32(self.count, 1)?;
        add_direction(gradient.values, self.sum.as_mut())?;
        self.id = Some(gradient.id);
        self.count = count;
        Ok(())
    }

    /// Adds the contributions of `other`, which are none of this one's.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Mismatch`]; [`Error::Full`] as for
    /// [`observe`](Self::observe). The state is as it was.
    pub fn merge<O: Buffer<f32>>(&mut self, other: &ReTrac<O>) -> Result<(), Error> {
        check_length(self.sum.as_ref().len(), other.sum.as_ref().len())?;
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        let count = added_in_f32(self.count, other.count)?;
        axpy(1.0, other.sum.as_ref(), self.sum.as_mut())?;
        self.count = count;
        self.id = self.id.or(other.id);
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.sum.as_mut().fill(0.0);
        self.count = 0;
        self.id = None;
    }

    /// Contributions so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// This sample as a target: what it scores becomes an influence by
    /// [`mean`](Self::mean).
    ///
    /// # Errors
    /// [`Error::TooFew`] without contributions; [`Error::NonFinite`] if the sum is.
    pub fn targets(&self) -> Result<Targets<'_>, Error> {
        Targets::new(self.id.ok_or(Error::TooFew { needed: 1, found: 0 })?, self.sum.as_ref())
    }

    /// The step from a product of this sample's summed directions with those of a sample
    /// of so many contributions to their influence: over both numbers.
    #[must_use]
    pub const fn mean(&self, contributions: u64, product: f64) -> f64 {
        product / (self.count as f64 * contributions as f64)
    }

    /// The influence of this sample on `target`, or of the target on this sample: it is
    /// symmetric.
    ///
    /// # Errors
    /// [`Error::TooFew`] if one of the two has no contributions; [`Error::Mismatch`] or
    /// [`Error::Length`].
    pub fn score<O: Buffer<f32>>(&self, target: &ReTrac<O>) -> Result<f64, Error> {
        let (Some(id), Some(other)) = (self.id, target.id) else {
            return Err(Error::TooFew { needed: 1, found: 0 });
        };
        id.check(&other)?;
        let product = dot(self.sum.as_ref(), target.sum.as_ref())?;
        // Bytes may know what the sketches are before there is one.
        if self.count == 0 || target.count == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        Ok(self.mean(target.count, product))
    }
}

/// Adds x/‖x‖ to `sum`, or nothing if x is zero; `x` is finite.
pub(super) fn add_direction(x: &[f32], sum: &mut [f32]) -> Result<(), Error> {
    /// Norms whose reciprocal is an ordinary `f32`.
    const ORDINARY: core::ops::Range<f64> = 1e-30..1e30;
    let norm = libm::sqrt(squared_norm(x));
    if ORDINARY.contains(&norm) {
        return Ok(axpy((1.0 / norm) as f32, x, sum)?);
    }
    if norm > 0.0 {
        for (sum, &x) in sum.iter_mut().zip(x) {
            *sum += (f64::from(x) / norm) as f32;
        }
    }
    Ok(())
}

impl<B: Buffer<f32>> State for ReTrac<B> {
    const KIND: StateKind = StateKind::ReTrac;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }
}

impl<B: Buffer<f32>> Body for ReTrac<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let width = walk.state().sum.as_ref().len();
        walk.width(width)?;
        let count = walk.number(place!(count))?;
        walk.require_id(width, count > 0)?;
        walk.finite_numbers(slice!(sum), 0..width)?;
        let id = walk.id();
        walk.load_with(|state| state.id = id);
        Ok(())
    }
}
