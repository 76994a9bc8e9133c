//! Ranks of numbers of any sign: which share of those counted is larger.
//!
//! Two log-linear histograms, of positive numbers and of negative ones, and a count of
//! zeros. Numbers of one cell are ties, and half of them count as larger. So a rank is
//! exact up to half the share of its cell: with 16 cells an octave, of the numbers within
//! 6 % of it.
//!
//! *Merging* adds counts. *Forgetting* halves them.

use super::histogram::{Grid, Histogram};
use crate::error::Error;

/// 16 cells an octave from 2⁻³² to 2¹⁶, 16 octaves a cell beyond.
pub const RANKS: Grid = Grid { fineness: 4, fine: (-32, 16), coarse: 16, end: 1024 };

/// Counts of numbers, by which another has its rank.
///
/// ```
/// use gradsieve::statistics::{RANKS, Ranks};
///
/// let mut ranks = Ranks::<{ RANKS.cells() }>::new(&RANKS)?;
/// [-1.0, 0.0, 0.0, 5.0].iter().try_for_each(|&x| ranks.count(x))?;
/// assert_eq!(ranks.share_above(0.0)?, 0.5); // 5, and one of the ties
/// assert_eq!(ranks.share_above(-2.0)?, 1.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranks<const N: usize> {
    positive: Histogram<N>,
    negative: Histogram<N>,
    zeros: u64,
}

impl<const N: usize> Ranks<N> {
    /// No counts yet.
    ///
    /// # Errors
    /// [`Error::Length`] if the grid does not have N cells.
    pub const fn new(grid: &'static Grid) -> Result<Self, Error> {
        match Histogram::new(grid) {
            Ok(positive) => Ok(Self { positive, negative: Histogram::of(grid), zeros: 0 }),
            Err(error) => Err(error),
        }
    }

    /// Counts a number.
    ///
    /// # Errors
    /// [`Error::NonFinite`]; nothing has changed.
    pub fn count(&mut self, x: f64) -> Result<(), Error> {
        match x {
            _ if !x.is_finite() => return Err(Error::NonFinite),
            0.0 => self.zeros = self.zeros.saturating_add(1),
            _ if x > 0.0 => self.positive.add(x, 1),
            _ => self.negative.add(-x, 1),
        }
        Ok(())
    }

    /// How many numbers were counted.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.positive.total() + self.zeros + self.negative.total()
    }

    /// The share of those counted that are larger than `x`, half of the ties with it: 0
    /// to 1.
    ///
    /// # Errors
    /// [`Error::TooFew`] if nothing was counted; [`Error::NonFinite`].
    pub fn share_above(&self, x: f64) -> Result<f64, Error> {
        let total = self.total();
        if total == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        let (above, ties) = match x {
            _ if !x.is_finite() => return Err(Error::NonFinite),
            0.0 => (self.positive.total(), self.zeros),
            _ if x > 0.0 => {
                let ties = ties(&self.positive, x);
                (self.positive.at_least(x) - ties, ties)
            }
            _ => {
                let below = self.negative.at_least(-x);
                (total - below, ties(&self.negative, -x))
            }
        };
        Ok((above as f64 + ties as f64 / 2.0) / total as f64)
    }

    /// Halves all counts, so many times.
    pub fn halve(&mut self, times: u32) {
        self.positive.halve(times);
        self.negative.halve(times);
        self.zeros = self.zeros.checked_shr(times).unwrap_or(0);
    }

    /// Takes in all that another has counted.
    ///
    /// # Errors
    /// [`Error::Setting`] if its grid is another; nothing has changed.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.positive.merge(&other.positive)?;
        self.negative.merge(&other.negative)?;
        self.zeros = self.zeros.saturating_add(other.zeros);
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.positive.reset();
        self.negative.reset();
        self.zeros = 0;
    }
}

/// The count of a number's own cell.
fn ties<const N: usize>(histogram: &Histogram<N>, x: f64) -> u64 {
    u64::from(histogram.count(histogram.grid().cell(super::position(x))))
}
