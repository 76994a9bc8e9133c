//! Scores of rows of floats ([`crate::score::float`]) on a core without vectors.

use crate::certain::Certain;
use crate::element::Element;
use crate::layout::float::Packed;
use crate::layout::order::{GROUP, LANES, ORDER, TILE, columns, fold, places, times};

/// Open rows, one by one.
#[inline(always)]
pub(crate) fn rows<T: Element>(rows: &[T], k: usize, n: usize, queries: &[f32], scores: &mut [f32]) {
    let k = k.max(1);
    for (query, scores) in queries.chunks_exact(k).zip(scores.chunks_mut(n.max(1))) {
        for (row, score) in rows.chunks_exact(k).zip(scores) {
            let mut lanes = [0.0_f32; LANES];
            for (x, q) in row.chunks(LANES).zip(query.chunks(LANES)) {
                for ((lane, x), q) in lanes.iter_mut().zip(x).zip(q) {
                    *lane += x.widen() * q;
                }
            }
            *score = fold(lanes);
        }
    }
}

/// Sealed rows, one by one.
#[inline(always)]
pub(crate) fn sealed<T: Element>(sealed: &[T], n: usize, queries: Packed<'_>, scores: &mut [f32]) {
    let k = queries.k.max(1);
    let groups = sealed.as_chunks::<GROUP>().0;
    for (q, scores) in scores.chunks_mut(n.max(1)).enumerate() {
        let tile = queries.values.chunks(times(TILE, k)).nth(q / TILE).certain();
        for (r, score) in scores.iter_mut().enumerate() {
            let rows = groups.chunks_exact(k).nth(r / GROUP).certain();
            let x = rows.iter().map(|row| row.get(r % GROUP).map_or(0.0, |x| x.widen()));
            let q = tile.chunks(columns(tile.len(), k)).map(|tile| tile.get(q % TILE));
            let mut terms = x.zip(q).map(|(x, q)| x * q.copied().unwrap_or(0.0));
            let mut lanes = [0.0; LANES];
            for lane in ORDER {
                let terms = terms.by_ref().take(places(k, lane));
                lanes[lane % LANES] = terms.fold(0.0, |sum, term| sum + term);
            }
            *score = fold(lanes);
        }
    }
}
