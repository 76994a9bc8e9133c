//! Sealed rows of codes of few bits, and queries as int8 codes in their order.

use super::order::{GROUP, TILE, block_of, check_packed, columns, tiled, times, whole};
use crate::bits::{BLOCK, Bits, WORDS};
use crate::cannot_happen;
use crate::certain::Certain;
use crate::error::{Error, same_length};
use crate::norm::max_abs;
use crate::scalar::codec::int8::{code, scale_of};
use core::ops::Range;
use half::f16;

/// Rows of codes in groups of sixteen.
///
/// ```
/// use gradsieve_kernels::codec::bits::{Bits, encode_block};
/// use gradsieve_kernels::score::bits::{Queries, Rows, put, score_bits_sealed, sealed_len};
/// use half::f16;
///
/// let (mut words, mut row) = ([0; sealed_len(Bits::Two, 1, 2)], [0.0; 64]);
/// row[..2].copy_from_slice(&[1.5, -0.5]);
/// put(Bits::Two, 2, |_| encode_block(Bits::Two, &row, 2.0).0, 0, &mut words)?; // levels 3, −1
///
/// let mut scratch = [0; Queries::sealed_len(1, 2)];
/// let queries = Queries::sealed(Bits::Two, &[127.0, 2.0], 2, &mut scratch)?;
/// let mut scores = [0.0];
/// score_bits_sealed(Rows { words: &words, scales: &[f16::from_f32(0.5)] }, queries, &mut scores)?;
/// assert_eq!(scores, [1.5 * 127.0 - 0.5 * 2.0]);
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The codes.
    pub words: &'a [u32],
    /// A scale a row: what a level stands for.
    pub scales: &'a [f16],
}

/// Words of a sealed segment of `rows` rows.
#[must_use]
pub const fn sealed_len(bits: Bits, rows: usize, k: usize) -> usize {
    rows.div_ceil(GROUP).saturating_mul(GROUP).saturating_mul(bits.words(k))
}

/// Lays rows of codes, one after the other, out as a sealed segment. What fills up the
/// last group is zero.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if `words` isn't a multiple of
/// [`Bits::words`], or `sealed` is not [`sealed_len`] long. Nothing was written.
pub fn seal(bits: Bits, words: &[u32], k: usize, sealed: &mut [u32]) -> Result<(), Error> {
    let length = bits.words(k);
    let n = whole(words.len(), length)?;
    same_length(sealed_len(bits, n, k), sealed.len())?;
    let length = length.max(1);
    let groups = sealed.as_chunks_mut::<GROUP>().0.chunks_mut(length);
    for (rows, group) in words.chunks(times(GROUP, length)).zip(groups) {
        group.fill([0; GROUP]);
        for (r, row) in rows.chunks(length).enumerate() {
            for (to, word) in group.iter_mut().zip(row) {
                to[r % GROUP] = *word;
            }
        }
    }
    Ok(())
}

/// Writes a row to its places in a sealed segment. Block *j* of its codes, 64 of the k,
/// is `codes(j)`, asked for in their order.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if the segment has no such row.
/// Nothing was written.
pub fn put(
    bits: Bits,
    k: usize,
    mut codes: impl FnMut(usize) -> [u32; WORDS],
    row: usize,
    sealed: &mut [u32],
) -> Result<(), Error> {
    let group = group_of(bits, k, row, sealed.len())?;
    let words = sealed.get_mut(group).certain().as_chunks_mut::<GROUP>().0;
    for (block, to) in words.chunks_mut(2 * bits.count()).enumerate() {
        for (to, word) in to.iter_mut().zip(codes(block)) {
            to[row % GROUP] = word;
        }
    }
    Ok(())
}

/// Reads a row of a sealed segment, and hands over one block of its codes after the
/// other.
///
/// # Errors
/// As [`put`].
pub fn take(
    bits: Bits,
    sealed: &[u32],
    k: usize,
    row: usize,
    mut codes: impl FnMut(usize, &[u32; WORDS]),
) -> Result<(), Error> {
    let group = group_of(bits, k, row, sealed.len())?;
    let words = sealed.get(group).certain().as_chunks::<GROUP>().0;
    for (block, from) in words.chunks(2 * bits.count()).enumerate() {
        let mut words = [0; WORDS];
        for (to, word) in words.iter_mut().zip(from) {
            *to = word[row % GROUP];
        }
        codes(block, &words);
    }
    Ok(())
}

/// Where the group of a row stands.
fn group_of(bits: Bits, k: usize, row: usize, sealed: usize) -> Result<Range<usize>, Error> {
    if k == 0 {
        return Err(Error::Width { multiple: 1, found: 0 });
    }
    let end = sealed_len(bits, row.saturating_add(1), k);
    if end > sealed {
        return Err(Error::Length { expected: end, found: sealed });
    }
    Ok(end - GROUP * bits.words(k)..end)
}

/// Queries as int8 codes, against rows of few bits.
///
/// ```
/// use gradsieve_kernels::codec::bits::Bits;
/// use gradsieve_kernels::score::bits::Queries;
///
/// let mut scratch = [0; Queries::sealed_len(2, 3)];
/// let queries = Queries::sealed(Bits::Four, &[1.0, 2.0, 3.0, -1.0, 0.0, 1.0], 3, &mut scratch)?;
/// assert_eq!((queries.count(), queries.k()), (2, 3));
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Queries<'a> {
    /// Tiles of eight, four or fewer queries side by side, in quads of bytes. Each query
    /// begins with two quads: the sum of its codes, and its scale, both little-endian.
    pub(crate) quads: &'a [[u8; 4]],
    pub(crate) bits: Bits,
    pub(crate) k: usize,
    pub(crate) count: usize,
}

impl<'a> Queries<'a> {
    /// Bytes of scratch.
    #[must_use]
    pub const fn sealed_len(queries: usize, k: usize) -> usize {
        Self::quads(k).saturating_mul(4).saturating_mul(tiled(queries))
    }

    /// Quads of a query.
    pub(crate) const fn quads(k: usize) -> usize {
        k.div_ceil(BLOCK).saturating_mul(BLOCK / 4).saturating_add(2)
    }

    /// Quantises queries of `k` values each, query after query.
    ///
    /// # Errors
    /// [`Error::Length`] if `queries` isn't a multiple of `k`; else as
    /// [`Queries::of_blocks`].
    pub fn sealed(bits: Bits, queries: &[f32], k: usize, scratch: &'a mut [u8]) -> Result<Self, Error> {
        let count = whole(queries.len(), k)?;
        Self::of_blocks(bits, count, k, scratch, |query, block| block_of(queries, k, query, block))
    }

    /// The same, of values that come in blocks of 64, with zeros behind a query's last:
    /// block `block` of query `query` is `values(query, block)`, which is asked twice,
    /// query after query, each time from a query's first block to its last.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero, [`Error::TooLong`] if it exceeds [`Bits::most`];
    /// [`Error::Length`] if `scratch` is not [`Queries::sealed_len`] long;
    /// [`Error::NonFinite`] if a query has an infinite value or a NaN, in which case
    /// `scratch` holds nothing of use.
    pub fn of_blocks(
        bits: Bits,
        count: usize,
        k: usize,
        scratch: &'a mut [u8],
        mut values: impl FnMut(usize, usize) -> [f32; BLOCK],
    ) -> Result<Self, Error> {
        if k > bits.most() {
            return Err(Error::TooLong { most: bits.most(), found: k });
        }
        check_packed(k, Self::sealed_len(count, k), scratch.len())?;
        let quads = scratch.as_chunks_mut::<4>().0;
        let length = Self::quads(k);
        for (first, tile) in (0..).step_by(TILE).zip(quads.chunks_mut(times(TILE, length))) {
            let width = columns(tile.len(), length);
            tile.fill([0; 4]);
            for (query, column) in (first..count).zip(0..width) {
                let column = tile.get_mut(column..).certain();
                quantise(bits, k, |block| values(query, block), column, width)?;
            }
        }
        Ok(Self { quads, bits, k, count })
    }

    /// `count` queries of `k` values each that were quantised into `packed` before.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `packed` is not
    /// [`Queries::sealed_len`] long.
    pub const fn from_packed(bits: Bits, packed: &'a [u8], k: usize, count: usize) -> Result<Self, Error> {
        match check_packed(k, Self::sealed_len(count, k), packed.len()) {
            Ok(()) => Ok(Self { quads: packed.as_chunks().0, bits, k, count }),
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

/// Writes a query's quads, `width` apart.
fn quantise(
    bits: Bits,
    k: usize,
    mut values: impl FnMut(usize) -> [f32; BLOCK],
    to: &mut [[u8; 4]],
    width: usize,
) -> Result<(), Error> {
    let blocks = k.div_ceil(BLOCK);
    let mut largest = 0.0_f32;
    for block in 0..blocks {
        let values = values(block);
        if values.iter().any(|x| !x.is_finite()) {
            return Err(Error::NonFinite);
        }
        largest = largest.max(max_abs(&values));
    }
    let scale = scale_of(largest);
    let mut quads = to.iter_mut().step_by(width.max(1));
    let (Some(total_to), Some(scale_to)) = (quads.next(), quads.next()) else {
        cannot_happen!("a query begins with two quads");
        return Ok(());
    };
    *scale_to = scale.to_le_bytes();
    let mut total = 0;
    for block in 0..blocks {
        let mut in_order = [0; BLOCK];
        for (i, x) in values(block).iter().enumerate() {
            let code = code(*x, scale);
            total += i32::from(code);
            in_order[place(bits, i)] = code.cast_unsigned();
        }
        // The four first: a query's quad must not be taken when there are no more.
        for (four, to) in in_order.as_chunks::<4>().0.iter().zip(quads.by_ref()) {
            *to = *four;
        }
    }
    *total_to = total.to_le_bytes();
    Ok(())
}

/// Where a query keeps value *i* of a block: the four that one shift brings to the lowest
/// bits of a word's bytes stand together.
const fn place(bits: Bits, i: usize) -> usize {
    let (in_word, in_byte) = (32 / bits.count(), 8 / bits.count());
    let (word, within) = (i / in_word, i % in_word);
    (word * in_word + within % in_byte * 4 + within / in_byte) % BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_block_has_a_place_of_its_own() {
        for bits in Bits::ALL {
            let mut places: [usize; BLOCK] = core::array::from_fn(|i| place(bits, i));
            places.sort_unstable();
            assert_eq!(places, core::array::from_fn(|i| i));
        }
    }
}
