//! The mean over visits.

use super::kept::{Kept, sealed::Sealed};
use crate::state::StateKind;

/// The mean of a sample's scores: of its loss over the run, say, which finds wrong labels
/// that a model has memorised.
///
/// ```
/// use gradsieve::visits::{Mean, Visits, VisitsSettings};
///
/// let settings = VisitsSettings { first: 7, samples: 2 };
/// let mut mean = Visits::<Mean, f32, _, _>::new(settings, [0.0; 2], [0; 2])?;
/// for score in [1.0, 2.0, 6.0] {
///     mean.observe(8, score)?;
/// }
/// assert_eq!((mean.get(7)?, mean.get(8)?, mean.count(8)?), (None, Some(3.0), 3));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Mean;

impl Sealed for Mean {}

impl Kept for Mean {
    const KIND: StateKind = StateKind::Mean;
    const WHAT: &'static str = "the mean of the scores";
}
