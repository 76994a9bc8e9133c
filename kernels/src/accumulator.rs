//! The running state of a [`Summary`].

use crate::element::Element;
use crate::sum::{LANES, fold};
use crate::wide::{HUGE, LARGE, NOTED, SMALL};

/// Terms a tile: what is added in `f32` before the sums move to `f64`.
pub const TILE: usize = 4096;

/// The exact measures of one gradient.
///
/// ```
/// use gradsieve_kernels::{Summary, summarize};
///
/// let expected = Summary { l1: 7.0, l2_squared: 25.0, max: 4.0, non_finite: 0, count: 2 };
/// assert_eq!(summarize(&[3.0_f32, -4.0]), expected);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Summary {
    /// Σ |xᵢ|; a NaN or an infinity if any entry is one.
    pub l1: f64,
    /// Σ xᵢ²; a NaN or an infinity if any entry is one.
    pub l2_squared: f64,
    /// max |xᵢ| over the entries that are not NaN; 0 without entries.
    pub max: f32,
    /// How many entries are NaN or infinite.
    pub non_finite: u64,
    /// How many entries there were.
    pub count: u64,
}

/// The running state of a [`Summary`]: 576 bytes, wherever the caller keeps it.
///
/// ```
/// use gradsieve_kernels::{Accumulator, summarize};
///
/// let mut measures = Accumulator::new();
/// measures.add(&[3.0_f32]);
/// measures.add(&[-4.0_f32]);
/// assert_eq!(measures.summary(), summarize(&[3.0_f32, -4.0]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accumulator {
    pub(crate) magnitudes: [f32; LANES],
    pub(crate) squares: [f32; LANES],
    /// Of the closed tiles; `count` and `non_finite` and `max` are of all entries.
    pub(crate) closed: Summary,
    /// Sums of squares and magnitudes in `f64`: see [`Accumulator::note`].
    pub(crate) wide: [f64; 2],
}

impl Default for Accumulator {
    fn default() -> Self {
        Self::new()
    }
}

impl Accumulator {
    /// Bytes of this state.
    pub const BYTES: usize = size_of::<Self>();

    /// No entries yet.
    #[must_use]
    pub const fn new() -> Self {
        let closed = Summary { l1: 0.0, l2_squared: 0.0, max: 0.0, non_finite: 0, count: 0 };
        Self { magnitudes: [0.0; LANES], squares: [0.0; LANES], closed, wide: [0.0; 2] }
    }

    /// Whether no entry was taken in.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.closed.count == 0
    }

    /// The measures of all entries so far. The state is as it was and can go on.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut all = self.narrow();
        let ([squares, magnitudes], max) = (self.wide, all.max);
        let is_large = max >= LARGE;
        if all.non_finite == 0 && (is_large || (max < SMALL && max > 0.0)) {
            all.l2_squared = squares;
        }
        if all.non_finite == 0 && max >= HUGE {
            all.l1 = magnitudes;
        }
        all
    }

    /// The measures by the sums in `f32`.
    pub(crate) fn narrow(&self) -> Summary {
        Summary {
            l1: self.closed.l1 + f64::from(fold(self.magnitudes)),
            l2_squared: self.closed.l2_squared + f64::from(fold(self.squares)),
            ..self.closed
        }
    }

    /// Sums in `f64` what `f32` cannot, one entry after the other. `before` is the
    /// largest magnitude before these entries, which are in the sums of `f32` already.
    ///
    /// While all entries are below [`SMALL`], all squares. Once one is at least
    /// [`NOTED`], the squares and magnitudes of those that are: beside an entry of
    /// [`LARGE`] the others do not count. What is summed depends on the entries and their
    /// order, and not on where they were cut.
    #[inline(always)]
    pub(crate) fn note<T: Element>(&mut self, before: f32, x: &[T]) {
        if self.closed.max >= NOTED || (self.closed.max < SMALL && self.closed.max > 0.0) {
            self.note_all(x);
        } else if before < SMALL {
            self.wide = [0.0; 2];
        }
    }

    #[cold]
    #[inline(never)]
    fn note_all<T: Element>(&mut self, x: &[T]) {
        let least = if self.closed.max < SMALL { 0.0 } else { NOTED };
        if least > 0.0 && self.wide[1] == 0.0 {
            // The squares of small entries, if there are any.
            self.wide[0] = 0.0;
        }
        for x in x {
            let magnitude = x.widen().abs();
            if magnitude >= least {
                let magnitude = f64::from(magnitude);
                self.wide[0] += magnitude * magnitude;
                self.wide[1] += if least > 0.0 { magnitude } else { 0.0 };
            }
        }
    }

    /// Terms in the open tile.
    #[inline(always)]
    pub(crate) fn filled(&self) -> usize {
        // Less than TILE, so it fits whatever `usize` is.
        (self.closed.count % TILE as u64) as usize
    }
}
