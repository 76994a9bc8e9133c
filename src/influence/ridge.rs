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
use crate::memory::Memory;
use crate::moments::{Centre, Policy, SecondMoment, Weights};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, State, StateKind, Walk, place};

/// What [`Ridge`] is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RidgeSettings {
    /// K.
    pub width: usize,
    /// λ in units of C's mean eigenvalue.
    pub damping: f32,
}

impl RidgeSettings {
    /// A tenth of the mean eigenvalue.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { width, damping: 0.1 }
    }

    /// The second moment and its factor. At rest a state is half as large before the
    /// first fit.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        SecondMoment::<Self, ()>::memory(self.width)
    }
}

impl Policy for RidgeSettings {
    const CENTRE: Centre = Centre::Zero;

    fn width(&self) -> usize {
        self.width
    }

    fn setting(&self) -> f32 {
        self.damping
    }

    fn weights(&self, _count: f64, mean_eigenvalue: f64) -> Weights {
        Weights { scale: 1.0, ridge: f64::from(self.damping) * mean_eigenvalue }
    }
}

impl Default for RidgeSettings {
    /// [`RidgeSettings::new`] of 512 numbers.
    fn default() -> Self {
        Self::new(512)
    }
}

/// The training side: observe every training sketch, [`fit`](Self::fit), then prepare
/// targets.
///
/// ```
/// use gradsieve::influence::{Ridge, RidgeSettings};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let rows = [[1.0, 0.0], [0.5, 0.5], [-1.0, 2.0_f32]];
/// let rows = rows.each_ref().map(|x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap());
///
/// const SETTINGS: RidgeSettings = RidgeSettings::new(2);
/// let mut buffer = [0.0; SETTINGS.memory().f32s];
/// let mut ridge = Ridge::new(SETTINGS, &mut buffer)?;
/// rows.iter().try_for_each(|row| ridge.observe(row))?;
/// ridge.fit()?;
/// let mut solution = [0.0; 2];
/// let target = ridge.solve(&rows[0], &mut solution)?;
/// assert!(target.score_one(&rows[0])? > target.score_one(&rows[1])?);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Ridge<'m> {
    second: SecondMoment<RidgeSettings, &'m mut [f32]>,
}

impl<'m> Ridge<'m> {
    /// No observations yet.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the damping is positive and finite; [`Error::Length`] if
    /// `buffer` is not as long as the settings' memory.
    pub fn new(settings: RidgeSettings, buffer: &'m mut [f32]) -> Result<Self, Error> {
        let RidgeSettings { damping, .. } = settings;
        if !damping.is_finite() || damping <= 0.0 {
            return Err(Error::Setting { name: "damping", expected: "finite and above 0" });
        }
        Ok(Self { second: SecondMoment::new(settings, buffer)? })
    }

    /// Takes a training sketch in.
    ///
    /// # Errors
    /// As [`Moments::observe`](crate::moments::Moments::observe).
    pub fn observe(&mut self, train: &Sketch<'_>) -> Result<(), Error> {
        self.second.observe(train)
    }

    /// Takes in all that `other` has observed.
    ///
    /// # Errors
    /// As [`Moments::merge`](crate::moments::Moments::merge).
    pub fn merge(&mut self, other: &Ridge<'_>) -> Result<(), Error> {
        self.second.merge(&other.second)
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.second.reset();
    }

    /// Factorises C + λI as it stands.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::NotPositiveDefinite`] if all of
    /// them were zero.
    pub fn fit(&mut self) -> Result<(), Error> {
        self.second.fit()
    }

    /// Solves for one target into `out`, K numbers: (C + λI)⁻¹φ_v. Targets that stand one
    /// after the other are [`Targets`] together.
    ///
    /// # Errors
    /// [`Error::NotFitted`]; [`Error::Length`]; [`Error::Mismatch`] or
    /// [`Error::NonFinite`] for the target, and then `out` is as it was;
    /// [`Error::NonFinite`] if the solution leaves the range of `f32`.
    pub fn solve<'t>(&self, target: &Sketch<'_>, out: &'t mut [f32]) -> Result<Targets<'t>, Error> {
        self.second.solve(target, out)?;
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

impl Body for Ridge<'_> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.nested(place!(second))
    }
}

impl State for Ridge<'_> {
    const KIND: StateKind = StateKind::Ridge;

    fn sketch_id(&self) -> Option<SketchId> {
        self.second.sketch_id()
    }
}
