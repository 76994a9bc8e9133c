//! Ridge influence: φ_vᵀ(C + λI)⁻¹φ_z, with C = ΦᵀΦ/n the second moment of the training
//! sketches (the empirical Fisher) and λ = damping · mean eigenvalue of C.
//!
//! Scale: n times the first-order change of the target's loss (times −1) when a sample is
//! left out and the quadratic model is solved anew. Sources: Koh & Liang 2017 with the
//! empirical Fisher for the Hessian.
//!
//! *Memory*: K² + 4K numbers of `f64` for the state, K a target. *Cost*:
//! [`crate::moments`], then K a pair.

use super::second_moment::Curvature;
use crate::error::Error;
use crate::memory::Memory;
use crate::moments::{Centre, Policy, SecondMoment, Strength, Unclipped, Weights};
use crate::state::StateKind;

/// What [`Ridge`] is told.
///
/// ```
/// use gradsieve::influence::RidgeSettings;
///
/// const SETTINGS: RidgeSettings = RidgeSettings { damping: 0.5, ..RidgeSettings::new(64) };
/// assert_eq!(SETTINGS.memory().f64s, 64 * 64 + 4 * 64);
/// ```
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
        SecondMoment::<Self, ()>::memory(self.width, false)
    }
}

impl Policy for RidgeSettings {
    const CENTRE: Centre = Centre::Zero;
    const STRENGTH: Strength = Strength::DAMPING;
    const KIND: StateKind = StateKind::Ridge;
    type Clip = Unclipped;

    fn width(&self) -> usize {
        self.width
    }

    fn strength(&self) -> f32 {
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

/// The training side: observe every training sketch, [`fit`](SecondMoment::fit), then prepare
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
/// let mut buffer = [0.0; SETTINGS.memory().f64s];
/// let mut ridge = Ridge::new(SETTINGS, &mut buffer)?;
/// rows.iter().try_for_each(|row| ridge.observe(row))?;
/// ridge.fit()?;
/// let mut solution = [0.0; 2];
/// let target = ridge.solve(&rows[0], &mut solution)?;
/// assert!(target.score_one(&rows[0])? > target.score_one(&rows[1])?);
/// # Ok::<(), gradsieve::Error>(())
/// ```
pub type Ridge<B> = SecondMoment<RidgeSettings, B>;

impl<const N: usize> Ridge<[f64; N]> {
    /// No observations yet, in an array of its own: for `static` cells, too.
    ///
    /// # Errors
    /// As [`new`](SecondMoment::new).
    pub const fn owned(settings: RidgeSettings) -> Result<Self, Error> {
        Self::owned_with(settings, settings.width, settings.damping, None, None)
    }
}

impl Curvature for RidgeSettings {}
