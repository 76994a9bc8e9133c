//! [`crate::pair()`] in vectors.

use super::ahead::AHEAD;
use super::norm::{Magnitude, Square};
use super::sum::{load_at, load_from, rows, short_sums, vector_sums};
use super::{dot, norm};
use crate::certain::Certain;
use crate::element::Element;
use crate::simd::Simd;
use crate::sum::LANES;

/// x·y, |x|², |y|² and the L1 norm of x, in one pass.
#[inline(always)]
pub(crate) fn pair<S: Simd, T: Element, U: Element>(s: S, x: &[T], y: &[U]) -> [f64; 4] {
    let y = y.get(..x.len()).certain();
    if x.len() <= LANES {
        let first = |x, y| step(s, x, y, [s.splat(0.0); 4]);
        return short_sums(
            s,
            x.len(),
            #[inline(always)]
            |i| first(load_at(s, x, i), load_at(s, y, i)),
            #[inline(always)]
            |i| first(load_from(s, x, i), load_from(s, y, i)),
        );
    }
    vector_sums(
        s,
        x.len(),
        paired::<S, T, U>(),
        #[inline(always)]
        |tile, whole| lanes(s, rows(x, tile.clone(), whole), rows(y, tile, whole)),
    )
}

/// Which of the four sums are taken of elements loaded in pairs.
#[inline(always)]
fn paired<S: Simd, T: Element, U: Element>() -> [bool; 4] {
    if S::ROOMY { [false; 4] } else { [T::PAIRED && U::PAIRED, T::PAIRED, U::PAIRED, T::PAIRED] }
}

/// The lanes of one tile's sums: side by side if there is room for their sixteen
/// registers, else one after the other, in which case only the first has to fetch the
/// tile.
#[inline(always)]
fn lanes<S: Simd, T: Element, U: Element>(
    s: S,
    x: (&[[T; LANES]], &[T]),
    y: (&[[U; LANES]], &[U]),
) -> [[[S::F; 2]; 2]; 4] {
    if !S::ROOMY {
        let (x_squared, y_squared) = (norm::lanes(s, x, Square), norm::lanes(s, y, Square));
        return [dot::lanes(s, x, y), x_squared, y_squared, norm::lanes(s, x, Magnitude)];
    }
    let mut lanes = [[s.splat(0.0); 4]; 4];
    let ((x, x_rest), (y, y_rest)) = (x, y);
    for (x, y) in x.iter().zip(y) {
        // f32 is read no faster than the hardware fetches it by itself.
        if size_of::<T>() < 4 || size_of::<U>() < 4 {
            s.prefetch(x, AHEAD);
            s.prefetch(y, AHEAD);
        }
        for ((lane, x), y) in lanes.iter_mut().zip(x.as_chunks().0).zip(y.as_chunks().0) {
            *lane = step(s, T::load(s, x), U::load(s, y), *lane);
        }
    }
    for ((lane, x), y) in lanes.iter_mut().zip(x_rest.chunks(16)).zip(y_rest.chunks(16)) {
        *lane = step(s, T::load_part(s, x), U::load_part(s, y), *lane);
    }
    let [a, b, c, d] = lanes;
    let mut sums = [[[s.splat(0.0); 2]; 2]; 4];
    for (i, sum) in sums.iter_mut().enumerate() {
        *sum = [[a[i], b[i]], [c[i], d[i]]];
    }
    sums
}

/// Adds sixteen elements to the lanes of the four sums.
#[inline(always)]
fn step<S: Simd>(s: S, x: S::F, y: S::F, [dot, x_squared, y_squared, x_l1]: [S::F; 4]) -> [S::F; 4] {
    [
        s.add(dot, s.mul(x, y)),
        s.add(x_squared, s.mul(x, x)),
        s.add(y_squared, s.mul(y, y)),
        s.add(x_l1, s.abs(x)),
    ]
}
