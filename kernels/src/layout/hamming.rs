//! The signs of queries, as they meet open rows and sealed ones.

use super::order::{TILE, check_packed, columns, times, whole};
use super::sign::{BLOCK, block_of, placed, signs};
use crate::cannot_happen;
use crate::certain::Certain;
use crate::codec::sign::sign_words;
use crate::error::{Error, same_length};

/// Where a query's words stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Query after query, in the order of the codec.
    Open,
    /// Tiles of eight, four or fewer queries side by side, in the order of a sealed row.
    Sealed,
}

/// The signs of queries.
///
/// ```
/// use gradsieve_kernels::codec::sign::{encode_signs, sign_words};
/// use gradsieve_kernels::score::hamming::{Queries, hamming_rows};
///
/// let mut words = [0; sign_words(3)];
/// encode_signs(&[1.0, -1.0, 1.0], &mut words)?;
/// let mut scratch = [0; Queries::open_len(1, 3)];
/// let queries = Queries::open(&[2.0, 3.0, -4.0], 3, &mut scratch)?;
/// let mut distances = [0];
/// hamming_rows(&words, queries, &mut distances)?;
/// assert_eq!(distances, [2]);
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Queries<'a> {
    /// For each word of a row which of its bits are signs.
    pub(crate) masks: &'a [u32],
    pub(crate) words: &'a [u32],
    pub(crate) layout: Layout,
    pub(crate) k: usize,
    pub(crate) count: usize,
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
        Self::sealed_blocks(count, k, scratch, |query, block| block_of(queries, k, query, block))
    }

    /// The same, of values that come in blocks of 64, with zeros behind a query's last:
    /// block `block` of query `query` is `values(query, block)`, which is asked once,
    /// query after query, from each one's first block to its last.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `scratch` is not
    /// [`Queries::sealed_len`] long. Nothing was written.
    pub fn sealed_blocks(
        count: usize,
        k: usize,
        scratch: &'a mut [u32],
        mut values: impl FnMut(usize, usize) -> [f32; BLOCK],
    ) -> Result<Self, Error> {
        check_packed(k, Self::sealed_len(count, k), scratch.len())?;
        let (length, blocks) = (sign_words(k), k.div_ceil(BLOCK));
        let (masks, words) = scratch.split_at_mut(length.min(scratch.len()));
        let write = |to: &mut [u32], width: usize, block: usize, signs: [u32; 2]| {
            for (at, bits) in placed(signs, block, blocks) {
                let Some(word) = to.get_mut(at * width) else {
                    cannot_happen!("a row has words for all of its blocks");
                    continue;
                };
                *word |= bits;
            }
        };
        masks.fill(0);
        for block in 0..blocks {
            write(masks, 1, block, in_use(k, block));
        }
        for (first, tile) in (0..).step_by(TILE).zip(words.chunks_mut(times(TILE, length))) {
            let width = columns(tile.len(), length);
            tile.fill(0);
            for (query, column) in (first..count).zip(0..width) {
                for block in 0..blocks {
                    let column = tile.get_mut(column..).certain();
                    write(column, width, block, signs(&values(query, block)));
                }
            }
        }
        Ok(Self { masks, words, layout: Layout::Sealed, k, count })
    }

    /// `count` queries of `k` values each whose signs [`Queries::sealed`] has put into
    /// `packed`.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `packed` is not
    /// [`Queries::sealed_len`] long.
    pub fn from_packed(packed: &'a [u32], k: usize, count: usize) -> Result<Self, Error> {
        check_packed(k, Self::sealed_len(count, k), packed.len())?;
        let (masks, words) = packed.split_at(sign_words(k).min(packed.len()));
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

/// The places of a block that values of a row of `k` have.
fn in_use(k: usize, block: usize) -> [u32; 2] {
    let left = k.saturating_sub(block.saturating_mul(BLOCK));
    [0, 32].map(|first| match left.saturating_sub(first) {
        32.. => u32::MAX,
        some => (1 << some) - 1,
    })
}

/// The sign bit of a value, and zero beyond the end.
fn sign_of(values: &[f32], i: usize) -> u32 {
    values.get(i).map_or(0, |x| x.to_bits() >> 31)
}
