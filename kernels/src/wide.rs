//! Sums of products that leave the range of `f32`, taken again in `f64`.
//!
//! A product of two finite `f32` is exact in `f64`, and a sum of such products leaves it
//! never: so a dot product of finite numbers has an answer whatever their size. A sum
//! that is not finite, or below [`LEAST`], may have lost terms to overflow or underflow
//! and is replaced by the sum in `f64`: term *i* goes to lane *i* mod [`WIDE`], and the
//! lanes are folded. Above `LEAST` what 2⁴⁰ terms lose to underflow is below 2⁻³⁰ of it.
//!
//! This is cold code: an ordinary sum costs a comparison.

use crate::certain::Certain;
use crate::element::Element;
use crate::layout::float::sealed_place;
use crate::part::{Part, PartMut};
use crate::sum::{WIDE, fold_to};

/// 2⁻⁸⁰: a sum of rounded products of at least this magnitude stands.
pub(crate) const LEAST: f32 = f32::from_bits((127 - 80) << 23);

/// From here on a gradient's squares are summed in `f64`: 2⁶⁰. And its magnitudes: 2¹¹⁰.
pub(crate) const LARGE: f32 = f32::from_bits((127 + 60) << 23);
pub(crate) const HUGE: f32 = f32::from_bits((127 + 110) << 23);
/// 2³⁰: what is smaller does not count beside an entry of [`LARGE`].
pub(crate) const NOTED: f32 = f32::from_bits((127 + 30) << 23);
/// Below 2⁻⁴⁰ squares are summed in `f64`.
pub(crate) const SMALL: f32 = f32::from_bits((127 - 40) << 23);

/// Whether a sum of rounded products stands.
#[inline(always)]
pub(crate) fn stands(sum: f64) -> bool {
    // By its exponent, as small cores have no `f64`: that of an infinity or a NaN is the
    // largest.
    const LEAST_EXPONENT: u32 = 1023 - 80;
    let exponent = (sum.to_bits() >> 52) as u32 & 0x7FF;
    (LEAST_EXPONENT..0x7FF).contains(&exponent)
}

/// `narrow` if it stands, and else the sum in `f64`.
#[inline(always)]
pub(crate) fn dot<T: Element, U: Element>(narrow: f64, x: &[T], y: &[U]) -> f64 {
    if stands(narrow) { narrow } else { exact_dot(x, y) }
}

/// `narrow` if it is finite, and else the sum in `f64`: of magnitudes none underflows.
#[inline(always)]
pub(crate) fn l1_norm<T: Element>(narrow: f64, x: &[T]) -> f64 {
    if narrow.is_finite() { narrow } else { sum(x.iter().map(|x| f64::from(x.widen().abs()))) }
}

/// Takes those entries of a product again that do not stand.
#[inline(always)]
pub(crate) fn product<T: Element, U: Element>(a: Part<'_, T>, b: Part<'_, U>, out: &mut PartMut<'_>) {
    for i in 0..out.rows() {
        let row = out.row_from(i, 0);
        if !all_stand(row) {
            for (j, out) in row.iter_mut().enumerate() {
                *out = dot(f64::from(*out), a.row(i), b.row(j)) as f32;
            }
        }
    }
}

/// Takes those scores of rows again that do not stand.
#[inline(always)]
pub(crate) fn scores<T: Element>(rows: &[T], k: usize, n: usize, queries: &[f32], scores: &mut [f32]) {
    for (query, scores) in queries.chunks_exact(k.max(1)).zip(scores.chunks_exact_mut(n.max(1))) {
        if !all_stand(scores) {
            for (row, score) in rows.chunks_exact(k.max(1)).zip(scores) {
                *score = dot(f64::from(*score), row, query) as f32;
            }
        }
    }
}

/// [`scores`] of a sealed segment, by one query.
#[inline(always)]
pub(crate) fn sealed_scores<T: Element>(
    sealed: &[T],
    k: usize,
    query: impl Fn(usize) -> f32 + Copy,
    scores: &mut [f32],
) {
    if !all_stand(scores) {
        for (row, score) in scores.iter_mut().enumerate() {
            if !stands(f64::from(*score)) {
                *score = exact_sealed(sealed, k, row, query) as f32;
            }
        }
    }
}

/// Multiplies the scores of a sealed segment by one query by powers of two, a row each:
/// those that do not stand are taken again in `f64` before.
#[inline(always)]
pub(crate) fn scaled_scores<T: Element>(
    sealed: &[T],
    k: usize,
    query: impl Fn(usize) -> f32 + Copy,
    exponents: &[i8],
    scores: &mut [f32],
) {
    let all_stand = all_stand(scores);
    for (row, (score, &exponent)) in scores.iter_mut().zip(exponents).enumerate() {
        let narrow = f64::from(*score);
        let sum = if all_stand || stands(narrow) || exponent == 0 {
            narrow
        } else {
            exact_sealed(sealed, k, row, query)
        };
        *score = (sum * power(exponent)) as f32;
    }
}

/// 2ᵉ.
pub(crate) const fn power(exponent: i8) -> f64 {
    f64::from_bits(((exponent as i64 + 1023) as u64) << 52)
}

#[cold]
#[inline(never)]
fn exact_sealed<T: Element>(sealed: &[T], k: usize, row: usize, query: impl Fn(usize) -> f32) -> f64 {
    sum((0..k).map(|i| {
        let value = sealed.get(sealed_place(k, row, i)).map(|value| value.widen()).certain();
        f64::from(value) * f64::from(query(i))
    }))
}

/// Whether all of them stand. Sixteen at a time, so that vectors can look.
#[inline(always)]
fn all_stand(sums: &[f32]) -> bool {
    let (groups, rest) = sums.as_chunks::<16>();
    let stand = |all: bool, sum: &f32| all & (sum.abs() >= LEAST) & (sum.abs() < f32::INFINITY);
    groups.iter().all(|group| group.iter().fold(true, stand)) && rest.iter().fold(true, stand)
}

#[cold]
#[inline(never)]
fn exact_dot<T: Element, U: Element>(x: &[T], y: &[U]) -> f64 {
    sum(x.iter().zip(y).map(|(x, y)| f64::from(x.widen()) * f64::from(y.widen())))
}

/// The sum in `f64`.
fn sum(mut terms: impl Iterator<Item = f64>) -> f64 {
    let mut lanes = [0.0_f64; WIDE];
    'all: loop {
        for lane in &mut lanes {
            let Some(term) = terms.next() else { break 'all };
            *lane += term;
        }
    }
    fold_to(&mut lanes, 1);
    lanes[0]
}
