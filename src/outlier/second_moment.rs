//! Detectors that measure a sketch by a damped second moment: s = xᵀA⁻¹x, where x is the
//! sketch less the centre.

use super::Detector;
use crate::error::Error;
use crate::memory::Buffer;
use crate::moments::{Policy, SecondMoment};
use crate::sketch::Sketch;

/// Settings of a second moment that makes a detector: those of
/// [`SelfInfluence`](super::SelfInfluence) and [`Mahalanobis`](super::Mahalanobis), whose
/// examples show it.
pub trait Deviation: Policy {}

impl<P: Deviation, B: Buffer<f64>> Detector for SecondMoment<P, B> {
    fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        Self::observe(self, sketch)
    }

    fn fit(&mut self) -> Result<(), Error> {
        Self::fit(self)
    }

    fn score(&self, sketch: &Sketch<'_>, scratch: &mut [f32]) -> Result<f64, Error> {
        self.quadratic(sketch, scratch)
    }

    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        Self::merge(self, other)
    }

    fn reset(&mut self) {
        Self::reset(self);
    }

    fn scratch(&self) -> usize {
        self.moments().width()
    }
}
