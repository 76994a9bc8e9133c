//! Sealed rows of floats, and queries in their order.

use super::order::{GROUP, LANES, ORDER, TILE, check_packed, columns, places, tiled, times, whole};
use crate::cannot_happen;
use crate::certain::Certain;
use crate::element::Element;
use crate::error::{Error, same_length};
use core::ops::Range;

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
    let places = sealed.get_mut(group).certain().as_chunks_mut::<GROUP>().0;
    let starts = starts(k);
    for (i, x) in (first..).zip(values) {
        let Some(place) = places.get_mut(starts[i % LANES] + i / LANES) else {
            cannot_happen!("a group has k places");
            continue;
        };
        place[row % GROUP] = *x;
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
    let places = sealed.get(group).certain().as_chunks::<GROUP>().0;
    let starts = starts(k);
    for (i, to) in (first..).zip(values) {
        let Some(place) = places.get(starts[i % LANES] + i / LANES) else {
            cannot_happen!("a group has k places");
            continue;
        };
        *to = place[row % GROUP];
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
        starts[lane % LANES] = next;
        next += places(k, lane);
    }
    starts
}

/// Queries in the order of a sealed segment, up to eight side by side.
///
/// ```
/// use gradsieve_kernels::score::float::{Packed, score_sealed, seal, sealed_len};
///
/// let (rows, queries) = ([1.0_f32, 2.0, 3.0, 4.0], [1.0, 1.0]); // two rows, one query
/// let (mut sealed, mut scratch) = ([0.0; sealed_len(2, 2)], [0.0; Packed::len(1, 2)]);
/// seal(&rows, 2, &mut sealed)?;
/// let packed = Packed::new(&queries, 2, &mut scratch)?;
/// let mut scores = [0.0; 2];
/// score_sealed(&sealed, packed, &mut scores)?;
/// assert_eq!(scores, [3.0, 7.0]);
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a> {
    /// Tiles of eight queries, then one of what is left, filled up with zeros to 1, 2, 4
    /// or 8: in each, place after place in the sealed order.
    pub(crate) values: &'a [f32],
    pub(crate) k: usize,
    pub(crate) count: usize,
}

impl<'a> Packed<'a> {
    /// Value `i` of a query.
    pub(crate) fn value(&self, query: usize, i: usize) -> f32 {
        let (first, in_tile) = (query - query % TILE, query % TILE);
        let tile = (self.count - first).min(TILE).next_power_of_two();
        let place = sealed_place(self.k, 0, i) / GROUP;
        self.values.get(first * self.k + place * tile + in_tile).copied().certain()
    }

    /// Elements of scratch that so many queries take.
    #[must_use]
    pub const fn len(queries: usize, k: usize) -> usize {
        tiled(queries).saturating_mul(k)
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

    /// `count` queries of `k` values each that [`Packed::new`] has packed into `packed`.
    ///
    /// # Errors
    /// [`Error::Width`] if `k` is zero; [`Error::Length`] if `packed` is not
    /// [`Packed::len`] long.
    pub const fn from_packed(packed: &'a [f32], k: usize, count: usize) -> Result<Self, Error> {
        match check_packed(k, Self::len(count, k), packed.len()) {
            Ok(()) => Ok(Self { values: packed, k, count }),
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
