//! The worst of all visits.

use super::kept::{Kept, sealed::Sealed};
use super::number::{VisitNumber, nearest};
use crate::state::StateKind;

/// The largest of a sample's scores, rounded to the nearest number of the format. Merges
/// to the same bits in any order and tree.
///
/// ```
/// use gradsieve::visits::{Visits, VisitsSettings, Worst};
///
/// let settings = VisitsSettings { first: 0, samples: 1 };
/// let mut worst = Visits::<Worst, f32, _, _>::new(settings, [0.0], [0])?;
/// for score in [-3.0, -1.0, -2.0] {
///     worst.observe(0, score)?;
/// }
/// assert_eq!(worst.get(0)?, Some(-1.0));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Worst;

impl Sealed for Worst {}

impl Kept for Worst {
    const KIND: StateKind = StateKind::Worst;
    const WHAT: &'static str = "the worst of the scores";

    fn join((one, _): (f64, u32), (other, _): (f64, u32)) -> f64 {
        if one >= other { one } else { other }
    }

    fn round<T: VisitNumber>(number: f64, _: u64, _: u16) -> Option<T> {
        nearest(number)
    }
}
