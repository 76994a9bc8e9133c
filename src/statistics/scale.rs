//! Location and scale of a stream of positive numbers that no sample owns: the median and
//! half the distance of the 16 % and 84 % quantiles of their logarithms, from a
//! histogram.
//!
//! A number moves each quantile by one count, whatever its size, so half of the numbers
//! may be anything before the median leaves the others, and a sixth before the scale
//! does. The histogram is of integers: which order numbers came in, or how a stream was
//! cut into parts that were merged, does not enter.
//!
//! *Memory*: 4 bytes a cell, and some 100. *Cost*: a few steps of three ranks an
//! observation; a halving or merging passes over the cells.

use super::histogram::{Grid, Histogram, rounded};
use super::position::{OCTAVE, position};
use crate::error::Error;
use crate::state::{Body, Walk, place};
use core::ops::{Add, Mul, Sub};
use gradsieve_kernels::Certain;

/// In which 64ths of the counts the quantiles lie: the median, and that ±34 %.
const RANKS: [u32; 3] = [10, 32, 54];

/// Moves a rank's cell, and the counts below it, to where `place` 64ths of counts lie
/// below, in numbers that hold 64 times as many. Once for scales of all grids, or it
/// would be there for each.
#[inline(never)]
fn settle<W>(rank: (&mut u64, &mut u16), counts: &[u32], place: W, number: fn(u64) -> W)
where
    W: Copy + PartialOrd + From<u32> + Add<Output = W> + Sub<Output = W> + Mul<Output = W>,
{
    let (counted, cell) = rank;
    let mut below = W::from(64) * number(*counted);
    let mut at = usize::from(*cell);
    let count = |at: usize| counts.get(at).copied().certain();
    let many = |count: u32| W::from(64) * number(count.into());
    while at > 0 && below >= place {
        at -= 1;
        below = below - many(count(at));
        *counted -= u64::from(count(at));
    }
    while at + 1 < counts.len() && below + many(count(at)) < place {
        below = below + many(count(at));
        *counted += u64::from(count(at));
        at += 1;
    }
    *cell = at as u16;
}

/// The position in a cell of so many counts below which as many lie as are `missing`, in
/// 64ths.
fn within((from, width): (i32, i32), missing: u64, count: u32) -> f32 {
    let share = rounded(missing) / (64.0 * count.max(1) as f32);
    from as f32 + width as f32 * if share < 1.0 { share } else { 1.0 }
}

/// Running location and scale of logarithms.
///
/// ```
/// use gradsieve::statistics::{Grid, Scale};
///
/// const GRID: Grid = Grid { fineness: 2, fine: (-20, 20), coarse: 27, end: 128 };
/// let mut scale = Scale::<{ GRID.cells() }>::new(&GRID)?;
/// for i in 0..1000 {
///     scale.observe(f64::from(i % 10 + 1), 1);
/// }
/// scale.observe(1e30, 1);
/// assert!(scale.standardise(5.5).abs() < 0.2);
/// assert!(scale.standardise(1e30) > 50.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale<const N: usize> {
    counts: Histogram<N>,
    /// For each rank the counts below its cell,
    below: [u64; 3],
    /// and which cell that is.
    cells: [u16; 3],
}

impl<const N: usize> Scale<N> {
    /// Nothing observed yet.
    ///
    /// # Errors
    /// [`Error::Length`] if N is not how many cells the grid has.
    pub const fn new(grid: &'static Grid) -> Result<Self, Error> {
        match Histogram::<N>::new(grid) {
            Ok(_) => Ok(Self::of(grid)),
            Err(error) => Err(error),
        }
    }

    /// Nothing observed yet, on a grid that has N cells.
    pub(crate) const fn of(grid: &'static Grid) -> Self {
        Self { counts: Histogram::of(grid), below: [0; 3], cells: [0; 3] }
    }

    /// Takes a number in that counts `weight` times.
    pub fn observe(&mut self, x: f64, weight: u32) {
        self.observe_at(position(x), weight);
    }

    /// Takes in the number at a position.
    pub(crate) fn observe_at(&mut self, position: i32, weight: u32) {
        let before = self.counts.total();
        let cell = self.counts.add_at(position, weight);
        let added = self.counts.total() - before;
        self.settle(cell, added);
    }

    /// Moves each rank to where it lies, from a cell that is near, after `added` counts
    /// in `cell`.
    fn settle(&mut self, cell: usize, added: u64) {
        // Up to here 64 times as many fit in 32 bits, which small cores count in.
        const FEW: u64 = 1 << 26;
        let (counts, total) = (self.counts.counts(), self.counts.total());
        for ((below, place), of) in self.below.iter_mut().zip(&mut self.cells).zip(RANKS) {
            *below += if cell < usize::from(*place) { added } else { 0 };
            let rank = (below, place);
            if total < FEW {
                settle(rank, counts, of * total as u32, |count| count as u32);
            } else {
                settle(rank, counts, u64::from(of) * total, |count| count);
            }
        }
    }

    /// Finds the ranks anew.
    fn rank(&mut self) {
        (self.below, self.cells) = ([0; 3], [0; 3]);
        self.settle(0, 0);
    }

    /// The position of a rank, between the bounds of its cell.
    fn quantile(&self, rank: usize) -> f32 {
        let at = self.below.iter().zip(&self.cells).zip(RANKS).nth(rank);
        let Some(((below, &cell), of)) = at else { return 0.0 };
        // What is missing up to the rank, in 64ths of counts.
        let missing = (u64::from(of) * self.counts.total()).saturating_sub(64 * below);
        let cell = usize::from(cell);
        within(self.counts.grid().bounds(cell), missing, self.counts.count(cell))
    }

    /// The counts so far.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.counts.total()
    }

    /// The histogram.
    #[must_use]
    pub const fn counts(&self) -> &Histogram<N> {
        &self.counts
    }

    /// The median's position.
    pub(crate) fn location_at(&self) -> i32 {
        self.quantile(1) as i32
    }

    /// The median: its position, in octaves.
    #[must_use]
    pub fn location(&self) -> f32 {
        self.quantile(1) / OCTAVE as f32
    }

    /// Half the distance of the 16 % and 84 % quantiles, in octaves: a standard
    /// deviation, if logarithms are normal. At least half of the median's cell, within
    /// which nothing is told apart.
    #[must_use]
    pub fn scale(&self) -> f32 {
        let half = (self.quantile(2) - self.quantile(0)) / (2 * OCTAVE) as f32;
        let [_, middle, _] = self.cells;
        let (_, width) = self.counts.grid().bounds(middle.into());
        let least = width as f32 / (2 * OCTAVE) as f32;
        if half > least { half } else { least }
    }

    /// Scales above the location; 0 if nothing was observed.
    #[must_use]
    pub fn standardise(&self, x: f64) -> f32 {
        self.standardise_at(position(x))
    }

    /// The same of the number at a position.
    pub(crate) fn standardise_at(&self, position: i32) -> f32 {
        if self.counts.total() == 0 {
            return 0.0;
        }
        (position as f32 / OCTAVE as f32 - self.location()) / self.scale()
    }

    /// Halves all counts, so many times.
    pub fn halve(&mut self, times: u32) {
        self.counts.halve(times);
        self.rank();
    }

    /// Takes in all that another has observed.
    ///
    /// # Errors
    /// [`Error::Setting`] if its grid is another.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.counts.merge(&other.counts)?;
        self.rank();
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.counts.reset();
        self.rank();
    }
}

impl<const N: usize> Body for Scale<N> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.nested(place!(counts))?;
        walk.load_with(Self::rank);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gradsieve_kernels::hash;

    const GRID: Grid = Grid { fineness: 1, fine: (-24, 24), coarse: 8, end: 128 };

    fn number(i: u64) -> f64 {
        let word = hash::word(1, i);
        libm::exp2((word >> 60) as f64 + [-100.0, 0.0, 30.0, 90.0][i as usize / 500 % 4])
    }

    #[test]
    fn ranks_are_kept_up_to_date() {
        let mut scale = Scale::<{ GRID.cells() }>::of(&GRID);
        for i in 0..3000 {
            // Clusters that come and go, so that ranks jump over empty cells.
            scale.observe(number(i), 1 + (i % 3) as u32);
            let mut anew = scale.clone();
            anew.rank();
            assert_eq!(scale, anew, "{i}");
            if i % 700 == 0 {
                scale.halve(1);
            }
        }
    }

    #[test]
    fn merging_is_observing_both_in_any_order() {
        let of = |range: core::ops::Range<u64>| {
            let mut scale = Scale::<{ GRID.cells() }>::of(&GRID);
            range.for_each(|i| scale.observe(number(i), 1));
            scale
        };
        let (mut left, mut right, both) = (of(0..700), of(700..2000), of(0..2000));
        let early = left.clone();
        left.merge(&right).unwrap();
        right.merge(&early).unwrap();
        assert_eq!((&left, &right), (&both, &both));
    }

    #[test]
    fn a_normal_sample_has_its_location_and_scale() {
        let mut scale = Scale::<{ GRID.cells() }>::of(&GRID);
        for i in 0..4000 {
            // The sum of twelve uniform numbers, less their mean, has variance 1.
            let normal =
                (0..12).map(|j| (hash::word(3, 12 * i + j) >> 11) as f64 * 2_f64.powi(-53)).sum::<f64>()
                    - 6.0;
            scale.observe(libm::exp2(3.0 * normal + 5.0), 1);
        }
        assert!((scale.location() - 5.0).abs() < 0.2, "{}", scale.location());
        assert!((scale.scale() - 3.0).abs() < 0.2, "{}", scale.scale());
        // A fourteenth of the stream at any size moves neither far.
        for _ in 0..300 {
            scale.observe(1e300, 1);
        }
        assert!((scale.location() - 5.0).abs() < 1.0 && scale.scale() < 4.0);
    }
}
