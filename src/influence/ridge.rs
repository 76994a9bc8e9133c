//! Ridge influence: φ_vᵀ(C + λI)⁻¹φ_z, with C = ΦᵀΦ/n the second moment of the training sketches (the empirical Fisher) and
//! λ = damping · mean eigenvalue of C.
//!
//! Scale: n times the first-order change of the target's loss (times −1) when a sample is left out and the quadratic model is
//! solved anew. Sources: Koh & Liang 2017 with the empirical Fisher for the Hessian.
//!
//! *Memory*: K² + 3K numbers of `f32` for the state, K a target. *Cost*: [`crate::moments`], then K a pair.

use crate::error::{Error, check_length};
use crate::moments::{Centre, Factor, Moments, triangle};
use crate::sketch::{Sketch, SketchId};
use gradsieve_kernels::dot;

/// The training side: observe every training sketch, [`fit`](Self::fit), then prepare targets.
#[derive(Debug)]
pub struct Ridge<'m> {
    damping: f32,
    moments: Moments<'m>,
    factor: &'m mut [f32],
    fitted: bool,
}

impl<'m> Ridge<'m> {
    /// The usual damping: a tenth of the mean eigenvalue.
    pub const DAMPING: f32 = 0.1;

    /// Numbers of `f32` that the state needs for sketches of `width`.
    #[must_use]
    pub const fn floats(width: usize) -> usize {
        Moments::floats(width) + triangle(width)
    }

    /// No observations yet. `damping` is in units of the mean eigenvalue.
    ///
    /// # Errors
    /// [`Error::Length`] if `memory` is not [`Ridge::floats`] long; [`Error::Setting`] unless `damping` is positive and finite.
    pub fn new(damping: f32, width: usize, memory: &'m mut [f32]) -> Result<Self, Error> {
        if !damping.is_finite() || damping <= 0.0 {
            return Err(Error::Setting);
        }
        let (expected, found) = (Self::floats(width), memory.len());
        check_length(expected, found)?;
        let Some((moments, factor)) = memory.split_at_mut_checked(Moments::floats(width)) else {
            return Err(Error::Length { expected, found });
        };
        Ok(Self { damping, moments: Moments::new(Centre::Zero, width, moments)?, factor, fitted: false })
    }

    /// Takes a training sketch in.
    ///
    /// # Errors
    /// As [`Moments::observe`].
    pub fn observe(&mut self, train: &Sketch<'_>) -> Result<(), Error> {
        self.moments.observe(train)
    }

    /// Takes in all that `other` has observed.
    ///
    /// # Errors
    /// As [`Moments::merge`].
    pub fn merge(&mut self, other: &Ridge<'_>) -> Result<(), Error> {
        self.moments.merge(&other.moments)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.moments.reset();
        self.fitted = false;
    }

    /// Factorises C + λI as it stands.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::NotPositiveDefinite`] if all of them were zero.
    pub fn fit(&mut self) -> Result<(), Error> {
        self.fitted = false;
        let ridge = f64::from(self.damping) * self.moments.mean_eigenvalue();
        self.moments.factor(1.0, ridge, self.factor)?;
        self.fitted = true;
        Ok(())
    }

    /// Solves for one target into `memory`, K numbers; after that a pair costs one dot product.
    ///
    /// # Errors
    /// [`Error::NotFitted`]; [`Error::Length`]; [`Error::Mismatch`] or [`Error::NonFinite`] for the target.
    pub fn target<'t>(&self, target: &Sketch<'_>, memory: &'t mut [f32]) -> Result<RidgeTarget<'t>, Error> {
        if !self.fitted {
            return Err(Error::NotFitted);
        }
        self.moments.check(target)?;
        check_length(target.values.len(), memory.len())?;
        for (to, &from) in memory.iter_mut().zip(target.values) {
            *to = from;
        }
        Factor::from_packed(self.moments.width(), self.factor)?.solve(memory)?;
        Ok(RidgeTarget { id: target.id, solution: memory })
    }
}

/// A target whose system is solved: (C + λI)⁻¹φ_v.
#[derive(Clone, Copy, Debug)]
pub struct RidgeTarget<'t> {
    id: SketchId,
    solution: &'t [f32],
}

impl RidgeTarget<'_> {
    /// The influence of a training sample on this target.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the two belong to different projections or layouts; [`Error::NonFinite`].
    pub fn score(&self, train: &Sketch<'_>) -> Result<f64, Error> {
        self.id.check(&train.id)?;
        train.check_finite()?;
        Ok(dot(train.values, self.solution)?)
    }
}
