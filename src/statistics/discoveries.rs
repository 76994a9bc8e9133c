//! Decisions at a false-discovery rate, in the stream, whatever the p-values depend on.
//!
//! Sample *t* is flagged if its e-value is at least 1/α_t, where α_t = α·γ_t·(R + 1), R
//! counts the flags so far and Σγ_t ≤ 1. The e-value of a p-value is ½·p^(−½), so the
//! flag goes up where p ≤ α_t²/4. Then the expected share of false flags among all flags
//! is at most α at every time, under any dependence.
//!
//! γ_t = c/((t + 1)·ln²(t + 1)) falls as slowly as a summable sequence may. What that
//! price buys is dear: at α = .1 the first sample needs p ≤ 4·10⁻⁴, the thousandth after
//! ten flags 10⁻¹¹. Ranks among n scores do not go below 1/(n + 1): see what
//! [`Sieve`](crate::Sieve) does about it.
//!
//! Source: Xu & Ramdas, "Online multiple testing with e-values" (AISTATS 2024).

use crate::error::Error;
use crate::state::{Body, Walk, place};

/// 1/Σ_{n ≥ 2} 1/(n·ln²n), rounded down: the sum is 2.10974….
const SHARE: f64 = 0.4739;

/// e-LOND: which samples are flagged at a false-discovery rate.
///
/// ```
/// use gradsieve::statistics::Discoveries;
///
/// let mut discoveries = Discoveries::new(0.1)?;
/// assert!(!discoveries.decide(0.01));
/// assert!(discoveries.decide(1e-6));
/// assert_eq!((discoveries.decisions(), discoveries.flagged()), (2, 1));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Discoveries {
    alpha: f32,
    decisions: u64,
    flagged: u64,
}

impl Discoveries {
    /// Nothing decided yet, at rate `alpha`.
    ///
    /// # Errors
    /// [`Error::Setting`] if the rate is not between 0 and 1.
    pub const fn new(alpha: f32) -> Result<Self, Error> {
        if alpha > 0.0 && alpha < 1.0 {
            Ok(Self { alpha, decisions: 0, flagged: 0 })
        } else {
            Err(Error::Setting { name: "false_discoveries", expected: "above 0 and below 1" })
        }
    }

    /// α_t of the next decision.
    #[must_use]
    pub fn level(&self) -> f64 {
        let next = self.decisions as f64 + 2.0;
        let log = libm::log(next);
        f64::from(self.alpha) * SHARE / (next * log * log) * (self.flagged as f64 + 1.0)
    }

    /// Decides on a p-value: whether it is flagged.
    pub fn decide(&mut self, p: f64) -> bool {
        let flagged = self.would_flag(p);
        self.count(flagged);
        flagged
    }

    /// What would be decided.
    pub(crate) fn would_flag(&self, p: f64) -> bool {
        let level = self.level();
        4.0 * p <= level * level
    }

    /// Counts a decision.
    pub(crate) fn count(&mut self, flagged: bool) {
        self.decisions = self.decisions.saturating_add(1);
        self.flagged = self.flagged.saturating_add(u64::from(flagged));
    }

    /// Takes in the decisions of another stream.
    pub(crate) const fn merge(&mut self, other: Self) {
        self.decisions = self.decisions.saturating_add(other.decisions);
        self.flagged = self.flagged.saturating_add(other.flagged);
    }

    /// Nothing decided yet.
    pub(crate) const fn reset(&mut self) {
        (self.decisions, self.flagged) = (0, 0);
    }

    /// Decisions so far.
    #[must_use]
    pub const fn decisions(&self) -> u64 {
        self.decisions
    }

    /// How many of them were flags.
    #[must_use]
    pub const fn flagged(&self) -> u64 {
        self.flagged
    }
}

impl Body for Discoveries {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.own_setting(walk.state().alpha.to_bits())?;
        walk.zeros(4)?;
        let decisions = walk.number(place!(decisions))?;
        let flagged = walk.number(place!(flagged))?;
        walk.require(flagged <= decisions, Error::Corrupt)
    }
}
