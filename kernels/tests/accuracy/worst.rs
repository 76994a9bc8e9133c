//! The largest share of a bound that was seen, and exact sums.

use std::fmt::Debug;

/// The largest share of its bound that a kernel's error has taken.
pub(crate) struct Worst {
    pub(crate) share: f64,
    /// Where that was.
    pub(crate) place: String,
    /// Numbers seen.
    pub(crate) seen: u64,
}

impl Worst {
    pub(crate) fn new() -> Self {
        Self { share: 0.0, place: String::new(), seen: 0 }
    }

    /// Takes a number with its oracle's and its bound. A NaN must be one, and an infinity
    /// the same.
    pub(crate) fn see(&mut self, found: f64, exact: f64, bound: f64, place: impl Debug) {
        self.seen += 1;
        let share = if exact.is_nan() || exact.is_infinite() {
            let same = found == exact || found.is_nan() && exact.is_nan();
            if same { 0.0 } else { f64::INFINITY }
        } else {
            let error = (found - exact).abs();
            match (error == 0.0, bound == 0.0) {
                (true, _) => 0.0,
                (false, true) => f64::INFINITY,
                // A NaN that should not be one is no share at all.
                _ => {
                    if error.is_nan() {
                        f64::INFINITY
                    } else {
                        error / bound
                    }
                }
            }
        };
        if share > self.share {
            self.share = share;
            self.place = format!("{found:e} for {exact:e} at {place:?}");
        }
    }

    /// Takes a number that has to be exact, sign of zero included.
    pub(crate) fn see_exact(&mut self, found: f64, exact: f64, place: impl Debug) {
        let sign = found.is_nan() || found.is_sign_negative() == exact.is_sign_negative();
        self.see(if sign { found } else { f64::NAN }, exact, 0.0, place);
    }
}

/// A sum in a pair of numbers: what each addition loses goes to the second (Neumaier
/// 1974).
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    high: f64,
    low: f64,
    /// Σ |terms|.
    pub(crate) magnitude: f64,
    pub(crate) count: usize,
}

impl Sum {
    pub(crate) fn add(&mut self, term: f64) {
        let sum = self.high + term;
        self.low +=
            if self.high.abs() >= term.abs() { self.high - sum + term } else { term - sum + self.high };
        self.high = sum;
        self.magnitude += term.abs();
        self.count += 1;
    }

    pub(crate) fn value(&self) -> f64 {
        // Infinities and NaNs are in the first alone; the second is then worth nothing.
        if self.high.is_finite() { self.high + self.low } else { self.high }
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        let mut sum = Self::default();
        terms.into_iter().for_each(|term| sum.add(term));
        sum
    }
}
