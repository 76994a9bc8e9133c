//! The norms themselves as scores: L1 s = ‖g‖₁ and L2 s = ‖g‖₂². Stateless; exact (of the
//! gradient, not of its sketch).
//!
//! Source: the trimming baselines of outlier gradient analysis (arXiv 2405.03869).

use super::Detector;
use crate::error::Error;
use crate::sketch::Sketch;

/// Score ‖g‖₁.
///
/// [`Error::NotMeasured`] for a sequence of which a factored projector saw the factors
/// only ([`Sketcher::outer_sequence`](crate::Sketcher::outer_sequence)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct L1;

/// Score ‖g‖₂².
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct L2;

impl Detector for L1 {
    fn score(&mut self, sketch: &Sketch<'_>) -> Result<f64, Error> {
        sketch.check_finite()?;
        // Finite entries, and yet no number: a sequence was sketched from its factors.
        if sketch.measures.l1.is_nan() {
            return Err(Error::NotMeasured);
        }
        Ok(sketch.measures.l1)
    }
}

impl Detector for L2 {
    fn score(&mut self, sketch: &Sketch<'_>) -> Result<f64, Error> {
        sketch.check_finite()?;
        Ok(sketch.measures.l2_squared)
    }
}
