//! Squared Mahalanobis distance on the sketch: s = (φ − μ)ᵀ Σ_α⁻¹ (φ − μ), with the
//! running mean μ and the covariance Σ shrunk towards a multiple of the identity, Σ_α =
//! (1 − α)Σ + α·(tr Σ/K)·I.
//!
//! The centred sister of self-influence. Scale: of order K for an ordinary sample.
//! Sources: Mahalanobis 1936; shrinkage after Ledoit & Wolf 2004, with a fixed α.
//!
//! *Memory*: K² + 4K numbers of `f32` ([`Mahalanobis::floats`]). *Cost*:
//! [`crate::moments`].

use super::Detector;
use super::self_influence::{SelfInfluence, split};
use crate::error::Error;
use crate::moments::{Centre, Damped};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Reader, State, StateKind, Writer};

/// Scores sketches by their squared Mahalanobis distance. Observe all (or a stream),
/// [`fit`](Self::fit), then score.
#[derive(Debug)]
pub struct Mahalanobis<'m> {
    damped: Damped<'m>,
    scratch: &'m mut [f32],
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
        Damped::bytes_at_rest(Centre::Mean, width)
    }

    /// No observations yet. `shrinkage` is α.
    ///
    /// # Errors
    /// [`Error::Length`] if `memory` is not [`Mahalanobis::floats`] long;
    /// [`Error::Setting`] unless 0 < α ≤ 1.
    pub fn new(shrinkage: f32, width: usize, memory: &'m mut [f32]) -> Result<Self, Error> {
        if shrinkage.is_nan() || shrinkage <= 0.0 || shrinkage > 1.0 {
            return Err(Error::Setting { name: "shrinkage", expected: "above 0, and at most 1" });
        }
        let (memory, scratch) = split(width, memory)?;
        Ok(Self { damped: Damped::new(shrinkage, Centre::Mean, width, memory)?, scratch })
    }

    /// Takes a sketch into the moments. Scores change with the next [`fit`](Self::fit).
    ///
    /// # Errors
    /// As [`Moments::observe`](crate::moments::Moments::observe).
    pub fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        self.damped.observe(sketch)
    }

    /// Takes in all that `other` has observed.
    ///
    /// # Errors
    /// As [`Moments::merge`](crate::moments::Moments::merge).
    pub fn merge(&mut self, other: &Mahalanobis<'_>) -> Result<(), Error> {
        self.damped.merge(&other.damped)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.damped.reset();
    }

    /// Factorises Σ_α as it stands.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::NotPositiveDefinite`] if all of
    /// them were the same.
    pub fn fit(&mut self) -> Result<(), Error> {
        let shrinkage = self.damped.setting();
        let ridge = shrinkage * self.damped.moments().mean_eigenvalue();
        self.damped.fit(1.0 - shrinkage, ridge)
    }
}

impl State for Mahalanobis<'_> {
    const KIND: StateKind = StateKind::Mahalanobis;

    fn sketch_id(&self) -> Option<SketchId> {
        self.damped.sketch_id()
    }

    fn write(&self, to: &mut Writer<'_>) {
        self.damped.write(to);
    }

    fn read(&mut self, id: Option<SketchId>, from: &mut Reader<'_>) -> Result<(), Error> {
        self.damped.read(id, from)
    }
}

impl Detector for Mahalanobis<'_> {
    fn score(&mut self, sketch: &Sketch<'_>) -> Result<f64, Error> {
        let factor = self.damped.factor(sketch)?;
        let mean = self.damped.moments().mean();
        for ((to, &from), &mean) in self.scratch.iter_mut().zip(sketch.values).zip(mean) {
            *to = from - mean;
        }
        factor.quadratic(self.scratch)
    }
}
