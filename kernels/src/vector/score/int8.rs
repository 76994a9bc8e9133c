//! Scores of int8 rows ([`crate::score::int8`]) in vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::layout::int8::{Queries, Rows};
use crate::layout::order::{GROUP, TILE, times};
use crate::scalar::score::int8::{is_wild, parts, scored, scored_with_care};
use crate::simd::Simd;

/// Sixteen rows at a time, which stay in the nearest cache while the queries come by.
#[inline(always)]
pub(crate) fn open<S: Simd>(s: S, rows: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) {
    let (n, k) = (rows.scales.len().max(1), queries.k.max(1));
    let length = Queries::quads(k);
    for ((block, scales), first) in
        rows.codes.chunks(times(16, k)).zip(rows.scales.chunks(16)).zip((0..n).step_by(16))
    {
        let mut sixteen: [&[u8]; 16] = [block.get(..k).certain(); 16];
        for (slot, row) in sixteen.iter_mut().zip(block.chunks_exact(k)) {
            *slot = row;
        }
        let mut fetch = (16 * k).max(16 << 10);
        for (some, q) in queries.quads.chunks(times(4, length)).zip((0_usize..).step_by(4)) {
            let scores = scores.get_mut(q * n..).certain();
            let mut four: [&[u8]; 4] = [&[]; 4];
            let mut headers = [(0, 0.0); 4];
            for ((slot, header), query) in four.iter_mut().zip(&mut headers).zip(some.chunks(length)) {
                let (start, scale, codes) = parts(query);
                *slot = codes.as_flattened().get(..k).certain();
                *header = (start, scale);
            }
            let mut sums = [[0; 16]; 4];
            if some.len() == 4 * length {
                for (r, rows) in sixteen.as_chunks::<4>().0.iter().enumerate() {
                    let tile = s.dot_bytes::<4, 4>(rows, &four, fetch);
                    for (sums, tile) in sums.iter_mut().zip(tile) {
                        sums.as_chunks_mut::<4>().0[r % 4] = tile;
                    }
                }
            } else {
                for (sums, query) in sums.iter_mut().zip(four).take(some.len() / length) {
                    [*sums] = s.dot_bytes::<16, 1>(&sixteen, &[query], fetch);
                    fetch = 0;
                }
            }
            fetch = 0;
            for ((sums, (start, scale)), scores) in sums.iter().zip(headers).zip(scores.chunks_mut(n)) {
                write(sums, start, scale, scales, scores.get_mut(first..).certain());
            }
        }
    }
}

/// Writes the scores of up to sixteen rows.
#[inline(always)]
pub(super) fn write(sums: &[i32; 16], start: i32, query_scale: f32, scales: &[f32], to: &mut [f32]) {
    if let (Some(scales), Some(to)) = (scales.first_chunk::<16>(), to.first_chunk_mut::<16>()) {
        let mut any_wild = false;
        for ((sum, scale), to) in sums.iter().zip(scales).zip(&mut *to) {
            *to = scored(sum + start, *scale, query_scale);
            any_wild |= is_wild(sum + start, *scale, query_scale);
        }
        if !any_wild {
            return;
        }
    }
    for ((sum, scale), to) in sums.iter().zip(scales).zip(to) {
        *to = scored_with_care(sum + start, *scale, query_scale);
    }
}

/// Four groups at a time, which stay near while the queries come by.
#[inline(always)]
pub(crate) fn sealed<S: Simd>(s: S, rows: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) {
    let n = rows.scales.len().max(1);
    let length = Queries::quads(queries.k);
    let groups = rows.codes.as_chunks::<4>().0.as_chunks::<GROUP>().0;
    for ((groups, scales), first) in
        groups.chunks(times(4, length - 2)).zip(rows.scales.chunks(4 * GROUP)).zip((0..n).step_by(4 * GROUP))
    {
        let mut fetch = true;
        for (tile, q) in queries.quads.chunks(times(TILE, length)).zip((0_usize..).step_by(TILE)) {
            let scores = scores.get_mut(q * n..).certain();
            let part = Part { groups, scales, first, n, fetch, tile };
            match (tile.len() / length, S::ROOMY) {
                (8, true) => part.score::<S, 2, 8, 0, 8>(s, scores),
                (8, false) => {
                    part.score::<S, 1, 8, 0, 4>(s, scores);
                    let rest = scores.get_mut(4 * n..).certain();
                    Part { fetch: false, ..part }.score::<S, 1, 8, 4, 4>(s, rest);
                }
                (4, true) => part.score::<S, 4, 4, 0, 4>(s, scores),
                (4, false) => part.score::<S, 1, 4, 0, 4>(s, scores),
                (2, true) => part.score::<S, 4, 2, 0, 2>(s, scores),
                (2, false) => part.score::<S, 2, 2, 0, 2>(s, scores),
                _ => part.score::<S, 1, 1, 0, 1>(s, scores),
            }
            fetch = false;
        }
    }
}

/// Some groups of a sealed segment and a tile of queries.
#[derive(Clone, Copy)]
struct Part<'a> {
    groups: &'a [[[u8; 4]; GROUP]],
    scales: &'a [f32],
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
    fn score<S: Simd, const G: usize, const W: usize, const FIRST: usize, const C: usize>(
        self,
        s: S,
        scores: &mut [f32],
    ) {
        let [starts, query_scales, queries @ ..] = self.tile.as_chunks::<W>().0 else {
            cannot_happen!("a tile begins with two quads a query");
            return;
        };
        let k = queries.len().max(1);
        let rows = self.scales.chunks(G * GROUP).zip((self.first..).step_by(G * GROUP));
        for (some, (scales, first)) in self.groups.chunks(times(G, k)).zip(rows) {
            let mut each: [&[[[u8; 4]; GROUP]]; G] = [some.get(..k).certain(); G];
            for (slot, group) in each.iter_mut().zip(some.chunks_exact(k)) {
                *slot = group;
            }
            let sums = s.dot_quads::<G, W, FIRST, C>(&each, queries, self.fetch);
            for ((c, sums), scores) in sums.iter().enumerate().zip(scores.chunks_mut(self.n)) {
                let start = i32::from_le_bytes(starts[FIRST + c]);
                let query_scale = f32::from_le_bytes(query_scales[FIRST + c]);
                let scores = scores.get_mut(first..).certain();
                for ((sums, scales), to) in
                    sums.iter().zip(scales.chunks(GROUP)).zip(scores.chunks_mut(GROUP))
                {
                    write(sums, start, query_scale, scales, to);
                }
            }
        }
    }
}
