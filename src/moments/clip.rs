//! How much one observation may move a second moment: a row longer than a multiple of
//! the running median of norms is scaled down to that.
//!
//! The median is that of a histogram of ⌊log₂ ‖φ‖²⌋ over the observations so far, and
//! stands at its bin's upper edge: it is up to √2 above the true one. Zero rows do not
//! count. Half of the rows may be as long as they like before the limit leaves the
//! ordinary ones.

/// Squared norms from 2⁻¹²⁸ to 2¹²⁷; what lies beyond stands in the first bin or the
/// last.
const BINS: usize = 256;
const MIDDLE: i32 = 128;

/// Observations before the median is trusted.
const ENOUGH: u64 = 16;

/// The norms so far.
#[derive(Clone, Debug)]
pub(super) struct Norms {
    pub(super) counts: [u32; BINS],
}

impl Norms {
    /// Bytes at rest.
    pub(super) const BYTES: usize = 4 * BINS;

    /// None yet.
    pub(super) const fn new() -> Self {
        Self { counts: [0; BINS] }
    }

    /// Takes in the squared norm of a row.
    pub(super) fn observe(&mut self, squared_norm: f64) {
        if squared_norm > 0.0 {
            let bin = (exponent(squared_norm) + MIDDLE).clamp(0, BINS as i32 - 1);
            self.counts
                .iter_mut()
                .skip(bin as usize)
                .take(1)
                .for_each(|count| *count = count.saturating_add(1));
        }
    }

    /// Takes in all that another has.
    pub(super) fn merge(&mut self, other: &Self) {
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*other);
        }
    }

    /// The largest trace that rows of these norms, none of them above the limit, can
    /// have.
    pub(super) fn most(&self, limit: f64) -> f64 {
        let bins = (0..).zip(&self.counts);
        bins.map(|(bin, &count)| f64::from(count) * libm::fmin(two_to(bin - MIDDLE + 1), limit)).sum()
    }

    /// The largest squared norm that a row may have, `factor` times the median's; none
    /// while there are too few rows, or where the median lies beyond the bins.
    pub(super) fn limit(&self, factor: f32) -> Option<f64> {
        let total: u64 = self.counts.iter().map(|&count| u64::from(count)).sum();
        let mut below = 0;
        let bin = self.counts.iter().position(|&count| {
            below += u64::from(count);
            2 * below >= total
        })?;
        let is_inside = bin > 0 && bin < BINS - 1;
        let edge = two_to(bin as i32 - MIDDLE + 1);
        (total >= ENOUGH && is_inside).then_some(f64::from(factor) * f64::from(factor) * edge)
    }
}

/// ⌊log₂ x⌋ of a normal, positive number.
pub(super) const fn exponent(x: f64) -> i32 {
    (x.to_bits() >> 52) as i32 - 1023
}

/// 2ⁿ of an n from −1022 to 1023.
pub(super) const fn two_to(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}
