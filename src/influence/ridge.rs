//! Ridge influence: φ_vᵀ(C + λI)⁻¹φ_z, with C = ΦᵀΦ/n the second moment of the training
//! sketches (the empirical Fisher) and λ = damping · mean eigenvalue of C.
//!
//! Scale: n times the first-order change of the target's loss (times −1) when a sample is
//! left out and the quadratic model is solved anew. Sources: Koh & Liang 2017 with the
//! empirical Fisher for the Hessian.
//!
//! *Memory*: K² + 3K numbers of `f32` for the state, K a target. *Cost*:
//! [`crate::moments`], then K a pair.

use super::solver::Solver;
use super::targets::Targets;
use crate::error::Error;
use crate::moments::{Centre, Damped};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Reader, State, StateKind, Writer};

/// The training side: observe every training sketch, [`fit`](Self::fit), then prepare
/// targets.
#[derive(Debug)]
pub struct Ridge<'m> {
    damped: Damped<'m>,
}

impl<'m> Ridge<'m> {
    /// The usual damping: a tenth of the mean eigenvalue.
    pub const DAMPING: f32 = 0.1;

    /// Numbers of `f32` that the state needs for sketches of `width`.
    #[must_use]
    pub const fn floats(width: usize) -> usize {
        Damped::floats(width)
    }

    /// Bytes of the state at rest, at most; half before the first fit.
    #[must_use]
    pub const fn bytes_at_rest(width: usize) -> usize {
        Damped::bytes_at_rest(Centre::Zero, width)
    }

    /// No observations yet. `damping` is in units of the mean eigenvalue.
    ///
    /// # Errors
    /// [`Error::Length`] if `memory` is not [`Ridge::floats`] long; [`Error::Setting`]
    /// unless `damping` is positive and finite.
    pub fn new(damping: f32, width: usize, memory: &'m mut [f32]) -> Result<Self, Error> {
        if !damping.is_finite() || damping <= 0.0 {
            return Err(Error::Setting { name: "damping", expected: "finite and above 0" });
        }
        Ok(Self { damped: Damped::new(damping, Centre::Zero, width, memory)? })
    }

    /// Takes a training sketch in.
    ///
    /// # Errors
    /// As [`Moments::observe`](crate::moments::Moments::observe).
    pub fn observe(&mut self, train: &Sketch<'_>) -> Result<(), Error> {
        self.damped.observe(train)
    }

    /// Takes in all that `other` has observed.
    ///
    /// # Errors
    /// As [`Moments::merge`](crate::moments::Moments::merge).
    pub fn merge(&mut self, other: &Ridge<'_>) -> Result<(), Error> {
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

    /// Solves for one target into `out`, K numbers: (C + λI)⁻¹φ_v. Targets that stand one
    /// after the other are [`Targets`] together.
    ///
    /// # Errors
    /// [`Error::NotFitted`]; [`Error::Length`]; [`Error::Mismatch`] or
    /// [`Error::NonFinite`] for the target, and then `out` is as it was;
    /// [`Error::NonFinite`] if the solution leaves the range of `f32`.
    pub fn solve<'t>(&self, target: &Sketch<'_>, out: &'t mut [f32]) -> Result<Targets<'t>, Error> {
        self.damped.solve(target, out)?;
        Targets::new(target.id, out)
    }
}

impl Solver for Ridge<'_> {
    fn observe(&mut self, row: &Sketch<'_>) -> Result<(), Error> {
        Self::observe(self, row)
    }

    fn end_pass(&mut self) -> Result<bool, Error> {
        self.fit().map(|()| true)
    }

    fn solve<'t>(&mut self, target: &Sketch<'_>, out: &'t mut [f32]) -> Result<Targets<'t>, Error> {
        Self::solve(self, target, out)
    }

    fn reset(&mut self) {
        Self::reset(self);
    }
}

impl State for Ridge<'_> {
    const KIND: StateKind = StateKind::Ridge;

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
