//! The mean over visits.

use super::kept::{Kept, sealed::Sealed};
use super::number::{VisitNumber, dithered};
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

    fn join(one: (f64, u32), other: (f64, u32)) -> f64 {
        mean(one, other)
    }

    fn round<T: VisitNumber>(number: f64, id: u64, visits: u16) -> Option<T> {
        dithered(number, id, visits)
    }
}

/// The mean of two means.
pub(super) fn mean(one: (f64, u32), other: (f64, u32)) -> f64 {
    let [(one, of_one), (other, of_other)] = [one, other].map(|(mean, visits)| (mean, f64::from(visits)));
    (one * of_one + other * of_other) / (of_one + of_other)
}
