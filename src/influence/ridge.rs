//! Ridge influence: φ_vᵀ(C + λI)⁻¹φ_z, with C = ΦᵀΦ/n the second moment of the training
//! sketches (the empirical Fisher) and λ = damping · mean eigenvalue of C.
//!
//! Scale: n times the first-order change of the target's loss (times −1) when a sample is
//! left out and the quadratic model is solved anew. Sources: Koh & Liang 2017 with the
//! empirical Fisher for the Hessian.
//!
//! *Memory*: K² + 3K numbers of `f32` for the state, K a target. *Cost*:
//! [`crate::moments`], then K a pair.

use crate::error::{Error, check_length};
use crate::moments::{Centre, Damped};
use crate::sketch::{Sketch, SketchId};
use crate::state::{self, FRAME, Reader, State, StateKind, Writer};
use gradsieve_kernels::dot;

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

    /// Solves for one target into `memory`, K numbers; after that a pair costs one dot
    /// product.
    ///
    /// # Errors
    /// [`Error::NotFitted`]; [`Error::Length`]; [`Error::Mismatch`] or
    /// [`Error::NonFinite`] for the target.
    pub fn target<'t>(&self, target: &Sketch<'_>, memory: &'t mut [f32]) -> Result<RidgeTarget<'t>, Error> {
        self.damped.solve(target, memory)?;
        Ok(RidgeTarget { id: target.id, solution: memory })
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

/// A target whose system is solved: (C + λI)⁻¹φ_v.
#[derive(Clone, Copy, Debug)]
pub struct RidgeTarget<'t> {
    id: SketchId,
    solution: &'t [f32],
}

impl<'t> RidgeTarget<'t> {
    /// Bytes of a target of `width` numbers at rest.
    #[must_use]
    pub const fn bytes_at_rest(width: usize) -> usize {
        width.saturating_mul(4).saturating_add(FRAME)
    }

    /// Writes the target to the front of `to`, and returns how many bytes it took.
    ///
    /// # Errors
    /// [`Error::Length`] if `to` is shorter than [`RidgeTarget::bytes_at_rest`]; nothing
    /// was written.
    pub fn to_bytes(&self, to: &mut [u8]) -> Result<usize, Error> {
        state::to_bytes(StateKind::RidgeTarget, Some(self.id), to, |to| to.f32s(self.solution))
    }

    /// The target that was written, its numbers in `memory`.
    ///
    /// # Errors
    /// As [`State::restore`]; [`Error::Length`] if `memory` is not K long. Nothing was
    /// written.
    pub fn from_bytes(from: &[u8], memory: &'t mut [f32]) -> Result<Self, Error> {
        let (id, mut body) = state::open(StateKind::RidgeTarget, from)?;
        let id = id.ok_or(Error::Corrupt)?;
        check_length(id.width, memory.len())?;
        body.exactly(size_of_val(memory))?;
        body.f32s(memory)?;
        Ok(Self { id, solution: memory })
    }

    /// The influence of a training sample on this target.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the two belong to different projections or layouts;
    /// [`Error::NonFinite`].
    pub fn score(&self, train: &Sketch<'_>) -> Result<f64, Error> {
        self.id.check(&train.id)?;
        train.check_finite()?;
        Ok(dot(train.values, self.solution)?)
    }
}
