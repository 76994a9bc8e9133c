//! Hamming distances ([`crate::score::hamming`]) on a core without vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::layout::hamming::Queries;
use crate::layout::order::{GROUP, TILE, columns, times};

/// Open rows, one by one.
#[inline(always)]
pub(crate) fn open(words: &[u32], n: usize, queries: Queries<'_>, distances: &mut [u32]) {
    let length = queries.masks.len().max(1);
    for (query, distances) in queries.words.chunks(length).zip(distances.chunks_mut(n.max(1))) {
        for (row, distance) in words.chunks(length).zip(distances) {
            *distance = distance_of(row, query, queries.masks);
        }
    }
}

/// One distance.
#[inline(always)]
pub(crate) fn distance_of(row: &[u32], query: &[u32], masks: &[u32]) -> u32 {
    row.iter().zip(query).zip(masks).map(|((x, q), mask)| ((x ^ q) & mask).count_ones()).sum()
}

/// Four rows at a time, down their words.
#[inline(always)]
pub(crate) fn sealed(words: &[u32], n: usize, queries: Queries<'_>, distances: &mut [u32]) {
    let length = queries.masks.len().max(1);
    let groups = words.as_chunks::<GROUP>().0.chunks(length);
    for (group, first) in groups.zip((0..n).step_by(GROUP)) {
        let mut distances = distances.chunks_mut(n.max(1));
        for tile in queries.words.chunks(times(TILE, length)) {
            let width = columns(tile.len(), length);
            for (column, distances) in (0..width).zip(&mut distances) {
                let query = tile.get(column..).certain().iter().step_by(width);
                let to = distances.get_mut(first..).certain();
                for (four, to) in to.chunks_mut(4).take(GROUP / 4).enumerate() {
                    let mut sums = [0; 4];
                    for ((words, q), mask) in group.iter().zip(query.clone()).zip(queries.masks) {
                        let Some(words) = words.as_chunks::<4>().0.get(four) else {
                            cannot_happen!("sixteen rows are four times four");
                            continue;
                        };
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
