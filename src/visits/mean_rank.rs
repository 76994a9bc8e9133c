//! The mean rank over visits.

use super::kept::{Kept, sealed::Sealed};
use crate::error::Error;
use crate::state::StateKind;

/// The mean of a sample's ranks, each among the scores of its epoch: near 1 if it was
/// among the largest each time. Scores that shrink while a model trains count alike.
///
/// A visit says which share of the epoch's scores is larger: that of
/// [`Ranks`](crate::statistics::Ranks), or the p of a [`Verdict`](crate::Verdict). The
/// mean of that share is what is kept, so that the most suspicious have the finest
/// numbers; 1 minus it is what is read.
///
/// ```
/// use gradsieve::statistics::{RANKS, Ranks};
/// use gradsieve::visits::{MeanRank, Visits, VisitsSettings};
///
/// let settings = VisitsSettings { first: 0, samples: 3 };
/// let mut mean_rank = Visits::<MeanRank, f32, _, _>::new(settings, [0.0; 3], [0; 3])?;
/// let mut ranks = Ranks::<{ RANKS.cells() }>::new(&RANKS)?;
/// for losses in [[2.0, 0.5, 9.0], [0.01, 0.002, 0.3]] {
///     ranks.reset();
///     losses.iter().try_for_each(|&loss| ranks.count(loss))?;
///     for (id, loss) in (0..).zip(losses) {
///         mean_rank.observe(id, ranks.share_above(loss)?)?;
///     }
/// }
/// let rank = |id| mean_rank.get(id).map(Option::unwrap);
/// assert!(rank(2)? > 0.8 && rank(1)? < 0.2 && (rank(0)? - 0.5).abs() < 1e-6);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MeanRank;

impl Sealed for MeanRank {}

impl Kept for MeanRank {
    const KIND: StateKind = StateKind::MeanRank;
    const WHAT: &'static str = "the mean of the ranks";

    fn check(share: f64) -> Result<(), Error> {
        match share {
            0.0..=1.0 => Ok(()),
            _ if share.is_finite() => Err(Error::Setting { name: "share", expected: "between 0 and 1" }),
            _ => Err(Error::NonFinite),
        }
    }

    fn read(share: f32) -> f32 {
        1.0 - share
    }
}
