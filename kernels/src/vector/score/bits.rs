//! Scores of rows of few bits ([`crate::score::bits`]) in vectors.

use super::int8;
use crate::cannot_happen;
use crate::certain::Certain;
use crate::layout::bits::{Queries, Rows};
use crate::layout::order::{GROUP, TILE, columns, times};
use crate::simd::{Simd, Table};
use half::f16;

/// Four groups at a time, which stay near while the queries come by.
#[inline(always)]
pub(crate) fn sealed<S: Simd, const BITS: usize>(
    s: S,
    rows: Rows<'_>,
    queries: Queries<'_>,
    scores: &mut [f32],
) {
    if BITS == 1 && by_ones(s, rows, queries, scores) {
        return;
    }
    let n = rows.scales.len().max(1);
    let (length, words) = (Queries::quads(queries.k), queries.bits.words(queries.k));
    let groups = rows.words.as_chunks::<GROUP>().0.chunks(times(4, words));
    for ((groups, scales), first) in groups.zip(rows.scales.chunks(4 * GROUP)).zip((0..n).step_by(4 * GROUP))
    {
        let mut fetch = true;
        for (tile, q) in queries.quads.chunks(times(TILE, length)).zip((0_usize..).step_by(TILE)) {
            let scores = scores.get_mut(q * n..).certain();
            let part = Part { groups, words, scales, first, n, fetch, tile };
            match (tile.len() / length, S::ROOMY) {
                (8, true) => part.score::<S, BITS, 2, 8, 0, 8>(s, scores),
                (8, false) => {
                    part.score::<S, BITS, 1, 8, 0, 4>(s, scores);
                    let rest = scores.get_mut(4 * n..).certain();
                    Part { fetch: false, ..part }.score::<S, BITS, 1, 8, 4, 4>(s, rest);
                }
                (4, true) => part.score::<S, BITS, 4, 4, 0, 4>(s, scores),
                (4, false) => part.score::<S, BITS, 1, 4, 0, 4>(s, scores),
                (2, true) => part.score::<S, BITS, 4, 2, 0, 2>(s, scores),
                (2, false) => part.score::<S, BITS, 2, 2, 0, 2>(s, scores),
                _ => part.score::<S, BITS, 1, 1, 0, 1>(s, scores),
            }
            fetch = false;
        }
    }
}

/// Groups whose sums over ones are made together, while a query's tables are there: 8 KiB
/// of stack; fewer for one query, whose tables stay.
const TOGETHER: usize = 128;
const ALONE: usize = 16;

/// Groups below which a query's tables cost more than they save.
const WORTH_TABLES: usize = 8;

/// Words of a row that have tables at a time: 8 KiB of stack.
const WORDS: usize = 32;

/// Scores of rows of 1 bit from the sums of a query's codes over their ones, where that
/// is an operation, and there are rows enough for it. Returns whether it was.
#[inline(always)]
fn by_ones<S: Simd>(s: S, rows: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) -> bool {
    let n = rows.scales.len().max(1);
    if n < WORTH_TABLES * GROUP || !s.has_tables() {
        return false;
    }
    let (length, words) = (Queries::quads(queries.k), queries.bits.words(queries.k));
    let (mut tables, mut sums) = ([[Table([0; 64]); 4]; WORDS], [[0; GROUP]; TOGETHER]);
    let stays = queries.count == 1 && words <= WORDS;
    let together = if stays { ALONE } else { TOGETHER };
    let groups = rows.words.as_chunks::<GROUP>().0.chunks(times(together, words));
    let some = groups.zip(rows.scales.chunks(together * GROUP)).zip((0..n).step_by(together * GROUP));
    for ((groups, scales), first) in some {
        for (q, scores) in scores.chunks_mut(n).enumerate() {
            let tile = queries.quads.chunks(times(TILE, length)).nth(q / TILE).certain();
            let width = columns(tile.len(), length);
            let mut column = tile.iter().skip(q % TILE).step_by(width);
            let (Some(total), Some(query_scale)) = (column.next(), column.next()) else {
                cannot_happen!("a query begins with two quads");
                return true;
            };
            let sums = sums.get_mut(..together).certain();
            sums.fill([0; GROUP]);
            for at in (0..words).step_by(WORDS) {
                let tables = tables.get_mut(..WORDS.min(words - at)).certain();
                let codes = tile.get((2 + 8 * at) * width + q % TILE..).certain();
                if !stays || first == 0 {
                    s.tabulate(codes, width, tables);
                }
                s.add_ones(groups, (words, at), tables, q == 0, sums);
            }
            let (total, query_scale) = (i32::from_le_bytes(*total), f32::from_le_bytes(*query_scale));
            let scores = scores.get_mut(first..).certain().chunks_mut(GROUP);
            for ((sums, scales), to) in sums.iter().zip(scales.chunks(GROUP)).zip(scores) {
                write(s, &sums.map(|sum| (total - sum) - sum), query_scale, scales, to);
            }
        }
    }
    true
}

/// Some groups of a sealed segment and a tile of queries.
#[derive(Clone, Copy)]
struct Part<'a> {
    groups: &'a [[u32; GROUP]],
    /// Words of a row.
    words: usize,
    scales: &'a [f16],
    /// The first row's number, of n.
    first: usize,
    n: usize,
    /// Whether to ask for memory ahead.
    fetch: bool,
    tile: &'a [[u8; 4]],
}

impl Part<'_> {
    /// Scores G groups at a time against queries `FIRST..FIRST + C` of a tile that is W
    /// wide.
    #[inline(always)]
    fn score<
        S: Simd,
        const BITS: usize,
        const G: usize,
        const W: usize,
        const FIRST: usize,
        const C: usize,
    >(
        self,
        s: S,
        scores: &mut [f32],
    ) {
        let [totals, query_scales, queries @ ..] = self.tile.as_chunks::<W>().0 else {
            cannot_happen!("a tile begins with two quads a query");
            return;
        };
        let words = self.words.max(1);
        let rows = self.scales.chunks(G * GROUP).zip((self.first..).step_by(G * GROUP));
        for (some, (scales, first)) in self.groups.chunks(times(G, words)).zip(rows) {
            let mut each: [&[[u32; GROUP]]; G] = [some.get(..words).certain(); G];
            for (slot, group) in each.iter_mut().zip(some.chunks_exact(words)) {
                *slot = group;
            }
            let sums = s.dot_codes::<BITS, G, W, FIRST, C>(&each, queries, totals, self.fetch);
            for ((c, sums), scores) in sums.iter().enumerate().zip(scores.chunks_mut(self.n)) {
                let query_scale = f32::from_le_bytes(query_scales[FIRST + c]);
                let scores = scores.get_mut(first..).certain();
                for ((sums, scales), to) in
                    sums.iter().zip(scales.chunks(GROUP)).zip(scores.chunks_mut(GROUP))
                {
                    write(s, sums, query_scale, scales, to);
                }
            }
        }
    }
}

/// Writes the scores of up to sixteen rows, as int8's are once the scales are wide.
#[inline(always)]
fn write<S: Simd>(s: S, sums: &[i32; GROUP], query_scale: f32, scales: &[f16], to: &mut [f32]) {
    let mut widened = [0.0; GROUP];
    if let Some(scales) = scales.first_chunk() {
        s.store(s.load_f16(scales), &mut widened);
    } else {
        widened.iter_mut().zip(scales).for_each(|(to, scale)| *to = scale.to_f32());
    }
    int8::write(sums, 0, query_scale, widened.get(..scales.len()).certain(), to);
}
