//! One pass over a gradient: L1 norm, squared L2 norm, largest magnitude, and the count
//! of non-finite entries.
//!
//! A gradient arrives in slices. The two sums run over the terms in the order of arrival,
//! so the result depends on that order but not on where it was cut: an [`Accumulator`]
//! carries the open tile's lanes from slice to slice.
//!
//! Their order is not quite that of [`crate::sum`]: tiles of [`TILE`] = 4,096 terms, 64
//! lanes in `f32` as there, but every tile folded to one `f32`, 64→32→…→1, and these
//! added in `f64`, one after the other. So up to 1,024 entries the sums have the bits of
//! [`crate::norm`], and beyond that their own. The reason is a core without `f64`: here
//! are two sums, kept from slice to slice, and sixteen additions in `f64` for each in
//! every 1,024 entries would cost it two and a half instructions an entry, of the eight
//! that all four measures take.
//!
//! Relative errors are at most 71·2⁻²⁴ (L2²; 64 additions a lane, six to fold, one for
//! the square) and 70·2⁻²⁴ (L1), plus 2⁻⁵³·⌈N/4096⌉ for the tiles; in practice up to 10⁻⁹
//! for 64 million squares.
//!
//! Finite entries of any size have their measures: where the largest is 2⁶⁰ or more, or
//! below 2⁻⁴⁰, the squares are summed in `f64`, one after the other (from 2¹¹⁰ on the
//! magnitudes, too), of entries of 2³⁰ or more in the former case.

use crate::dispatch::run;
use crate::element::Element;
use crate::kernel::Kernel;
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::accumulator::{Accumulator, Summary, TILE};

impl Accumulator {
    /// Takes in the next entries.
    #[inline]
    pub fn add<T: Element>(&mut self, x: &[T]) {
        self.add_with(Level::best(), x);
    }

    /// [`Accumulator::add`] on a given level.
    #[inline]
    pub fn add_with<T: Element>(&mut self, level: Level, x: &[T]) {
        let before = self.closed.max;
        run(level, Summarize { state: self, x });
        self.note(before, x);
    }
}

/// The summary of one slice.
#[inline]
#[must_use]
pub fn summarize<T: Element>(x: &[T]) -> Summary {
    summarize_with(Level::best(), x)
}

/// [`summarize`] on a given level.
#[inline]
#[must_use]
pub fn summarize_with<T: Element>(level: Level, x: &[T]) -> Summary {
    let mut state = Accumulator::new();
    state.add_with(level, x);
    state.summary()
}

struct Summarize<'a, T> {
    state: &'a mut Accumulator,
    x: &'a [T],
}

impl<T: Element> Kernel for Summarize<'_, T> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::summary::add(self.state, self.x);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::summary::add(s, self.state, self.x);
    }
}
