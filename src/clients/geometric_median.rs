//! The geometric median: the point z with the least sum of distances Σ ‖xᵢ − z‖, as a
//! weighted mean of the updates.
//!
//! Weiszfeld's iteration: z = Σ wᵢ·xᵢ, then wᵢ ∝ 1/max(‖xᵢ − z‖, ν), until no weight
//! moves by more than 10⁻⁹. It begins at the mean of the half of the clients that are
//! nearest to the one with the least sum of distances, so that a few updates of any
//! length cost no steps. ν is a millionth of the distance within which that half lies: a
//! relative one, so that the weights do not depend on the unit of the updates. If half
//! of the clients agree exactly they are the median, with equal weights.
//!
//! Every finite client has a weight above 0. *Known holes*: fewer than half of the
//! clients move the median by a bounded amount, not by none. If they agree (sign flips,
//! inner-product manipulation, Min-Max) it moves as far as the spread of the honest
//! ones, and the sketch's median is then furthest from the whole updates' one.
//!
//! Source: Weiszfeld 1937; Pillutla, Kakade & Harchaoui, "Robust aggregation for
//! federated learning", 2019 (with equal weights for all clients, and ν absolute).
//!
//! *Memory*: 2K + 2n `f64`. *Cost*: n²·K multiply–adds, then 2n·K a step.

use super::Rule;
use super::round::{Finite, RoundSettings, parts, squared_distance};
use super::scores::lowest;
use crate::error::Error;
use crate::memory::Memory;
use gradsieve_kernels::Certain;
use gradsieve_kernels::double::{axpy, dot};

/// When the weights count as found.
const STILL: f64 = 1e-9;

/// ν, in distances of the nearer half.
const SMOOTHING: f64 = 1e-6;

/// Weighs clients by the geometric median.
///
/// ```
/// use gradsieve::clients::{GeometricMedian, RoundSettings};
///
/// const RULE: GeometricMedian = GeometricMedian::new();
/// const ROUND: RoundSettings = RoundSettings { clients: 20, width: 64 };
/// assert_eq!(RULE.memory(&ROUND).f64s, 2 * 64 + 2 * 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct GeometricMedian {
    /// Steps after which it is given up. Tens are usual, thousands where the median is
    /// all but one of the updates.
    pub steps: u32,
}

impl GeometricMedian {
    /// At most 10,000 steps.
    #[must_use]
    pub const fn new() -> Self {
        Self { steps: 10_000 }
    }

    /// What a call needs for such a round: 2K + 2n `f64s`.
    #[must_use]
    pub const fn memory(&self, round: &RoundSettings) -> Memory {
        round.f64s(0, 2, 2)
    }
}

impl Default for GeometricMedian {
    fn default() -> Self {
        Self::new()
    }
}

impl Rule for GeometricMedian {
    fn needs(&self, round: &RoundSettings) -> Memory {
        self.memory(round)
    }

    /// [`Error::NotSolved`] after so many steps.
    fn weigh_finite(
        &self,
        finite: &Finite<'_>,
        memory: &mut [f64],
        weights: &mut [f64],
    ) -> Result<(), Error> {
        let (centre, memory) = parts(memory, finite.width());
        let (difference, memory) = parts(memory, finite.width());
        let (distances, sums) = parts(memory, finite.len());
        let radius = begin(finite, weights, distances, sums, difference);
        if radius == 0.0 {
            return Ok(());
        }
        for _ in 0..self.steps {
            centre.fill(0.0);
            for (row, &weight) in finite.rows().zip(&*weights) {
                axpy(weight, row, centre).certain();
            }
            for (row, to) in finite.rows().zip(distances.iter_mut()) {
                for ((to, x), z) in difference.iter_mut().zip(row).zip(&*centre) {
                    *to = f64::from(*x) - z;
                }
                let distance = libm::sqrt(dot(difference, difference).certain());
                // Near 1, so that no reciprocal leaves its range.
                *to = radius / libm::fmax(distance, SMOOTHING * radius);
            }
            let sum: f64 = distances.iter().sum();
            let mut moved = 0.0;
            for (weight, inverse) in weights.iter_mut().zip(&*distances) {
                let next = inverse / sum;
                moved = libm::fmax(moved, (next - *weight).abs());
                *weight = next;
            }
            if moved <= STILL {
                return Ok(());
            }
        }
        Err(Error::NotSolved)
    }
}

/// Gives the half of the clients that are nearest to the one with the least sum of
/// distances equal weights, and returns within which distance of it they lie.
fn begin(
    finite: &Finite<'_>,
    weights: &mut [f64],
    distances: &mut [f64],
    sums: &mut [f64],
    difference: &mut [f64],
) -> f64 {
    for (x, sum) in finite.rows().zip(sums.iter_mut()) {
        *sum = finite.rows().map(|y| libm::sqrt(squared_distance(x, y, difference))).sum();
    }
    let sums = sums.get(..finite.len()).certain();
    let medoid = lowest(sums, |_| true).and_then(|place| finite.rows().nth(place)).certain();
    for (row, to) in finite.rows().zip(distances.iter_mut()) {
        *to = libm::sqrt(squared_distance(row, medoid, difference));
    }
    // The distance that so many do not exceed.
    let half = finite.len().div_ceil(2);
    let within = |radius: f64| distances.iter().filter(|&&distance| distance <= radius).count();
    let radii = distances.iter().copied().filter(|&radius| within(radius) >= half);
    let radius = radii.reduce(f64::min).certain();
    let share = 1.0 / within(radius).max(1) as f64;
    for (weight, &distance) in weights.iter_mut().zip(&*distances) {
        *weight = if distance <= radius { share } else { 0.0 };
    }
    radius
}
