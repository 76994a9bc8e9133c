//! The canonical sum ([`crate::sum`]) in vectors: what every kernel that sums shares.

use crate::certain::Certain;
use crate::element::Element;
use crate::simd::Simd;
use crate::sum::{LANES, TILE};
use core::hint::black_box;
use core::ops::Range;

/// N canonical sums of at most 64 terms, with no more registers than the terms fill:
/// `whole` gives lanes 16·i.. of those that are full, `part` of the last.
///
/// The bits are those of all 64 lanes. The lanes left out hold +0. No lane holds −0, for
/// it starts at +0 and x + y is −0 only if both are; so no sum in the fold is −0 either,
/// and what the fold would add, +0, changes no number, infinity or NaN.
#[inline(always)]
pub(crate) fn short_sums<S: Simd, const N: usize>(
    s: S,
    count: usize,
    whole: impl Fn(usize) -> [S::F; N],
    part: impl Fn(usize) -> [S::F; N],
) -> [f64; N] {
    let add = |a: [S::F; N], b: [S::F; N]| {
        let mut sums = a;
        for i in 0..N {
            sums[i] = s.add(a[i], b[i]);
        }
        sums
    };
    let lanes = match count {
        0..=16 => part(0),
        17..=32 => add(whole(0), part(1)),
        33..=48 => add(add(whole(0), part(2)), whole(1)),
        _ => add(add(whole(0), whole(2)), add(whole(1), part(3))),
    };
    let mut sums = [0.0; N];
    for (sum, lanes) in sums.iter_mut().zip(lanes) {
        *sum = s.fold(lanes).into();
    }
    sums
}

/// Elements 16·`i`.. of a slice that has sixteen of them.
#[inline(always)]
pub(crate) fn load_at<S: Simd, T: Element>(s: S, x: &[T], i: usize) -> S::F {
    match x.get(16 * i..).and_then(|x| x.first_chunk()) {
        Some(x) => T::load(s, x),
        None => s.splat(0.0),
    }
}

/// Elements 16·`i`.. of a slice that has at most sixteen of them, with zeros behind.
#[inline(always)]
pub(crate) fn load_from<S: Simd, T: Element>(s: S, x: &[T], i: usize) -> S::F {
    T::load_part(s, x.get(16 * i..).certain())
}

/// N canonical sums of `count` terms each: `lanes` gives those of a tile, of which it is
/// told the place and whether it is made of whole rows; `paired` says which were loaded
/// in pairs.
#[inline(always)]
pub(crate) fn vector_sums<S: Simd, const N: usize>(
    s: S,
    count: usize,
    paired: [bool; N],
    mut lanes: impl FnMut(Range<usize>, bool) -> [[[S::F; 2]; 2]; N],
) -> [f64; N] {
    let mut wide = [s.wide(); N];
    let mut start = 0;
    if count > TILE {
        // The compiler is not to know the length, lest it write a tile's loop out: then
        // no load repeats, and the hardware's prefetch sees no stride.
        let length = black_box(TILE);
        while count - start > TILE {
            let lanes = lanes(start..start + length, true);
            for i in 0..N {
                wide[i] = s.add_wide(wide[i], fold_to_16(s, lanes[i], paired[i]));
            }
            start += TILE;
        }
    }
    let lanes = lanes(start..count, false);
    let mut sums = [0.0; N];
    for i in 0..N {
        let last = f64::from(fold_halves(s, lanes[i], paired[i]));
        sums[i] = if start == 0 { last } else { s.fold_wide(wide[i], paired[i]) + last };
    }
    sums
}

/// A tile's rows of 64, and what is left: nothing, if it is known to be made of whole
/// rows.
#[inline(always)]
pub(crate) fn rows<T>(x: &[T], tile: Range<usize>, whole: bool) -> (&[[T; LANES]], &[T]) {
    let (rows, rest) = x.get(tile).certain().as_chunks();
    (rows, if whole { &[] } else { rest })
}

/// Folds two halves of 32 lanes, loaded by [`Element::load_32`]. Lanes of even places are
/// folded as all are, but for the last step, in which lane 1, the first of the odd
/// places, is added to lane 0.
#[inline(always)]
pub(crate) fn fold_halves<S: Simd>(s: S, [[a, b], [c, d]]: [[S::F; 2]; 2], paired: bool) -> f32 {
    if paired { s.fold(s.add(a, c)) + s.fold(s.add(b, d)) } else { fold_lanes(s, [a, b, c, d]) }
}

/// [`fold_halves`] until sixteen lanes are left: if they are paired, the eight of even
/// places first.
#[inline(always)]
pub(crate) fn fold_to_16<S: Simd>(s: S, [[a, b], [c, d]]: [[S::F; 2]; 2], paired: bool) -> S::F {
    let (low, high) = (s.add(a, c), s.add(b, d));
    if paired { s.fold_two_to_8(low, high) } else { s.add(low, high) }
}

/// Folds four registers, 64 lanes, as [`crate::sum::fold`] does.
#[inline(always)]
pub(crate) fn fold_lanes<S: Simd>(s: S, [a, b, c, d]: [S::F; 4]) -> f32 {
    s.fold(s.add(s.add(a, c), s.add(b, d)))
}
