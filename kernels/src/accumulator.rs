//! The running state of a [`Summary`].

use crate::sum::{LANES, fold};

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

/// The running state of a [`Summary`]: 560 bytes, wherever the caller keeps it.
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
        Self { magnitudes: [0.0; LANES], squares: [0.0; LANES], closed }
    }

    /// The measures of all entries so far. The state is as it was and can go on.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            l1: self.closed.l1 + f64::from(fold(self.magnitudes)),
            l2_squared: self.closed.l2_squared + f64::from(fold(self.squares)),
            ..self.closed
        }
    }

    /// Terms in the open tile.
    #[inline(always)]
    pub(crate) fn filled(&self) -> usize {
        // Less than TILE, so it fits whatever `usize` is.
        (self.closed.count % TILE as u64) as usize
    }
}
