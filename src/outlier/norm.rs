//! The norms themselves as scores: L1 s = ‖g‖₁ and L2 s = ‖g‖₂². Stateless: to observe a
//! sketch only checks it. Exact (of the gradient, not of its sketch).
//!
//! Source: the trimming baselines of outlier gradient analysis (arXiv 2405.03869).

use super::Detector;
use crate::error::Error;
use crate::sketch::Sketch;

/// Score ‖g‖₁.
///
/// [`Error::NotMeasured`] for a sequence of which a factored projector saw the factors
/// only ([`Sketcher::outer_sequence`](crate::Sketcher::outer_sequence)).
///
/// ```
/// use gradsieve::outlier::{Detector, L1};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// # let values = [3.0, -4.0];
/// let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values))?;
/// assert_eq!(L1.score(&sketch, &mut [])?, 7.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct L1;

/// Score ‖g‖₂².
///
/// ```
/// use gradsieve::outlier::{Detector, L2};
/// # use gradsieve::{Exact, Layout, Projector, Sketch};
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// # let values = [3.0, -4.0];
/// let sketch = Sketch::from_parts(id, &values, gradsieve_kernels::summarize(&values))?;
/// assert_eq!(L2.score(&sketch, &mut [])?, 25.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct L2;

impl Detector for L1 {
    fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        sketch.check_finite()
    }

    fn score(&self, sketch: &Sketch<'_>, _scratch: &mut [f32]) -> Result<f64, Error> {
        sketch.check_finite()?;
        // Finite entries, and yet no number: a sequence was sketched from its factors.
        if sketch.measures.l1.is_nan() {
            return Err(Error::NotMeasured);
        }
        Ok(sketch.measures.l1)
    }

    fn merge(&mut self, _other: &Self) -> Result<(), Error> {
        Ok(())
    }

    fn reset(&mut self) {}
}

impl Detector for L2 {
    fn observe(&mut self, sketch: &Sketch<'_>) -> Result<(), Error> {
        sketch.check_finite()
    }

    fn score(&self, sketch: &Sketch<'_>, _scratch: &mut [f32]) -> Result<f64, Error> {
        sketch.check_finite()?;
        Ok(sketch.measures.l2_squared)
    }

    fn merge(&mut self, _other: &Self) -> Result<(), Error> {
        Ok(())
    }

    fn reset(&mut self) {}
}
