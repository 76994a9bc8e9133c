//! Scoring stored rows against queries: ⟨row, query⟩ for many rows and a few queries at
//! once.
//!
//! | codec | file | a score |
//! |---|---|---|
//! | `f32`, `f16`, `bf16` | [`float`] | Σ xᵢ·qᵢ |
//! | int8 | [`int8`] | (Σ cᵢ·dᵢ) · row's scale · query's scale; the sum is exact |
//! | 1 bit | [`sign`] | (Σ ±qᵢ) · row's scale |
//! | 1 bit, against signs | [`hamming`] | in how many places the signs differ; exact |
//!
//! Each codec has two layouts, with **the same bits**, so that sealing a segment never
//! changes a score. An *open* segment holds row after row. A *sealed* one holds groups of
//! [`GROUP`] = 16 rows, of which the values of one place stand side by side, so that a
//! score is a lane and nothing is summed across lanes.
//!
//! # The order of a score
//! Floating-point sums are 16 partial sums: term *i* goes to partial sum *i* mod 16, in
//! index order; the sixteen are folded 16→8→4→2→1 by adding the upper half to the lower.
//! A product is rounded, then added. (For 1-bit rows four terms are added to each other
//! first; [`sign`] says which.) So |computed − exact| ≤ (⌈k/16⌉ + 5)·2⁻²⁴·Σ|xᵢ·qᵢ| while
//! nothing underflows.
//!
//! Why this order serves both layouts: row by row, the 16 partial sums are the lanes of
//! one register, which is the fastest way there is. Place by place, a partial sum is one
//! lane's sequential sum, provided that the places of one partial sum follow each other.
//! That is how a sealed group is laid out: places 0, 16, 32, …, then 8, 24, …, and so on
//! in the order in which the fold takes the partial sums ([`ORDER`]); whenever two sums
//! that the fold adds are there, they are added. So at most five registers a score are
//! alive, of which four rest in memory, and the fold costs one addition in ⌈k/16⌉
//! multiply–adds. Sequential sums over a whole row would be simpler in a sealed group,
//! but an open row could not be summed in registers of more than one lane; the canonical
//! sum of the other kernels ([`crate::sum`]) has 64 partial sums, which would quadruple
//! the fold's part here.

use crate::error::Error;

pub mod float;
pub mod hamming;
pub mod int8;
pub mod sign;

/// Rows of a sealed group.
pub const GROUP: usize = 16;

/// Partial sums a score.
pub const LANES: usize = 16;

/// The partial sums in the order of a sealed group: two that stand side by side are added
/// by the fold's first step, two such pairs by its second, and so on. It is the order of
/// reversed bits.
pub const ORDER: [usize; LANES] = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];

/// Queries that are packed side by side for sealed groups.
const TILE: usize = 8;

/// How many of `k` places belong to partial sum `lane`.
#[inline]
pub(crate) const fn places(k: usize, lane: usize) -> usize {
    k.saturating_sub(lane).div_ceil(LANES)
}

/// Adds the lanes: lane *j* += lane *j* + *h* for *h* = 8, 4, 2, 1.
#[inline]
pub(crate) fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        let (low, high) = lanes.split_at_mut(half);
        for (low, high) in low.iter_mut().zip(high) {
            *low += *high;
        }
        half /= 2;
    }
    lanes[0]
}

/// The length of `count` stretches of `length`: never zero, so that a slice can be cut by
/// it.
#[inline(always)]
const fn times(count: usize, length: usize) -> usize {
    let product = count.saturating_mul(length);
    if product == 0 { 1 } else { product }
}

/// How many queries stand side by side in a tile whose columns are `length` long; never
/// zero, so that a tile can be cut by it.
#[inline(always)]
fn columns(tile: usize, length: usize) -> usize {
    tile.checked_div(length).unwrap_or(1).max(1)
}

/// How far ahead to ask for memory while G sealed groups are read side by side, in bytes:
/// each group asks for what stands in its place of the next G, or further on where these
/// are near.
#[inline(always)]
pub(crate) fn ahead<T, const G: usize>(groups: &[&[T]; G]) -> usize {
    const LEAST: usize = 16 << 10;
    groups.iter().map(|group| size_of_val(*group)).sum::<usize>().max(LEAST)
}

/// How many whole lengths of `k` there are in `length`.
fn whole(length: usize, k: usize) -> Result<usize, Error> {
    if k == 0 {
        return Err(Error::Width { multiple: 1, found: 0 });
    }
    let count = length / k;
    if count * k == length { Ok(count) } else { Err(Error::Length { expected: count * k, found: length }) }
}

/// Refuses scores that aren't `rows` for each of `queries`.
fn check_scores(rows: usize, queries: usize, scores: usize) -> Result<(), Error> {
    match rows.checked_mul(queries) {
        Some(expected) if expected == scores => Ok(()),
        expected => Err(Error::Length { expected: expected.unwrap_or(usize::MAX), found: scores }),
    }
}

/// How many rows `scores` are of, for so many queries: `None` if there is nothing to
/// score.
fn rows_of(scores: usize, queries: usize) -> Result<Option<usize>, Error> {
    if queries == 0 || scores == 0 {
        return if scores == 0 { Ok(None) } else { Err(Error::Length { expected: 0, found: scores }) };
    }
    let rows = scores / queries;
    check_scores(rows, queries, scores)?;
    Ok(Some(rows))
}

/// The sums of the lanes of [`ORDER`] as they come, added as the fold adds them. `V` is
/// whatever is added.
struct Fold<V> {
    /// Sums of 1, 2, 4 and 8 partial sums that wait for their partner, and the whole.
    waiting: [V; 5],
    /// Partial sums so far.
    count: usize,
}

impl<V: Copy> Fold<V> {
    #[inline(always)]
    const fn new(zero: V) -> Self {
        Self { waiting: [zero; 5], count: 0 }
    }

    /// Takes the next partial sum in.
    #[inline(always)]
    fn push(&mut self, mut sum: V, add: impl Fn(V, V) -> V) {
        let mut waiting = self.waiting.iter_mut();
        let mut ones = self.count;
        self.count += 1;
        while ones & 1 == 1 {
            if let Some(other) = waiting.next() {
                sum = add(*other, sum);
            }
            ones >>= 1;
        }
        if let Some(slot) = waiting.next() {
            *slot = sum;
        }
    }

    /// The sum of all sixteen.
    #[inline(always)]
    const fn total(self) -> V {
        self.waiting[4]
    }
}
