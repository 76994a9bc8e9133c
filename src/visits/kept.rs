//! What is kept of visits: how two numbers become one, and how that is rounded.

use super::number::{VisitNumber, dithered};
use crate::error::Error;
use crate::state::StateKind;

/// What a [`Visits`](super::Visits) keeps: [`Mean`](super::Mean),
/// [`MeanRank`](super::MeanRank) or [`Worst`](super::Worst). Nobody else implements it.
///
/// ```
/// use gradsieve::state::StateKind;
/// use gradsieve::visits::{Kept, MeanRank};
///
/// assert_eq!(MeanRank::KIND, StateKind::MeanRank);
/// assert_eq!(MeanRank::read(0.25), 0.75);
/// ```
pub trait Kept: sealed::Sealed + core::fmt::Debug {
    /// Its kind at rest.
    const KIND: StateKind;

    /// What the number is called.
    const WHAT: &'static str;

    /// Refuses what no visit says.
    ///
    /// # Errors
    /// [`Error::NonFinite`]; [`Error::Setting`] if it lies outside its range.
    fn check(score: f64) -> Result<(), Error> {
        if score.is_finite() { Ok(()) } else { Err(Error::NonFinite) }
    }

    /// The number after the visits of two, each with how many it had: one at least.
    /// Their mean, unless it says otherwise.
    #[must_use]
    fn join(one: (f64, u32), other: (f64, u32)) -> f64 {
        let [(one, of_one), (other, of_other)] = [one, other].map(|(mean, visits)| (mean, f64::from(visits)));
        (one * of_one + other * of_other) / (of_one + of_other)
    }

    /// A number in its format, after so many visits; none if it leaves the range. Up or
    /// down, without bias, unless it says otherwise.
    #[must_use]
    fn round<T: VisitNumber>(number: f64, id: u64, visits: u16) -> Option<T> {
        dithered(number, id, visits)
    }

    /// What is said of a number that is kept.
    #[must_use]
    fn read(number: f32) -> f32 {
        number
    }
}

pub(super) mod sealed {
    pub trait Sealed {}
}
