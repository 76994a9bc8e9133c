//! GradDot: g·v, the first-order change of the target's loss (times −1) for one step of
//! learning rate 1 on the sample.
//!
//! Scale: loss per unit of learning rate. Error of the sum:
//! [`gradsieve_kernels::mod@dot`].

use super::check_pair;
use crate::error::Error;
use crate::sketch::Sketch;

/// Influence g·v.
///
/// # Errors
/// [`Error::Mismatch`] if the two belong to different projections or layouts;
/// [`Error::NonFinite`].
pub fn grad_dot(train: &Sketch<'_>, target: &Sketch<'_>) -> Result<f64, Error> {
    check_pair(train, target)?;
    Ok(gradsieve_kernels::dot(train.values, target.values)?)
}
