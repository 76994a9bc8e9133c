//! The signs of queries, as they meet open rows and sealed ones.

use super::order::{TILE, block_of, check_packed, columns, tiled, times, whole};
use crate::certain::Certain;
use crate::codec::bits::{BLOCK, Bits, encode_block};
use crate::error::{Error, same_length};

/// Where a query's words stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Query after query.
    Open,
    /// Tiles of eight, four or fewer queries side by side.
    Sealed,
}

/// The signs of queries.
///
/// ```
/// use gradsieve_kernels::score::hamming::{Queries, hamming_rows};
///
/// let words = [0b010, 0]; // of (1, −1, 1)
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
        Bits::One.words(k).saturating_mul(queries.saturating_add(1))
    }

    /// Words of scratch for queries against sealed segments.
    #[must_use]
    pub const fn sealed_len(queries: usize, k: usize) -> usize {
        Self::open_len(tiled(queries), k)
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
        let (masks, words) = Self::parts(k, scratch);
        for (query, to) in words.chunks_mut(masks.len().max(1)).enumerate() {
            write(|block| block_of(queries, k, query, block), to, 1);
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
        let (masks, words) = Self::parts(k, scratch);
        for (first, tile) in (0..).step_by(TILE).zip(words.chunks_mut(times(TILE, masks.len()))) {
            let width = columns(tile.len(), masks.len());
            tile.fill(0);
            for (query, column) in (first..count).zip(0..width) {
                write(|block| values(query, block), tile.get_mut(column..).certain(), width);
            }
        }
        Ok(Self { masks, words, layout: Layout::Sealed, k, count })
    }

    /// Cuts scratch into masks, which are written, and words.
    fn parts(k: usize, scratch: &'a mut [u32]) -> (&'a [u32], &'a mut [u32]) {
        let (masks, words) = scratch.split_at_mut(Bits::One.words(k).min(scratch.len()));
        for (mask, first) in masks.iter_mut().zip((0..).step_by(32)) {
            *mask = match k.saturating_sub(first) {
                32.. => u32::MAX,
                some => (1 << some) - 1,
            };
        }
        (masks, words)
    }

    /// `count` queries of `k` values each whose signs [`Queries::sealed`] has put into
    /// `packed`.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `packed` is not
    /// [`Queries::sealed_len`] long.
    pub fn from_packed(packed: &'a [u32], k: usize, count: usize) -> Result<Self, Error> {
        check_packed(k, Self::sealed_len(count, k), packed.len())?;
        let (masks, words) = packed.split_at(Bits::One.words(k).min(packed.len()));
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

/// Writes a query's words, `width` apart.
fn write(mut values: impl FnMut(usize) -> [f32; BLOCK], to: &mut [u32], width: usize) {
    for (two, block) in to.chunks_mut(times(2, width)).zip(0..) {
        let (words, _) = encode_block(Bits::One, &values(block), 1.0);
        for (to, word) in two.iter_mut().step_by(width.max(1)).zip(words) {
            *to = word;
        }
    }
}
