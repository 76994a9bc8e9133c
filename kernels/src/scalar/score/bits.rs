//! Scores of rows of few bits ([`crate::score::bits`]) on a core without vectors.

use super::int8::scored_with_care;
use crate::certain::Certain;
use crate::layout::bits::{Queries, Rows};
use crate::layout::order::{GROUP, TILE, columns, times};
use crate::scalar::bytes::{biased, of_codes, of_four, of_signs};

/// Rows that meet a query's bytes together, which are loaded once for all of them.
const ABREAST: usize = 4;

/// Four rows at a time, down their words.
#[inline(always)]
pub(crate) fn sealed<const BITS: usize>(rows: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) {
    let n = rows.scales.len().max(1);
    let length = Queries::quads(queries.k);
    let words = queries.bits.words(queries.k).max(1);
    for (q, scores) in scores.chunks_mut(n).enumerate() {
        let tile = queries.quads.chunks(times(TILE, length)).nth(q / TILE).certain();
        let mut query = tile.iter().skip(q % TILE).step_by(columns(tile.len(), length));
        let total = query.next().map_or(0, |quad| i32::from_le_bytes(*quad));
        let query_scale = query.next().map_or(0.0, |quad| f32::from_le_bytes(*quad));
        let pairs = rows.scales.chunks(GROUP).zip(scores.chunks_mut(GROUP)).enumerate();
        for (group, (scales, scores)) in pairs {
            let group = rows.words.as_chunks::<GROUP>().0.get(group * words..).certain();
            let group = group.get(..words).certain();
            let fours = scales.chunks(ABREAST).zip(scores.chunks_mut(ABREAST)).enumerate();
            for (four, (scales, scores)) in fours {
                let (mut sums, mut quads) = ([0; ABREAST], query.clone());
                for words in group {
                    let Some(words) = words.as_chunks::<ABREAST>().0.get(four) else { break };
                    let mut words = *words;
                    if BITS == 1 {
                        let mut eight = [0; 8];
                        for (to, quad) in eight.iter_mut().zip(quads.by_ref()) {
                            *to = biased(*quad);
                        }
                        for (sum, word) in sums.iter_mut().zip(words) {
                            *sum += of_signs(word, &eight);
                        }
                        continue;
                    }
                    for quad in quads.by_ref().take(8 / BITS) {
                        let digits = quad.map(|d| i32::from(d.cast_signed()));
                        for (sum, word) in sums.iter_mut().zip(&mut words) {
                            *sum += of_four::<BITS>(*word, digits);
                            *word >>= BITS;
                        }
                    }
                }
                for ((sum, scale), score) in sums.into_iter().zip(scales).zip(scores) {
                    let sum = if BITS == 4 { sum } else { of_codes::<BITS>(sum, total) };
                    *score = scored_with_care(sum, scale.to_f32(), query_scale);
                }
            }
        }
    }
}
