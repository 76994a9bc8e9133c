//! Multi-Krum: the mean of the clients with the m lowest of Krum's scores.
//!
//! All n − f that could be honest are kept unless a setting says fewer. The paper's proof
//! wants fewer: the mean of n − f holds what the hostile clients among them bring.
//!
//! *Known holes*: those of [`Krum`](super::Krum). Hostile updates nearer to each other
//! than honest ones are, as those of ALIE, inner-product manipulation and Min-Max, are
//! kept, and honest ones dropped for them.
//!
//! Source: Blanchard, El Mhamdi, Guerraoui & Stainer, NIPS 2017.
//!
//! *Memory*: K + 2n `f64`. *Cost*: n²·K multiply–adds, n² log n comparisons.

use super::Rule;
use super::krum::{Krum, weigh};
use super::round::{Finite, RoundSettings};
use crate::error::Error;
use crate::memory::Memory;

/// Keeps the clients in the densest places.
///
/// ```
/// use gradsieve::clients::{MultiKrum, RoundSettings};
///
/// const RULE: MultiKrum = MultiKrum { hostile: 6, keep: None };
/// const ROUND: RoundSettings = RoundSettings { clients: 20, width: 512 };
/// assert_eq!(RULE.memory(&ROUND).f64s, 512 + 2 * 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct MultiKrum {
    /// f: how many clients may be hostile. There are to be 2f + 3 at least.
    pub hostile: usize,
    /// m: how many are kept; none keeps n − f.
    pub keep: Option<usize>,
}

impl MultiKrum {
    /// What a call needs for such a round: K + 2n `f64s`.
    #[must_use]
    pub const fn memory(&self, round: &RoundSettings) -> Memory {
        Krum { hostile: self.hostile }.memory(round)
    }
}

impl Rule for MultiKrum {
    fn needs(&self, round: &RoundSettings) -> Memory {
        self.memory(round)
    }

    fn weigh_finite(
        &self,
        finite: &Finite<'_>,
        memory: &mut [f64],
        weights: &mut [f64],
    ) -> Result<(), Error> {
        let keep = |hostile| {
            let keep = self.keep.unwrap_or(finite.len().saturating_sub(hostile));
            let is_possible = (1..=finite.len()).contains(&keep);
            let expected = "at least 1, and at most the clients whose updates are finite";
            is_possible.then_some(keep).ok_or(Error::Setting { name: "keep", expected })
        };
        weigh(finite, self.hostile, keep, memory, weights)
    }
}
