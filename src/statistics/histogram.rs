//! Log-linear histograms: counts of positive numbers in integers, exactly mergeable.
//!
//! A [`Grid`] cuts the logarithms of numbers, which are *positions*
//! ([`position`](super::position())), into cells of equal width: 2^m an octave within its fine range, and several octaves a cell beyond, so that
//! no finite number is without one. Zero and negative numbers stand in the first cell,
//! numbers beyond the grid in the last.
//!
//! *Merging* adds counts. *Forgetting* halves them ([`Clock`](super::Clock)). A count
//! stops at 2³² − 1; [`Histogram::is_saturated`] says so.
//!
//! Source: the layout is that of HdrHistogram and of DDSketch's cubic-free variants
//! (Masson, Rim & Lee 2019), with positions for logarithms.

use super::position::{OCTAVE, position};
use crate::error::Error;
use crate::state::{Body, Walk, slice};
use gradsieve_kernels::Certain;

/// How positive numbers are cut into cells.
///
/// ```
/// use gradsieve::statistics::Grid;
///
/// // Four cells an octave from 2⁻⁸ to 2⁸, eight octaves a cell beyond, to 2⁻⁶⁴ and 2⁶⁴.
/// const GRID: Grid = Grid { fineness: 2, fine: (-8, 8), coarse: 8, end: 64 };
/// assert_eq!(GRID.cells(), 4 * 16 + 2 * 7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// m: 2^m cells an octave in the fine range; −1 has two octaves a cell.
    pub fineness: i32,
    /// From which power of two to which the grid is fine.
    pub fine: (i32, i32),
    /// Octaves a cell beyond.
    pub coarse: i32,
    /// The grid reaches from 2^−end to 2^end.
    pub end: i32,
}

impl Grid {
    /// How many cells there are.
    #[must_use]
    pub const fn cells(&self) -> usize {
        (self.below() + self.middle() + self.above()) as usize
    }

    /// Coarse cells below the fine range.
    const fn below(&self) -> i32 {
        quotient(self.fine.0 + self.end, self.coarse)
    }

    /// Cells of the fine range.
    const fn middle(&self) -> i32 {
        ((self.fine.1 - self.fine.0) * OCTAVE) >> self.shift()
    }

    /// How wide a fine cell is.
    const fn width(&self) -> i32 {
        1 << self.shift()
    }

    /// Coarse cells above it.
    const fn above(&self) -> i32 {
        quotient(self.end - self.fine.1, self.coarse)
    }

    /// How many bits a position within a fine cell has.
    const fn shift(&self) -> u32 {
        (OCTAVE.trailing_zeros() as i32 - self.fineness) as u32
    }

    /// The cell of a position.
    pub(crate) const fn cell(&self, position: i32) -> usize {
        let (from, to) = (self.fine.0 * OCTAVE, self.fine.1 * OCTAVE);
        if from <= position && position < to {
            return (self.below() + ((position - from) >> self.shift())) as usize;
        }
        let wide = self.coarse * OCTAVE;
        let cell = if position < from {
            self.below() - 1 - quotient(from - 1 - position, wide)
        } else {
            self.below() + self.middle() + quotient(position - to, wide)
        };
        let last = self.cells() as i32 - 1;
        (if cell < 0 {
            0
        } else if cell > last {
            last
        } else {
            cell
        }) as usize
    }

    /// The position at which a cell begins, and its width.
    pub(crate) const fn bounds(&self, cell: usize) -> (i32, i32) {
        let fine = cell as i32 - self.below();
        let (from, to) = (self.fine.0 * OCTAVE, self.fine.1 * OCTAVE);
        if fine >= 0 {
            let from = from + (fine << self.shift());
            if from < to {
                return (from, self.width());
            }
        }
        let wide = self.coarse * OCTAVE;
        if fine < 0 { (from + fine * wide, wide) } else { (to + (fine - self.middle()) * wide, wide) }
    }

    /// How much of a cell lies below a position: from 0 to 1.
    pub(crate) const fn share(&self, cell: usize, position: i32) -> f32 {
        let (from, width) = self.bounds(cell);
        let within = position - from;
        if within <= 0 {
            0.0
        } else if within >= width {
            1.0
        } else {
            within as f32 / width as f32
        }
    }
}

/// A quotient of integers, rounded towards 0; of a grid without cells, 0.
const fn quotient(x: i32, by: i32) -> i32 {
    match x.checked_div(by) {
        Some(quotient) => quotient,
        None => 0,
    }
}

/// A count as an `f32`. Small cores have numbers of 32 bits as floating ones at once.
#[inline]
pub(crate) fn rounded(count: u64) -> f32 {
    if count >> 32 == 0 { count as u32 as f32 } else { rounded_large(count) }
}

/// Apart, or the optimiser would take all for large.
#[cold]
#[inline(never)]
fn rounded_large(count: u64) -> f32 {
    count as f32
}

/// Counts in the cells of a grid.
///
/// ```
/// use gradsieve::statistics::{Grid, Histogram};
///
/// const GRID: Grid = Grid { fineness: 4, fine: (-2, 6), coarse: 6, end: 20 };
/// let mut histogram = Histogram::<{ GRID.cells() }>::new(&GRID)?;
/// for x in [0.5, 1.0, 2.0, 4.0] {
///     histogram.add(x, 1);
/// }
/// assert_eq!(histogram.total(), 4);
/// assert_eq!(histogram.above(1.5), 2.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram<const N: usize> {
    grid: &'static Grid,
    counts: [u32; N],
    total: u64,
}

impl<const N: usize> Histogram<N> {
    /// No counts yet.
    ///
    /// # Errors
    /// [`Error::Length`] if there are not as many counts as the grid has cells.
    pub const fn new(grid: &'static Grid) -> Result<Self, Error> {
        match crate::error::check_length(grid.cells(), N) {
            Ok(()) => Ok(Self::of(grid)),
            Err(error) => Err(error),
        }
    }

    /// No counts yet, of a grid that has N cells.
    pub(crate) const fn of(grid: &'static Grid) -> Self {
        Self { grid, counts: [0; N], total: 0 }
    }

    /// Counts a number `weight` times.
    pub fn add(&mut self, x: f64, weight: u32) {
        self.add_at(position(x), weight);
    }

    /// Counts a position `weight` times. Returns its cell.
    pub(crate) fn add_at(&mut self, position: i32, weight: u32) -> usize {
        let cell = self.grid.cell(position);
        for count in self.counts.iter_mut().skip(cell).take(1) {
            let before = *count;
            *count = before.saturating_add(weight);
            self.total += u64::from(*count - before);
        }
        cell
    }

    /// The counts of all cells.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The count of a cell.
    pub(crate) fn count(&self, cell: usize) -> u32 {
        self.counts.get(cell).copied().certain()
    }

    /// The counts of numbers above `x`. Those in its own cell are taken to lie in it
    /// evenly.
    #[must_use]
    pub fn above(&self, x: f64) -> f32 {
        self.above_at(position(x))
    }

    /// The counts above the number at a position.
    pub(crate) fn above_at(&self, position: i32) -> f32 {
        let cell = self.grid.cell(position);
        let sum = |counts: &[u32]| counts.iter().map(|&count| u64::from(count)).sum::<u64>();
        let (up_to, above) = self.counts.split_at_checked(cell + 1).certain();
        // The fewer cells, as the sum of all is known.
        let is_low = up_to.len() < above.len();
        let above = if is_low { self.total - sum(up_to) } else { sum(above) };
        rounded(above) + self.count(cell) as f32 * (1.0 - self.grid.share(cell, position))
    }

    /// The counts of numbers in the cell of `x`, and above: at least those not below `x`.
    #[must_use]
    pub fn at_least(&self, x: f64) -> u64 {
        let cell = self.grid.cell(position(x));
        self.counts.iter().skip(cell).map(|&count| u64::from(count)).sum()
    }

    /// The grid.
    #[must_use]
    pub const fn grid(&self) -> &'static Grid {
        self.grid
    }

    /// The counts, cell by cell.
    #[must_use]
    pub const fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Whether a count has stopped.
    #[must_use]
    pub fn is_saturated(&self) -> bool {
        self.counts.contains(&u32::MAX)
    }

    /// Halves all counts, so many times.
    pub fn halve(&mut self, times: u32) {
        for count in &mut self.counts {
            *count = count.checked_shr(times).unwrap_or(0);
        }
        self.sum();
    }

    /// Takes in all that another has counted.
    ///
    /// # Errors
    /// [`Error::Setting`] if its grid is another.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.grid != other.grid {
            return Err(Error::Setting { name: "grid", expected: "the same as the other histogram's" });
        }
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*other);
        }
        self.sum();
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.counts = [0; N];
        self.total = 0;
    }

    fn sum(&mut self) {
        self.total = self.counts.iter().map(|&count| u64::from(count)).sum();
    }
}

impl<const N: usize> Body for Histogram<N> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.all(slice!(counts))?;
        walk.load_with(Self::sum);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRIDS: [Grid; 3] = [
        Grid { fineness: -1, fine: (-80, 48), coarse: 16, end: 256 },
        Grid { fineness: 4, fine: (-2, 10), coarse: 118, end: 128 },
        Grid { fineness: 2, fine: (-8, 8), coarse: 8, end: 64 },
    ];

    #[test]
    fn cells_follow_one_another_without_a_gap() {
        for grid in GRIDS {
            let mut end = None;
            for cell in 0..grid.cells() {
                let (from, width) = grid.bounds(cell);
                assert!(end.is_none_or(|end| end == from), "{grid:?} {cell}");
                assert_eq!((grid.cell(from), grid.cell(from + width - 1)), (cell, cell), "{grid:?}");
                end = Some(from + width);
            }
        }
    }

    #[test]
    fn every_number_has_a_cell() {
        for grid in GRIDS {
            let last = grid.cells() - 1;
            for (x, cell) in [(0.0, 0), (-1.0, 0), (1e-300, 0), (f64::MIN_POSITIVE / 4.0, 0), (1e300, last)] {
                assert_eq!(grid.cell(position(x)), cell, "{grid:?} {x}");
            }
            assert_eq!(grid.cell(position(f64::INFINITY)), last);
        }
    }

    #[test]
    fn a_count_stops_and_says_so() {
        let mut histogram = Histogram::<{ GRIDS[2].cells() }>::new(&GRIDS[2]).unwrap();
        histogram.add(1.0, u32::MAX - 1);
        assert!(!histogram.is_saturated());
        histogram.add(1.0, 5);
        assert!(histogram.is_saturated());
        assert_eq!(histogram.total(), u64::from(u32::MAX));
        histogram.halve(1);
        assert_eq!(histogram.total(), u64::from(u32::MAX / 2));
        histogram.halve(40);
        assert_eq!(histogram.total(), 0);
    }
}
