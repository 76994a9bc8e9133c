//! The order of a score, and the lengths that follow from it.

use crate::bits::BLOCK;
use crate::error::Error;

/// Rows of a sealed group.
pub const GROUP: usize = 16;

/// Partial sums a score.
pub const LANES: usize = 16;

/// The partial sums in the order of a sealed group: two that stand side by side are added
/// by the fold's first step, two such pairs by its second, and so on. It is the order of
/// reversed bits.
pub const ORDER: [usize; LANES] = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];

/// Queries that are packed side by side for sealed groups.
pub(crate) const TILE: usize = 8;

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
pub(crate) const fn times(count: usize, length: usize) -> usize {
    let product = count.saturating_mul(length);
    if product == 0 { 1 } else { product }
}

/// How many queries stand side by side in a tile whose columns are `length` long; never
/// zero, so that a tile can be cut by it.
#[inline(always)]
pub(crate) fn columns(tile: usize, length: usize) -> usize {
    tile.checked_div(length).unwrap_or(1).max(1)
}

/// How many columns the tiles of so many queries have: the last tile is as wide as the
/// next power of two.
pub(crate) const fn tiled(queries: usize) -> usize {
    let rest = queries % TILE;
    let rest = if rest == 0 { 0 } else { rest.next_power_of_two() };
    (queries - queries % TILE).saturating_add(rest)
}

/// How many whole lengths of `k` there are in `length`.
pub(crate) fn whole(length: usize, k: usize) -> Result<usize, Error> {
    if k == 0 {
        return Err(Error::Width { multiple: 1, found: 0 });
    }
    let count = length / k;
    if count * k == length { Ok(count) } else { Err(Error::Length { expected: count * k, found: length }) }
}

/// Block `block` of query `query`, of queries of `k` values each; zeros behind its end.
pub(crate) fn block_of(queries: &[f32], k: usize, query: usize, block: usize) -> [f32; BLOCK] {
    let mut values = [0.0; BLOCK];
    let query = queries.chunks(k.max(1)).nth(query).unwrap_or_default();
    for (to, value) in values.iter_mut().zip(query.iter().skip(block.saturating_mul(BLOCK))) {
        *to = *value;
    }
    values
}

/// Refuses packed queries of `k` values that are not as long as they have to be.
pub(crate) const fn check_packed(k: usize, expected: usize, found: usize) -> Result<(), Error> {
    if k == 0 {
        Err(Error::Width { multiple: 1, found: 0 })
    } else if expected == found {
        Ok(())
    } else {
        Err(Error::Length { expected, found })
    }
}

/// Refuses scores that aren't `rows` for each of `queries`.
pub(crate) fn check_scores(rows: usize, queries: usize, scores: usize) -> Result<(), Error> {
    match rows.checked_mul(queries) {
        Some(expected) if expected == scores => Ok(()),
        expected => Err(Error::Length { expected: expected.unwrap_or(usize::MAX), found: scores }),
    }
}

/// How many rows `scores` are of, for so many queries: `None` if there is nothing to
/// score.
pub(crate) fn rows_of(scores: usize, queries: usize) -> Result<Option<usize>, Error> {
    if queries == 0 || scores == 0 {
        return if scores == 0 { Ok(None) } else { Err(Error::Length { expected: 0, found: scores }) };
    }
    let rows = scores / queries;
    check_scores(rows, queries, scores)?;
    Ok(Some(rows))
}

/// The sums of the lanes of [`ORDER`] as they come, added as the fold adds them. `V` is
/// whatever is added.
pub(crate) struct Fold<V> {
    /// Sums of 1, 2, 4 and 8 partial sums that wait for their partner, and the whole.
    waiting: [V; 5],
    /// Partial sums so far.
    count: usize,
}

impl<V: Copy> Fold<V> {
    #[inline(always)]
    pub(crate) const fn new(zero: V) -> Self {
        Self { waiting: [zero; 5], count: 0 }
    }

    /// Takes the next partial sum in.
    #[inline(always)]
    pub(crate) fn push(&mut self, mut sum: V, add: impl Fn(V, V) -> V) {
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
    pub(crate) const fn total(self) -> V {
        self.waiting[4]
    }
}
