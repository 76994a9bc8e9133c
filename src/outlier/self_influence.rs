//! Self-influence: s = φᵀ(C + λI)⁻¹φ, where C = ΦᵀΦ/n is the uncentred second moment of
//! the sketches observed and λ = damping · mean eigenvalue of C.
//!
//! How much a sample moves its own loss, in units of how much the others do: mislabelled
//! and rare samples are high. Scale: of order K for an ordinary sample, at most n.
//! Source: influence functions with the empirical Fisher (Koh & Liang 2017; arXiv
//! 2405.03869 compares against it).
//!
//! *Memory*: K² + 3K numbers of `f32` ([`SelfInfluence::floats`]). *Cost*:
//! [`crate::moments`].

use super::Detector;
use crate::error::{Error, check_length};
use crate::moments::{Centre, Damped};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Reader, State, StateKind, Writer};

/// Scores sketches by their self-influence. Observe all (or a stream),
/// [`fit`](Self::fit), then score.
#[derive(Debug)]
pub struct SelfInfluence<'m> {
    damped: Damped<'m>,
    scratch: &'m mut [f32],
}

impl<'m> SelfInfluence<'m> {
    /// The usual damping: a tenth of the mean eigenvalue.
    pub const DAMPING: f32 = 0.1;

    /// Numbers of `f32` that the state needs for sketches of `width`.
    #[must_use]
    pub const fn floats(width: usize) -> usize {
        Damped::floats(width) + width
    }

    /// Bytes of the state at rest, at most; half before the first fit.
    #[must_use]
    pub const fn bytes_at_rest(width: usize) -> usize {
        Damped::bytes_at_rest(Centre::Zero, width)
    }

    /// No observations yet. `damping` is in units of the mean eigenvalue.
    ///
    /// # Errors
    /// [`Error::Length`] if `memory` is not [`SelfInfluence::floats`] long;
    /// [`Error::Setting`] unless `damping` is positive and finite.
    pub fn new(damping: f32, width: usize, memory: &'m mut [f32]) -> Result<Self, Error> {
        if !damping.is_finite() || damping <= 0.0 {
            return Err(Error::Setting { name: "damping", expected: "finite and above 0" });
        }
        let (memory, scratch) = split(width, memory)?;
        Ok(Self { damped: Damped::new(damping, Centre::Zero, width, memory)?, scratch })
    }

    /// Takes a sketch into the second moment. Scores change with the next
    /// [`fit`](Self::fit).
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
    pub fn merge(&mut self, other: &SelfInfluence<'_>) -> Result<(), Error> {
        self.damped.merge(&other.damped)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.damped.reset();
    }

    /// Factorises C + λI as it stands.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::NotPositiveDefinite`] if all of
    /// them were zero.
    pub fn fit(&mut self) -> Result<(), Error> {
        let ridge = self.damped.setting() * self.damped.moments().mean_eigenvalue();
        self.damped.fit(1.0, ridge)
    }
}

impl State for SelfInfluence<'_> {
    const KIND: StateKind = StateKind::SelfInfluence;

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

/// Divides the memory of both detectors of this shape, [`SelfInfluence::floats`] numbers,
/// into moments with their factor, and K of scratch.
pub(super) fn split(width: usize, memory: &mut [f32]) -> Result<(&mut [f32], &mut [f32]), Error> {
    let (expected, found) = (SelfInfluence::floats(width), memory.len());
    check_length(expected, found)?;
    memory.split_at_mut_checked(Damped::floats(width)).ok_or(Error::Length { expected, found })
}

impl Detector for SelfInfluence<'_> {
    fn score(&mut self, sketch: &Sketch<'_>) -> Result<f64, Error> {
        let factor = self.damped.factor(sketch)?;
        for (to, &from) in self.scratch.iter_mut().zip(sketch.values) {
            *to = from;
        }
        factor.quadratic(self.scratch)
    }
}
