//! Scores of rows of floats ([`crate::score::float`]) in vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::element::Element;
use crate::layout::float::Packed;
use crate::layout::order::{Fold, GROUP, ORDER, TILE, places, times};
use crate::simd::Simd;
use crate::vector::ahead::ahead;

/// Sixteen rows at a time, which stay in the nearest cache while the queries come by.
#[inline(always)]
pub(crate) fn rows<S: Simd, T: Element>(
    s: S,
    rows: &[T],
    k: usize,
    n: usize,
    queries: &[f32],
    scores: &mut [f32],
) {
    let k = k.max(1);
    for (block, first) in rows.chunks(times(16, k)).zip((0..n).step_by(16)) {
        let mut sixteen: [&[T]; 16] = [block.get(..k).certain(); 16];
        for (slot, row) in sixteen.iter_mut().zip(block.chunks_exact(k)) {
            *slot = row;
        }
        let count = (n - first).min(16);
        let (fours, _) = sixteen.as_chunks::<4>();
        let mut fetch = (16 * k * size_of::<T>()).max(16 << 10);
        for (queries, q) in queries.chunks(times(4, k)).zip((0_usize..).step_by(4)) {
            let mut scores = scores.get_mut(q * n..).certain().chunks_mut(n);
            if queries.len() == 4 * k {
                let mut of: [&mut [f32]; 4] = Default::default();
                for slot in &mut of {
                    let scores = scores.next().certain();
                    *slot = scores.get_mut(first..first + count).certain();
                }
                for (rows, r) in fours.iter().zip((0..count).step_by(4)) {
                    let sums = s.fold_16(four_by_four(s, rows, queries, k, fetch));
                    for (of, sums) in of.iter_mut().zip(sums.as_chunks::<4>().0) {
                        copy(sums, of.get_mut(r..).certain());
                    }
                }
            } else {
                for (query, scores) in queries.chunks_exact(k).zip(scores) {
                    let mut sums = [s.splat(0.0); 16];
                    if size_of::<T>() == 4 {
                        // One after the other: f32 comes from memory in its order,
                        // and slower than a sum can take it.
                        for (row, sum) in sixteen.iter().zip(&mut sums) {
                            [[*sum]] = row_tile::<S, T, 1, 1>(s, &[*row], &[query], fetch);
                        }
                    } else {
                        for (rows, sums) in fours.iter().zip(sums.as_chunks_mut::<4>().0) {
                            [*sums] = row_tile::<S, T, 4, 1>(s, rows, &[query], fetch);
                        }
                    }
                    copy(&s.fold_16(sums), scores.get_mut(first..first + count).certain());
                    fetch = 0;
                }
            }
            fetch = 0;
        }
    }
}

/// Copies as much as there is room for.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// Sixteen sums of lanes: four rows for each of four queries.
#[inline(always)]
fn four_by_four<S: Simd, T: Element>(
    s: S,
    rows: &[&[T]; 4],
    queries: &[f32],
    k: usize,
    fetch: usize,
) -> [S::F; 16] {
    let mut four: [&[f32]; 4] = [&[]; 4];
    for (slot, query) in four.iter_mut().zip(queries.chunks_exact(k)) {
        *slot = query;
    }
    let mut sums = [s.splat(0.0); 16];
    if S::ROOMY {
        let tile = row_tile::<S, T, 4, 4>(s, rows, &four, fetch);
        sums.copy_from_slice(tile.as_flattened());
        return sums;
    }
    let ([upper, lower], [left, right]) = (four.as_chunks::<2>().0, rows.as_chunks::<2>().0) else {
        cannot_happen!("four are twice two");
        return sums;
    };
    for (queries, sums) in [upper, lower].into_iter().zip(sums.as_chunks_mut::<8>().0) {
        let [a, b] = row_tile::<S, T, 2, 2>(s, left, queries, fetch);
        let [c, d] = row_tile::<S, T, 2, 2>(s, right, queries, fetch);
        *sums = [a[0], a[1], c[0], c[1], b[0], b[1], d[0], d[1]];
    }
    sums
}

/// The lanes of R rows for C queries of one length. Asks for what lies `fetch` bytes
/// ahead, unless that is zero.
#[inline(always)]
fn row_tile<S: Simd, T: Element, const R: usize, const C: usize>(
    s: S,
    rows: &[&[T]; R],
    queries: &[&[f32]; C],
    fetch: usize,
) -> [[S::F; R]; C] {
    let mut lanes = [[s.splat(0.0); R]; C];
    let mut x: [&[[T; 16]]; R] = [&[]; R];
    let mut q: [&[[f32; 16]]; C] = [&[]; C];
    let steps = queries.first().map_or(0, |query| query.len() / 16);
    for (x, row) in x.iter_mut().zip(rows) {
        *x = row.as_chunks().0.get(..steps).certain();
    }
    for (q, query) in q.iter_mut().zip(queries) {
        *q = query.as_chunks().0.get(..steps).certain();
    }
    for i in 0..steps {
        let mut row = [s.splat(0.0); R];
        for (row, x) in row.iter_mut().zip(x) {
            let Some(x) = x.get(i) else {
                cannot_happen!("a row is as long as a query");
                continue;
            };
            if fetch > 0 {
                s.prefetch(x, fetch);
            }
            *row = T::load(s, x);
        }
        for (lanes, q) in lanes.iter_mut().zip(q) {
            let Some(q) = q.get(i) else {
                cannot_happen!("all queries are as long as the first");
                continue;
            };
            let q = s.load(q);
            for (lane, x) in lanes.iter_mut().zip(row) {
                *lane = s.add(*lane, s.mul(x, q));
            }
        }
    }
    let done = 16 * steps;
    if queries.first().is_some_and(|query| query.len() > done) {
        for (lanes, query) in lanes.iter_mut().zip(queries) {
            let q = s.load_part(query.get(done..).certain());
            for (lane, row) in lanes.iter_mut().zip(rows) {
                let x = T::load_part(s, row.get(done..).certain());
                *lane = s.add(*lane, s.mul(x, q));
            }
        }
    }
    lanes
}

/// Four groups at a time, which stay near while the queries come by.
#[inline(always)]
pub(crate) fn sealed<S: Simd, T: Element>(
    s: S,
    sealed: &[T],
    n: usize,
    queries: Packed<'_>,
    scores: &mut [f32],
) {
    let k = queries.k.max(1);
    let groups = sealed.as_chunks::<GROUP>().0;
    for (groups, first) in groups.chunks(times(4, k)).zip((0..n).step_by(4 * GROUP)) {
        let mut fetch = true;
        for (tile, q) in queries.values.chunks(times(TILE, k)).zip((0_usize..).step_by(TILE)) {
            let count = TILE.min(queries.count - q);
            let scores = scores.get_mut(q * n..(q + count) * n).certain();
            let to = Scores { scores, n, first };
            match (tile.len() / k, S::ROOMY) {
                (8, true) => groups_of::<S, T, 2, 8, 0, 8>(s, groups, tile, k, fetch, to),
                (8, false) => {
                    let Scores { scores, n, first } = to;
                    let (low, high) = scores.split_at_mut((4 * n).min(scores.len()));
                    let (low, high) = (Scores { scores: low, n, first }, Scores { scores: high, n, first });
                    groups_of::<S, T, 1, 8, 0, 4>(s, groups, tile, k, fetch, low);
                    groups_of::<S, T, 1, 8, 4, 4>(s, groups, tile, k, false, high);
                }
                (4, true) => groups_of::<S, T, 4, 4, 0, 4>(s, groups, tile, k, fetch, to),
                (4, false) => groups_of::<S, T, 1, 4, 0, 4>(s, groups, tile, k, fetch, to),
                (2, true) => groups_of::<S, T, 4, 2, 0, 2>(s, groups, tile, k, fetch, to),
                (2, false) => groups_of::<S, T, 2, 2, 0, 2>(s, groups, tile, k, fetch, to),
                _ => groups_of::<S, T, 1, 1, 0, 1>(s, groups, tile, k, fetch, to),
            }
            fetch = false;
        }
    }
}

/// Where a tile's scores go: from row `first` of each query's `n` on.
struct Scores<'a> {
    scores: &'a mut [f32],
    n: usize,
    first: usize,
}

/// Scores all of `groups`, G at a time, against queries `FIRST..FIRST + C` of a packed
/// tile that is W wide.
#[inline(always)]
fn groups_of<S: Simd, T: Element, const G: usize, const W: usize, const FIRST: usize, const C: usize>(
    s: S,
    groups: &[[T; GROUP]],
    tile: &[f32],
    k: usize,
    fetch: bool,
    to: Scores<'_>,
) {
    let queries = tile.as_chunks::<W>().0;
    for (some, first) in groups.chunks(times(G, k)).zip((to.first..to.n).step_by(G * GROUP)) {
        let mut each: [&[[T; GROUP]]; G] = [some.get(..k).certain(); G];
        for (slot, group) in each.iter_mut().zip(some.chunks_exact(k)) {
            *slot = group;
        }
        let sums = sealed_tile::<S, T, G, W, FIRST, C>(s, each, queries, k, fetch);
        for (scores, sums) in to.scores.chunks_mut(to.n).zip(sums) {
            let scores = scores.get_mut(first..).certain();
            for (scores, sum) in scores.chunks_mut(GROUP).zip(sums) {
                match scores.first_chunk_mut() {
                    Some(scores) => s.store(sum, scores),
                    None => {
                        let mut sixteen = [0.0; GROUP];
                        s.store(sum, &mut sixteen);
                        copy(&sixteen, scores);
                    }
                }
            }
        }
    }
}

/// The scores of G groups for C queries.
#[inline(always)]
fn sealed_tile<S: Simd, T: Element, const G: usize, const W: usize, const FIRST: usize, const C: usize>(
    s: S,
    groups: [&[[T; GROUP]]; G],
    queries: &[[f32; W]],
    k: usize,
    fetch: bool,
) -> [[S::F; G]; C] {
    let zero = [[s.splat(0.0); G]; C];
    let ahead = ahead(&groups);
    let mut folded = Fold::new(zero);
    let mut start = 0;
    for lane in ORDER {
        let length = places(k, lane);
        let queries = queries.get(start..start + length).certain();
        let mut x = groups;
        for x in &mut x {
            *x = x.get(start..start + length).certain();
        }
        let mut sums = zero;
        for (i, q) in queries.iter().enumerate() {
            let mut row = [s.splat(0.0); G];
            for (row, x) in row.iter_mut().zip(x) {
                let Some(x) = x.get(i) else {
                    cannot_happen!("a group has a place for each of the query's");
                    continue;
                };
                if fetch {
                    s.prefetch(x, ahead);
                }
                *row = T::load(s, x);
            }
            for (c, sums) in sums.iter_mut().enumerate() {
                let q = s.splat(q[FIRST + c]);
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum = s.add(*sum, s.mul(x, q));
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
        start += length;
    }
    folded.total()
}
