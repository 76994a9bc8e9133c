//! Scores of rows of few bits ([`crate::score::bits`]) on a core without vectors.

use super::int8::scored_with_care;
use crate::certain::Certain;
use crate::layout::bits::{Queries, Rows};
use crate::layout::order::{GROUP, TILE, columns, times};
use crate::scalar::bytes::{of_codes, of_four};

/// Rows one by one, down their words.
#[inline(always)]
pub(crate) fn sealed<const BITS: usize>(rows: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) {
    let n = rows.scales.len().max(1);
    let length = Queries::quads(queries.k);
    let groups = rows.words.as_chunks::<GROUP>().0;
    for (q, scores) in scores.chunks_mut(n).enumerate() {
        let tile = queries.quads.chunks(times(TILE, length)).nth(q / TILE).certain();
        let mut query = tile.iter().skip(q % TILE).step_by(columns(tile.len(), length));
        let total = query.next().map_or(0, |quad| i32::from_le_bytes(*quad));
        let query_scale = query.next().map_or(0.0, |quad| f32::from_le_bytes(*quad));
        for (r, (score, scale)) in scores.iter_mut().zip(rows.scales).enumerate() {
            let group = groups.chunks(queries.bits.words(queries.k).max(1)).nth(r / GROUP).certain();
            let (mut sum, mut quads) = (0, query.clone());
            for words in group {
                let mut word = words[r % GROUP];
                for quad in quads.by_ref().take(8 / BITS) {
                    sum += of_four::<BITS>(word, *quad);
                    word >>= BITS;
                }
            }
            let sum = if BITS == 4 { sum } else { of_codes::<BITS>(sum, total) };
            *score = scored_with_care(sum, scale.to_f32(), query_scale);
        }
    }
}
