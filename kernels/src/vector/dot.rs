//! [`crate::dot()`] in vectors.

use super::ahead::AHEAD;
use super::sum::{fold_to_16, load_at, load_from, rows, short_sums, vector_sums};
use crate::certain::Certain;
use crate::element::Element;
use crate::simd::Simd;
use crate::sum::{LANES, TILE, WIDE};
use core::hint::black_box;

/// Σ xᵢ·yᵢ of two slices of one length.
#[inline(always)]
pub(crate) fn dot<S: Simd, T: Element, U: Element>(s: S, x: &[T], y: &[U]) -> f64 {
    if x.len() <= LANES {
        let y = y.get(..x.len()).certain();
        let [dot] = short_sums(
            s,
            x.len(),
            #[inline(always)]
            |i| [multiply::<S, T, U>(s, load_at(s, x, i), load_at(s, y, i))],
            #[inline(always)]
            |i| [multiply::<S, T, U>(s, load_from(s, x, i), load_from(s, y, i))],
        );
        return dot;
    }
    let [dot] = vector_sums(
        s,
        x.len(),
        [T::PAIRED && U::PAIRED],
        #[inline(always)]
        |tile, whole| [lanes(s, rows(x, tile.clone(), whole), rows(y, tile, whole))],
    );
    dot
}

/// Adds whole tiles that are not the last to the wide lanes.
#[inline(always)]
pub(crate) fn carry<S: Simd, T: Element, U: Element>(s: S, wide: &mut [f64; WIDE], x: &[T], y: &[U]) {
    let paired = T::PAIRED && U::PAIRED;
    let (mut sixteen, length) = ([0.0; 16], black_box(TILE));
    for (x, y) in x.as_chunks::<TILE>().0.iter().zip(y.as_chunks::<TILE>().0) {
        let lanes = lanes(s, rows(x, 0..length, true), rows(y, 0..length, true));
        s.store(fold_to_16(s, lanes, paired), &mut sixteen);
        for (i, lane) in sixteen.into_iter().enumerate() {
            // Of pairs, the even places stand first.
            let place = if paired { 2 * (i % 8) + i / 8 } else { i };
            wide[place % WIDE] += f64::from(lane);
        }
    }
}

/// The 64 lanes of a tile, in two halves. What does not fill four registers is loaded in
/// parts, with zeros behind: a zero term leaves every canonical sum as it is, because a
/// sum that starts at +0 is never −0.
#[inline(always)]
pub(crate) fn lanes<S: Simd, T: Element, U: Element>(
    s: S,
    (x, x_rest): (&[[T; LANES]], &[T]),
    (y, y_rest): (&[[U; LANES]], &[U]),
) -> [[S::F; 2]; 2] {
    let paired = T::PAIRED && U::PAIRED;
    let mut lanes = [[s.splat(0.0); 2]; 2];
    for (x, y) in x.iter().zip(y) {
        if size_of::<T>() < 4 || size_of::<U>() < 4 {
            s.prefetch(x, AHEAD);
            s.prefetch(y, AHEAD);
        }
        for ((lanes, x), y) in lanes.iter_mut().zip(x.as_chunks().0).zip(y.as_chunks().0) {
            *lanes = step::<S, T, U>(s, T::load_32(s, x, paired), U::load_32(s, y, paired), *lanes);
        }
    }
    for ((lanes, x), y) in lanes.iter_mut().zip(x_rest.chunks(32)).zip(y_rest.chunks(32)) {
        *lanes = step::<S, T, U>(s, T::load_part_32(s, x, paired), U::load_part_32(s, y, paired), *lanes);
    }
    lanes
}

#[inline(always)]
fn step<S: Simd, T: Element, U: Element>(s: S, x: [S::F; 2], y: [S::F; 2], lanes: [S::F; 2]) -> [S::F; 2] {
    [multiply_add::<S, T, U>(s, x[0], y[0], lanes[0]), multiply_add::<S, T, U>(s, x[1], y[1], lanes[1])]
}

#[inline(always)]
fn multiply_add<S: Simd, T: Element, U: Element>(s: S, x: S::F, y: S::F, lane: S::F) -> S::F {
    if T::EXACT_SQUARE && U::EXACT_SQUARE { s.mul_exact_add(x, y, lane) } else { s.add(lane, s.mul(x, y)) }
}

/// The first products of a lane, added to +0.
#[inline(always)]
fn multiply<S: Simd, T: Element, U: Element>(s: S, x: S::F, y: S::F) -> S::F {
    multiply_add::<S, T, U>(s, x, y, s.splat(0.0))
}
