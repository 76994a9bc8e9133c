//! How much one observation may move a statistic: what is longer than a multiple of the
//! running median of norms counts as if it were as long as that.
//!
//! The median is that of a histogram of ⌊log₂ ‖φ‖²⌋ over the observations so far, and
//! stands at its bin's upper edge: it is up to √2 above the true one, and up to 2√2 where
//! norms are beyond 2^±32. Zero rows do not count. Half of the rows may be as long as
//! they like before the limit leaves the ordinary ones.
//!
//! *Memory*: 1 KiB. *Cost*: the median's rank is kept up to date, so an observation moves
//! it by a bin at most, as a rule.

use crate::error::Error;
use crate::statistics::Clock;
use core::fmt::Debug;

/// Bins of the histogram.
const BINS: usize = 256;

/// The exponents of squared norms that have a bin each: 2⁻⁶⁴ to 2⁶³.
const FINE: i32 = 64;

/// How many exponents share a bin beyond, down to 2⁻²⁵⁶ and up to 2²⁵⁵.
const COARSE: i32 = 3;

/// Observations before the median is trusted.
const ENOUGH: u64 = 16;

/// What a method keeps of the norms of its observations: all that a clip needs
/// ([`Norms`]), or nothing ([`Unclipped`]).
///
/// ```
/// use gradsieve::moments::{Clip, Norms, Unclipped};
///
/// assert!(size_of::<Norms>() > 1024 && size_of::<Unclipped>() == 0);
/// assert!(Unclipped::NONE.norms_mut().is_none());
/// ```
pub trait Clip: Clone + Debug {
    /// Nothing observed yet.
    const NONE: Self;

    /// The norms, if they are kept.
    fn norms(&self) -> Option<&Norms>;

    /// The norms, if they are kept.
    fn norms_mut(&mut self) -> Option<&mut Norms>;
}

/// A method that takes rows as they are, and keeps nothing of their norms. Its example is
/// that of [`Clip`].
#[derive(Clone, Copy, Debug)]
pub struct Unclipped;

impl Clip for Unclipped {
    const NONE: Self = Self;

    fn norms(&self) -> Option<&Norms> {
        None
    }

    fn norms_mut(&mut self) -> Option<&mut Norms> {
        None
    }
}

/// The norms so far, each counting what the clock says: a histogram of their squares, and
/// where its median is. Its example is that of [`Clip`].
#[derive(Clone, Debug)]
pub struct Norms {
    counts: [u32; BINS],
    /// All counts.
    total: u64,
    /// The bin of the median: the first up to which half of the rows lie.
    middle: usize,
    /// The counts of the bins before it.
    below: u64,
}

impl Clip for Norms {
    const NONE: Self = Self { counts: [0; BINS], total: 0, middle: 0, below: 0 };

    fn norms(&self) -> Option<&Norms> {
        Some(self)
    }

    fn norms_mut(&mut self) -> Option<&mut Norms> {
        Some(self)
    }
}

impl Norms {
    /// Bytes at rest.
    pub(crate) const BYTES: usize = 4 * BINS;

    /// How many rows had a norm in each bin.
    pub(crate) const fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// The same, to be loaded; [`rank`](Self::rank) then finds the median.
    pub(crate) const fn counts_mut(&mut self) -> &mut [u32] {
        &mut self.counts
    }

    /// Takes in the squared norm of a row. Returns whether there is a median now that
    /// there was not, or that is below the one before: what entered by the old one may
    /// then be too long.
    pub(crate) fn observe(&mut self, squared_norm: f64, clock: Clock) -> bool {
        if squared_norm <= 0.0 {
            return false;
        }
        let bin = bin(squared_norm);
        let before = self.median(clock);
        for count in self.counts.iter_mut().skip(bin).take(1) {
            // 2³² rows of one bin are enough to know it by.
            let more = clock.weight().min(u32::MAX - *count);
            *count += more;
            self.total += u64::from(more);
            self.below += if bin < self.middle { u64::from(more) } else { 0 };
        }
        self.settle();
        match (before, self.median(clock)) {
            (Some(before), Some(now)) => now < before,
            (None, now) => now.is_some(),
            (Some(_), None) => false,
        }
    }

    /// Halves all counts, so many times.
    pub(crate) fn halve(&mut self, times: u32) {
        if times > 0 {
            self.counts.iter_mut().for_each(|count| *count = count.checked_shr(times).unwrap_or(0));
            self.rank();
        }
    }

    /// Takes in all that another has.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*other);
        }
        self.rank();
    }

    /// Finds the median anew.
    pub(crate) fn rank(&mut self) {
        self.total = self.counts.iter().map(|&count| u64::from(count)).sum();
        (self.middle, self.below) = (0, 0);
        self.settle();
    }

    /// Moves to the bin of the median from one that is near.
    fn settle(&mut self) {
        let count = |bin: usize| self.counts.get(bin).map_or(0, |&count| u64::from(count));
        while self.middle > 0 && 2 * self.below >= self.total {
            self.middle -= 1;
            self.below -= count(self.middle);
        }
        while self.middle < BINS - 1 && 2 * (self.below + count(self.middle)) < self.total {
            self.below += count(self.middle);
            self.middle += 1;
        }
    }

    /// The largest trace that rows of these norms, none of them above the limit, can
    /// have.
    pub(crate) fn most(&self, limit: f64, clock: Clock) -> f64 {
        let trace: f64 = self.bins().map(|(bin, count)| count as f64 * libm::fmin(edge(bin), limit)).sum();
        trace / f64::from(clock.unit())
    }

    /// The bins in which there are rows, and how many.
    fn bins(&self) -> impl Iterator<Item = (usize, u64)> {
        let bins = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        bins.map(|(bin, &count)| (bin, u64::from(count)))
    }

    /// The square of the median; none while there are too few rows, or where it lies
    /// beyond the bins.
    pub(crate) fn median(&self, clock: Clock) -> Option<f64> {
        let is_inside = self.middle > 0 && self.middle < BINS - 1;
        let enough = ENOUGH * u64::from(clock.weight());
        (self.total >= enough && is_inside).then(|| edge(self.middle))
    }

    /// The largest squared norm that a row may have, `factor` times the median's; none
    /// where there is no median.
    pub(crate) fn limit(&self, factor: f32, clock: Clock) -> Option<f64> {
        self.median(clock).map(|median| f64::from(factor) * f64::from(factor) * median)
    }
}

/// Refuses a factor that no clip can have.
pub(crate) const fn check(clip: Option<f32>) -> Result<(), Error> {
    match clip {
        Some(factor) if !factor.is_finite() || factor < 1.0 => {
            Err(Error::Setting { name: "clip", expected: "finite and at least 1, or none" })
        }
        _ => Ok(()),
    }
}

/// The bin of a positive squared norm; what lies beyond stands in the first or the last.
fn bin(squared_norm: f64) -> usize {
    let exponent = exponent(squared_norm);
    let beyond = exponent - exponent.clamp(-FINE, FINE - 1);
    // Towards the outside: a part of a bin is one.
    let bins = if beyond < 0 { -((COARSE - 1 - beyond) / COARSE) } else { (beyond + COARSE - 1) / COARSE };
    let place = exponent - beyond + bins + BINS as i32 / 2;
    place.clamp(0, BINS as i32 - 1) as usize
}

/// The upper edge of a bin.
fn edge(bin: usize) -> f64 {
    let place = bin as i32 - BINS as i32 / 2;
    let beyond = place - place.clamp(-FINE, FINE - 1);
    // The lower outer bins end where the one before them begins.
    two_to(place - beyond + COARSE * beyond + if beyond < 0 { COARSE } else { 1 })
}

/// ⌊log₂ x⌋ of a normal, positive number.
pub(super) const fn exponent(x: f64) -> i32 {
    (x.to_bits() >> 52) as i32 - 1023
}

/// 2ⁿ of an n from −1022 to 1023.
pub(super) const fn two_to(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bin of the median, by its definition.
    fn middle(norms: &Norms) -> usize {
        let mut below = 0;
        let up_to = |&count: &u32| {
            below += u64::from(count);
            2 * below >= norms.total
        };
        norms.counts.iter().position(up_to).unwrap_or_default()
    }

    #[test]
    fn the_median_is_kept_up_to_date() {
        let (mut norms, mut word) = (Norms::NONE, 1_u64);
        let clock = Clock::new(None).unwrap();
        for i in 0..3000 {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Clusters that come and go, so that the median jumps over empty bins.
            let exponent = (word >> 60) as i32 + [-240, 0, 30, 200][i / 500 % 4];
            let (before, moved) = (norms.median(clock), norms.observe(1.5 * two_to(exponent), clock));
            assert_eq!(norms.middle, middle(&norms));
            let fell = norms.median(clock).is_some_and(|now| before.is_none_or(|before| now < before));
            assert_eq!(moved, fell);
            if i % 100 == 0 {
                norms.merge(&norms.clone());
                assert_eq!(norms.middle, middle(&norms));
            }
        }
    }

    #[test]
    fn every_squared_norm_lies_in_its_bin() {
        for exponent in -256..256 {
            let bin = bin(two_to(exponent));
            assert!(edge(bin) > two_to(exponent) && bin < BINS, "{exponent}");
            assert!(bin == 0 || edge(bin - 1) <= two_to(exponent), "{exponent}");
        }
        assert_eq!((bin(two_to(-1000)), bin(two_to(1000))), (0, BINS - 1));
    }
}
