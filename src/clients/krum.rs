//! Krum: the one client whose n − f − 2 nearest others are nearest, by the sum of squared
//! distances.
//!
//! *Known holes*: one honest update is all that is left of a round, and of clients whose
//! data differ the others have no say. Attacks that stay within the spread of the honest
//! updates pass: a little is enough (ALIE), inner-product manipulation, Min-Max.
//!
//! Source: Blanchard, El Mhamdi, Guerraoui & Stainer, NIPS 2017.
//!
//! *Memory*: K + 2n `f64`. *Cost*: n²·K multiply–adds, n² log n comparisons.

use super::Rule;
use super::round::{Finite, RoundSettings, parts};
use super::scores::{keep_lowest, krum_scores};
use crate::error::Error;
use crate::memory::Memory;

/// Keeps one client: the one in the densest place.
///
/// ```
/// use gradsieve::clients::{Krum, RoundSettings};
///
/// const RULE: Krum = Krum { hostile: 6 };
/// const ROUND: RoundSettings = RoundSettings { clients: 20, width: 512 };
/// assert_eq!(RULE.memory(&ROUND).f64s, 512 + 2 * 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Krum {
    /// f: how many clients may be hostile. There are to be 2f + 3 at least.
    pub hostile: usize,
}

impl Krum {
    /// What a call needs for such a round: K + 2n `f64s`.
    #[must_use]
    pub const fn memory(&self, round: &RoundSettings) -> Memory {
        round.f64s(0, 1, 2)
    }
}

impl Rule for Krum {
    fn needs(&self, round: &RoundSettings) -> Memory {
        self.memory(round)
    }

    fn weigh_finite(
        &self,
        finite: &Finite<'_>,
        memory: &mut [f64],
        weights: &mut [f64],
    ) -> Result<(), Error> {
        weigh(finite, self.hostile, |_| Ok(1), memory, weights)
    }
}

/// Keeps those with Krum's lowest scores: as many as `keep` says of how many may be
/// hostile among the finite ones.
pub(super) fn weigh(
    finite: &Finite<'_>,
    hostile: usize,
    keep: impl FnOnce(usize) -> Result<usize, Error>,
    memory: &mut [f64],
    weights: &mut [f64],
) -> Result<(), Error> {
    let hostile = finite.hostile(hostile, 2, 3)?;
    let keep = keep(hostile)?;
    let (difference, memory) = parts(memory, finite.width());
    let (scores, others) = parts(memory, finite.len());
    krum_scores(finite, hostile, scores, others, difference);
    keep_lowest(scores, keep, weights);
    Ok(())
}
