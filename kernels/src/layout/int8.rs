//! Rows of int8 codes, open and sealed, and queries as such codes.

use super::order::{GROUP, TILE, check_packed, columns, tiled, times, whole};
use crate::cannot_happen;
use crate::error::{Error, same_length};
use crate::norm::max_abs;
use crate::scalar::codec::int8::{code, scale_of};

/// The largest k: 255·127·k fits 32 bits.
pub const MOST: usize = 65_536;

/// Rows of int8 codes.
///
/// ```
/// use gradsieve_kernels::codec::int8::encode_int8;
/// use gradsieve_kernels::score::int8::{Queries, Rows, score_int8_rows};
///
/// let mut codes = [0; 2];
/// let scale = encode_int8(&[127.0, -127.0], &mut codes)?;
/// let mut scratch = [0; Queries::open_len(1, 2)];
/// let queries = Queries::open(&[127.0, 0.0], 2, &mut scratch)?;
/// let mut scores = [0.0];
/// score_int8_rows(Rows { codes: &codes, scales: &[scale] }, queries, &mut scores)?;
/// assert_eq!(scores, [127.0 * 127.0]);
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The codes, each + 128.
    pub codes: &'a [u8],
    /// A scale a row.
    pub scales: &'a [f32],
}

/// Where a query's codes stand, and what stands before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Query after query.
    Open,
    /// Tiles of eight, four or fewer queries side by side, four places at a time.
    Sealed,
}

/// Queries as int8 codes.
///
/// ```
/// use gradsieve_kernels::score::int8::Queries;
///
/// let mut scratch = [0; Queries::sealed_len(2, 3)];
/// let queries = Queries::sealed(&[1.0, 2.0, 3.0, -1.0, 0.0, 1.0], 3, &mut scratch)?;
/// assert_eq!((queries.count(), queries.k()), (2, 3));
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Queries<'a> {
    /// In quads of bytes. Each query begins with two quads: −128·Σ dᵢ, with which its
    /// sums start, and its scale, both little-endian.
    pub(crate) quads: &'a [[u8; 4]],
    pub(crate) layout: Layout,
    pub(crate) k: usize,
    pub(crate) count: usize,
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
        Self::open_len(tiled(queries), k)
    }

    /// Quads of a query.
    pub(crate) const fn quads(k: usize) -> usize {
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

    /// `count` queries of `k` values each that [`Queries::sealed`] has quantised into
    /// `packed`.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `packed` is not
    /// [`Queries::sealed_len`] long.
    pub const fn from_packed(packed: &'a [u8], k: usize, count: usize) -> Result<Self, Error> {
        match check_packed(k, Self::sealed_len(count, k), packed.len()) {
            Ok(()) => Ok(Self { quads: packed.as_chunks().0, layout: Layout::Sealed, k, count }),
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
    let (Some(correction), Some(scale_to)) = (to.next(), to.next()) else {
        cannot_happen!("a query begins with two quads");
        return Ok(());
    };
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
        let Some(quad) = quads.get_mut(quad_of(k, row, i)) else {
            cannot_happen!("the segment has the row's places");
            continue;
        };
        quad[i % 4] = *code;
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
        let Some(quad) = quads.get(quad_of(k, row, i)) else {
            cannot_happen!("the segment has the row's places");
            continue;
        };
        *to = quad[i % 4];
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
