//! The norms of [`crate::norm`] with a few lanes at a time down each tile.

use super::sum::{ABREAST, Lanes, SHORT, short, sums, tiles};
use crate::cannot_happen;
use crate::element::Element;
use crate::isa::special::any_doubled_above;
use crate::sum::LANES;

/// Σ xᵢ².
#[inline(always)]
pub(crate) fn squared_norm<T: Element>(x: &[T]) -> f64 {
    sum(
        x,
        #[inline(always)]
        |x| x * x,
    )
}

/// Σ |xᵢ|.
#[inline(always)]
pub(crate) fn l1_norm<T: Element>(x: &[T]) -> f64 {
    sum(x, f32::abs)
}

/// The canonical sum of a term of each entry.
#[inline(always)]
fn sum<T: Element>(x: &[T], term: impl Fn(f32) -> f32 + Copy) -> f64 {
    if x.len() <= SHORT {
        return short(x, term).into();
    }
    let [sum] = sums(
        x.len(),
        tiles(x),
        #[inline(always)]
        |x, [lanes]| lanes_of(x, &term, lanes),
    );
    sum
}

/// The lanes of a tile.
#[inline(always)]
fn lanes_of<T: Element>(x: &[T], term: &impl Fn(f32) -> f32, lanes: &mut Lanes) {
    let (rows, rest) = x.as_chunks::<LANES>();
    for (i, lanes) in lanes.iter_mut().enumerate() {
        let mut few = [0.0; ABREAST];
        for row in rows {
            let Some(row) = row.as_chunks::<ABREAST>().0.get(i) else {
                cannot_happen!("a row has all of its lanes");
                continue;
            };
            for (lane, x) in few.iter_mut().zip(row) {
                *lane += term(x.widen());
            }
        }
        *lanes = few;
    }
    for (lane, x) in lanes.as_flattened_mut().iter_mut().zip(rest) {
        *lane += term(x.widen());
    }
}

/// max |xᵢ| over the entries that are not NaN.
#[inline(always)]
pub(crate) fn max_abs<T: Element>(x: &[T]) -> f32 {
    let best = max_doubled(x, 0);
    if best <= INFINITY_DOUBLED { f32::from_bits(best >> 1) } else { largest(x) }
}

/// The same where there are NaNs.
#[inline(always)]
fn largest<T: Element>(x: &[T]) -> f32 {
    let mut best = 0.0;
    for x in x {
        let magnitude = x.widen().abs();
        if magnitude > best {
            best = magnitude;
        }
    }
    best
}

/// The bits of the infinity, doubled.
pub(crate) const INFINITY_DOUBLED: u32 = 0xFF00_0000;

/// The largest of `best` and the entries' doubled bits, which are ordered as magnitudes
/// are: the sign drops out, and NaNs lie above the infinity. The maximum seldom grows, so
/// there is one question for a row.
#[inline(always)]
pub(crate) fn max_doubled<T: Element>(x: &[T], mut best: u32) -> u32 {
    let (rows, rest) = x.as_chunks::<ABREAST>();
    for row in rows {
        let [a, b, c, d, e, f, g, h] = T::widen_8(row).map(f32::to_bits);
        if any_doubled_above([a, b, c, d], best) | any_doubled_above([e, f, g, h], best) {
            best = grown(row, best);
        }
    }
    grown(rest, best)
}

/// Apart, so that the question's registers need not be kept for the answer.
#[cold]
#[inline(never)]
fn grown<T: Element>(row: &[T], best: u32) -> u32 {
    row.iter().fold(best, |best, x| best.max(x.widen().to_bits() << 1))
}
