//! Scores of 1-bit rows ([`crate::codec::sign`]) against `f32` queries: (Σ ±qᵢ)·row's
//! scale.
//!
//! The order is that of [`super`], but that four terms are added to each other before
//! they go to their partial sum: with t(i) = ±qᵢ, zero beyond the end,
//!
//! partial sum j += (t(64b + j) + t(64b + 16 + j)) + (t(64b + 32 + j) + t(64b + 48 + j))
//! for block b = 0, 1, …
//!
//! so |computed − exact| ≤ (⌈k/64⌉ + 6)·2⁻²⁴·Σ|qᵢ|, and one rounding for the scale. Row
//! by row, that is a flip of signs and an addition for sixteen terms. In a sealed group
//! the four signs of a term stand together and are an index into a table of the sixteen
//! signed sums of four query values (the method of the four Russians): one look-up and
//! one addition for four terms of sixteen rows. The tables are made once a query
//! ([`Tables`]), in 16 times the query's memory.

use super::{Fold, GROUP, LANES, ORDER, ahead, check_scores, columns, fold, times, whole};
use crate::codec::sign::sign_words;
use crate::dispatch::{Kernel, run};
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::simd::Simd;
use core::ops::Range;
use half::f16;

/// Values in which each partial sum gets one term of four.
const BLOCK: usize = 64;

/// Queries whose tables stand side by side.
const TILE: usize = 4;

/// Rows of signs.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The signs.
    pub words: &'a [u32],
    /// A scale a row.
    pub scales: &'a [f16],
}

/// `scores[q·n + r]` of row r of an open segment and query q, of `k` values each.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if the words aren't [`sign_words`]
/// for each scale, the queries aren't a multiple of `k`, or the scores aren't as many as
/// the product of rows and queries. Nothing was written.
#[inline]
pub fn score_sign_rows(rows: Rows<'_>, k: usize, queries: &[f32], scores: &mut [f32]) -> Result<(), Error> {
    score_sign_rows_with(Level::best(), rows, k, queries, scores)
}

/// [`score_sign_rows`] on a given level.
///
/// # Errors
/// As [`score_sign_rows`].
#[inline]
pub fn score_sign_rows_with(
    level: Level,
    rows: Rows<'_>,
    k: usize,
    queries: &[f32],
    scores: &mut [f32],
) -> Result<(), Error> {
    let count = whole(queries.len(), k)?;
    same_length(rows.scales.len().saturating_mul(sign_words(k)), rows.words.len())?;
    check_scores(rows.scales.len(), count, scores.len())?;
    if !scores.is_empty() {
        run(level, Open { rows, k, queries, scores });
    }
    Ok(())
}

/// `scores[q·n + r]` of row r of a sealed segment and query q, for as many rows as there
/// are scales.
///
/// # Errors
/// [`Error::Length`] if the words aren't [`sealed_len`] of as many rows as there are
/// scales, or the scores aren't as many as the product of rows and queries. Nothing was
/// written.
#[inline]
pub fn score_sign_sealed(sealed: Rows<'_>, queries: Tables<'_>, scores: &mut [f32]) -> Result<(), Error> {
    score_sign_sealed_with(Level::best(), sealed, queries, scores)
}

/// [`score_sign_sealed`] on a given level.
///
/// # Errors
/// As [`score_sign_sealed`].
#[inline]
pub fn score_sign_sealed_with(
    level: Level,
    sealed: Rows<'_>,
    queries: Tables<'_>,
    scores: &mut [f32],
) -> Result<(), Error> {
    same_length(sealed_len(sealed.scales.len(), queries.k), sealed.words.len())?;
    check_scores(sealed.scales.len(), queries.count, scores.len())?;
    if !scores.is_empty() {
        run(level, Sealed { rows: sealed, queries, scores });
    }
    Ok(())
}

/// Words of a sealed segment of `rows` rows.
#[must_use]
pub const fn sealed_len(rows: usize, k: usize) -> usize {
    rows.div_ceil(GROUP).saturating_mul(GROUP).saturating_mul(sign_words(k))
}

/// Lays the signs of an open segment out as a sealed one: the four signs of a term
/// together, terms in the order of [`ORDER`] and then of blocks, eight terms a word,
/// sixteen rows' words side by side. What fills up the last group is zero.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if `words` isn't a multiple of
/// [`sign_words`], or `sealed` is not [`sealed_len`] long. Nothing was written.
pub fn seal(words: &[u32], k: usize, sealed: &mut [u32]) -> Result<(), Error> {
    let length = sign_words(k);
    let n = whole(words.len(), length)?;
    same_length(sealed_len(n, k), sealed.len())?;
    let length = length.max(1);
    let groups = sealed.as_chunks_mut::<GROUP>().0.chunks_mut(length);
    for (rows, group) in words.chunks(times(GROUP, length)).zip(groups) {
        group.fill([0; GROUP]);
        for (r, row) in rows.chunks(length).enumerate() {
            for (place, (lane, block)) in terms(row.as_chunks::<2>().0) {
                let term = signs_of(*block, lane);
                if let Some(word) = group.get_mut(place / 8).and_then(|words| words.get_mut(r)) {
                    *word |= term << (4 * (place % 8));
                }
            }
        }
    }
    Ok(())
}

/// Writes the signs of a row's values to their places as row `row` of a sealed segment:
/// what [`seal`] does to whole segments of codes.
///
/// # Errors
/// [`Error::Width`] if there are no values; [`Error::Length`] if the segment has no such
/// row. Nothing was written.
pub fn put(values: &[f32], row: usize, sealed: &mut [u32]) -> Result<(), Error> {
    let group = group_of(values.len(), row, sealed.len())?;
    let words = sealed.get_mut(group).unwrap_or_default().as_chunks_mut::<GROUP>().0;
    let signs = words_of(values.len(), |i| values.get(i).map_or(0, |x| x.to_bits() >> 31));
    for (word, eight) in words.iter_mut().zip(signs) {
        word[row % GROUP] = eight;
    }
    Ok(())
}

/// The words of a sealed row of `k` places, of which `bit` knows the sign bits; it is
/// asked beyond the last, too.
pub(super) fn words_of(k: usize, bit: impl Fn(usize) -> u32) -> impl Iterator<Item = u32> {
    let blocks = k.div_ceil(BLOCK);
    let mut terms =
        ORDER.into_iter().flat_map(move |lane| (0..blocks).map(move |block| block * BLOCK + lane));
    (0..sign_words(k)).map(move |_| {
        let mut eight = 0;
        for (shift, start) in (0..32).step_by(4).zip(terms.by_ref()) {
            for (i, at) in (start..).step_by(LANES).take(4).enumerate() {
                eight |= bit(at) << i << shift;
            }
        }
        eight
    })
}

/// Reads row `row` of a sealed segment: ±`scale` by their signs, as many as there are
/// values.
///
/// # Errors
/// As [`put`].
pub fn take(sealed: &[u32], row: usize, scale: f32, values: &mut [f32]) -> Result<(), Error> {
    let group = group_of(values.len(), row, sealed.len())?;
    let words = sealed.get(group).unwrap_or_default().as_chunks::<GROUP>().0;
    let blocks = values.len().div_ceil(BLOCK);
    let mut terms = ORDER.into_iter().flat_map(|lane| (0..blocks).map(move |block| (lane, block * BLOCK)));
    for word in words {
        let eight = word[row % GROUP];
        for (shift, (lane, start)) in (0..32).step_by(4).zip(terms.by_ref()) {
            for (i, at) in (start + lane..).step_by(LANES).take(4).enumerate() {
                if let Some(to) = values.get_mut(at) {
                    *to = f32::from_bits(scale.to_bits() ^ (eight >> shift >> i & 1) << 31);
                }
            }
        }
    }
    Ok(())
}

/// Where the group of row `row` stands in a sealed segment of rows of `k` signs.
fn group_of(k: usize, row: usize, sealed: usize) -> Result<Range<usize>, Error> {
    if k == 0 {
        return Err(Error::Width { multiple: 1, found: 0 });
    }
    let end = sealed_len(row.saturating_add(1), k);
    if end > sealed {
        return Err(Error::Length { expected: end, found: sealed });
    }
    Ok(end - GROUP * sign_words(k)..end)
}

/// The terms of a sealed row in their order: the partial sum that each belongs to and its
/// block, numbered.
fn terms<T>(blocks: &[T]) -> impl Iterator<Item = (usize, (usize, &T))> {
    ORDER.into_iter().flat_map(|lane| blocks.iter().map(move |block| (lane, block))).enumerate()
}

/// The four signs of a block that belong to one partial sum.
#[inline(always)]
const fn signs_of([low, high]: [u32; 2], lane: usize) -> u32 {
    let (low, high) = (low >> lane, high >> lane);
    (low & 1) | (low >> 15 & 2) | (high << 2 & 4) | (high >> 13 & 8)
}

/// The term of four values with four signs.
#[inline(always)]
fn term(values: [f32; 4], signs: u32) -> f32 {
    let signed = |i: usize| f32::from_bits(values[i].to_bits() ^ (signs >> i & 1) << 31);
    (signed(0) + signed(1)) + (signed(2) + signed(3))
}

/// The four values of a block that belong to one partial sum, with zeros beyond the end.
#[inline(always)]
fn values_of(block: &[f32], lane: usize) -> [f32; 4] {
    let value = |i: usize| block.get(16 * i + lane).copied().unwrap_or(0.0);
    [value(0), value(1), value(2), value(3)]
}

/// Queries as tables of the signed sums of their values, for sealed segments.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// Tiles of four queries, then one of what is left, filled up with zeros to 1, 2 or
    /// 4: in each, term after term in the sealed order.
    values: &'a [[f32; 16]],
    k: usize,
    count: usize,
}

impl<'a> Tables<'a> {
    /// Elements of scratch that so many queries take.
    #[must_use]
    pub const fn len(queries: usize, k: usize) -> usize {
        let rest = queries % TILE;
        let rest = if rest == 0 { 0 } else { rest.next_power_of_two() };
        (queries - queries % TILE).saturating_add(rest).saturating_mul(Self::terms(k)).saturating_mul(16)
    }

    /// Terms of a row.
    const fn terms(k: usize) -> usize {
        k.div_ceil(BLOCK).saturating_mul(LANES)
    }

    /// Makes the tables of queries of `k` values each, query after query.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `queries` isn't a multiple
    /// of `k`, or `scratch` is not [`Tables::len`] long. Nothing was written.
    pub fn new(queries: &[f32], k: usize, scratch: &'a mut [f32]) -> Result<Self, Error> {
        let count = whole(queries.len(), k)?;
        same_length(Self::len(count, k), scratch.len())?;
        let (k, terms_of_k) = (k.max(1), Self::terms(k).max(1));
        let scratch = scratch.as_chunks_mut::<16>().0;
        for (queries, tile) in queries.chunks(times(TILE, k)).zip(scratch.chunks_mut(times(TILE, terms_of_k)))
        {
            let width = columns(tile.len(), terms_of_k);
            tile.fill([0.0; 16]);
            for (column, query) in queries.chunks(k).enumerate() {
                let mut tables = tile.iter_mut().skip(column).step_by(width);
                for lane in ORDER {
                    for (block, table) in query.chunks(BLOCK).zip(tables.by_ref()) {
                        let values = values_of(block, lane);
                        for (signs, to) in (0..).zip(table) {
                            *to = term(values, signs);
                        }
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

struct Open<'a> {
    rows: Rows<'a>,
    k: usize,
    queries: &'a [f32],
    scores: &'a mut [f32],
}

impl Kernel for Open<'_> {
    type Output = ();

    /// The scalar text.
    #[inline(always)]
    fn define(self) {
        let Self { rows, k, queries, scores } = self;
        let n = rows.scales.len().max(1);
        for (query, scores) in queries.chunks(k.max(1)).zip(scores.chunks_mut(n)) {
            let rows = rows.words.chunks(sign_words(k).max(1)).zip(rows.scales);
            for ((row, scale), score) in rows.zip(scores) {
                let mut lanes = [0.0_f32; LANES];
                for (block, query) in row.as_chunks::<2>().0.iter().zip(query.chunks(BLOCK)) {
                    for (lane, sum) in lanes.iter_mut().enumerate() {
                        *sum += term(values_of(query, lane), signs_of(*block, lane));
                    }
                }
                *score = fold(lanes) * scale.to_f32();
            }
        }
    }

    /// A few rows at a time: a block's tables serve all of them, and pay from four rows
    /// on.
    #[inline(always)]
    fn serial(self) {
        let Self { rows, k, queries, scores } = self;
        let n = rows.scales.len().max(1);
        let length = sign_words(k).max(1);
        for (query, scores) in queries.chunks(k.max(1)).zip(scores.chunks_mut(n)) {
            let some = rows.words.chunks(times(ABREAST, length)).zip(rows.scales.chunks(ABREAST));
            for ((words, scales), scores) in some.zip(scores.chunks_mut(ABREAST)) {
                let mut lanes = [[[0.0; 4]; 4]; ABREAST];
                let mut tables = [[0.0; 16]; 4];
                for (b, query) in query.chunks(BLOCK).enumerate() {
                    for first in 0..4 {
                        for (fourth, table) in tables.iter_mut().enumerate() {
                            signed_sums(values_of(query, 4 * fourth + first), table);
                        }
                        for (lanes, row) in lanes.iter_mut().zip(words.chunks_exact(length)) {
                            let Some(block) = row.as_chunks().0.get(b) else { continue };
                            look_up(&tables, *block, first, &mut lanes[first]);
                        }
                    }
                }
                for ((lanes, scale), to) in lanes.iter().zip(scales).zip(scores) {
                    let in_order = core::array::from_fn(|lane| lanes[lane % 4][lane / 4]);
                    *to = fold(in_order) * scale.to_f32();
                }
            }
        }
    }

    /// Sixteen rows at a time, four of them side by side.
    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { rows, k, queries, scores } = self;
        let (n, k) = (rows.scales.len().max(1), k);
        let length = sign_words(k).max(1);
        let blocks = rows.words.chunks(times(16, length)).zip(rows.scales.chunks(16));
        for ((block, scales), first) in blocks.zip((0..n).step_by(16)) {
            let mut sixteen: [&[[u32; 2]]; 16] = [block.get(..length).unwrap_or_default().as_chunks().0; 16];
            for (slot, row) in sixteen.iter_mut().zip(block.chunks_exact(length)) {
                *slot = row.as_chunks().0;
            }
            for (query, scores) in queries.chunks(k).zip(scores.chunks_mut(n)) {
                let mut sums = [s.splat(0.0); 16];
                for (rows, sums) in sixteen.as_chunks::<4>().0.iter().zip(sums.as_chunks_mut::<4>().0) {
                    *sums = four_rows(s, rows, query);
                }
                write(&s.fold_16(sums), scales, scores.get_mut(first..).unwrap_or_default());
            }
        }
    }
}

/// Rows for which a block's tables are made once, where there are no vectors.
const ABREAST: usize = 16;

/// The signed sums of four values. The lowest bit of a sum's number is the sign of the
/// first value, then come those of the third, the second and the fourth.
// Not inlined: unrolled for four terms it would be all spills.
#[inline(never)]
fn signed_sums([a, b, c, d]: [f32; 4], sums: &mut [f32; 16]) {
    let (first, second) = ([a + b, b - a, a - b, -a - b], [c + d, d - c, c - d, -c - d]);
    for (number, sum) in sums.iter_mut().enumerate() {
        *sum = first[number & 1 | number >> 1 & 2] + second[number >> 1 & 1 | number >> 2 & 2];
    }
}

/// Adds every fourth term of a block. Their signs are gathered at once: those of the
/// first and the third values from two words, those of the second and the fourth from the
/// words' upper halves.
#[inline(always)]
fn look_up(tables: &[[f32; 16]; 4], [low, high]: [u32; 2], first: usize, lanes: &mut [f32; 4]) {
    const EVERY_FOURTH: u32 = 0x1111_1111;
    let pairs = (low >> first & EVERY_FOURTH) | (high >> first & EVERY_FOURTH) << 1;
    let signs = pairs | pairs >> 14;
    for fourth in 0..4 {
        lanes[fourth] += tables[fourth][(signs >> (4 * fourth) & 15) as usize];
    }
}

/// Writes the scores of up to sixteen rows.
#[inline(always)]
fn write(sums: &[f32; 16], scales: &[f16], to: &mut [f32]) {
    for ((sum, scale), to) in sums.iter().zip(scales).zip(to) {
        *to = sum * scale.to_f32();
    }
}

/// The lanes of four rows for a query.
#[inline(always)]
fn four_rows<S: Simd>(s: S, rows: &[&[[u32; 2]]; 4], query: &[f32]) -> [S::F; 4] {
    let mut lanes = [s.splat(0.0); 4];
    for (b, query) in query.chunks(BLOCK).enumerate() {
        let mut q = [s.splat(0.0); 4];
        if let Some(query) = query.first_chunk::<BLOCK>() {
            for (q, query) in q.iter_mut().zip(query.as_chunks().0) {
                *q = s.load(query);
            }
        } else {
            for (q, query) in q.iter_mut().zip(query.chunks(16)) {
                *q = s.load_part(query);
            }
        }
        for (lane, row) in lanes.iter_mut().zip(rows) {
            let Some(&[low, high]) = row.get(b) else { continue };
            let first = s.add(s.flip(q[0], low as u16), s.flip(q[1], (low >> 16) as u16));
            let second = s.add(s.flip(q[2], high as u16), s.flip(q[3], (high >> 16) as u16));
            *lane = s.add(*lane, s.add(first, second));
        }
    }
    lanes
}

struct Sealed<'a> {
    rows: Rows<'a>,
    queries: Tables<'a>,
    scores: &'a mut [f32],
}

impl Kernel for Sealed<'_> {
    type Output = ();

    /// The scalar text.
    #[inline(always)]
    fn define(self) {
        let Self { rows, queries, scores } = self;
        let n = rows.scales.len().max(1);
        let length = Tables::terms(queries.k).max(1);
        let groups = rows.words.as_chunks::<GROUP>().0;
        for (q, scores) in scores.chunks_mut(n).enumerate() {
            let tile = queries.values.chunks(times(TILE, length)).nth(q / TILE).unwrap_or_default();
            let tables = tile.chunks(columns(tile.len(), length)).map(|tables| tables.get(q % TILE));
            for (r, (score, scale)) in scores.iter_mut().zip(rows.scales).enumerate() {
                let words = groups.chunks((length / 8).max(1)).nth(r / GROUP).unwrap_or_default();
                let mut lanes = [0.0; LANES];
                for ((place, tables), lane) in tables
                    .clone()
                    .enumerate()
                    .zip(ORDER.into_iter().flat_map(|lane| core::iter::repeat_n(lane, length / LANES)))
                {
                    let word = words.get(place / 8).and_then(|words| words.get(r % GROUP)).unwrap_or(&0);
                    let signs = (word >> (4 * (place % 8)) & 15) as usize;
                    if let (Some(sum), Some(table)) = (lanes.get_mut(lane), tables) {
                        *sum += table.get(signs).unwrap_or(&0.0);
                    }
                }
                *score = fold(lanes) * scale.to_f32();
            }
        }
    }

    /// Four rows at a time, down their words.
    #[inline(always)]
    fn serial(self) {
        let Self { rows, queries, scores } = self;
        let n = rows.scales.len().max(1);
        let length = Tables::terms(queries.k).max(1);
        for (tile, q) in queries.values.chunks(times(TILE, length)).zip((0_usize..).step_by(TILE)) {
            let width = columns(tile.len(), length);
            let scores = scores.get_mut(q * n..).unwrap_or_default();
            for (column, scores) in scores.chunks_mut(n).take(width).enumerate() {
                let tables = tile.get(column..).unwrap_or_default();
                let groups = rows.words.as_chunks::<GROUP>().0.chunks((length / 8).max(1));
                let groups = groups.zip(rows.scales.chunks(GROUP)).zip(scores.chunks_mut(GROUP));
                for ((group, scales), scores) in groups {
                    let fours = scales.chunks(4).zip(scores.chunks_mut(4)).enumerate();
                    for (four, (scales, scores)) in fours {
                        let sums = four_sums(group, four, tables, width, length / LANES);
                        for ((sum, scale), to) in sums.iter().zip(scales).zip(scores) {
                            *to = sum * scale.to_f32();
                        }
                    }
                }
            }
        }
    }

    /// Eight groups at a time, which stay near while the queries come by.
    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { rows, queries, scores } = self;
        let n = rows.scales.len().max(1);
        let length = Tables::terms(queries.k).max(1);
        let groups = rows.words.as_chunks::<GROUP>().0.chunks(times(8, length / 8));
        for ((groups, scales), first) in
            groups.zip(rows.scales.chunks(8 * GROUP)).zip((0..n).step_by(8 * GROUP))
        {
            let mut fetch = true;
            for (tile, q) in queries.values.chunks(times(TILE, length)).zip((0_usize..).step_by(TILE)) {
                let scores = scores.get_mut(q * n..).unwrap_or_default();
                let part = Part { groups, scales, first, n, fetch, tile };
                match (tile.len() / length, S::ROOMY) {
                    // A group alone: a row that was looked for, or the last ones.
                    (1, _) if groups.len() <= length / 8 => part.score::<S, 1, 1, 0, 1>(s, scores),
                    (4, true) => part.score::<S, 4, 4, 0, 4>(s, scores),
                    (4, false) => {
                        part.score::<S, 2, 4, 0, 2>(s, scores);
                        let rest = scores.get_mut(2 * n..).unwrap_or_default();
                        Part { fetch: false, ..part }.score::<S, 2, 4, 2, 2>(s, rest);
                    }
                    (2, true) => part.score::<S, 8, 2, 0, 2>(s, scores),
                    (2, false) => part.score::<S, 2, 2, 0, 2>(s, scores),
                    (_, true) => part.score::<S, 8, 1, 0, 1>(s, scores),
                    (_, false) => part.score::<S, 4, 1, 0, 1>(s, scores),
                }
                fetch = false;
            }
        }
    }
}

/// The sums of a group's rows 4·`four`.. for the query whose first table is the first,
/// and whose others follow `width` tables apart.
#[inline(always)]
fn four_sums(
    group: &[[u32; GROUP]],
    four: usize,
    tables: &[[f32; 16]],
    width: usize,
    blocks: usize,
) -> [f32; 4] {
    let mut tables = tables.iter().step_by(width);
    let mut words = group.iter().filter_map(|words| words.as_chunks::<4>().0.get(four));
    let mut folded = Fold::new([0.0; 4]);
    let (mut signs, mut left) = ([0; 4], 0_u32);
    for _ in 0..LANES {
        let mut sums = [0.0; 4];
        for table in tables.by_ref().take(blocks) {
            if left == 0 {
                signs = words.next().copied().unwrap_or_default();
                left = 8;
            }
            left -= 1;
            for (sum, signs) in sums.iter_mut().zip(&mut signs) {
                *sum += table[(*signs & 15) as usize];
                *signs >>= 4;
            }
        }
        folded.push(sums, |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]);
    }
    folded.total()
}

/// Some groups of a sealed segment and a tile of queries.
#[derive(Clone, Copy)]
struct Part<'a> {
    groups: &'a [[u32; GROUP]],
    scales: &'a [f16],
    /// The first row's number, of n.
    first: usize,
    n: usize,
    /// Whether to ask for memory ahead.
    fetch: bool,
    tile: &'a [[f32; 16]],
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
        let tables = self.tile.as_chunks::<W>().0;
        let length = (tables.len() / 8).max(1);
        let rows = self.scales.chunks(G * GROUP).zip((self.first..).step_by(G * GROUP));
        for (some, (scales, first)) in self.groups.chunks(times(G, length)).zip(rows) {
            let mut each: [&[[u32; GROUP]]; G] = [some.get(..length).unwrap_or_default(); G];
            for (slot, group) in each.iter_mut().zip(some.chunks_exact(length)) {
                *slot = group;
            }
            let sums = tile::<S, G, W, FIRST, C>(s, each, tables, self.fetch);
            for (sums, scores) in sums.iter().zip(scores.chunks_mut(self.n)) {
                let scores = scores.get_mut(first..).unwrap_or_default();
                for ((sum, scales), to) in sums.iter().zip(scales.chunks(GROUP)).zip(scores.chunks_mut(GROUP))
                {
                    let mut sixteen = [0.0; 16];
                    s.store(*sum, &mut sixteen);
                    write(&sixteen, scales, to);
                }
            }
        }
    }
}

/// The sums of G groups for C queries.
#[inline(always)]
fn tile<S: Simd, const G: usize, const W: usize, const FIRST: usize, const C: usize>(
    s: S,
    groups: [&[[u32; GROUP]]; G],
    tables: &[[[f32; 16]; W]],
    fetch: bool,
) -> [[S::F; G]; C] {
    let zero = [[s.splat(0.0); G]; C];
    let ahead = ahead(&groups);
    let mut folded = Fold::new(zero);
    let mut places = 0_usize..;
    for tables in tables.chunks((tables.len() / LANES).max(1)) {
        let mut sums = zero;
        for (tables, place) in tables.iter().zip(places.by_ref()) {
            for (g, group) in groups.iter().enumerate() {
                let Some(words) = group.get(place / 8) else { continue };
                if fetch && place % 8 == 0 {
                    s.prefetch(words, ahead);
                }
                for (c, sums) in sums.iter_mut().enumerate() {
                    sums[g] = s.add(sums[g], s.look_up(&tables[FIRST + c], words, (place % 8) as u32));
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
    }
    folded.total()
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::hash::word;
    use std::{vec, vec::Vec};

    /// Bits, with every NaN made one.
    fn bits(x: &[f32]) -> Vec<u32> {
        x.iter().map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() }).collect()
    }

    #[test]
    fn the_serial_forms_have_the_bits_of_the_definitions() {
        for (n, k, count) in
            (1..40).flat_map(|n| [(n, 1, 1), (n, 33, 2), (n, 64, 3), (n, 130, 5), (n, 700, 1)])
        {
            for any_bits in [false, true] {
                let word = |i: usize| word(n as u64, i as u64) as u32;
                let words: Vec<u32> = (0..n * sign_words(k)).map(word).collect();
                let scales: Vec<f16> = (0..n).map(|r| f16::from_f32(1.0 / (r + 1) as f32)).collect();
                // Small whole numbers now and then cancel to zeros of either sign.
                let value = |i| if any_bits { f32::from_bits(word(i)) } else { (word(i) % 7) as f32 - 3.0 };
                let queries: Vec<f32> = (0..count * k).map(value).collect();
                let (mut expected, mut found) = (vec![7.0; n * count], vec![8.0; n * count]);
                let rows = Rows { words: &words, scales: &scales };
                Open { rows, k, queries: &queries, scores: &mut expected }.define();
                Open { rows, k, queries: &queries, scores: &mut found }.serial();
                assert_eq!(bits(&found), bits(&expected), "open: {n} rows of {k}, {count} queries");

                let mut sealed = vec![0; sealed_len(n, k)];
                seal(&words, k, &mut sealed).unwrap();
                let mut scratch = vec![0.0; Tables::len(count, k)];
                let queries = Tables::new(&queries, k, &mut scratch).unwrap();
                let rows = Rows { words: &sealed, scales: &scales };
                let mut of_sealed = vec![9.0; n * count];
                Sealed { rows, queries, scores: &mut of_sealed }.define();
                assert_eq!(bits(&of_sealed), bits(&expected), "sealed: {n} rows of {k}, {count} queries");
                Sealed { rows, queries, scores: &mut found }.serial();
                assert_eq!(bits(&found), bits(&expected), "sealed: {n} rows of {k}, {count} queries");
            }
        }
    }
}
