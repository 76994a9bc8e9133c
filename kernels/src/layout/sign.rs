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

/// Writes the signs of a row's values to their places as row `row` of a sealed segment:
/// what [`seal`] does to whole segments of codes.
///
/// # Errors
/// [`Error::Width`] if there are no values; [`Error::Length`] if the segment has no such
/// row. Nothing was written.
pub fn put(values: &[f32], row: usize, sealed: &mut [u32]) -> Result<(), Error> {
    let group = group_of(values.len(), row, sealed.len())?;
    let words = sealed.get_mut(group).certain().as_chunks_mut::<GROUP>().0;
    let signs = words_of(values.len(), |i| values.get(i).map_or(0, |x| x.to_bits() >> 31));
    for (word, eight) in words.iter_mut().zip(signs) {
        word[row % GROUP] = eight;
    }
    Ok(())
}

/// The words of a sealed row of `k` places, of which `bit` knows the sign bits; it is
/// asked beyond the last, too.
pub(crate) fn words_of(k: usize, bit: impl Fn(usize) -> u32) -> impl Iterator<Item = u32> {
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
    let words = sealed.get(group).certain().as_chunks::<GROUP>().0;
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

/// 2⁻ᵉ for −126 ≤ e ≤ 126.
const fn inverse_power(exponent: i8) -> f32 {
    f32::from_bits(((127 - exponent as i32).unsigned_abs()) << 23)
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

    /// Makes the tables of queries of `k` values each, query after query.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `queries` isn't a multiple
    /// of `k`, or `scratch` is not [`Tables::len`] long. Nothing was written.
    pub fn new(queries: &[f32], k: usize, scratch: &'a mut [f32]) -> Result<Self, Error> {
        Self::make(queries, k, scratch, |_| 1.0)
    }

    /// The tables of queries that are multiplied by 2⁻ᵉ each, of an exponent from −126 to
    /// 126 a query: so that no sum of four values leaves `f32`. Scores are theirs; who
    /// wants those of the queries multiplies by 2ᵉ.
    ///
    /// # Errors
    /// As [`Tables::new`]; [`Error::Length`] if there is not an exponent for each query.
    ///
    /// ```
    /// use gradsieve_kernels::score::sign::Tables;
    ///
    /// let mut scratch = [0.0; Tables::len(1, 2)];
    /// Tables::scaled(&[3e38, 3e38], 2, &[126], &mut scratch)?;
    /// assert!(scratch.iter().all(|sum| sum.is_finite()));
    /// # Ok::<(), gradsieve_kernels::Error>(())
    /// ```
    pub fn scaled(
        queries: &[f32],
        k: usize,
        exponents: &[i8],
        scratch: &'a mut [f32],
    ) -> Result<Self, Error> {
        same_length(whole(queries.len(), k)?, exponents.len())?;
        Self::make(queries, k, scratch, |query| {
            exponents.get(query).map_or(1.0, |&exponent| inverse_power(exponent))
        })
    }

    fn make(
        queries: &[f32],
        k: usize,
        scratch: &'a mut [f32],
        factor: impl Fn(usize) -> f32,
    ) -> Result<Self, Error> {
        let count = whole(queries.len(), k)?;
        same_length(Self::len(count, k), scratch.len())?;
        let (k, terms_of_k) = (k.max(1), Self::terms(k).max(1));
        let scratch = scratch.as_chunks_mut::<16>().0;
        let tiles = queries.chunks(times(TILE, k)).zip(scratch.chunks_mut(times(TILE, terms_of_k)));
        for (first, (queries, tile)) in (0..).step_by(TILE).zip(tiles) {
            let width = columns(tile.len(), terms_of_k);
            tile.fill([0.0; 16]);
            for (column, query) in queries.chunks(k).enumerate() {
                let mut tables = tile.iter_mut().skip(column).step_by(width);
                let factor = factor(first + column);
                for lane in ORDER {
                    for (block, table) in query.chunks(BLOCK).zip(tables.by_ref()) {
                        let values = values_of(block, lane).map(|value| value * factor);
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
