//! [`crate::dot::dots`] in vectors.

use super::ahead::ask_for;
use super::matrix::{add_all, folded};
use crate::carried::Carried;
use crate::certain::Certain;
use crate::element::Element;
use crate::part::Part;
use crate::scalar::sum::total;
use crate::simd::Simd;
use crate::sum::{LANES, TILE, WIDE};

/// Steps of 64 elements that a tile has.
const STEPS: usize = TILE / LANES;

/// Times `N` rows of `x` that are packed together: 128 KiB for four, which the second
/// cache holds.
const NEAR_BY: usize = 8;

/// Rows of `x` that meet all of `y` before the next do.
pub(crate) const TOGETHER: usize = NEAR_BY * 4;

/// Sixteen numbers in one line of a cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([f32; 16]);

/// Half a tile of `N` rows, widened: of a step's four times sixteen lanes the even two,
/// or the odd. One of them of all steps and rows, then the other.
type Half<const N: usize> = [[[Line; N]; STEPS]; 2];

/// The products of each row of `x` with each of `y`, to the first places of each row of
/// `out`, which are `places`. At most [`TOGETHER`] rows of `x`; a state for each pair is
/// lent if there is more than a tile.
#[inline(always)]
pub(crate) fn pairs<S: Simd, T: Element, U: Element>(
    s: S,
    carried: &mut [Carried],
    x: Part<'_, T>,
    y: Part<'_, U>,
    places: usize,
    out: &mut [f64],
) {
    if S::ROOMY {
        by_tiles::<S, T, U, 4>(s, carried, x, y, places, out)
    } else {
        by_tiles::<S, T, U, 2>(s, carried, x, y, places, out)
    }
}

/// A tile of the rows of `x` is packed and meets that of all rows of `y`, `N` by `N`,
/// half of the lanes after the other. So half a tile of `N` rows of `y`, 8 KiB, stays in
/// the first cache meanwhile, and what is packed of `x` streams by in the order of its
/// places.
#[inline(always)]
fn by_tiles<S: Simd, T: Element, U: Element, const N: usize>(
    s: S,
    carried: &mut [Carried],
    x: Part<'_, T>,
    y: Part<'_, U>,
    places: usize,
    out: &mut [f64],
) {
    let others = y.rows();
    let mut near = [[[[[Line([0.0; 16]); N]; STEPS]; 2]; NEAR_BY]; 2];
    let mut far = [[[Line([0.0; 16]); N]; STEPS]; 2];
    for first in (0..x.columns).step_by(TILE) {
        let end = x.columns.min(first + TILE);
        let is_last = end == x.columns;
        let steps = (end - first).div_ceil(LANES);
        for block in (0..x.rows()).step_by(NEAR_BY * N) {
            let count = NEAR_BY.min((x.rows() - block).div_ceil(N));
            for (odd, near) in near.iter_mut().enumerate() {
                for (i, near) in near.iter_mut().take(count).enumerate() {
                    pack(s, odd, x, block + i * N, first..end, near);
                }
            }
            let [near_even, near_odd] = &near;
            for j in (0..others).step_by(N) {
                let mut sums = [[[s.splat(0.0); N]; N]; NEAR_BY];
                pack(s, 0, y, j, first..end, &mut far);
                // What comes next of `y`; and of `x`, a share of it now.
                let (next, next_at) = if j + N < others { (j + N, first) } else { (0, end) };
                let share = (end - first).div_ceil(count);
                let each = (end - first).div_ceil(others.div_ceil(N));
                // The fold: 64 lanes to 32, to 16.
                for (i, (sums, near)) in sums.iter_mut().zip(near_even).take(count).enumerate() {
                    for r in next..others.min(next + N) {
                        ask_for(s, y.row(r), next_at + i * share, share);
                    }
                    if x.columns > TILE {
                        for r in block + i * N..x.rows().min(block + (i + 1) * N) {
                            ask_for(s, x.row(r), end + j / N * each, each);
                        }
                    }
                    *sums = half(s, steps, near, &far);
                }
                pack(s, 1, y, j, first..end, &mut far);
                for (i, (sums, near)) in sums.iter_mut().zip(near_odd).take(count).enumerate() {
                    add_all(s, sums, half(s, steps, near, &far));
                    let at = block + i * N;
                    let last = if is_last { folded(s, sums) } else { [[0.0; N]; N] };
                    for (r, (sums, last)) in sums.iter().zip(last).enumerate().take(x.rows() - at) {
                        let pairs = (at + r) * others + j..(at + r) * others + others.min(j + N);
                        let mut carried = carried.get_mut(pairs).into_iter().flatten();
                        if !is_last {
                            for (sum, carried) in sums.iter().zip(carried) {
                                add_tile(s, *sum, first > 0, carried);
                            }
                            continue;
                        }
                        let out = out.get_mut((at + r) * places..).certain();
                        for (out, last) in out.iter_mut().take(others).skip(j).zip(last) {
                            *out = match carried.next() {
                                Some(carried) if first > 0 => total(&mut carried.wide, last),
                                _ => f64::from(last),
                            };
                        }
                    }
                }
            }
        }
    }
}

/// Lays half of the lanes of `N` rows from `first` on side by side; of the last row again
/// where there are fewer. What is beyond the columns is zero: a zero term leaves every
/// canonical sum as it is, because a sum that starts at +0 is never −0.
#[inline(always)]
fn pack<S: Simd, T: Element, const N: usize>(
    s: S,
    odd: usize,
    from: Part<'_, T>,
    first: usize,
    at: core::ops::Range<usize>,
    to: &mut Half<N>,
) {
    for r in 0..N {
        let row = from.row((first + r).min(from.rows().saturating_sub(1)));
        let row = row.get(at.clone()).certain();
        let (whole, rest) = row.as_chunks::<LANES>();
        for (g, to) in to.iter_mut().enumerate() {
            for (step, to) in whole.iter().zip(to.iter_mut()) {
                s.store(T::load(s, &step.as_chunks().0[2 * g + odd]), &mut to[r].0);
            }
            if let Some(to) = to.get_mut(whole.len()) {
                let from = (16 * (2 * g + odd)).min(rest.len());
                let part = rest.get(from..rest.len().min(from + 16)).certain();
                s.store(T::load_part(s, part), &mut to[r].0);
            }
        }
    }
}

/// Sixteen sums of each row with each other one, of half of the lanes.
#[inline(always)]
fn half<S: Simd, const N: usize>(s: S, steps: usize, near: &Half<N>, far: &Half<N>) -> [[S::F; N]; N] {
    let mut both = [[[s.splat(0.0); N]; N]; 2];
    for (lanes, (near, far)) in both.iter_mut().zip(near.iter().zip(far)) {
        for (near, far) in near.iter().zip(far).take(steps) {
            let mut held = [s.splat(0.0); N];
            for (held, far) in held.iter_mut().zip(far) {
                *held = s.load(&far.0);
            }
            for (lanes, near) in lanes.iter_mut().zip(near) {
                let near = s.load(&near.0);
                for (lanes, far) in lanes.iter_mut().zip(held) {
                    *lanes = s.add(*lanes, s.mul(near, far));
                }
            }
        }
    }
    let [mut sums, others] = both;
    add_all(s, &mut sums, others);
    sums
}

/// Adds the sixteen lanes of a tile to the wide ones, which they are if it is the first.
#[inline(always)]
fn add_tile<S: Simd>(s: S, lanes: S::F, begun: bool, carried: &mut Carried) {
    let mut sixteen = [0.0; WIDE];
    s.store(lanes, &mut sixteen);
    for (wide, lanes) in carried.wide.as_chunks_mut::<8>().0.iter_mut().zip(sixteen.as_chunks::<8>().0) {
        let lanes = s.widen_8(lanes);
        s.store_8(if begun { s.add_8(s.load_8(wide), lanes) } else { lanes }, wide);
    }
}
