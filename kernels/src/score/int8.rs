//! Scores of int8 rows ([`crate::codec::int8`]) against queries of the same codec.
//!
//! score = (Σ cᵢ·dᵢ)·row's scale·query's scale: the integer sum of codes c of the row and
//! d of the query is exact, is rounded to `f32`, and then each of the two products is. So
//! the bits are equal whatever the order. k is at most [`MOST`].
//!
//! An open segment holds row after row. In a sealed one, four places of sixteen rows
//! stand together: four bytes of row 0, of row 1, …, then the next four places; *k* is
//! filled up to a multiple of four. Queries are quantised by [`Queries`], in the caller's
//! scratch.
//!
//! *Cost*: `vpdpbusd` multiplies 64 bytes at once where there is VNNI. Stored codes are +
//! 128, which costs −128·Σ dᵢ a query.

use super::{GROUP, TILE, check_scores, columns, times, whole};
use crate::codec::int8::{code, scale_of};
use crate::dispatch::{Kernel, run};
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::norm::max_abs;
use crate::simd::Simd;

/// The largest k: 255·127·k fits 32 bits.
pub const MOST: usize = 65_536;

/// Rows of int8 codes.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The codes, each + 128.
    pub codes: &'a [u8],
    /// A scale a row.
    pub scales: &'a [f32],
}

/// Where a query's codes stand, and what stands before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Query after query.
    Open,
    /// Tiles of eight, four or fewer queries side by side, four places at a time.
    Sealed,
}

/// Queries as int8 codes.
#[derive(Clone, Copy, Debug)]
pub struct Queries<'a> {
    /// In quads of bytes. Each query begins with two quads: −128·Σ dᵢ, with which its
    /// sums start, and its scale, both little-endian.
    quads: &'a [[u8; 4]],
    layout: Layout,
    k: usize,
    count: usize,
}

impl<'a> Queries<'a> {
    /// Bytes of scratch for queries against open segments.
    #[must_use]
    pub const fn open_len(queries: usize, k: usize) -> usize {
        Self::quads(k).saturating_mul(4).saturating_mul(queries)
    }

    /// Bytes of scratch for queries against sealed segments.
    #[must_use]
    pub const fn sealed_len(queries: usize, k: usize) -> usize {
        let rest = queries % TILE;
        let rest = if rest == 0 { 0 } else { rest.next_power_of_two() };
        Self::open_len((queries - queries % TILE).saturating_add(rest), k)
    }

    /// Quads of a query.
    const fn quads(k: usize) -> usize {
        k.div_ceil(4).saturating_add(2)
    }

    /// Quantises queries of `k` values each, query after query, for open segments.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero, [`Error::TooLong`] if it exceeds [`MOST`];
    /// [`Error::Length`] if `queries` isn't a multiple of `k` or `scratch` is not
    /// [`Queries::open_len`] long; [`Error::NonFinite`] if a query has an infinite value
    /// or a NaN, in which case `scratch` holds nothing of use.
    pub fn open(queries: &[f32], k: usize, scratch: &'a mut [u8]) -> Result<Self, Error> {
        let count = check_queries(queries, k)?;
        same_length(Self::open_len(count, k), scratch.len())?;
        let scratch = scratch.as_chunks_mut::<4>().0;
        for (query, to) in queries.chunks(k.max(1)).zip(scratch.chunks_mut(Self::quads(k))) {
            quantise(query, to.iter_mut())?;
        }
        Ok(Self { quads: scratch, layout: Layout::Open, k, count })
    }

    /// Quantises queries of `k` values each, query after query, for sealed segments.
    ///
    /// # Errors
    /// As [`Queries::open`], with [`Queries::sealed_len`].
    pub fn sealed(queries: &[f32], k: usize, scratch: &'a mut [u8]) -> Result<Self, Error> {
        let count = check_queries(queries, k)?;
        same_length(Self::sealed_len(count, k), scratch.len())?;
        let scratch = scratch.as_chunks_mut::<4>().0;
        let length = Self::quads(k);
        for (queries, tile) in queries.chunks(times(TILE, k)).zip(scratch.chunks_mut(times(TILE, length))) {
            let width = columns(tile.len(), length);
            tile.fill([0; 4]);
            for (query, column) in queries.chunks(k.max(1)).zip(0..width) {
                quantise(query, tile.iter_mut().skip(column).step_by(width))?;
            }
        }
        Ok(Self { quads: scratch, layout: Layout::Sealed, k, count })
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

/// How many queries there are.
fn check_queries(queries: &[f32], k: usize) -> Result<usize, Error> {
    if k > MOST {
        return Err(Error::TooLong { most: MOST, found: k });
    }
    whole(queries.len(), k)
}

/// Writes a query's quads, the first two last.
fn quantise<'q>(query: &[f32], mut to: impl Iterator<Item = &'q mut [u8; 4]>) -> Result<(), Error> {
    if query.iter().any(|x| !x.is_finite()) {
        return Err(Error::NonFinite);
    }
    let scale = scale_of(max_abs(query));
    let (Some(correction), Some(scale_to)) = (to.next(), to.next()) else { return Ok(()) };
    let mut sum = 0;
    for (four, to) in query.chunks(4).zip(to) {
        *to = [0; 4];
        for (x, to) in four.iter().zip(to) {
            let code = code(*x, scale);
            sum += i32::from(code);
            *to = code.cast_unsigned();
        }
    }
    *correction = (-128 * sum).to_le_bytes();
    *scale_to = scale.to_le_bytes();
    Ok(())
}

/// `scores[q·n + r]` of row r of an open segment and query q.
///
/// # Errors
/// [`Error::Layout`] if the queries are for sealed segments; [`Error::Length`] if the
/// codes aren't as many rows of k as there are scales, or the scores aren't as many as
/// the product of rows and queries. Nothing was written.
#[inline]
pub fn score_int8_rows(rows: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) -> Result<(), Error> {
    score_int8_rows_with(Level::best(), rows, queries, scores)
}

/// [`score_int8_rows`] on a given level.
///
/// # Errors
/// As [`score_int8_rows`].
#[inline]
pub fn score_int8_rows_with(
    level: Level,
    rows: Rows<'_>,
    queries: Queries<'_>,
    scores: &mut [f32],
) -> Result<(), Error> {
    if queries.layout != Layout::Open {
        return Err(Error::Layout);
    }
    same_length(rows.scales.len().saturating_mul(queries.k), rows.codes.len())?;
    check_scores(rows.scales.len(), queries.count, scores.len())?;
    if !scores.is_empty() {
        run(level, Open { rows, queries, scores });
    }
    Ok(())
}

/// `scores[q·n + r]` of row r of a sealed segment and query q, for as many rows as there
/// are scales.
///
/// # Errors
/// [`Error::Layout`] if the queries are for open segments; [`Error::Length`] if the codes
/// aren't [`sealed_len`] of as many rows as there are scales, or the scores aren't as
/// many as the product of rows and queries. Nothing was written.
#[inline]
pub fn score_int8_sealed(sealed: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) -> Result<(), Error> {
    score_int8_sealed_with(Level::best(), sealed, queries, scores)
}

/// [`score_int8_sealed`] on a given level.
///
/// # Errors
/// As [`score_int8_sealed`].
#[inline]
pub fn score_int8_sealed_with(
    level: Level,
    sealed: Rows<'_>,
    queries: Queries<'_>,
    scores: &mut [f32],
) -> Result<(), Error> {
    if queries.layout != Layout::Sealed {
        return Err(Error::Layout);
    }
    same_length(sealed_len(sealed.scales.len(), queries.k), sealed.codes.len())?;
    check_scores(sealed.scales.len(), queries.count, scores.len())?;
    if !scores.is_empty() {
        run(level, Sealed { rows: sealed, queries, scores });
    }
    Ok(())
}

/// Bytes of a sealed segment of `rows` rows.
#[must_use]
pub const fn sealed_len(rows: usize, k: usize) -> usize {
    rows.div_ceil(GROUP).saturating_mul(4 * GROUP).saturating_mul(k.div_ceil(4))
}

/// Where code `i` of row `row` stands in a sealed segment.
#[must_use]
pub const fn sealed_place(k: usize, row: usize, i: usize) -> usize {
    4 * quad_of(k, row, i) + i % 4
}

/// Lays the codes of an open segment out as a sealed one. What fills up the last quad and
/// the last group is zero.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if `codes` isn't a multiple of `k`,
/// or `sealed` is not [`sealed_len`] long. Nothing was written.
pub fn seal(codes: &[u8], k: usize, sealed: &mut [u8]) -> Result<(), Error> {
    let n = whole(codes.len(), k)?;
    same_length(sealed_len(n, k), sealed.len())?;
    let k = k.max(1);
    let groups = sealed.as_chunks_mut::<4>().0.as_chunks_mut::<GROUP>().0;
    for (rows, group) in codes.chunks(times(GROUP, k)).zip(groups.chunks_mut(k.div_ceil(4).max(1))) {
        for (i, quads) in (0..k).step_by(4).zip(group) {
            for (r, quad) in quads.iter_mut().enumerate() {
                for (i, to) in (i..).zip(quad) {
                    *to = if i < k { rows.get(r * k + i).copied().unwrap_or(0) } else { 0 };
                }
            }
        }
    }
    Ok(())
}

/// Writes codes `first..first + codes.len()` of row `row` to their places in a sealed
/// segment of rows of `k` codes: what [`seal`] does to whole segments, but that it leaves
/// what fills up the last quad as it is.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if the row has no such codes, or
/// the segment no such row. Nothing was written.
pub fn put(codes: &[u8], first: usize, k: usize, row: usize, sealed: &mut [u8]) -> Result<(), Error> {
    check_place(k, first, codes.len(), row, sealed.len())?;
    let quads = sealed.as_chunks_mut::<4>().0;
    for (i, code) in (first..).zip(codes) {
        if let Some(quad) = quads.get_mut(quad_of(k, row, i)) {
            quad[i % 4] = *code;
        }
    }
    Ok(())
}

/// Reads codes `first..first + codes.len()` of row `row` of a sealed segment of rows of
/// `k` codes.
///
/// # Errors
/// As [`put`].
pub fn take(sealed: &[u8], k: usize, row: usize, first: usize, codes: &mut [u8]) -> Result<(), Error> {
    check_place(k, first, codes.len(), row, sealed.len())?;
    let quads = sealed.as_chunks::<4>().0;
    for (i, to) in (first..).zip(codes) {
        if let Some(quad) = quads.get(quad_of(k, row, i)) {
            *to = quad[i % 4];
        }
    }
    Ok(())
}

/// Refuses a row that a sealed segment does not have, and codes that the row does not
/// have.
fn check_place(k: usize, first: usize, count: usize, row: usize, sealed: usize) -> Result<(), Error> {
    if k == 0 {
        return Err(Error::Width { multiple: 1, found: 0 });
    }
    let (last, end) = (first.saturating_add(count), sealed_len(row.saturating_add(1), k));
    if last > k {
        return Err(Error::Length { expected: k, found: last });
    }
    if end > sealed { Err(Error::Length { expected: end, found: sealed }) } else { Ok(()) }
}

/// The quad in which code `i` of row `row` stands.
const fn quad_of(k: usize, row: usize, i: usize) -> usize {
    (row / GROUP * k.div_ceil(4) + i / 4) * GROUP + row % GROUP
}

/// The score of an exact sum.
#[inline(always)]
fn scored(sum: i32, row: f32, query: f32) -> f32 {
    sum as f32 * row * query
}

/// What the sums of a query start with, its scale, and its codes.
#[inline(always)]
fn parts(query: &[[u8; 4]]) -> (i32, f32, &[[u8; 4]]) {
    match query {
        [correction, scale, codes @ ..] => {
            (i32::from_le_bytes(*correction), f32::from_le_bytes(*scale), codes)
        }
        _ => (0, 0.0, &[]),
    }
}

/// The scalar text of a part of a sum.
#[inline(always)]
pub(crate) fn sum_of(row: &[u8], query: &[u8]) -> i32 {
    row.iter().zip(query).map(|(c, d)| i32::from(*c) * i32::from(d.cast_signed())).sum()
}

struct Open<'a> {
    rows: Rows<'a>,
    queries: Queries<'a>,
    scores: &'a mut [f32],
}

impl Kernel for Open<'_> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        let Self { rows, queries, scores } = self;
        let n = rows.scales.len().max(1);
        for (query, scores) in queries.quads.chunks(Queries::quads(queries.k)).zip(scores.chunks_mut(n)) {
            let (start, query_scale, query) = parts(query);
            let rows = rows.codes.chunks(queries.k.max(1)).zip(rows.scales);
            for ((row, scale), score) in rows.zip(scores) {
                *score = scored(start + sum_of(row, query.as_flattened()), *scale, query_scale);
            }
        }
    }

    /// Sixteen rows at a time, which stay in the nearest cache while the queries come by.
    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { rows, queries, scores } = self;
        let (n, k) = (rows.scales.len().max(1), queries.k.max(1));
        let length = Queries::quads(k);
        for ((block, scales), first) in
            rows.codes.chunks(times(16, k)).zip(rows.scales.chunks(16)).zip((0..n).step_by(16))
        {
            let mut sixteen: [&[u8]; 16] = [block.get(..k).unwrap_or_default(); 16];
            for (slot, row) in sixteen.iter_mut().zip(block.chunks_exact(k)) {
                *slot = row;
            }
            let mut fetch = (16 * k).max(16 << 10);
            for (some, q) in queries.quads.chunks(times(4, length)).zip((0_usize..).step_by(4)) {
                let scores = scores.get_mut(q * n..).unwrap_or_default();
                let mut four: [&[u8]; 4] = [&[]; 4];
                let mut headers = [(0, 0.0); 4];
                for ((slot, header), query) in four.iter_mut().zip(&mut headers).zip(some.chunks(length)) {
                    let (start, scale, codes) = parts(query);
                    *slot = codes.as_flattened().get(..k).unwrap_or_default();
                    *header = (start, scale);
                }
                let mut sums = [[0; 16]; 4];
                if some.len() == 4 * length {
                    for (r, rows) in sixteen.as_chunks::<4>().0.iter().enumerate() {
                        let tile = s.dot_bytes::<4, 4>(rows, &four, fetch);
                        for (sums, tile) in sums.iter_mut().zip(tile) {
                            if let Some(sums) = sums.as_chunks_mut::<4>().0.get_mut(r) {
                                *sums = tile;
                            }
                        }
                    }
                } else {
                    for (sums, query) in sums.iter_mut().zip(four).take(some.len() / length) {
                        [*sums] = s.dot_bytes::<16, 1>(&sixteen, &[query], fetch);
                        fetch = 0;
                    }
                }
                fetch = 0;
                for ((sums, (start, scale)), scores) in sums.iter().zip(headers).zip(scores.chunks_mut(n)) {
                    write(sums, start, scale, scales, scores.get_mut(first..).unwrap_or_default());
                }
            }
        }
    }
}

/// Writes the scores of up to sixteen rows.
#[inline(always)]
fn write(sums: &[i32; 16], start: i32, query_scale: f32, scales: &[f32], to: &mut [f32]) {
    if let (Some(scales), Some(to)) = (scales.first_chunk::<16>(), to.first_chunk_mut::<16>()) {
        for ((sum, scale), to) in sums.iter().zip(scales).zip(to) {
            *to = scored(sum + start, *scale, query_scale);
        }
        return;
    }
    for ((sum, scale), to) in sums.iter().zip(scales).zip(to) {
        *to = scored(sum + start, *scale, query_scale);
    }
}

struct Sealed<'a> {
    rows: Rows<'a>,
    queries: Queries<'a>,
    scores: &'a mut [f32],
}

impl Kernel for Sealed<'_> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        let Self { rows, queries, scores } = self;
        let n = rows.scales.len().max(1);
        let length = Queries::quads(queries.k);
        let groups = rows.codes.as_chunks::<4>().0.as_chunks::<GROUP>().0;
        for (q, scores) in scores.chunks_mut(n).enumerate() {
            let tile = queries.quads.chunks(times(TILE, length)).nth(q / TILE).unwrap_or_default();
            let mut query = tile.iter().skip(q % TILE).step_by(columns(tile.len(), length));
            let start = query.next().map_or(0, |quad| i32::from_le_bytes(*quad));
            let query_scale = query.next().map_or(0.0, |quad| f32::from_le_bytes(*quad));
            for (r, (score, scale)) in scores.iter_mut().zip(rows.scales).enumerate() {
                let group = groups.chunks((length - 2).max(1)).nth(r / GROUP).unwrap_or_default();
                let row = group.iter().filter_map(|quads| quads.get(r % GROUP));
                let sum: i32 = row.zip(query.clone()).map(|(c, d)| sum_of(c, d)).sum();
                *score = scored(start + sum, *scale, query_scale);
            }
        }
    }

    /// Four groups at a time, which stay near while the queries come by.
    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { rows, queries, scores } = self;
        let n = rows.scales.len().max(1);
        let length = Queries::quads(queries.k);
        let groups = rows.codes.as_chunks::<4>().0.as_chunks::<GROUP>().0;
        for ((groups, scales), first) in groups
            .chunks(times(4, length - 2))
            .zip(rows.scales.chunks(4 * GROUP))
            .zip((0..n).step_by(4 * GROUP))
        {
            let mut fetch = true;
            for (tile, q) in queries.quads.chunks(times(TILE, length)).zip((0_usize..).step_by(TILE)) {
                let scores = scores.get_mut(q * n..).unwrap_or_default();
                let part = Part { groups, scales, first, n, fetch, tile };
                match (tile.len() / length, S::ROOMY) {
                    (8, true) => part.score::<S, 2, 8, 0, 8>(s, scores),
                    (8, false) => {
                        part.score::<S, 1, 8, 0, 4>(s, scores);
                        let rest = scores.get_mut(4 * n..).unwrap_or_default();
                        Part { fetch: false, ..part }.score::<S, 1, 8, 4, 4>(s, rest);
                    }
                    (4, true) => part.score::<S, 4, 4, 0, 4>(s, scores),
                    (4, false) => part.score::<S, 1, 4, 0, 4>(s, scores),
                    (2, true) => part.score::<S, 4, 2, 0, 2>(s, scores),
                    (2, false) => part.score::<S, 2, 2, 0, 2>(s, scores),
                    _ => part.score::<S, 1, 1, 0, 1>(s, scores),
                }
                fetch = false;
            }
        }
    }
}

/// Some groups of a sealed segment and a tile of queries.
#[derive(Clone, Copy)]
struct Part<'a> {
    groups: &'a [[[u8; 4]; GROUP]],
    scales: &'a [f32],
    /// The first row's number, of n.
    first: usize,
    n: usize,
    /// Whether to ask for memory ahead.
    fetch: bool,
    tile: &'a [[u8; 4]],
}

impl Part<'_> {
    /// Scores G groups at a time against queries `FIRST..FIRST + C` of a tile that is W
    /// wide.
    #[inline(always)]
    fn score<S: Simd, const G: usize, const W: usize, const FIRST: usize, const C: usize>(
        self,
        s: S,
        scores: &mut [f32],
    ) {
        let [starts, query_scales, queries @ ..] = self.tile.as_chunks::<W>().0 else { return };
        let k = queries.len().max(1);
        let rows = self.scales.chunks(G * GROUP).zip((self.first..).step_by(G * GROUP));
        for (some, (scales, first)) in self.groups.chunks(times(G, k)).zip(rows) {
            let mut each: [&[[[u8; 4]; GROUP]]; G] = [some.get(..k).unwrap_or_default(); G];
            for (slot, group) in each.iter_mut().zip(some.chunks_exact(k)) {
                *slot = group;
            }
            let sums = s.dot_quads::<G, W, FIRST, C>(&each, queries, self.fetch);
            for ((c, sums), scores) in sums.iter().enumerate().zip(scores.chunks_mut(self.n)) {
                let start = i32::from_le_bytes(starts[FIRST + c]);
                let query_scale = f32::from_le_bytes(query_scales[FIRST + c]);
                let scores = scores.get_mut(first..).unwrap_or_default();
                for ((sums, scales), to) in
                    sums.iter().zip(scales.chunks(GROUP)).zip(scores.chunks_mut(GROUP))
                {
                    write(sums, start, query_scale, scales, to);
                }
            }
        }
    }
}
