//! Pairs of sketches → influence. One file a method.
//!
//! **A positive influence is helpful**: training on the sample lowers the target's loss, and leaving it out raises it. Opponents, the
//! harmful samples, are negative. A *target* gradient v is that of one validation sample, or of the sum or mean over a
//! set; a *train* gradient g is that of one training sample. Each method states its scale; nothing is rescaled in silence.
//!
//! On sketches every method is an estimate of itself on gradients, because a projection is unbiased for inner products; with
//! [`Exact`](crate::Exact) it is the method itself.
//!
//! May import `sketch`, `state`, `moments` and `error`; knows nothing of detectors or stores.

mod adam;
mod conjugate_gradients;
mod cosine;
mod curvature;
mod datainf;
mod dot;
pub mod dvemb;
mod ensemble;
mod in_run;
mod less;
mod lissa;
mod retrac;
mod ridge;
mod targets;
mod tracin;
mod trak;

pub use adam::Adam;
pub use conjugate_gradients::ConjugateGradients;
pub use cosine::grad_cos;
pub use curvature::{Progress, SolverSettings};
pub use datainf::{DataInf, DataInfLayer, DataInfTargets};
pub use dot::grad_dot;
pub use ensemble::IpEnsemble;
pub use in_run::InRunShapley;
pub use less::{Less, LessTargets};
pub use lissa::Lissa;
pub use retrac::ReTrac;
pub use ridge::{Ridge, RidgeTarget};
pub use targets::Targets;
pub use tracin::TracIn;
pub use trak::{Trak, TrakScore};

use crate::error::Error;
use crate::sketch::Sketch;

/// Refuses two sketches that cannot be compared, and those of non-finite gradients.
fn check_pair(train: &Sketch<'_>, target: &Sketch<'_>) -> Result<(), Error> {
    train.id.check(&target.id)?;
    train.check_finite()?;
    target.check_finite()
}
