//! What clean scores look like, by the central part of all of them: a score that a stated
//! share of clean samples lies above.
//!
//! A shifted lognormal, which a normal distribution is the limit of, is laid through
//! twelve quantiles between the 30 % and the 75 % quantile. What it holds for unlikely
//! (p ≤ 0.005) is left out, and it is laid through those from 30 % to 90 % of the rest,
//! six times. So the largest scores say nothing about what is usual, as long as they are
//! few. A tail fitted to the excesses over a central quantile, and drawn out from there,
//! was tried and flagged 1.5 to 40 times the rate.

use libm::{erfc, exp, expm1, log, sqrt};

/// Scores that a calibration needs.
pub(super) const LEAST: usize = 50;

/// A distribution of clean scores: a score is middle + scale·(e^(skew·z) − 1)/skew, z
/// standard normal.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Calibration {
    middle: f64,
    scale: f64,
    skew: f64,
}

impl Calibration {
    /// The distribution of the finite scores; none if they are fewer than [`LEAST`], or
    /// if those in the middle are equal.
    pub(in crate::commands) fn fit(scores: &[f64]) -> Option<Self> {
        /// What is less likely is left out.
        const UNLIKELY: f64 = 0.005;
        const TIMES: usize = 6;
        let mut sorted: Vec<f64> = scores.iter().copied().filter(|score| score.is_finite()).collect();
        if sorted.len() < LEAST {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let mut fitted = Self::lay(&sorted, 0.75, 1.0)?;
        for _ in 0..TIMES {
            let most = fitted.threshold(UNLIKELY);
            let likely = sorted.partition_point(|&score| score <= most);
            fitted = Self::lay(sorted.get(..likely)?, 0.9, 1.0 - UNLIKELY)?;
        }
        Some(fitted)
    }

    /// Through the quantiles from 30 % to `to` of sorted scores, which are the lower
    /// share `whole` of the distribution.
    fn lay(sorted: &[f64], to: f64, whole: f64) -> Option<Self> {
        const POINTS: usize = 12;
        let level = |i: usize| 0.3 + (to - 0.3) * i as f64 / (POINTS - 1) as f64;
        let points: [(f64, f64); POINTS] =
            std::array::from_fn(|i| (normal_quantile(whole * level(i)), quantile(sorted, level(i))));
        let (_, first) = points[0];
        let (_, last) = points[POINTS - 1];
        // In units in which no sum of squares leaves the range.
        let unit = last - first;
        if !(unit > 0.0 && unit.is_finite()) {
            return None;
        }
        let points = points.map(|(z, score)| (z, (score - first) / unit));
        let fits = (-40..=60).filter_map(|twentieths| {
            let (fitted, residual) = Self::through(&points, f64::from(twentieths) / 20.0);
            (fitted.scale > 0.0).then_some((fitted, residual))
        });
        let (best, _) = fits.min_by(|(_, one), (_, other)| one.total_cmp(other))?;
        Some(Self { middle: first + unit * best.middle, scale: unit * best.scale, ..best })
    }

    /// The best of one skew by least squares, residuals in units of z, and their sum.
    fn through(points: &[(f64, f64)], skew: f64) -> (Self, f64) {
        let weighed = || points.iter().map(|&(z, y)| (exp(-2.0 * skew * z), grown(skew, z), y));
        let total: f64 = weighed().map(|(w, ..)| w).sum();
        let x_mean = weighed().map(|(w, x, _)| w * x).sum::<f64>() / total;
        let y_mean = weighed().map(|(w, _, y)| w * y).sum::<f64>() / total;
        let products: f64 = weighed().map(|(w, x, y)| w * (x - x_mean) * (y - y_mean)).sum();
        let squares: f64 = weighed().map(|(w, x, _)| w * (x - x_mean) * (x - x_mean)).sum();
        let scale = products / squares;
        let middle = y_mean - scale * x_mean;
        let residual = weighed()
            .map(|(w, x, y)| {
                let off = (y - middle - scale * x) / scale;
                w * off * off
            })
            .sum();
        (Self { middle, scale, skew }, residual)
    }

    /// The score that this share of clean samples lies above.
    pub(super) fn threshold(&self, rate: f64) -> f64 {
        self.middle + self.scale * grown(self.skew, normal_quantile(1.0 - rate))
    }

    /// The share of clean samples that lies above a score.
    pub(in crate::commands) fn p_value(&self, score: f64) -> f64 {
        let grown = (score - self.middle) / self.scale;
        let z = if self.skew == 0.0 {
            grown
        } else {
            let within = 1.0 + self.skew * grown;
            if within > 0.0 { log(within) / self.skew } else { f64::INFINITY.copysign(-self.skew) }
        };
        0.5 * erfc(z / sqrt(2.0))
    }
}

/// (e^(skew·z) − 1)/skew, and z in the limit.
fn grown(skew: f64, z: f64) -> f64 {
    if skew == 0.0 { z } else { expm1(skew * z) / skew }
}

/// A quantile of sorted scores, between two of them their linear interpolation.
fn quantile(sorted: &[f64], level: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = level * last as f64;
    let (whole, part) = (place as usize, place.fract());
    let (one, next) = (sorted[whole], sorted[(whole + 1).min(last)]);
    one + part * (next - one)
}

/// Below which z a share of a standard normal lies, by bisection.
fn normal_quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..80 {
        let z = 0.5 * (low + high);
        if 0.5 * erfc(-z / sqrt(2.0)) < share { low = z } else { high = z }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles of a distribution, of which a share is replaced by far larger scores.
    fn scores(of: impl Fn(f64) -> f64, outliers: usize) -> Vec<f64> {
        const COUNT: usize = 2000;
        let score = |i: usize| of(normal_quantile((i as f64 + 0.5) / COUNT as f64));
        let far = 3.0 * score(COUNT - 1);
        (0..COUNT).map(|i| if i < outliers { far + i as f64 } else { score(i * 773 % COUNT) }).collect()
    }

    #[test]
    fn normal_and_lognormal_scores_have_their_quantiles_with_and_without_outliers() {
        let shapes: [fn(f64) -> f64; 3] = [|z| z + 10.0, |z| exp(0.5 * z), |z| 1e-30 * exp(1.5 * z)];
        for of in shapes {
            for outliers in [0, 60] {
                let fitted = Calibration::fit(&scores(of, outliers)).unwrap();
                for (rate, z) in [(0.05, 1.6449), (0.01, 2.3263), (0.001, 3.0902)] {
                    let p = fitted.p_value(of(z));
                    assert!(p > 0.4 * rate && p < 2.0 * rate, "{rate}: {p} with {outliers} outliers");
                    let again = fitted.p_value(fitted.threshold(rate));
                    assert!((again / rate - 1.0).abs() < 1e-6, "{again} for {rate}");
                }
            }
        }
    }

    #[test]
    fn few_scores_and_equal_ones_are_not_calibrated() {
        assert!(Calibration::fit(&scores(|z| z, 0)[..LEAST - 1]).is_none());
        assert!(Calibration::fit(&[1.0; 100]).is_none());
    }
}
