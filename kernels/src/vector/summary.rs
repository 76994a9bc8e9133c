//! [`crate::summary`] in vectors.

use super::ahead::AHEAD;
use super::sum::fold_lanes;
use crate::accumulator::{Accumulator, TILE};
use crate::element::Element;
use crate::scalar::summary::few;
use crate::simd::Simd;
use crate::sum::LANES;

/// Takes in the next entries.
#[inline(always)]
pub(crate) fn add<S: Simd, T: Element>(s: S, state: &mut Accumulator, x: &[T]) {
    // Up to the next lane 0 one by one, then whole registers, tile by tile.
    let ahead = (LANES - state.filled() % LANES) % LANES;
    let (first, mut x) = x.split_at(ahead.min(x.len()));
    few(state, first);
    while !x.is_empty() {
        let (now, later) = x.split_at((TILE - state.filled()).min(x.len()));
        stretch(s, state, now);
        x = later;
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
