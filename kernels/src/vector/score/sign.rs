//! Scores of 1-bit rows ([`crate::score::sign`]) in vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::codec::sign::sign_words;
use crate::layout::order::{Fold, GROUP, LANES, times};
use crate::layout::sign::{BLOCK, Rows, TILE, Tables};
use crate::simd::Simd;
use crate::vector::ahead::ahead;
use half::f16;

/// Sixteen rows at a time, four of them side by side.
#[inline(always)]
pub(crate) fn open<S: Simd>(s: S, rows: Rows<'_>, k: usize, queries: &[f32], scores: &mut [f32]) {
    let n = rows.scales.len().max(1);
    let length = sign_words(k).max(1);
    let blocks = rows.words.chunks(times(16, length)).zip(rows.scales.chunks(16));
    for ((block, scales), first) in blocks.zip((0..n).step_by(16)) {
        let mut sixteen: [&[[u32; 2]]; 16] = [block.get(..length).certain().as_chunks().0; 16];
        for (slot, row) in sixteen.iter_mut().zip(block.chunks_exact(length)) {
            *slot = row.as_chunks().0;
        }
        for (query, scores) in queries.chunks(k).zip(scores.chunks_mut(n)) {
            let mut sums = [s.splat(0.0); 16];
            for (rows, sums) in sixteen.as_chunks::<4>().0.iter().zip(sums.as_chunks_mut::<4>().0) {
                *sums = four_rows(s, rows, query);
            }
            write(&s.fold_16(sums), scales, scores.get_mut(first..).certain());
        }
    }
}

/// Writes the scores of up to sixteen rows.
#[inline(always)]
fn write(sums: &[f32; 16], scales: &[f16], to: &mut [f32]) {
    for ((sum, scale), to) in sums.iter().zip(scales).zip(to) {
        *to = sum * scale.to_f32();
    }
}

/// The lanes of four rows for a query.
#[inline(always)]
fn four_rows<S: Simd>(s: S, rows: &[&[[u32; 2]]; 4], query: &[f32]) -> [S::F; 4] {
    let mut lanes = [s.splat(0.0); 4];
    for (b, query) in query.chunks(BLOCK).enumerate() {
        let mut q = [s.splat(0.0); 4];
        if let Some(query) = query.first_chunk::<BLOCK>() {
            for (q, query) in q.iter_mut().zip(query.as_chunks().0) {
                *q = s.load(query);
            }
        } else {
            for (q, query) in q.iter_mut().zip(query.chunks(16)) {
                *q = s.load_part(query);
            }
        }
        for (lane, row) in lanes.iter_mut().zip(rows) {
            let Some(&[low, high]) = row.get(b) else {
                cannot_happen!("a row has the query's blocks");
                continue;
            };
            let first = s.add(s.flip(q[0], low as u16), s.flip(q[1], (low >> 16) as u16));
            let second = s.add(s.flip(q[2], high as u16), s.flip(q[3], (high >> 16) as u16));
            *lane = s.add(*lane, s.add(first, second));
        }
    }
    lanes
}

/// Eight groups at a time, which stay near while the queries come by.
#[inline(always)]
pub(crate) fn sealed<S: Simd>(s: S, rows: Rows<'_>, queries: Tables<'_>, scores: &mut [f32]) {
    let n = rows.scales.len().max(1);
    let length = Tables::terms(queries.k).max(1);
    let groups = rows.words.as_chunks::<GROUP>().0.chunks(times(8, length / 8));
    for ((groups, scales), first) in groups.zip(rows.scales.chunks(8 * GROUP)).zip((0..n).step_by(8 * GROUP))
    {
        let mut fetch = true;
        for (tile, q) in queries.values.chunks(times(TILE, length)).zip((0_usize..).step_by(TILE)) {
            let scores = scores.get_mut(q * n..).certain();
            let part = Part { groups, scales, first, n, fetch, tile };
            match (tile.len() / length, S::ROOMY) {
                // A group alone: a row that was looked for, or the last ones.
                (1, _) if groups.len() <= length / 8 => part.score::<S, 1, 1, 0, 1>(s, scores),
                (4, true) => part.score::<S, 4, 4, 0, 4>(s, scores),
                (4, false) => {
                    part.score::<S, 2, 4, 0, 2>(s, scores);
                    let rest = scores.get_mut(2 * n..).certain();
                    Part { fetch: false, ..part }.score::<S, 2, 4, 2, 2>(s, rest);
                }
                (2, true) => part.score::<S, 8, 2, 0, 2>(s, scores),
                (2, false) => part.score::<S, 2, 2, 0, 2>(s, scores),
                (_, true) => part.score::<S, 8, 1, 0, 1>(s, scores),
                (_, false) => part.score::<S, 4, 1, 0, 1>(s, scores),
            }
            fetch = false;
        }
    }
}

/// Some groups of a sealed segment and a tile of queries.
#[derive(Clone, Copy)]
struct Part<'a> {
    groups: &'a [[u32; GROUP]],
    scales: &'a [f16],
    /// The first row's number, of n.
    first: usize,
    n: usize,
    /// Whether to ask for memory ahead.
    fetch: bool,
    tile: &'a [[f32; 16]],
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
        let tables = self.tile.as_chunks::<W>().0;
        let length = (tables.len() / 8).max(1);
        let rows = self.scales.chunks(G * GROUP).zip((self.first..).step_by(G * GROUP));
        for (some, (scales, first)) in self.groups.chunks(times(G, length)).zip(rows) {
            let mut each: [&[[u32; GROUP]]; G] = [some.get(..length).certain(); G];
            for (slot, group) in each.iter_mut().zip(some.chunks_exact(length)) {
                *slot = group;
            }
            let sums = tile::<S, G, W, FIRST, C>(s, each, tables, self.fetch);
            for (sums, scores) in sums.iter().zip(scores.chunks_mut(self.n)) {
                let scores = scores.get_mut(first..).certain();
                for ((sum, scales), to) in sums.iter().zip(scales.chunks(GROUP)).zip(scores.chunks_mut(GROUP))
                {
                    let mut sixteen = [0.0; 16];
                    s.store(*sum, &mut sixteen);
                    write(&sixteen, scales, to);
                }
            }
        }
    }
}

/// The sums of G groups for C queries.
#[inline(always)]
fn tile<S: Simd, const G: usize, const W: usize, const FIRST: usize, const C: usize>(
    s: S,
    groups: [&[[u32; GROUP]]; G],
    tables: &[[[f32; 16]; W]],
    fetch: bool,
) -> [[S::F; G]; C] {
    let zero = [[s.splat(0.0); G]; C];
    let ahead = ahead(&groups);
    let mut folded = Fold::new(zero);
    let mut places = 0_usize..;
    for tables in tables.chunks((tables.len() / LANES).max(1)) {
        let mut sums = zero;
        for (tables, place) in tables.iter().zip(places.by_ref()) {
            for (g, group) in groups.iter().enumerate() {
                let Some(words) = group.get(place / 8) else {
                    cannot_happen!("a group has the table's places");
                    continue;
                };
                if fetch && place % 8 == 0 {
                    s.prefetch(words, ahead);
                }
                for (c, sums) in sums.iter_mut().enumerate() {
                    sums[g] = s.add(sums[g], s.look_up(&tables[FIRST + c], words, (place % 8) as u32));
                }
            }
        }
        folded.push(
            sums,
            #[inline(always)]
            |mut a, b| {
                for (a, b) in a.iter_mut().zip(b) {
                    for (a, b) in a.iter_mut().zip(b) {
                        *a = s.add(*a, b);
                    }
                }
                a
            },
        );
    }
    folded.total()
}
