//! Squared Mahalanobis distance on the sketch: s = (φ − μ)ᵀ Σ_α⁻¹ (φ − μ), with the running mean μ and the covariance Σ shrunk
//! towards a multiple of the identity, Σ_α = (1 − α)Σ + α·(tr Σ/K)·I.
//!
//! The centred sister of self-influence. Scale: of order K for an ordinary sample. Sources: Mahalanobis 1936; shrinkage after Ledoit &
//! Wolf 2004, with a fixed α.
//!
//! *Memory*: K² + 4K numbers of `f32` ([`Mahalanobis::floats`]). *Cost*: [`crate::moments`].

use super::Detector;
use super::self_influence::{SelfInfluence, split};
use crate::error::Error;
use crate::moments::{Centre, Factor, Moments, fitted};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Reader, State, StateKind, Writer};

/// Scores sketches by their squared Mahalanobis distance. Observe all (or a stream), [`fit`](Self::fit), then score.
#[derive(Debug)]
pub struct Mahalanobis<'m> {
    shrinkage: f32,
    moments: Moments<'m>,
    factor: &'m mut [f32],
    scratch: &'m mut [f32],
    fitted: bool,
}

impl<'m> Mahalanobis<'m> {
    /// The usual shrinkage.
    pub const SHRINKAGE: f32 = 0.1;

    /// Numbers of `f32` that the state needs for sketches of `width`.
    #[must_use]
    pub const fn floats(width: usize) -> usize {
        SelfInfluence::floats(width)
    }

    /// Bytes of the state at rest, at most; half before the first fit.
    #[must_use]
    pub const fn bytes_at_rest(width: usize) -> usize {
        fitted::bytes_at_rest(Centre::Mean, width)
    }

    /// No observations yet. `shrinkage` is α.
    ///
    /// # Errors
    /// [`Error::Length`] if `memory` is not [`Mahalanobis::floats`] long; [`Error::Setting`] unless 0 < α ≤ 1.
    pub fn new(shrinkage: f32, width: usize, memory: &'m mut [f32]) -> Result<Self, Error> {
        if shrinkage.is_nan() || shrinkage <= 0.0 || shrinkage > 1.0 {
            return Err(Error::Setting);
        }
        let (moments, factor, scratch) = split(width, memory)?;
        Ok(Self {
            shrinkage,
            moments: Moments::new(Centre::Mean, width, moments)?,
            factor,
            scratch,
            fitted: false,
        })
    }

    /// Takes a sketch into the moments. Scores change with the next [`fit`](Self::fit).
    ///
    /// # Errors
    /// As [`Moments::observe`].
    pub fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.moments.observe(sketch)
    }

    /// Takes in all that `other` has observed.
    ///
    /// # Errors
    /// As [`Moments::merge`].
    pub fn merge(&mut self, other: &Mahalanobis<'_>) -> Result<(), Error> {
        self.moments.merge(&other.moments)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.moments.reset();
        self.fitted = false;
    }

    /// Factorises Σ_α as it stands.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::NotPositiveDefinite`] if all of them were the same.
    pub fn fit(&mut self) -> Result<(), Error> {
        self.fitted = false;
        let shrinkage = f64::from(self.shrinkage);
        self.moments.factor(1.0 - shrinkage, shrinkage * self.moments.mean_eigenvalue(), self.factor)?;
        self.fitted = true;
        Ok(())
    }
}

impl State for Mahalanobis<'_> {
    const KIND: StateKind = StateKind::Mahalanobis;

    fn sketch_id(&self) -> Option<SketchId> {
        self.moments.sketch_id()
    }

    fn write(&self, to: &mut Writer<'_>) {
        let factor = self.fitted.then_some(&*self.factor);
        fitted::write(self.shrinkage, &self.moments, factor, to);
    }

    fn read(&mut self, id: Option<SketchId>, from: &mut Reader<'_>) -> Result<(), Error> {
        self.fitted = fitted::read(self.shrinkage, &mut self.moments, self.factor, id, from)?;
        Ok(())
    }
}

impl Detector for Mahalanobis<'_> {
    fn score(&mut self, sketch: &Sketch<'_>) -> Result<f64, Error> {
        if !self.fitted {
            return Err(Error::NotFitted);
        }
        self.moments.check(sketch)?;
        for ((to, &from), &mean) in self.scratch.iter_mut().zip(sketch.values).zip(self.moments.mean()) {
            *to = from - mean;
        }
        Factor::from_packed(self.moments.width(), self.factor)?.quadratic(self.scratch)
    }
}
