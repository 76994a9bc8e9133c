//! Change alarms: a bet against the uniformity of p-values, in three numbers.
//!
//! The simple jumper bets that p-values are smaller than they should be, larger, or
//! neither, and moves a hundredth of its capital between the three at each step:
//! C_ε ← ((1 − J)·C_ε + (J/3)·C)·(1 + ε·(p − ½)) for ε ∈ {−1, 0, 1}, J = .01, C = ΣC_ε,
//! from C = 1. While p-values are independent and uniform, C is a martingale, so that the
//! probability that it *ever* reaches 1/α is at most α (Ville's inequality). The alarm
//! goes when it does, and the bet begins anew.
//!
//! *Holds* for exchangeable samples and sequential ranks of a scorer that does not learn;
//! for a scorer that learns in the stream the rate of false alarms must be measured.
//!
//! Source: Vovk, "Testing randomness online", Statistical Science 36 (2021).

use crate::state::{Body, Walk, slice};

/// The share of the capital that moves at each step.
const JUMP: f32 = 0.01;

/// Capital is at least this: what is lost below can be won again.
const LEAST: f32 = 1.0 / (1_u64 << 63) as f32;

/// Capital is at most this: what would be won beyond, where 1/α is larger, is not.
const MOST: f32 = (1_u128 << 100) as f32;

/// The capital of three bets.
///
/// ```
/// use gradsieve::statistics::Jumper;
///
/// let mut jumper = Jumper::NEW;
/// let alarms = (0..1000).filter(|i| jumper.bet((i * 37 % 100) as f32 / 100.0, 0.01)).count();
/// assert_eq!(alarms, 0);
/// // p-values that are too small by half.
/// let alarms = (0..1000).filter(|i| jumper.bet((i * 37 % 50) as f32 / 100.0, 0.01)).count();
/// assert!(alarms > 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jumper {
    /// C_ε for ε = −1 (small p-values win), 0, 1.
    capital: [f32; 3],
}

impl Jumper {
    /// Before the first bet.
    pub const NEW: Self = Self { capital: [1.0 / 3.0; 3] };

    /// Bets on a p-value. Returns whether the alarm goes at level `alpha`; the bet then
    /// begins anew.
    pub fn bet(&mut self, p: f32, alpha: f32) -> bool {
        let moved = JUMP / 3.0 * self.total();
        for (capital, epsilon) in self.capital.iter_mut().zip([-1.0_f32, 0.0, 1.0]) {
            *capital = ((1.0 - JUMP) * *capital + moved) * (1.0 + epsilon * (p - 0.5));
        }
        let total = self.total();
        if total * alpha >= 1.0 {
            *self = Self::NEW;
            return true;
        }
        let held = total.clamp(LEAST, MOST);
        if held != total {
            self.capital.iter_mut().for_each(|capital| *capital *= held / total);
        }
        false
    }

    /// C: at least 1/α is an alarm.
    #[must_use]
    pub fn total(&self) -> f32 {
        let [small, none, large] = self.capital;
        small + none + large
    }
}

impl Body for Jumper {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), crate::Error> {
        walk.records(slice!(capital), 0..3, |cursor, capital| {
            cursor.number(capital)?;
            cursor.require(*capital > 0.0 && *capital <= 2.0 * MOST, crate::Error::Corrupt)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capital_stays_between_its_bounds() {
        let mut jumper = Jumper::NEW;
        for p in [0.0, 1.0, 0.5] {
            // No level is so small that capital could ever reach its inverse.
            (0..2000).for_each(|_| assert!(!jumper.bet(p, 0.0)));
            let total = jumper.total();
            assert!((0.99 * LEAST..=1.01 * MOST).contains(&total), "{total}");
            assert!(jumper.capital.iter().all(|capital| *capital > 0.0));
        }
    }
}
