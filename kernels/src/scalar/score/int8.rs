//! Scores of int8 rows ([`crate::score::int8`]) on a core without vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::layout::int8::{Queries, Rows};
use crate::layout::order::{GROUP, TILE, columns, times};
use crate::scalar::bytes;

/// The score of an exact sum, where nothing leaves the range of normal numbers.
#[inline(always)]
pub(crate) fn scored(sum: i32, row: f32, query: f32) -> f32 {
    sum as f32 * row * query
}

/// Whether a product or a score left that range, or is zero.
#[inline(always)]
pub(crate) fn is_wild(sum: i32, row: f32, query: f32) -> bool {
    let product = sum as f32 * row;
    let is_normal = |x: f32| (x.abs() >= f32::MIN_POSITIVE) & (x.abs() <= f32::MAX);
    !(is_normal(product) & is_normal(product * query))
}

/// The score of any exact sum.
#[inline(always)]
pub(crate) fn scored_with_care(sum: i32, row: f32, query: f32) -> f32 {
    if is_wild(sum, row, query) { wild(sum, row, query) } else { scored(sum, row, query) }
}

/// In `f64`, whose range no product of three such numbers leaves.
#[cold]
#[inline(never)]
pub(crate) fn wild(sum: i32, row: f32, query: f32) -> f32 {
    (f64::from(sum) * f64::from(row) * f64::from(query)) as f32
}

/// What the sums of a query start with, its scale, and its codes.
#[inline(always)]
pub(crate) fn parts(query: &[[u8; 4]]) -> (i32, f32, &[[u8; 4]]) {
    match query {
        [correction, scale, codes @ ..] => {
            (i32::from_le_bytes(*correction), f32::from_le_bytes(*scale), codes)
        }
        _ => {
            cannot_happen!("a query begins with two quads");
            (0, 0.0, &[])
        }
    }
}

/// Open rows, one by one.
#[inline(always)]
pub(crate) fn open(rows: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) {
    let n = rows.scales.len().max(1);
    for (query, scores) in queries.quads.chunks(Queries::quads(queries.k)).zip(scores.chunks_mut(n)) {
        let (start, query_scale, query) = parts(query);
        let rows = rows.codes.chunks(queries.k.max(1)).zip(rows.scales);
        for ((row, scale), score) in rows.zip(scores) {
            *score = scored_with_care(start + bytes::dot(row, query.as_flattened()), *scale, query_scale);
        }
    }
}

/// Sealed rows, one by one.
#[inline(always)]
pub(crate) fn sealed(rows: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) {
    let n = rows.scales.len().max(1);
    let length = Queries::quads(queries.k);
    let groups = rows.codes.as_chunks::<4>().0.as_chunks::<GROUP>().0;
    for (q, scores) in scores.chunks_mut(n).enumerate() {
        let tile = queries.quads.chunks(times(TILE, length)).nth(q / TILE).certain();
        let mut query = tile.iter().skip(q % TILE).step_by(columns(tile.len(), length));
        let start = query.next().map_or(0, |quad| i32::from_le_bytes(*quad));
        let query_scale = query.next().map_or(0.0, |quad| f32::from_le_bytes(*quad));
        for (r, (score, scale)) in scores.iter_mut().zip(rows.scales).enumerate() {
            let group = groups.chunks((length - 2).max(1)).nth(r / GROUP).certain();
            let row = group.iter().filter_map(|quads| quads.get(r % GROUP));
            let sum: i32 = row.zip(query.clone()).map(|(c, d)| bytes::dot(c, d)).sum();
            *score = scored_with_care(start + sum, *scale, query_scale);
        }
    }
}
