//! Rows of signs, open and sealed, and tables of what they choose from.

use super::order::{GROUP, LANES, ORDER, check_packed, columns, times, whole};
use crate::cannot_happen;
use crate::certain::Certain;
use crate::codec::sign::sign_words;
use crate::error::{Error, same_length};
use core::ops::Range;
use half::f16;

/// Values in which each partial sum gets one term of four.
pub(crate) const BLOCK: usize = 64;

/// Queries whose tables stand side by side.
pub(crate) const TILE: usize = 4;

/// Rows of signs.
///
/// ```
/// use gradsieve_kernels::codec::sign::{encode_signs, sign_words};
/// use gradsieve_kernels::score::sign::{Rows, score_sign_rows};
///
/// let mut words = [0; sign_words(2)];
/// let scale = encode_signs(&[1.5, -0.5], &mut words)?; // 2.5/2, from squares and magnitudes
/// let mut scores = [0.0];
/// score_sign_rows(Rows { words: &words, scales: &[scale] }, 2, &[3.0, 1.0], &mut scores)?;
/// assert_eq!(scores, [1.25 * (3.0 - 1.0)]);
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The signs.
    pub words: &'a [u32],
    /// A scale a row.
    pub scales: &'a [f16],
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
                let Some(word) = group.get_mut(place / 8).and_then(|words| words.get_mut(r)) else {
                    cannot_happen!("a group has the row's words");
                    continue;
                };
                *word |= term << (4 * (place % 8));
            }
        }
    }
    Ok(())
}

/// Writes the signs of `k` values to their places as row `row` of a sealed segment: what
/// [`seal`] does to whole segments of codes. The values come in blocks of 64, with zeros
/// behind the last.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if the segment has no such row.
/// Nothing was written.
pub fn put(
    k: usize,
    mut values: impl FnMut(usize) -> [f32; BLOCK],
    row: usize,
    sealed: &mut [u32],
) -> Result<(), Error> {
    let group = group_of(k, row, sealed.len())?;
    let words = sealed.get_mut(group).certain().as_chunks_mut::<GROUP>().0;
    words.iter_mut().for_each(|word| word[row % GROUP] = 0);
    let blocks = k.div_ceil(BLOCK);
    for block in 0..blocks {
        for (at, bits) in placed(signs(&values(block)), block, blocks) {
            let Some(word) = words.get_mut(at) else {
                cannot_happen!("a group has the row's words");
                continue;
            };
            word[row % GROUP] |= bits;
        }
    }
    Ok(())
}

/// The sign bits of a block's values.
pub(crate) fn signs(values: &[f32; BLOCK]) -> [u32; 2] {
    let word = |half: &[f32; 32]| (0..).zip(half).fold(0, |word, (i, x)| word | x.to_bits() >> 31 << i);
    match values.as_chunks().0 {
        [low, high] => [word(low), word(high)],
        _ => [0; 2],
    }
}

/// Where the signs of block `block` of so many stand in a sealed row: the word of each
/// term, and its bits.
pub(crate) fn placed(signs: [u32; 2], block: usize, blocks: usize) -> impl Iterator<Item = (usize, u32)> {
    let places = ORDER.into_iter().zip(0..).map(move |(lane, term)| (lane, term * blocks + block));
    places.map(move |(lane, place)| (place / 8, signs_of(signs, lane) << (4 * (place % 8))))
}

/// Reads row `row` of a sealed segment, `k` values in blocks of 64: ±`scale` by their
/// signs.
///
/// # Errors
/// As [`put`].
pub fn take(
    sealed: &[u32],
    k: usize,
    row: usize,
    scale: f32,
    mut values: impl FnMut(usize, &mut [f32; BLOCK]),
) -> Result<(), Error> {
    let group = group_of(k, row, sealed.len())?;
    let words = sealed.get(group).certain().as_chunks::<GROUP>().0;
    let blocks = k.div_ceil(BLOCK);
    for block in 0..blocks {
        let mut numbers = [scale; BLOCK];
        for (lane, term) in ORDER.into_iter().zip(0..) {
            let place: usize = term * blocks + block;
            let term = words.get(place / 8).map(|word| word[row % GROUP]).certain() >> (4 * (place % 8));
            for (i, number) in numbers.iter_mut().skip(lane).step_by(LANES).enumerate() {
                *number = f32::from_bits(scale.to_bits() ^ (term >> i & 1) << 31);
            }
        }
        values(block, &mut numbers);
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
pub(crate) const fn signs_of([low, high]: [u32; 2], lane: usize) -> u32 {
    let (low, high) = (low >> lane, high >> lane);
    (low & 1) | (low >> 15 & 2) | (high << 2 & 4) | (high >> 13 & 8)
}

/// The term of four values with four signs.
#[inline(always)]
pub(crate) fn term(values: [f32; 4], signs: u32) -> f32 {
    let signed = |i: usize| f32::from_bits(values[i].to_bits() ^ (signs >> i & 1) << 31);
    (signed(0) + signed(1)) + (signed(2) + signed(3))
}

/// The four values of a block that belong to one partial sum, with zeros beyond the end.
#[inline(always)]
pub(crate) fn values_of(block: &[f32], lane: usize) -> [f32; 4] {
    let value = |i: usize| block.get(16 * i + lane).copied().unwrap_or(0.0);
    [value(0), value(1), value(2), value(3)]
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

/// Queries as tables of the signed sums of their values, for sealed segments.
///
/// ```
/// use gradsieve_kernels::score::sign::Tables;
///
/// let mut scratch = [0.0; Tables::len(1, 3)];
/// let tables = Tables::new(&[1.0, 2.0, 3.0], 3, &mut scratch)?;
/// assert_eq!((tables.count(), tables.k()), (1, 3));
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// Tiles of four queries, then one of what is left, filled up with zeros to 1, 2 or
    /// 4: in each, term after term in the sealed order.
    pub(crate) values: &'a [[f32; 16]],
    pub(crate) k: usize,
    pub(crate) count: usize,
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
    pub(crate) const fn terms(k: usize) -> usize {
        k.div_ceil(BLOCK).saturating_mul(LANES)
    }

    /// Makes the tables of queries of `k` values each, query after query. No sum of four
    /// values must leave `f32`.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `queries` isn't a multiple
    /// of `k`, or `scratch` is not [`Tables::len`] long. Nothing was written.
    pub fn new(queries: &[f32], k: usize, scratch: &'a mut [f32]) -> Result<Self, Error> {
        let count = whole(queries.len(), k)?;
        Self::of_blocks(count, k, scratch, |query, block| block_of(queries, k, query, block))
    }

    /// The same, of values that come in blocks of 64, with zeros behind a query's last:
    /// block `block` of query `query` is `values(query, block)`, which is asked once,
    /// query after query, from each one's first block to its last.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `scratch` is not
    /// [`Tables::len`] long. Nothing was written.
    ///
    /// ```
    /// use gradsieve_kernels::score::sign::Tables;
    ///
    /// let query = [[1.0; 64], [2.0; 64]];
    /// let (mut scratch, mut plain) = ([0.0; Tables::len(1, 128)], [0.0; Tables::len(1, 128)]);
    /// Tables::of_blocks(1, 128, &mut scratch, |_, block| query[block])?;
    /// Tables::new(query.as_flattened(), 128, &mut plain)?;
    /// assert_eq!(scratch, plain);
    /// # Ok::<(), gradsieve_kernels::Error>(())
    /// ```
    pub fn of_blocks(
        count: usize,
        k: usize,
        scratch: &'a mut [f32],
        mut values: impl FnMut(usize, usize) -> [f32; BLOCK],
    ) -> Result<Self, Error> {
        check_packed(k, Self::len(count, k), scratch.len())?;
        let (blocks, length) = (k.div_ceil(BLOCK), Self::terms(k).max(1));
        let scratch = scratch.as_chunks_mut::<16>().0;
        for (first, tile) in (0..).step_by(TILE).zip(scratch.chunks_mut(times(TILE, length))) {
            let width = columns(tile.len(), length);
            tile.fill([0.0; 16]);
            for (query, column) in (first..count).zip(0..width) {
                for block in 0..blocks {
                    let values = values(query, block);
                    let tables = tile.iter_mut().skip(block * width + column).step_by(times(blocks, width));
                    for (lane, table) in ORDER.into_iter().zip(tables) {
                        let values = values_of(&values, lane);
                        for (signs, to) in (0..).zip(table) {
                            *to = term(values, signs);
                        }
                    }
                }
            }
        }
        Ok(Self { values: scratch, k, count })
    }

    /// The tables of `count` queries of `k` values each that [`Tables::new`] has made in
    /// `packed`.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `packed` is not
    /// [`Tables::len`] long.
    pub const fn from_packed(packed: &'a [f32], k: usize, count: usize) -> Result<Self, Error> {
        match check_packed(k, Self::len(count, k), packed.len()) {
            Ok(()) => Ok(Self { values: packed.as_chunks().0, k, count }),
            Err(error) => Err(error),
        }
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
