//! How many samples a sieve has seen, and of what kind.

use crate::error::Error;
use crate::state::{Walk, place};

/// What flags that are not learnt may come to before some are: each counts three, and
/// each sample that is learnt takes one away.
const REFUSED: u32 = 192;

/// For how many samples flagged ones are learnt then.
const CATCH_UP: u32 = 256;

/// Numbers of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// Observed, those that are not finite among them.
    pub(super) seen: u64,
    pub(super) flagged: u64,
    pub(super) non_finite: u64,
    /// Whose score was counted.
    pub(super) scored: u64,
    /// In the ring, those that it has lost among them.
    pub(super) recent: u64,
    /// What finite samples count, and those of zero among them.
    pub(super) weight: u64,
    pub(super) zeros: u64,
    /// Flags that were not learnt, three for each, less one for each sample that was.
    refused: u32,
    /// For how many samples more flagged ones are learnt.
    catch_up: u32,
}

impl Counts {
    /// None yet.
    pub(super) const NONE: Self = Self {
        seen: 0,
        flagged: 0,
        non_finite: 0,
        scored: 0,
        recent: 0,
        weight: 0,
        zeros: 0,
        refused: 0,
        catch_up: 0,
    };

    /// Whether a sample is learnt, and whether flagged ones are from here on.
    pub(super) const fn learns(&mut self, refuses: bool) -> (bool, bool) {
        if self.catch_up > 0 {
            self.catch_up -= 1;
            return (true, false);
        }
        if !refuses {
            self.refused = self.refused.saturating_sub(1);
            return (true, false);
        }
        self.refused += 3;
        if self.refused >= REFUSED {
            (self.refused, self.catch_up) = (0, CATCH_UP);
            return (true, true);
        }
        (false, false)
    }

    /// Takes in those of another state, but for what belongs to one stream alone.
    pub(super) fn merge(&mut self, other: Self) {
        let pairs = [
            (&mut self.seen, other.seen),
            (&mut self.flagged, other.flagged),
            (&mut self.non_finite, other.non_finite),
            (&mut self.scored, other.scored),
            (&mut self.weight, other.weight),
            (&mut self.zeros, other.zeros),
        ];
        pairs.into_iter().for_each(|(own, other)| *own = own.saturating_add(other));
        (self.recent, self.refused, self.catch_up) = (0, 0, 0);
    }

    /// Walks over them. Returns how many samples were observed.
    pub(super) fn walk(walk: &mut Walk<'_, '_, Self>) -> Result<u64, Error> {
        let seen = walk.number(place!(seen))?;
        walk.number(place!(flagged))?;
        walk.number(place!(non_finite))?;
        walk.number(place!(scored))?;
        walk.number(place!(recent))?;
        walk.number(place!(weight))?;
        walk.number(place!(zeros))?;
        let refused = walk.number(place!(refused))?;
        let catch_up = walk.number(place!(catch_up))?;
        walk.require(refused < REFUSED && catch_up <= CATCH_UP, Error::Corrupt)?;
        Ok(seen)
    }
}
