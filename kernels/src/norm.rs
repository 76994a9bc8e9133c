//! Squared L2 norm Σ xᵢ², L1 norm Σ |xᵢ| and largest magnitude max |xᵢ|.
//!
//! The two sums are canonical ([`crate::sum`]), with relative errors of at most 23·2⁻²⁴
//! (L2², while no square underflows) and 22·2⁻²⁴ (L1): all terms are of one sign. The
//! maximum is exact and passes over NaNs. Whoever wants several of them at once takes
//! [`crate::summary`], which reads the slice once.

use crate::dispatch::{Kernel, run};
use crate::dot::{AHEAD, load_at, load_from, rows, short_sums, vector_sums};
use crate::element::Element;
use crate::isa::any_doubled_above;
use crate::level::Level;
use crate::simd::Simd;
use crate::sum::{self, ABREAST, LANES, Lanes, NO_TERMS, tiles};

/// Σ xᵢ²: the squared Euclidean norm. 0 for an empty slice.
#[inline]
#[must_use]
pub fn squared_norm<T: Element>(x: &[T]) -> f64 {
    squared_norm_with(Level::best(), x)
}

/// [`squared_norm`] on a given level.
#[inline]
#[must_use]
pub fn squared_norm_with<T: Element>(level: Level, x: &[T]) -> f64 {
    run(level, Sum::<_, Square> { x, term: Square })
}

/// Σ |xᵢ|. 0 for an empty slice.
#[inline]
#[must_use]
pub fn l1_norm<T: Element>(x: &[T]) -> f64 {
    l1_norm_with(Level::best(), x)
}

/// [`l1_norm`] on a given level.
#[inline]
#[must_use]
pub fn l1_norm_with<T: Element>(level: Level, x: &[T]) -> f64 {
    run(level, Sum::<_, Magnitude> { x, term: Magnitude })
}

/// max |xᵢ| over the entries that are not NaN. 0 for an empty slice.
#[inline]
#[must_use]
pub fn max_abs<T: Element>(x: &[T]) -> f32 {
    max_abs_with(Level::best(), x)
}

/// [`max_abs`] on a given level.
#[inline]
#[must_use]
pub fn max_abs_with<T: Element>(level: Level, x: &[T]) -> f32 {
    run(level, MaxAbs { x })
}

/// What is summed.
pub(crate) trait Term: Copy {
    fn define(self, x: f32) -> f32;
    fn add<S: Simd>(self, s: S, x: S::F, lane: S::F, exact: bool) -> S::F;
}

#[derive(Clone, Copy)]
pub(crate) struct Square;
impl Term for Square {
    #[inline(always)]
    fn define(self, x: f32) -> f32 {
        x * x
    }
    #[inline(always)]
    fn add<S: Simd>(self, s: S, x: S::F, lane: S::F, exact: bool) -> S::F {
        if exact { s.mul_exact_add(x, x, lane) } else { s.add(lane, s.mul(x, x)) }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Magnitude;
impl Term for Magnitude {
    #[inline(always)]
    fn define(self, x: f32) -> f32 {
        x.abs()
    }
    #[inline(always)]
    fn add<S: Simd>(self, s: S, x: S::F, lane: S::F, _exact: bool) -> S::F {
        s.add(lane, s.abs(x))
    }
}

/// The scalar text of both sums.
fn definition<T: Element, M: Term>(x: &[T], term: M) -> f64 {
    let [sum] = sum::sums(x.len(), tiles(x), |x, [lanes]| {
        *lanes = NO_TERMS;
        for x in x.chunks(LANES) {
            for (lane, x) in lanes.as_flattened_mut().iter_mut().zip(x) {
                *lane += term.define(x.widen());
            }
        }
    });
    sum
}

/// [`definition`] with a few lanes at a time down each tile, as in [`crate::dot`].
#[inline(always)]
pub(crate) fn serial<T: Element, M: Term>(x: &[T], term: M) -> f64 {
    let [sum] = sum::sums(
        x.len(),
        tiles(x),
        #[inline(always)]
        |x, [lanes]| serial_lanes(x, term, lanes),
    );
    sum
}

#[inline(always)]
fn serial_lanes<T: Element, M: Term>(x: &[T], term: M, lanes: &mut Lanes) {
    let (rows, rest) = x.as_chunks::<LANES>();
    for (i, lanes) in lanes.iter_mut().enumerate() {
        let mut few = [0.0; ABREAST];
        for row in rows {
            let Some(row) = row.as_chunks::<ABREAST>().0.get(i) else { continue };
            for (lane, x) in few.iter_mut().zip(row) {
                *lane += term.define(x.widen());
            }
        }
        *lanes = few;
    }
    for (lane, x) in lanes.as_flattened_mut().iter_mut().zip(rest) {
        *lane += term.define(x.widen());
    }
}

struct Sum<'a, T, M> {
    x: &'a [T],
    term: M,
}

impl<T: Element, M: Term> Kernel for Sum<'_, T, M> {
    type Output = f64;

    #[inline(always)]
    fn define(self) -> f64 {
        definition(self.x, self.term)
    }

    #[inline(always)]
    fn serial(self) -> f64 {
        serial(self.x, self.term)
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) -> f64 {
        let (x, term) = (self.x, self.term);
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
}

/// The lanes of a tile; its end as in [`crate::dot`].
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

struct MaxAbs<'a, T> {
    x: &'a [T],
}

impl<T: Element> Kernel for MaxAbs<'_, T> {
    type Output = f32;

    #[inline(always)]
    fn define(self) -> f32 {
        let mut best = 0.0;
        for x in self.x {
            let magnitude = x.widen().abs();
            if magnitude > best {
                best = magnitude;
            }
        }
        best
    }

    #[inline(always)]
    fn serial(self) -> f32 {
        let best = max_doubled(self.x, 0);
        if best <= INFINITY_DOUBLED { f32::from_bits(best >> 1) } else { self.define() }
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) -> f32 {
        let mut best = [s.splat(0.0); 4];
        let (x, rest) = self.x.as_chunks::<LANES>();
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::tests::{bits, inputs};

    #[test]
    fn the_serial_forms_have_the_bits_of_the_definition() {
        for x in inputs() {
            let (max, expected) = (MaxAbs { x: &x }.serial(), MaxAbs { x: &x }.define());
            assert_eq!(max.to_bits(), expected.to_bits(), "length {}", x.len());
            assert_eq!(bits(&[serial(&x, Square)]), bits(&[definition(&x, Square)]), "length {}", x.len());
            assert_eq!(
                bits(&[serial(&x, Magnitude)]),
                bits(&[definition(&x, Magnitude)]),
                "length {}",
                x.len()
            );
        }
    }
}
