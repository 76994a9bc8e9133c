//! The norms of [`crate::norm`] in vectors.

use super::ahead::AHEAD;
use super::sum::{load_at, load_from, rows, short_sums, vector_sums};
use crate::element::Element;
use crate::simd::Simd;
use crate::sum::LANES;

/// What is summed.
pub(crate) trait Term: Copy {
    fn add<S: Simd>(self, s: S, x: S::F, lane: S::F, exact: bool) -> S::F;
}

#[derive(Clone, Copy)]
pub(crate) struct Square;
impl Term for Square {
    #[inline(always)]
    fn add<S: Simd>(self, s: S, x: S::F, lane: S::F, exact: bool) -> S::F {
        if exact { s.mul_exact_add(x, x, lane) } else { s.add(lane, s.mul(x, x)) }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Magnitude;
impl Term for Magnitude {
    #[inline(always)]
    fn add<S: Simd>(self, s: S, x: S::F, lane: S::F, _exact: bool) -> S::F {
        s.add(lane, s.abs(x))
    }
}

/// The canonical sum of a term of each entry.
#[inline(always)]
pub(crate) fn sum<S: Simd, T: Element, M: Term>(s: S, x: &[T], term: M) -> f64 {
    if x.len() <= LANES {
        let first = |x: S::F| [term.add(s, x, s.splat(0.0), T::EXACT_SQUARE)];
        let [sum] = short_sums(
            s,
            x.len(),
            #[inline(always)]
            |i| first(load_at(s, x, i)),
            #[inline(always)]
            |i| first(load_from(s, x, i)),
        );
        return sum;
    }
    let [sum] = vector_sums(
        s,
        x.len(),
        [T::PAIRED],
        #[inline(always)]
        |tile, whole| [lanes(s, rows(x, tile, whole), term)],
    );
    sum
}

/// The lanes of a tile; its end as in [`mod@crate::dot`].
#[inline(always)]
pub(crate) fn lanes<S: Simd, T: Element, M: Term>(
    s: S,
    (x, rest): (&[[T; LANES]], &[T]),
    term: M,
) -> [[S::F; 2]; 2] {
    let mut lanes = [[s.splat(0.0); 2]; 2];
    let add = |x: [S::F; 2], lanes: [S::F; 2]| {
        [term.add(s, x[0], lanes[0], T::EXACT_SQUARE), term.add(s, x[1], lanes[1], T::EXACT_SQUARE)]
    };
    for x in x {
        if size_of::<T>() < 4 {
            s.prefetch(x, AHEAD);
        }
        for (lanes, x) in lanes.iter_mut().zip(x.as_chunks().0) {
            *lanes = add(T::load_32(s, x, T::PAIRED), *lanes);
        }
    }
    for (lanes, x) in lanes.iter_mut().zip(rest.chunks(32)) {
        *lanes = add(T::load_part_32(s, x, T::PAIRED), *lanes);
    }
    lanes
}

/// max |xᵢ| over the entries that are not NaN.
#[inline(always)]
pub(crate) fn max_abs<S: Simd, T: Element>(s: S, x: &[T]) -> f32 {
    let mut best = [s.splat(0.0); 4];
    let (x, rest) = x.as_chunks::<LANES>();
    for x in x {
        if size_of::<T>() < 4 {
            s.prefetch(x, AHEAD);
        }
        for (best, x) in best.iter_mut().zip(x.as_chunks().0) {
            *best = s.max_or(s.abs(T::load(s, x)), *best);
        }
    }
    for (best, x) in best.iter_mut().zip(rest.chunks(16)) {
        *best = s.max_or(s.abs(T::load_part(s, x)), *best);
    }
    let [a, b, c, d] = best;
    s.fold_max(s.max_or(s.max_or(a, b), s.max_or(c, d)))
}
