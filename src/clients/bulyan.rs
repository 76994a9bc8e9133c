//! Bulyan's selection: n − 2f times the client that Krum takes of those that are left.
//!
//! Of r clients left, a score sums the distances to the r − f − 2 that are nearest, to
//! one at least. The published rule then trims each coordinate of the selected updates
//! to the n − 4f values nearest its median. No sketch can do that: its coordinates are
//! not the updates'. *So this is the first half of Bulyan*, and the bound on single
//! coordinates that its second half gives is not there.
//!
//! *Known holes*: those of [`Krum`](super::Krum), though fewer clients are kept. And the
//! last is picked of 2f + 1, where f colluders are as near to each other as others are:
//! some of them can be kept, which trimming would outvote.
//!
//! Source: El Mhamdi, Guerraoui & Rouault, ICML 2018.
//!
//! *Memory*: n² + K + 2n `f64`. *Cost*: n²·K multiply–adds, n³ log n comparisons.

use super::Rule;
use super::round::{Finite, RoundSettings, parts, squared_distances};
use super::scores::{keep_next, sum_of_smallest};
use crate::error::Error;
use crate::memory::Memory;
use gradsieve_kernels::Certain;

/// Keeps n − 2f clients, each the one in the densest place of those that were left.
///
/// ```
/// use gradsieve::clients::{Bulyan, RoundSettings};
///
/// const RULE: Bulyan = Bulyan { hostile: 4 };
/// const ROUND: RoundSettings = RoundSettings { clients: 20, width: 64 };
/// assert_eq!(RULE.memory(&ROUND).f64s, 400 + 64 + 2 * 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Bulyan {
    /// f: how many clients may be hostile. There are to be 4f + 3 at least.
    pub hostile: usize,
}

impl Bulyan {
    /// What a call needs for such a round: n² + K + 2n `f64s`.
    #[must_use]
    pub const fn memory(&self, round: &RoundSettings) -> Memory {
        round.f64s(1, 1, 2)
    }
}

impl Rule for Bulyan {
    fn needs(&self, round: &RoundSettings) -> Memory {
        self.memory(round)
    }

    fn weigh_finite(
        &self,
        finite: &Finite<'_>,
        memory: &mut [f64],
        weights: &mut [f64],
    ) -> Result<(), Error> {
        let n = finite.len();
        let hostile = finite.hostile(self.hostile, 4, 3)?;
        let keep = n.saturating_sub(2 * hostile);
        let (distances, memory) = parts(memory, n.saturating_mul(n));
        let (scores, memory) = parts(memory, n);
        let (others, memory) = parts(memory, n);
        squared_distances(finite, distances, parts(memory, finite.width()).0);
        weights.fill(0.0);
        for left in (1..=n).rev().take(keep) {
            let near = left.saturating_sub(hostile.saturating_add(2)).max(1);
            let rows = distances.chunks_exact(n.max(1)).enumerate().zip(scores.iter_mut());
            for ((i, row), score) in rows {
                let open = row.iter().zip(&*weights).enumerate();
                let open = open.filter(|&(j, (_, &weight))| j != i && weight == 0.0);
                let mut count = 0;
                for ((_, (distance, _)), to) in open.zip(others.iter_mut()) {
                    *to = *distance;
                    count += 1;
                }
                *score = sum_of_smallest(others.get_mut(..count).certain(), near);
            }
            keep_next(scores, 1.0 / keep as f64, weights);
        }
        Ok(())
    }
}
