//! Hamming distances ([`crate::score::hamming`]) in vectors.

use crate::certain::Certain;
use crate::layout::hamming::Queries;
use crate::layout::order::{GROUP, TILE, times};
use crate::scalar::score::hamming::distance_of;
use crate::simd::{Distances, Simd};

/// Sixteen rows at a time, which stay near while the queries come by. The compiler
/// knows how to count in vectors.
#[inline(always)]
pub(crate) fn open(words: &[u32], n: usize, queries: Queries<'_>, distances: &mut [u32]) {
    let length = queries.masks.len().max(1);
    for (rows, first) in words.chunks(times(16, length)).zip((0..n).step_by(16)) {
        for (query, distances) in queries.words.chunks(length).zip(distances.chunks_mut(n.max(1))) {
            let distances = distances.get_mut(first..).certain();
            for (row, distance) in rows.chunks(length).zip(distances) {
                *distance = distance_of(row, query, queries.masks);
            }
        }
    }
}

/// Sixteen groups at a time, which stay near while the queries come by; all of them
/// for a single tile.
#[inline(always)]
pub(crate) fn sealed<S: Simd>(s: S, words: &[u32], n: usize, queries: Queries<'_>, distances: &mut [u32]) {
    let masks = queries.masks;
    let length = masks.len().max(1);
    let groups = words.as_chunks::<GROUP>().0;
    let block = if queries.count > TILE { 16 } else { groups.len() / length };
    for (groups, first) in groups.chunks(times(block, length)).zip((0..n).step_by((block * GROUP).max(1))) {
        let mut fetch = true;
        for (tile, q) in queries.words.chunks(times(TILE, length)).zip((0_usize..).step_by(TILE)) {
            let to = distances.get_mut(q * n + first..).certain();
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
