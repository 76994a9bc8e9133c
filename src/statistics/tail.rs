//! The tail of a stream's scores: a generalised Pareto distribution, fitted to how far
//! the m largest lie above the least of them.
//!
//! P(score > s) ≈ (m/n)·(1 + ξ·(s − u)/σ)^(−1/ξ) for s above the threshold u; so scores
//! beyond all that were seen get a p-value, and rates below 1/n a threshold, within
//! limits: [`Tail::quantile`] refuses rates below 1/(10·n), and [`Tail::interval`] says
//! how far to trust it.
//!
//! The fit is that of Zhang & Stephens: a quasi-Bayesian mean over 30 + ⌊√m⌋ values of
//! θ = −ξ/σ, without roots or iterations. It is free of scale: scores of 10⁻¹² have the
//! same ξ as scores of 1. [`TopK`](crate::store::TopK) keeps the m largest, and merges
//! exactly.
//!
//! *Cost*: some 40·m logarithms.
//!
//! Sources: Zhang & Stephens, "A new and efficient estimation method for the generalized
//! Pareto distribution", Technometrics 51 (2009).

use crate::error::Error;
use gradsieve_kernels::Certain;

/// Values of θ, at most: as many as 256 excesses have.
const MOST: usize = 46;

/// Excesses that a fit needs.
const LEAST: usize = 8;

/// What an interval leaves out on either side: 5 %.
const OUTSIDE: f64 = 0.05;

/// A standard normal's 95 % quantile.
const NORMAL: f64 = 1.644_853_626_951_472_7;

/// A fitted tail.
///
/// ```
/// use gradsieve::statistics::Tail;
/// use gradsieve::store::{Entry, TopK, TopKSettings};
///
/// // The quantiles of an exponential distribution, shuffled.
/// let mut top = TopK::new(TopKSettings { k: 41 }, [Entry::default(); 41])?;
/// for id in 0..2000_u64 {
///     let share = ((id * 773 % 2000) as f64 + 0.5) / 2000.0;
///     top.push(Entry { id, score: -share.ln() })?;
/// }
/// let tail = Tail::fit(top.sorted().map(|entry| entry.score), 2000)?;
/// let (low, high) = tail.interval(1e-4)?;
/// let quantile = tail.quantile(1e-4)?; // ln 10⁴ = 9.21
/// assert!(low < 9.21 && 9.21 < high && (8.0..10.5).contains(&quantile));
/// assert!(tail.quantile(1e-5).is_err()); // of 2000 scores
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// u, the least of the largest.
    threshold: f64,
    shape: f64,
    scale: f64,
    /// How many of the scores lie above the threshold.
    above: u64,
    count: u64,
    /// ξ and σ of each θ, and what it weighs.
    curves: [(f64, f64, f64); MOST],
    curves_len: usize,
}

impl Tail {
    /// Fits the tail of `count` scores to the largest of them, largest first, at most
    /// 257. Those equal to the least do not count as excesses.
    ///
    /// # Errors
    /// [`Error::TooFew`] with fewer than 8 excesses, as when scores are constant or most
    /// of the largest are tied; [`Error::NonFinite`]; [`Error::Setting`] if there are
    /// more scores than `count`, or more than 257.
    pub fn fit(largest: impl Iterator<Item = f64>, count: u64) -> Result<Self, Error> {
        let mut scores = [0.0; 257];
        let mut len = 0;
        for score in largest {
            if !score.is_finite() {
                return Err(Error::NonFinite);
            }
            let Some(place) = scores.get_mut(len) else {
                return Err(Error::Setting { name: "largest", expected: "at most 257 scores" });
            };
            *place = score;
            len += 1;
        }
        if len as u64 > count {
            return Err(Error::Setting { name: "count", expected: "at least as many scores as are lent" });
        }
        let scores = scores.get_mut(..len).certain();
        let threshold = scores.last().copied().ok_or(Error::TooFew { needed: LEAST + 1, found: 0 })?;
        let excesses = scores.iter().filter(|score| **score > threshold).count();
        if excesses < LEAST {
            return Err(Error::TooFew { needed: LEAST, found: excesses });
        }
        let excesses = scores.get_mut(..excesses).certain();
        // From the smallest to the largest, which is 1.
        excesses.reverse();
        let longest = excesses.last().copied().certain() - threshold;
        if !longest.is_finite() {
            return Err(Error::Range { what: "the distance between the largest score and the threshold" });
        }
        excesses.iter_mut().for_each(|score| *score = (*score - threshold) / longest);
        Ok(Self::zhang_stephens(excesses, longest, threshold, count))
    }

    /// The fit to sorted excesses of which the largest is 1, in units of `longest`.
    fn zhang_stephens(excesses: &[f64], longest: f64, threshold: f64, count: u64) -> Self {
        let m = excesses.len() as f64;
        let curves_len = (30 + libm::sqrt(m) as usize).min(MOST);
        let quarter = excesses.get(((m / 4.0 + 0.5) as usize).max(1) - 1).copied().certain();
        let mut curves = [(0.0, 0.0, 0.0); MOST];
        let mut best = f64::NEG_INFINITY;
        let mut mean = 0.0;
        for (j, (shape, theta, likelihood)) in curves.iter_mut().take(curves_len).enumerate() {
            let share = libm::sqrt(curves_len as f64 / (j as f64 + 0.5));
            // Exactly 0 would be an exponential tail, whose formulas are others.
            let value = 1.0 + (1.0 - share) / (3.0 * quarter);
            *theta = if value.abs() < 1e-9 { 1e-9 } else { value };
            *shape = shape_of(excesses, *theta);
            *likelihood = m * (libm::log(-*theta / *shape) - *shape - 1.0);
            best = libm::fmax(best, *likelihood);
        }
        let total: f64 = curves.iter().take(curves_len).map(|(.., l)| libm::exp(l - best)).sum();
        for (shape, theta, likelihood) in curves.iter_mut().take(curves_len) {
            let weight = libm::exp(*likelihood - best) / total;
            mean += *theta * weight;
            (*theta, *likelihood) = (-*shape / *theta * longest, weight);
        }
        let theta = if mean.abs() < 1e-9 { 1e-9 } else { mean };
        let shape = shape_of(excesses, theta);
        let scale = -shape / theta * longest;
        let above = excesses.len() as u64;
        Self { threshold, shape, scale, above, count, curves, curves_len }
    }

    /// u: above it lies the tail.
    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.threshold
    }

    /// ξ: 0 of an exponential tail, positive of a heavier one.
    #[must_use]
    pub const fn shape(&self) -> f64 {
        self.shape
    }

    /// σ.
    #[must_use]
    pub const fn scale(&self) -> f64 {
        self.scale
    }

    /// The share of scores above `score`; that of the threshold for all below it.
    #[must_use]
    pub fn p_value(&self, score: f64) -> f64 {
        let excess = libm::fmax(score - self.threshold, 0.0) / self.scale;
        let share = self.above as f64 / self.count as f64;
        let within = 1.0 + self.shape * excess;
        if within <= 0.0 {
            return 0.0;
        }
        share * libm::exp(-libm::log(within) / self.shape)
    }

    /// The score that a share `q` of scores lies above.
    ///
    /// # Errors
    /// [`Error::Setting`] if `q` is below 1/(10·n), or above the share of the tail.
    pub fn quantile(&self, q: f64) -> Result<f64, Error> {
        self.check(q)?;
        Ok(self.level(self.shape, self.scale, q))
    }

    /// Between which scores that quantile lies nine times out of ten.
    ///
    /// Both what the fit leaves open and how many scores happened to lie above the
    /// threshold enter.
    ///
    /// # Errors
    /// As [`quantile`](Self::quantile).
    pub fn interval(&self, q: f64) -> Result<(f64, f64), Error> {
        self.check(q)?;
        let spread = libm::exp(NORMAL / libm::sqrt(self.above as f64));
        Ok((self.outer(q * spread, OUTSIDE), self.outer(q / spread, 1.0 - OUTSIDE)))
    }

    fn check(&self, q: f64) -> Result<(), Error> {
        let (least, most) = (0.1 / self.count as f64, self.above as f64 / self.count as f64);
        if least <= q && q <= most {
            return Ok(());
        }
        Err(Error::Setting { name: "q", expected: "at least 1/(10·n), and at most the share of the tail" })
    }

    /// The quantile of a curve.
    fn level(&self, shape: f64, scale: f64, q: f64) -> f64 {
        let log = -libm::log(q * self.count as f64 / self.above as f64);
        let grown = if shape.abs() < 1e-9 { log } else { libm::expm1(shape * log) / shape };
        self.threshold + scale * libm::fmax(grown, 0.0)
    }

    /// The quantile below which curves of a share `of` of all weight have theirs.
    fn outer(&self, q: f64, of: f64) -> f64 {
        let curves = || self.curves.iter().take(self.curves_len);
        let level = |&(shape, scale, _): &(f64, f64, f64)| self.level(shape, scale, q);
        let weight_up_to =
            |most: f64| curves().filter(|curve| level(curve) <= most).map(|(.., weight)| weight).sum::<f64>();
        curves().map(level).filter(|&level| weight_up_to(level) >= of).fold(f64::INFINITY, libm::fmin)
    }
}

/// The mean of ln(1 − θ·y).
fn shape_of(excesses: &[f64], theta: f64) -> f64 {
    excesses.iter().map(|y| libm::log1p(-theta * y)).sum::<f64>() / excesses.len() as f64
}
