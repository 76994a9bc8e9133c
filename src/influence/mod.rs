//! Pairs of sketches → influence. One file a method.
//!
//! **A positive influence is helpful**: training on the sample lowers the target's loss, and leaving it out raises it. Opponents, the
//! harmful samples, are negative. A *target* gradient v is that of one validation sample, or of the sum or mean over a
//! set; a *train* gradient g is that of one training sample. Each method states its scale; nothing is rescaled in silence.
//!
//! On sketches every method is an estimate of itself on gradients, because a projection is unbiased for inner products; with
//! [`Exact`](crate::Exact) it is the method itself.
//!
//! May import `sketch`, `moments` and `error`; knows nothing of detectors or stores.

mod cosine;
mod dot;
pub mod dvemb;
mod ridge;
mod tracin;

pub use cosine::grad_cos;
pub use dot::grad_dot;
pub use ridge::{Ridge, RidgeTarget};
pub use tracin::TracIn;

use crate::error::Error;
use crate::sketch::Sketch;

/// Refuses two sketches that cannot be compared, and those of non-finite gradients.
fn check_pair(train: &Sketch<'_>, target: &Sketch<'_>) -> Result<(), Error> {
    train.id.check(&target.id)?;
    train.check_finite()?;
    target.check_finite()
}
