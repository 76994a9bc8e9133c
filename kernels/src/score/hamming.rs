//! Hamming distances of 1-bit rows ([`crate::codec::sign`]) to the signs of queries: in
//! how many of *k* places row and query differ. Integers, exact.
//!
//! It is what a score of 1-bit rows is before any magnitude has a say: Σ
//! sign(xᵢ)·sign(qᵢ) = k − 2·distance. The layouts are those of [`super::sign`], so that
//! one segment serves both: an *open* one holds row after row, in a *sealed* one sixteen
//! rows' words stand side by side, and a row is a lane. What fills up a row has no say,
//! whatever it is.
//!
//! *Cost*: an exclusive or, a count of bits and an addition for 32 signs of sixteen rows:
//! one instruction each where there is AVX-512 VPOPCNTDQ. Otherwise bytes are counted, by
//! a table of nibbles or by an instruction for bytes, and added up as bytes for 31 words.

use super::sign::words_of;
use super::{GROUP, TILE, columns, rows_of, times, whole};
use crate::codec::sign::sign_words;
use crate::dispatch::{Kernel, run};
use crate::error::{Error, same_length};
use crate::level::Level;
use crate::simd::{Distances, Simd};

/// Where a query's words stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Query after query, in the order of the codec.
    Open,
    /// Tiles of eight, four or fewer queries side by side, in the order of a sealed row.
    Sealed,
}

/// The signs of queries.
#[derive(Clone, Copy, Debug)]
pub struct Queries<'a> {
    /// For each word of a row which of its bits are signs.
    masks: &'a [u32],
    words: &'a [u32],
    layout: Layout,
    k: usize,
    count: usize,
}

impl<'a> Queries<'a> {
    /// Words of scratch for queries against open segments.
    #[must_use]
    pub const fn open_len(queries: usize, k: usize) -> usize {
        sign_words(k).saturating_mul(queries.saturating_add(1))
    }

    /// Words of scratch for queries against sealed segments.
    #[must_use]
    pub const fn sealed_len(queries: usize, k: usize) -> usize {
        let rest = queries % TILE;
        let rest = if rest == 0 { 0 } else { rest.next_power_of_two() };
        Self::open_len((queries - queries % TILE).saturating_add(rest), k)
    }

    /// Takes the signs of queries of `k` values each, query after query, for open
    /// segments.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `queries` isn't a multiple
    /// of `k`, or `scratch` is not [`Queries::open_len`] long. Nothing was written.
    pub fn open(queries: &[f32], k: usize, scratch: &'a mut [u32]) -> Result<Self, Error> {
        let count = whole(queries.len(), k)?;
        same_length(Self::open_len(count, k), scratch.len())?;
        let (masks, words) = scratch.split_at_mut(sign_words(k).min(scratch.len()));
        let in_order = |bit: &dyn Fn(usize) -> u32, to: &mut [u32]| {
            for (word, first) in to.iter_mut().zip((0..).step_by(32)) {
                *word = (0..32).fold(0, |word, i| word | bit(first + i) << i);
            }
        };
        in_order(&|i| u32::from(i < k), masks);
        for (query, to) in queries.chunks(k.max(1)).zip(words.chunks_mut(sign_words(k).max(1))) {
            in_order(&|i| sign_of(query, i), to);
        }
        Ok(Self { masks, words, layout: Layout::Open, k, count })
    }

    /// Takes the signs of queries of `k` values each, query after query, for sealed
    /// segments.
    ///
    /// # Errors
    /// As [`Queries::open`], with [`Queries::sealed_len`].
    pub fn sealed(queries: &[f32], k: usize, scratch: &'a mut [u32]) -> Result<Self, Error> {
        let count = whole(queries.len(), k)?;
        same_length(Self::sealed_len(count, k), scratch.len())?;
        let length = sign_words(k);
        let (masks, words) = scratch.split_at_mut(length.min(scratch.len()));
        for (to, mask) in masks.iter_mut().zip(words_of(k, |i| u32::from(i < k))) {
            *to = mask;
        }
        for (queries, tile) in queries.chunks(times(TILE, k)).zip(words.chunks_mut(times(TILE, length))) {
            let width = columns(tile.len(), length);
            tile.fill(0);
            for (query, column) in queries.chunks(k.max(1)).zip(0..width) {
                let column = tile.iter_mut().skip(column).step_by(width);
                for (to, word) in column.zip(words_of(k, |i| sign_of(query, i))) {
                    *to = word;
                }
            }
        }
        Ok(Self { masks, words, layout: Layout::Sealed, k, count })
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

/// The sign bit of a value, and zero beyond the end.
fn sign_of(values: &[f32], i: usize) -> u32 {
    values.get(i).map_or(0, |x| x.to_bits() >> 31)
}

/// `distances[q·n + r]`: in how many signs row r of an open segment and query q differ.
///
/// # Errors
/// [`Error::Layout`] if the queries are for sealed segments; [`Error::Length`] if the
/// words aren't as many rows of [`sign_words`] as there are distances a query. Nothing
/// was written.
#[inline]
pub fn hamming_rows(words: &[u32], queries: Queries<'_>, distances: &mut [u32]) -> Result<(), Error> {
    hamming_rows_with(Level::best(), words, queries, distances)
}

/// [`hamming_rows`] on a given level.
///
/// # Errors
/// As [`hamming_rows`].
#[inline]
pub fn hamming_rows_with(
    level: Level,
    words: &[u32],
    queries: Queries<'_>,
    distances: &mut [u32],
) -> Result<(), Error> {
    if queries.layout != Layout::Open {
        return Err(Error::Layout);
    }
    let Some(n) = rows_of(distances.len(), queries.count)? else { return Ok(()) };
    same_length(n.saturating_mul(sign_words(queries.k)), words.len())?;
    run(level, Open { words, n, queries, distances });
    Ok(())
}

/// `distances[q·n + r]`: in how many signs row r of a sealed segment
/// ([`super::sign::seal`]) and query q differ.
///
/// # Errors
/// [`Error::Layout`] if the queries are for open segments; [`Error::Length`] if the words
/// aren't [`super::sign::sealed_len`] of as many rows as there are distances a query.
/// Nothing was written.
#[inline]
pub fn hamming_sealed(sealed: &[u32], queries: Queries<'_>, distances: &mut [u32]) -> Result<(), Error> {
    hamming_sealed_with(Level::best(), sealed, queries, distances)
}

/// [`hamming_sealed`] on a given level.
///
/// # Errors
/// As [`hamming_sealed`].
#[inline]
pub fn hamming_sealed_with(
    level: Level,
    sealed: &[u32],
    queries: Queries<'_>,
    distances: &mut [u32],
) -> Result<(), Error> {
    if queries.layout != Layout::Sealed {
        return Err(Error::Layout);
    }
    let Some(n) = rows_of(distances.len(), queries.count)? else { return Ok(()) };
    same_length(super::sign::sealed_len(n, queries.k), sealed.len())?;
    run(level, Sealed { words: sealed, n, queries, distances });
    Ok(())
}

struct Open<'a> {
    words: &'a [u32],
    n: usize,
    queries: Queries<'a>,
    distances: &'a mut [u32],
}

impl Kernel for Open<'_> {
    type Output = ();

    /// The scalar text, of rows as of queries.
    #[inline(always)]
    fn define(self) {
        let Self { words, n, queries, distances } = self;
        let length = queries.masks.len().max(1);
        for (query, distances) in queries.words.chunks(length).zip(distances.chunks_mut(n.max(1))) {
            for (row, distance) in words.chunks(length).zip(distances) {
                *distance = definition(row, query, queries.masks);
            }
        }
    }

    /// Sixteen rows at a time, which stay near while the queries come by. The compiler
    /// knows how to count in vectors.
    #[inline(always)]
    fn vectorise<S: Simd>(self, _s: S) {
        let Self { words, n, queries, distances } = self;
        let length = queries.masks.len().max(1);
        for (rows, first) in words.chunks(times(16, length)).zip((0..n).step_by(16)) {
            for (query, distances) in queries.words.chunks(length).zip(distances.chunks_mut(n.max(1))) {
                let distances = distances.get_mut(first..).unwrap_or_default();
                for (row, distance) in rows.chunks(length).zip(distances) {
                    *distance = definition(row, query, queries.masks);
                }
            }
        }
    }
}

/// The scalar text of one distance.
#[inline(always)]
fn definition(row: &[u32], query: &[u32], masks: &[u32]) -> u32 {
    row.iter().zip(query).zip(masks).map(|((x, q), mask)| ((x ^ q) & mask).count_ones()).sum()
}

struct Sealed<'a> {
    words: &'a [u32],
    n: usize,
    queries: Queries<'a>,
    distances: &'a mut [u32],
}

impl Kernel for Sealed<'_> {
    type Output = ();

    /// The scalar text.
    #[inline(always)]
    fn define(self) {
        let Self { words, n, queries, distances } = self;
        let length = queries.masks.len().max(1);
        let groups = words.as_chunks::<GROUP>().0;
        for (q, distances) in distances.chunks_mut(n.max(1)).enumerate() {
            let tile = queries.words.chunks(times(TILE, length)).nth(q / TILE).unwrap_or_default();
            let query = tile.iter().skip(q % TILE).step_by(columns(tile.len(), length));
            for (r, distance) in distances.iter_mut().enumerate() {
                let group = groups.chunks(length).nth(r / GROUP).unwrap_or_default();
                let row = group.iter().filter_map(|words| words.get(r % GROUP));
                let places = row.zip(query.clone()).zip(queries.masks);
                *distance = places.map(|((x, q), mask)| ((x ^ q) & mask).count_ones()).sum();
            }
        }
    }

    /// Four rows at a time, down their words.
    #[inline(always)]
    fn serial(self) {
        let Self { words, n, queries, distances } = self;
        let length = queries.masks.len().max(1);
        let groups = words.as_chunks::<GROUP>().0.chunks(length);
        for (group, first) in groups.zip((0..n).step_by(GROUP)) {
            let mut distances = distances.chunks_mut(n.max(1));
            for tile in queries.words.chunks(times(TILE, length)) {
                let width = columns(tile.len(), length);
                for (column, distances) in (0..width).zip(&mut distances) {
                    let query = tile.get(column..).unwrap_or_default().iter().step_by(width);
                    let to = distances.get_mut(first..).unwrap_or_default();
                    for (four, to) in to.chunks_mut(4).take(GROUP / 4).enumerate() {
                        let mut sums = [0; 4];
                        for ((words, q), mask) in group.iter().zip(query.clone()).zip(queries.masks) {
                            let Some(words) = words.as_chunks::<4>().0.get(four) else { continue };
                            for (sum, x) in sums.iter_mut().zip(words) {
                                *sum += ((x ^ q) & mask).count_ones();
                            }
                        }
                        for (to, sum) in to.iter_mut().zip(sums) {
                            *to = sum;
                        }
                    }
                }
            }
        }
    }

    /// Sixteen groups at a time, which stay near while the queries come by; all of them
    /// for a single tile.
    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        let Self { words, n, queries, distances } = self;
        let masks = queries.masks;
        let length = masks.len().max(1);
        let groups = words.as_chunks::<GROUP>().0;
        let block = if queries.count > TILE { 16 } else { groups.len() / length };
        for (groups, first) in groups.chunks(times(block, length)).zip((0..n).step_by((block * GROUP).max(1)))
        {
            let mut fetch = true;
            for (tile, q) in queries.words.chunks(times(TILE, length)).zip((0_usize..).step_by(TILE)) {
                let to = distances.get_mut(q * n + first..).unwrap_or_default();
                let to = Distances { to, rows: n - first, apart: n };
                match tile.len() / length {
                    8 => s.differences::<8>(groups, masks, tile.as_chunks().0, fetch, to),
                    4 => s.differences::<4>(groups, masks, tile.as_chunks().0, fetch, to),
                    2 => s.differences::<2>(groups, masks, tile.as_chunks().0, fetch, to),
                    _ => s.differences::<1>(groups, masks, tile.as_chunks().0, fetch, to),
                }
                fetch = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::hash::word;
    use std::{vec, vec::Vec};

    #[test]
    fn the_serial_form_and_both_definitions_count_the_same() {
        let shapes = (1..40).flat_map(|n| [(n, 1, 1), (n, 33, 2), (n, 64, 3), (n, 130, 9), (n, 700, 12)]);
        for (n, k, count) in shapes {
            // What fills up a row is anything.
            let words: Vec<u32> = (0..n * sign_words(k)).map(|i| word(n as u64, i as u64) as u32).collect();
            let queries: Vec<f32> =
                (0..count * k).map(|i| f32::from_bits(word(7, i as u64) as u32)).collect();
            let mut scratch = vec![7; Queries::open_len(count, k)];
            let open = Queries::open(&queries, k, &mut scratch).unwrap();
            let mut expected = vec![8; n * count];
            Open { words: &words, n, queries: open, distances: &mut expected }.define();

            let mut sealed = vec![9; super::super::sign::sealed_len(n, k)];
            super::super::sign::seal(&words, k, &mut sealed).unwrap();
            let mut scratch = vec![7; Queries::sealed_len(count, k)];
            let queries = Queries::sealed(&queries, k, &mut scratch).unwrap();
            let (mut defined, mut found) = (vec![8; n * count], vec![8; n * count]);
            Sealed { words: &sealed, n, queries, distances: &mut defined }.define();
            Sealed { words: &sealed, n, queries, distances: &mut found }.serial();
            assert_eq!(defined, expected, "{n} rows of {k}, {count} queries");
            assert_eq!(found, expected, "serial, {n} rows of {k}, {count} queries");
        }
    }
}
