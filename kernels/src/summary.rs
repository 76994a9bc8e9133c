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

use crate::dispatch::{Kernel, run};
use crate::dot::{AHEAD, fold_lanes};
use crate::element::Element;
use crate::level::Level;
use crate::norm::{INFINITY_DOUBLED, max_doubled};
use crate::simd::Simd;
use crate::sum::{ABREAST, LANES, fold};

/// Terms a tile: what is added in `f32` before the sums move to `f64`.
pub const TILE: usize = 4096;

/// The exact measures of one gradient.
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accumulator {
    magnitudes: [f32; LANES],
    squares: [f32; LANES],
    /// Of the closed tiles; `count` and `non_finite` and `max` are of all entries.
    closed: Summary,
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

    /// Takes in the next entries.
    #[inline]
    pub fn add<T: Element>(&mut self, x: &[T]) {
        self.add_with(Level::best(), x);
    }

    /// [`Accumulator::add`] on a given level.
    #[inline]
    pub fn add_with<T: Element>(&mut self, level: Level, x: &[T]) {
        run(level, Summarize { state: self, x });
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
    fn filled(&self) -> usize {
        // Less than TILE, so it fits whatever `usize` is.
        (self.closed.count % TILE as u64) as usize
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

/// The scalar text: up to 64 entries at a time, as far as the lanes go.
fn definition<T: Element>(state: &mut Accumulator, mut x: &[T]) {
    while !x.is_empty() {
        let lane = state.filled() % LANES;
        let (now, later) = x.split_at((LANES - lane).min(x.len()));
        let lanes = state.magnitudes.iter_mut().zip(&mut state.squares).skip(lane);
        for ((l1, l2), x) in lanes.zip(now) {
            let magnitude = x.widen().abs();
            *l1 += magnitude;
            *l2 += magnitude * magnitude;
            if magnitude > state.closed.max {
                state.closed.max = magnitude;
            }
            state.closed.non_finite += u64::from(!magnitude.is_finite());
        }
        state.closed.count += now.len() as u64;
        if state.filled() == 0 {
            state.closed = state.summary();
            state.magnitudes = [0.0; LANES];
            state.squares = [0.0; LANES];
        }
        x = later;
    }
}

impl Accumulator {
    /// Adds at most the rest of a tile, from lane 0 on: the maximum first and by itself,
    /// as in [`crate::norm`], which leaves the registers to the sums; then a few lanes at
    /// a time, as in [`crate::dot`].
    #[inline(always)]
    fn serial<T: Element>(&mut self, x: &[T]) {
        let best = max_doubled(x, self.closed.max.to_bits() << 1);
        if best < INFINITY_DOUBLED {
            self.closed.max = f32::from_bits(best >> 1);
        } else {
            self.not_all_finite(x);
        }
        let magnitudes = self.magnitudes.as_chunks_mut::<ABREAST>().0;
        let squares = self.squares.as_chunks_mut::<ABREAST>().0;
        for (first, (l1, l2)) in (0..).step_by(ABREAST).zip(magnitudes.iter_mut().zip(squares)) {
            let (rows, rest) = x.get(first..).unwrap_or_default().as_chunks::<LANES>();
            let mut lanes = (*l1, *l2);
            for row in rows {
                let Some(row) = row.first_chunk::<ABREAST>() else { continue };
                let row = T::widen_8(row);
                for ((l1, l2), x) in lanes.0.iter_mut().zip(&mut lanes.1).zip(row) {
                    let magnitude = x.abs();
                    *l1 += magnitude;
                    *l2 += magnitude * magnitude;
                }
            }
            (*l1, *l2) = lanes;
            for ((l1, l2), x) in l1.iter_mut().zip(l2).zip(rest) {
                let magnitude = x.widen().abs();
                *l1 += magnitude;
                *l2 += magnitude * magnitude;
            }
        }
        self.closed.count += x.len() as u64;
        if self.filled() == 0 {
            self.closed = self.summary();
            self.magnitudes = [0.0; LANES];
            self.squares = [0.0; LANES];
        }
    }

    /// Maximum and count by the scalar text, once there is an infinity or a NaN.
    #[cold]
    fn not_all_finite<T: Element>(&mut self, x: &[T]) {
        for x in x {
            let magnitude = x.widen().abs();
            if magnitude > self.closed.max {
                self.closed.max = magnitude;
            }
            self.closed.non_finite += u64::from(!magnitude.is_finite());
        }
    }
}

struct Summarize<'a, T> {
    state: &'a mut Accumulator,
    x: &'a [T],
}

impl<T: Element> Kernel for Summarize<'_, T> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        definition(self.state, self.x);
    }

    #[inline(always)]
    fn serial(self) {
        let state = self.state;
        // Up to the next lane 0 by the scalar text, then tile by tile.
        let ahead = (LANES - state.filled() % LANES) % LANES;
        let (first, mut x) = self.x.split_at(ahead.min(self.x.len()));
        definition(state, first);
        while !x.is_empty() {
            let (now, later) = x.split_at((TILE - state.filled()).min(x.len()));
            state.serial(now);
            x = later;
        }
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let state = self.state;
        // Up to the next lane 0 by the scalar text, then whole registers, tile by tile.
        let ahead = (LANES - state.filled() % LANES) % LANES;
        let (first, mut x) = self.x.split_at(ahead.min(self.x.len()));
        definition(state, first);
        while !x.is_empty() {
            let (now, later) = x.split_at((TILE - state.filled()).min(x.len()));
            stretch(s, state, now);
            x = later;
        }
    }
}

/// Adds at most the rest of a tile, from lane 0 on, and closes the tile if it is full:
/// the four registers of each measure side by side if there is room for them all, else
/// two after two.
#[inline(always)]
fn stretch<S: Simd, T: Element>(s: S, state: &mut Accumulator, x: &[T]) {
    let mut lanes = Lanes {
        magnitudes: load4(s, &state.magnitudes),
        squares: load4(s, &state.squares),
        max: [s.splat(state.closed.max); 4],
    };
    if S::ROOMY {
        lanes.registers::<S, T, 4>(s, 0, x);
    } else {
        lanes.registers::<S, T, 2>(s, 0, x);
        lanes.registers::<S, T, 2>(s, 2, x);
    }
    let [a, b, c, d] = lanes.max;
    let closed = &mut state.closed;
    closed.max = s.fold_max(s.max_or(s.max_or(a, b), s.max_or(c, d)));
    // A non-finite entry leaves its lane non-finite, and the sum of the lanes, none of
    // which is negative, so most stretches need no count. (It may also have overflowed,
    // or have been spoilt by an earlier stretch: then the count is in vain, and right.)
    let [a, b, c, d] = lanes.magnitudes;
    if s.count_non_finite(s.add(s.add(a, b), s.add(c, d))) > 0 {
        closed.non_finite += count_non_finite(s, x);
    }
    closed.count += x.len() as u64;
    if closed.count.is_multiple_of(TILE as u64) {
        closed.l1 += f64::from(fold_lanes(s, lanes.magnitudes));
        closed.l2_squared += f64::from(fold_lanes(s, lanes.squares));
        lanes.magnitudes = [s.splat(0.0); 4];
        lanes.squares = [s.splat(0.0); 4];
    }
    store4(s, lanes.magnitudes, &mut state.magnitudes);
    store4(s, lanes.squares, &mut state.squares);
}

struct Lanes<F> {
    magnitudes: [F; 4],
    squares: [F; 4],
    max: [F; 4],
}

impl<F: Copy> Lanes<F> {
    /// Adds what falls to registers `first..first + N` of the four of every measure.
    #[inline(always)]
    fn registers<S: Simd<F = F>, T: Element, const N: usize>(&mut self, s: S, first: usize, x: &[T]) {
        let (x, rest) = x.as_chunks::<LANES>();
        for x in x {
            if first == 0 {
                s.prefetch(x, AHEAD);
            }
            let registers = x.as_chunks().0;
            for i in first..first + N {
                if let Some(x) = registers.get(i) {
                    self.step(s, i, T::load(s, x));
                }
            }
        }
        for (i, x) in rest.chunks(16).enumerate().skip(first).take(N) {
            self.step(s, i, T::load_part(s, x));
        }
    }

    #[inline(always)]
    fn step<S: Simd<F = F>>(&mut self, s: S, register: usize, x: F) {
        let magnitude = s.abs(x);
        if let (Some(l1), Some(l2), Some(max)) =
            (self.magnitudes.get_mut(register), self.squares.get_mut(register), self.max.get_mut(register))
        {
            *l1 = s.add(*l1, magnitude);
            *l2 = s.add(*l2, s.mul(x, x));
            *max = s.max_or(magnitude, *max);
        }
    }
}

#[inline(always)]
fn count_non_finite<S: Simd, T: Element>(s: S, x: &[T]) -> u64 {
    let (x, rest) = x.as_chunks::<16>();
    let mut count = u64::from(s.count_non_finite(T::load_part(s, rest)));
    for x in x {
        count += u64::from(s.count_non_finite(T::load(s, x)));
    }
    count
}

#[inline(always)]
fn load4<S: Simd>(s: S, from: &[f32; LANES]) -> [S::F; 4] {
    let mut lanes = [s.splat(0.0); 4];
    for (lane, from) in lanes.iter_mut().zip(from.as_chunks::<16>().0) {
        *lane = s.load(from);
    }
    lanes
}

#[inline(always)]
fn store4<S: Simd>(s: S, lanes: [S::F; 4], to: &mut [f32; LANES]) {
    for (lane, to) in lanes.into_iter().zip(to.as_chunks_mut::<16>().0) {
        s.store(lane, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::{bits, inputs};

    #[test]
    fn the_serial_form_has_the_bits_of_the_definition_however_the_slice_is_cut() {
        for x in inputs() {
            for cut in [0, 1, 63, 64, 65, 4095, 4096, 5000] {
                let (head, tail) = x.split_at(cut.min(x.len()));
                let (mut found, mut expected) = (Accumulator::new(), Accumulator::new());
                for x in [head, tail] {
                    Summarize { state: &mut found, x }.serial();
                    Summarize { state: &mut expected, x }.define();
                }
                let (found, expected) = (found.summary(), expected.summary());
                assert_eq!(bits(&[found.l1, found.l2_squared]), bits(&[expected.l1, expected.l2_squared]));
                assert_eq!(found.max.to_bits(), expected.max.to_bits());
                assert_eq!((found.non_finite, found.count), (expected.non_finite, expected.count));
            }
        }
    }
}
