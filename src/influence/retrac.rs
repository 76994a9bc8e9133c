//! ReTrac: every gradient that contributes is divided by its norm first, then they are
//! averaged, then the averages meet in a dot product: (1/C Σ_c g_c/‖g_c‖) · (1/C Σ_c
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

use crate::error::{Error, check_length};
use crate::sketch::{Sketch, SketchId};
use crate::state::{FRAME, Reader, State, StateKind, Writer, check_id, check_width};
use gradsieve_kernels::{axpy, dot, squared_norm};

/// The average direction of one sample's gradients, train or target, in lent memory of K
/// numbers.
#[derive(Debug)]
pub struct ReTrac<'m> {
    sum: &'m mut [f32],
    count: u64,
    id: Option<SketchId>,
}

impl<'m> ReTrac<'m> {
    /// Numbers of `f32` that a sample needs.
    #[must_use]
    pub const fn floats(width: usize) -> usize {
        width
    }

    /// No contributions yet; `memory` is set to zero.
    ///
    /// # Errors
    /// [`Error::Length`] if `memory` is not [`ReTrac::floats`] long.
    pub fn new(width: usize, memory: &'m mut [f32]) -> Result<Self, Error> {
        check_length(Self::floats(width), memory.len())?;
        memory.fill(0.0);
        Ok(Self { sum: memory, count: 0, id: None })
    }

    /// Adds a contribution.
    ///
    /// # Errors
    /// [`Error::NonFinite`], also if the sketch's norm leaves the range of `f32`;
    /// [`Error::Length`] or [`Error::Mismatch`]. The state is as it was.
    pub fn observe(&mut self, gradient: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.sum.len(), gradient.values.len())?;
        gradient.check_finite()?;
        self.id.map_or(Ok(()), |id| id.check(&gradient.id))?;
        let weight = reciprocal_norm(gradient.values)?;
        axpy(weight, gradient.values, self.sum)?;
        self.id = Some(gradient.id);
        self.count += 1;
        Ok(())
    }

    /// Adds the contributions of `other`, which are none of this one's.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Mismatch`]. The state is as it was.
    pub fn merge(&mut self, other: &ReTrac<'_>) -> Result<(), Error> {
        check_length(self.sum.len(), other.sum.len())?;
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        axpy(1.0, other.sum, self.sum)?;
        self.count += other.count;
        self.id = self.id.or(other.id);
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.sum.fill(0.0);
        self.count = 0;
        self.id = None;
    }

    /// Contributions so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The influence of this sample on `target`, or of the target on this sample: it is
    /// symmetric.
    ///
    /// # Errors
    /// [`Error::TooFew`] if one of the two has no contributions; [`Error::Mismatch`] or
    /// [`Error::Length`].
    pub fn score(&self, target: &ReTrac<'_>) -> Result<f64, Error> {
        let (Some(id), Some(other)) = (self.id, target.id) else {
            return Err(Error::TooFew { needed: 1, found: 0 });
        };
        id.check(&other)?;
        Ok(dot(self.sum, target.sum)? / (self.count as f64 * target.count as f64))
    }
}

/// 1/‖x‖, or 0 for a vector of zeros.
pub(super) fn reciprocal_norm(x: &[f32]) -> Result<f32, Error> {
    let square = squared_norm(x);
    let reciprocal = (1.0 / libm::sqrt(square)) as f32;
    match () {
        () if square == 0.0 => Ok(0.0),
        // Squares beyond the range of f32.
        () if !square.is_finite() || !reciprocal.is_finite() => Err(Error::NonFinite),
        () => Ok(reciprocal),
    }
}

impl ReTrac<'_> {
    /// Bytes of the state at rest.
    #[must_use]
    pub const fn bytes_at_rest(width: usize) -> usize {
        width.saturating_mul(4).saturating_add(FRAME + 16)
    }
}

impl State for ReTrac<'_> {
    const KIND: StateKind = StateKind::ReTrac;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.count(self.sum.len());
        to.u64(self.count);
        to.f32s(self.sum);
    }

    fn read(&mut self, id: Option<SketchId>, from: &mut Reader<'_>) -> Result<(), Error> {
        check_width(self.sum.len(), from.u64()?)?;
        let count = from.u64()?;
        check_id(id, self.sum.len(), count > 0)?;
        from.exactly(size_of_val(self.sum))?;
        from.f32s(self.sum)?;
        (self.id, self.count) = (id, count);
        Ok(())
    }
}
