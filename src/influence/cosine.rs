//! GradCos: g·v / (‖g‖·‖v‖), the direction's part of GradDot, in [−1, 1].
//!
//! The norms are those of the sketches, not the exact ones: so the score stays in its
//! range, and the two errors partly cancel. A zero gradient has no direction; its cosine
//! is 0.

use super::check_pair;
use crate::error::Error;
use crate::sketch::Sketch;
use gradsieve_kernels::pair;

/// Influence as a cosine.
///
/// # Errors
/// [`Error::Mismatch`] if the two belong to different projections or layouts;
/// [`Error::NonFinite`].
pub fn grad_cos(train: &Sketch<'_>, target: &Sketch<'_>) -> Result<f64, Error> {
    check_pair(train, target)?;
    let pair = pair(train.values, target.values)?;
    let norms = libm::sqrt(pair.x_squared) * libm::sqrt(pair.y_squared);
    Ok(if norms > 0.0 { (pair.dot / norms).clamp(-1.0, 1.0) } else { 0.0 })
}
