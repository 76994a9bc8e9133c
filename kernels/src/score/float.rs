//! Scores of rows of `f32`, `f16` or `bf16`: Σ xᵢ·qᵢ with `f32` queries, in the order of
//! [`super`].
//!
//! The small formats widen exactly. A product is rounded, then added. *Memory*: an open
//! segment needs none besides its input; for sealed ones the queries are packed once
//! ([`Packed`]).

use super::{
    Fold, GROUP, LANES, ORDER, TILE, ahead, check_scores, columns, fold, places, rows_of, times, whole,
};
use crate::dispatch::{Kernel, run};
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::simd::Simd;
use core::ops::Range;

/// `scores[q·n + r]` = ⟨row r, query q⟩ for the n rows of an open segment: row after row
/// of `k` values, query after query.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if rows or queries aren't multiples
/// of `k`, or the scores aren't as many as the product of their numbers. Nothing was
/// written.
#[inline]
pub fn score_rows<T: Element>(
    rows: &[T],
    k: usize,
    queries: &[f32],
    scores: &mut [f32],
) -> Result<(), Error> {
    score_rows_with(Level::best(), rows, k, queries, scores)
}

/// [`score_rows`] on a given level.
///
/// # Errors
/// As [`score_rows`].
#[inline]
pub fn score_rows_with<T: Element>(
    level: Level,
    rows: &[T],
    k: usize,
    queries: &[f32],
    scores: &mut [f32],
) -> Result<(), Error> {
    let n = whole(rows.len(), k)?;
    check_scores(n, whole(queries.len(), k)?, scores.len())?;
    if !scores.is_empty() {
        run(level, Rows { rows, k, n, queries, scores });
    }
    Ok(())
}

/// `scores[q·n + r]` = ⟨row r, query q⟩ for the first n rows of a sealed segment, n =
/// `scores.len()` / queries. The bits are those of [`score_rows`] for the rows from which
/// [`seal`] made it.
///
/// # Errors
/// [`Error::Length`] if the scores aren't a multiple of the queries' number, or the
/// segment's length is not [`sealed_len`] of that many rows. Nothing was written.
#[inline]
pub fn score_sealed<T: Element>(sealed: &[T], queries: Packed<'_>, scores: &mut [f32]) -> Result<(), Error> {
    score_sealed_with(Level::best(), sealed, queries, scores)
}

/// [`score_sealed`] on a given level.
///
/// # Errors
/// As [`score_sealed`].
#[inline]
pub fn score_sealed_with<T: Element>(
    level: Level,
    sealed: &[T],
    queries: Packed<'_>,
    scores: &mut [f32],
) -> Result<(), Error> {
    let Some(n) = rows_of(scores.len(), queries.count)? else { return Ok(()) };
    same_length(sealed_len(n, queries.k), sealed.len())?;
    run(level, Sealed { sealed, n, queries, scores });
    Ok(())
}

/// Elements of a sealed segment of `rows` rows: the last group is filled up.
#[must_use]
pub const fn sealed_len(rows: usize, k: usize) -> usize {
    rows.div_ceil(GROUP).saturating_mul(GROUP).saturating_mul(k)
}

/// Where value `i` of row `row` stands in a sealed segment of rows of `k` values; `i` is
/// less than `k`.
#[must_use]
pub const fn sealed_place(k: usize, row: usize, i: usize) -> usize {
    let mut place = i / LANES;
    let mut rank = 0;
    while rank < LANES && ORDER[rank] != i % LANES {
        place += places(k, ORDER[rank]);
        rank += 1;
    }
    (row / GROUP * k + place) * GROUP + row % GROUP
}

/// Lays an open segment out as a sealed one. What fills up the last group is zero.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if `rows` isn't a multiple of `k`,
/// or `sealed` is not [`sealed_len`] long. Nothing was written.
pub fn seal<T: Element>(rows: &[T], k: usize, sealed: &mut [T]) -> Result<(), Error> {
    let n = whole(rows.len(), k)?;
    same_length(sealed_len(n, k), sealed.len())?;
    for (rows, group) in rows.chunks(times(GROUP, k)).zip(sealed.chunks_mut(times(GROUP, k))) {
        let mut places = group.as_chunks_mut::<GROUP>().0.iter_mut();
        for lane in ORDER {
            for (i, place) in (lane..k).step_by(LANES).zip(places.by_ref()) {
                for (r, to) in place.iter_mut().enumerate() {
                    *to = rows.get(r * k + i).copied().unwrap_or(T::ZERO);
                }
            }
        }
    }
    Ok(())
}

/// Writes values `first..first + values.len()` of row `row` to their places in a sealed
/// segment of rows of `k` values: what [`seal`] does to whole segments.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if the row has no such values, or
/// the segment no such row. Nothing was written.
pub fn put<T: Element>(
    values: &[T],
    first: usize,
    k: usize,
    row: usize,
    sealed: &mut [T],
) -> Result<(), Error> {
    let group = group_of(k, first, values.len(), row, sealed.len())?;
    let places = sealed.get_mut(group).unwrap_or_default().as_chunks_mut::<GROUP>().0;
    let starts = starts(k);
    for (i, x) in (first..).zip(values) {
        if let Some(place) = places.get_mut(starts[i % LANES] + i / LANES) {
            place[row % GROUP] = *x;
        }
    }
    Ok(())
}

/// Reads values `first..first + values.len()` of row `row` of a sealed segment of rows of
/// `k` values.
///
/// # Errors
/// As [`put`].
pub fn take<T: Element>(
    sealed: &[T],
    k: usize,
    row: usize,
    first: usize,
    values: &mut [T],
) -> Result<(), Error> {
    let group = group_of(k, first, values.len(), row, sealed.len())?;
    let places = sealed.get(group).unwrap_or_default().as_chunks::<GROUP>().0;
    let starts = starts(k);
    for (i, to) in (first..).zip(values) {
        if let Some(place) = places.get(starts[i % LANES] + i / LANES) {
            *to = place[row % GROUP];
        }
    }
    Ok(())
}

/// Where the group of row `row` stands in a sealed segment, if there is one and the row
/// has `count` values from `first` on.
fn group_of(k: usize, first: usize, count: usize, row: usize, sealed: usize) -> Result<Range<usize>, Error> {
    if k == 0 {
        return Err(Error::Width { multiple: 1, found: 0 });
    }
    let last = first.saturating_add(count);
    if last > k {
        return Err(Error::Length { expected: k, found: last });
    }
    let end = sealed_len(row.saturating_add(1), k);
    if end > sealed { Err(Error::Length { expected: end, found: sealed }) } else { Ok(end - GROUP * k..end) }
}

/// Where the places of each partial sum begin in a group of rows of `k` values.
fn starts(k: usize) -> [usize; LANES] {
    let mut starts = [0; LANES];
    let mut next = 0;
    for lane in ORDER {
        if let Some(start) = starts.get_mut(lane) {
            *start = next;
        }
        next += places(k, lane);
    }
    starts
}

/// Queries in the order of a sealed segment, up to eight side by side.
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    /// Tiles of eight queries, then one of what is left, filled up with zeros to 1, 2, 4
    /// or 8: in each, place after place in the sealed order.
    values: &'a [f32],
    k: usize,
    count: usize,
}

impl<'a> Packed<'a> {
    /// Elements of scratch that so many queries take.
    #[must_use]
    pub const fn len(queries: usize, k: usize) -> usize {
        let rest = queries % TILE;
        let rest = if rest == 0 { 0 } else { rest.next_power_of_two() };
        (queries - queries % TILE).saturating_add(rest).saturating_mul(k)
    }

    /// Packs queries of `k` values each, query after query, into `scratch`.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `queries` isn't a multiple
    /// of `k`, or `scratch` is not [`Packed::len`] long. Nothing was written.
    pub fn new(queries: &[f32], k: usize, scratch: &'a mut [f32]) -> Result<Self, Error> {
        let count = whole(queries.len(), k)?;
        same_length(Self::len(count, k), scratch.len())?;
        for (queries, tile) in queries.chunks(times(TILE, k)).zip(scratch.chunks_mut(times(TILE, k))) {
            let mut places = tile.chunks_mut(columns(tile.len(), k));
            for lane in ORDER {
                for (i, place) in (lane..k).step_by(LANES).zip(places.by_ref()) {
                    for (q, to) in place.iter_mut().enumerate() {
                        *to = queries.get(q * k + i).copied().unwrap_or(0.0);
                    }
                }
            }
        }
        Ok(Self { values: scratch, k, count })
    }

    /// How many queries there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Values a query.
    #[must_use]
    pub const fn k(&self) -> usize {
        self.k
    }
}

struct Rows<'a, T> {
    rows: &'a [T],
    k: usize,
    n: usize,
    queries: &'a [f32],
    scores: &'a mut [f32],
}

impl<T: Element> Kernel for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        let k = self.k.max(1);
        for (query, scores) in self.queries.chunks_exact(k).zip(self.scores.chunks_mut(self.n.max(1))) {
            for (row, score) in self.rows.chunks_exact(k).zip(scores) {
                let mut lanes = [0.0_f32; LANES];
                for (x, q) in row.chunks(LANES).zip(query.chunks(LANES)) {
                    for ((lane, x), q) in lanes.iter_mut().zip(x).zip(q) {
                        *lane += x.widen() * q;
                    }
                }
                *score = fold(lanes);
            }
        }
    }

    /// Sixteen rows at a time, which stay in the nearest cache while the queries come by.
    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { rows, k, n, queries, scores } = self;
        let k = k.max(1);
        for (block, first) in rows.chunks(times(16, k)).zip((0..n).step_by(16)) {
            let mut sixteen: [&[T]; 16] = [block.get(..k).unwrap_or_default(); 16];
            for (slot, row) in sixteen.iter_mut().zip(block.chunks_exact(k)) {
                *slot = row;
            }
            let count = (n - first).min(16);
            let (fours, _) = sixteen.as_chunks::<4>();
            let mut fetch = (16 * k * size_of::<T>()).max(16 << 10);
            for (queries, q) in queries.chunks(times(4, k)).zip((0_usize..).step_by(4)) {
                let mut scores = scores.get_mut(q * n..).unwrap_or_default().chunks_mut(n);
                if queries.len() == 4 * k {
                    let mut of: [&mut [f32]; 4] = Default::default();
                    for slot in &mut of {
                        let scores = scores.next().unwrap_or_default();
                        *slot = scores.get_mut(first..first + count).unwrap_or_default();
                    }
                    for (rows, r) in fours.iter().zip((0..count).step_by(4)) {
                        let sums = s.fold_16(four_by_four(s, rows, queries, k, fetch));
                        for (of, sums) in of.iter_mut().zip(sums.as_chunks::<4>().0) {
                            copy(sums, of.get_mut(r..).unwrap_or_default());
                        }
                    }
                } else {
                    for (query, scores) in queries.chunks_exact(k).zip(scores) {
                        let mut sums = [s.splat(0.0); 16];
                        if size_of::<T>() == 4 {
                            // One after the other: f32 comes from memory in its order,
                            // and slower than a sum can take it.
                            for (row, sum) in sixteen.iter().zip(&mut sums) {
                                [[*sum]] = row_tile::<S, T, 1, 1>(s, &[*row], &[query], fetch);
                            }
                        } else {
                            for (rows, sums) in fours.iter().zip(sums.as_chunks_mut::<4>().0) {
                                [*sums] = row_tile::<S, T, 4, 1>(s, rows, &[query], fetch);
                            }
                        }
                        copy(&s.fold_16(sums), scores.get_mut(first..first + count).unwrap_or_default());
                        fetch = 0;
                    }
                }
                fetch = 0;
            }
        }
    }
}

/// Copies as much as there is room for.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Sixteen sums of lanes: four rows for each of four queries.
#[inline(always)]
fn four_by_four<S: Simd, T: Element>(
    s: S,
    rows: &[&[T]; 4],
    queries: &[f32],
    k: usize,
    fetch: usize,
) -> [S::F; 16] {
    let mut four: [&[f32]; 4] = [&[]; 4];
    for (slot, query) in four.iter_mut().zip(queries.chunks_exact(k)) {
        *slot = query;
    }
    let mut sums = [s.splat(0.0); 16];
    if S::ROOMY {
        let tile = row_tile::<S, T, 4, 4>(s, rows, &four, fetch);
        sums.copy_from_slice(tile.as_flattened());
        return sums;
    }
    let ([upper, lower], [left, right]) = (four.as_chunks::<2>().0, rows.as_chunks::<2>().0) else {
        return sums;
    };
    for (queries, sums) in [upper, lower].into_iter().zip(sums.as_chunks_mut::<8>().0) {
        let [a, b] = row_tile::<S, T, 2, 2>(s, left, queries, fetch);
        let [c, d] = row_tile::<S, T, 2, 2>(s, right, queries, fetch);
        *sums = [a[0], a[1], c[0], c[1], b[0], b[1], d[0], d[1]];
    }
    sums
}

/// The lanes of R rows for C queries of one length. Asks for what lies `fetch` bytes
/// ahead, unless that is zero.
#[inline(always)]
fn row_tile<S: Simd, T: Element, const R: usize, const C: usize>(
    s: S,
    rows: &[&[T]; R],
    queries: &[&[f32]; C],
    fetch: usize,
) -> [[S::F; R]; C] {
    let mut lanes = [[s.splat(0.0); R]; C];
    let mut x: [&[[T; 16]]; R] = [&[]; R];
    let mut q: [&[[f32; 16]]; C] = [&[]; C];
    let steps = queries.first().map_or(0, |query| query.len() / 16);
    for (x, row) in x.iter_mut().zip(rows) {
        *x = row.as_chunks().0.get(..steps).unwrap_or_default();
    }
    for (q, query) in q.iter_mut().zip(queries) {
        *q = query.as_chunks().0.get(..steps).unwrap_or_default();
    }
    for i in 0..steps {
        let mut row = [s.splat(0.0); R];
        for (row, x) in row.iter_mut().zip(x) {
            let Some(x) = x.get(i) else { continue };
            if fetch > 0 {
                s.prefetch(x, fetch);
            }
            *row = T::load(s, x);
        }
        for (lanes, q) in lanes.iter_mut().zip(q) {
            let Some(q) = q.get(i) else { continue };
            let q = s.load(q);
            for (lane, x) in lanes.iter_mut().zip(row) {
                *lane = s.add(*lane, s.mul(x, q));
            }
        }
    }
    let done = 16 * steps;
    if queries.first().is_some_and(|query| query.len() > done) {
        for (lanes, query) in lanes.iter_mut().zip(queries) {
            let q = s.load_part(query.get(done..).unwrap_or_default());
            for (lane, row) in lanes.iter_mut().zip(rows) {
                let x = T::load_part(s, row.get(done..).unwrap_or_default());
                *lane = s.add(*lane, s.mul(x, q));
            }
        }
    }
    lanes
}

struct Sealed<'a, T> {
    sealed: &'a [T],
    n: usize,
    queries: Packed<'a>,
    scores: &'a mut [f32],
}

impl<T: Element> Kernel for Sealed<'_, T> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        let Self { sealed, n, queries, scores } = self;
        let k = queries.k.max(1);
        let groups = sealed.as_chunks::<GROUP>().0;
        for (q, scores) in scores.chunks_mut(n.max(1)).enumerate() {
            let tile = queries.values.chunks(times(TILE, k)).nth(q / TILE).unwrap_or_default();
            for (r, score) in scores.iter_mut().enumerate() {
                let rows = groups.chunks_exact(k).nth(r / GROUP).unwrap_or_default();
                let x = rows.iter().map(|row| row.get(r % GROUP).map_or(0.0, |x| x.widen()));
                let q = tile.chunks(columns(tile.len(), k)).map(|tile| tile.get(q % TILE));
                let mut terms = x.zip(q).map(|(x, q)| x * q.copied().unwrap_or(0.0));
                let mut lanes = [0.0; LANES];
                for lane in ORDER {
                    let terms = terms.by_ref().take(places(k, lane));
                    if let Some(sum) = lanes.get_mut(lane) {
                        *sum = terms.fold(0.0, |sum, term| sum + term);
                    }
                }
                *score = fold(lanes);
            }
        }
    }

    /// Four groups at a time, which stay near while the queries come by.
    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { sealed, n, queries, scores } = self;
        let k = queries.k.max(1);
        let groups = sealed.as_chunks::<GROUP>().0;
        for (groups, first) in groups.chunks(times(4, k)).zip((0..n).step_by(4 * GROUP)) {
            let mut fetch = true;
            for (tile, q) in queries.values.chunks(times(TILE, k)).zip((0_usize..).step_by(TILE)) {
                let count = TILE.min(queries.count - q);
                let scores = scores.get_mut(q * n..(q + count) * n).unwrap_or_default();
                let to = Scores { scores, n, first };
                match (tile.len() / k, S::ROOMY) {
                    (8, true) => groups_of::<S, T, 2, 8, 0, 8>(s, groups, tile, k, fetch, to),
                    (8, false) => {
                        let Scores { scores, n, first } = to;
                        let (low, high) = scores.split_at_mut((4 * n).min(scores.len()));
                        let (low, high) =
                            (Scores { scores: low, n, first }, Scores { scores: high, n, first });
                        groups_of::<S, T, 1, 8, 0, 4>(s, groups, tile, k, fetch, low);
                        groups_of::<S, T, 1, 8, 4, 4>(s, groups, tile, k, false, high);
                    }
                    (4, true) => groups_of::<S, T, 4, 4, 0, 4>(s, groups, tile, k, fetch, to),
                    (4, false) => groups_of::<S, T, 1, 4, 0, 4>(s, groups, tile, k, fetch, to),
                    (2, true) => groups_of::<S, T, 4, 2, 0, 2>(s, groups, tile, k, fetch, to),
                    (2, false) => groups_of::<S, T, 2, 2, 0, 2>(s, groups, tile, k, fetch, to),
                    _ => groups_of::<S, T, 1, 1, 0, 1>(s, groups, tile, k, fetch, to),
                }
                fetch = false;
            }
        }
    }
}

/// Where a tile's scores go: from row `first` of each query's `n` on.
struct Scores<'a> {
    scores: &'a mut [f32],
    n: usize,
    first: usize,
}

/// Scores all of `groups`, G at a time, against queries `FIRST..FIRST + C` of a packed
/// tile that is W wide.
#[inline(always)]
fn groups_of<S: Simd, T: Element, const G: usize, const W: usize, const FIRST: usize, const C: usize>(
    s: S,
    groups: &[[T; GROUP]],
    tile: &[f32],
    k: usize,
    fetch: bool,
    to: Scores<'_>,
) {
    let queries = tile.as_chunks::<W>().0;
    for (some, first) in groups.chunks(times(G, k)).zip((to.first..to.n).step_by(G * GROUP)) {
        let mut each: [&[[T; GROUP]]; G] = [some.get(..k).unwrap_or_default(); G];
        for (slot, group) in each.iter_mut().zip(some.chunks_exact(k)) {
            *slot = group;
        }
        let sums = sealed_tile::<S, T, G, W, FIRST, C>(s, each, queries, k, fetch);
        for (scores, sums) in to.scores.chunks_mut(to.n).zip(sums) {
            let scores = scores.get_mut(first..).unwrap_or_default();
            for (scores, sum) in scores.chunks_mut(GROUP).zip(sums) {
                match scores.first_chunk_mut() {
                    Some(scores) => s.store(sum, scores),
                    None => {
                        let mut sixteen = [0.0; GROUP];
                        s.store(sum, &mut sixteen);
                        copy(&sixteen, scores);
                    }
                }
            }
        }
    }
}

/// The scores of G groups for C queries.
#[inline(always)]
fn sealed_tile<S: Simd, T: Element, const G: usize, const W: usize, const FIRST: usize, const C: usize>(
    s: S,
    groups: [&[[T; GROUP]]; G],
    queries: &[[f32; W]],
    k: usize,
    fetch: bool,
) -> [[S::F; G]; C] {
    let zero = [[s.splat(0.0); G]; C];
    let ahead = ahead(&groups);
    let mut folded = Fold::new(zero);
    let mut start = 0;
    for lane in ORDER {
        let length = places(k, lane);
        let queries = queries.get(start..start + length).unwrap_or_default();
        let mut x = groups;
        for x in &mut x {
            *x = x.get(start..start + length).unwrap_or_default();
        }
        let mut sums = zero;
        for (i, q) in queries.iter().enumerate() {
            let mut row = [s.splat(0.0); G];
            for (row, x) in row.iter_mut().zip(x) {
                let Some(x) = x.get(i) else { continue };
                if fetch {
                    s.prefetch(x, ahead);
                }
                *row = T::load(s, x);
            }
            for (c, sums) in sums.iter_mut().enumerate() {
                let q = s.splat(q[FIRST + c]);
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum = s.add(*sum, s.mul(x, q));
                }
            }
        }
        folded.push(
            sums,
            #[inline(always)]
            |mut a, b| {
                for (a, b) in a.iter_mut().zip(b) {
                    for (a, b) in a.iter_mut().zip(b) {
                        *a = s.add(*a, b);
                    }
                }
                a
            },
        );
        start += length;
    }
    folded.total()
}
