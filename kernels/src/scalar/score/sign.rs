//! Scores of 1-bit rows ([`crate::score::sign`]) on a core without vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::codec::sign::sign_words;
use crate::layout::order::{Fold, GROUP, LANES, columns, fold, times};
use crate::layout::sign::{BLOCK, Rows, TILE, Tables, values_of};

/// A few rows at a time: a block's tables serve all of them, and pay from four rows
/// on.
#[inline(always)]
pub(crate) fn open(rows: Rows<'_>, k: usize, queries: &[f32], scores: &mut [f32]) {
    let n = rows.scales.len().max(1);
    let length = sign_words(k).max(1);
    for (query, scores) in queries.chunks(k.max(1)).zip(scores.chunks_mut(n)) {
        let some = rows.words.chunks(times(ABREAST, length)).zip(rows.scales.chunks(ABREAST));
        for ((words, scales), scores) in some.zip(scores.chunks_mut(ABREAST)) {
            let mut lanes = [[[0.0; 4]; 4]; ABREAST];
            let mut tables = [[0.0; 16]; 4];
            for (b, query) in query.chunks(BLOCK).enumerate() {
                for first in 0..4 {
                    for (fourth, table) in tables.iter_mut().enumerate() {
                        signed_sums(values_of(query, 4 * fourth + first), table);
                    }
                    for (lanes, row) in lanes.iter_mut().zip(words.chunks_exact(length)) {
                        let Some(block) = row.as_chunks().0.get(b) else {
                            cannot_happen!("a row has the query's blocks");
                            continue;
                        };
                        look_up(&tables, *block, first, &mut lanes[first]);
                    }
                }
            }
            for ((lanes, scale), to) in lanes.iter().zip(scales).zip(scores) {
                let in_order = core::array::from_fn(|lane| lanes[lane % 4][lane / 4]);
                *to = fold(in_order) * scale.to_f32();
            }
        }
    }
}

/// Rows for which a block's tables are made once, where there are no vectors.
const ABREAST: usize = 16;

/// The signed sums of four values. The lowest bit of a sum's number is the sign of the
/// first value, then come those of the third, the second and the fourth.
// Not inlined: unrolled for four terms it would be all spills.
#[inline(never)]
fn signed_sums([a, b, c, d]: [f32; 4], sums: &mut [f32; 16]) {
    let (first, second) = ([a + b, b - a, a - b, -a - b], [c + d, d - c, c - d, -c - d]);
    for (number, sum) in sums.iter_mut().enumerate() {
        *sum = first[number & 1 | number >> 1 & 2] + second[number >> 1 & 1 | number >> 2 & 2];
    }
}

/// Adds every fourth term of a block. Their signs are gathered at once: those of the
/// first and the third values from two words, those of the second and the fourth from the
/// words' upper halves.
#[inline(always)]
fn look_up(tables: &[[f32; 16]; 4], [low, high]: [u32; 2], first: usize, lanes: &mut [f32; 4]) {
    const EVERY_FOURTH: u32 = 0x1111_1111;
    let pairs = (low >> first & EVERY_FOURTH) | (high >> first & EVERY_FOURTH) << 1;
    let signs = pairs | pairs >> 14;
    for fourth in 0..4 {
        lanes[fourth] += tables[fourth][(signs >> (4 * fourth) & 15) as usize];
    }
}

/// Four rows at a time, down their words.
#[inline(always)]
pub(crate) fn sealed(rows: Rows<'_>, queries: Tables<'_>, scores: &mut [f32]) {
    let n = rows.scales.len().max(1);
    let length = Tables::terms(queries.k).max(1);
    for (tile, q) in queries.values.chunks(times(TILE, length)).zip((0_usize..).step_by(TILE)) {
        let width = columns(tile.len(), length);
        let scores = scores.get_mut(q * n..).certain();
        for (column, scores) in scores.chunks_mut(n).take(width).enumerate() {
            let tables = tile.get(column..).certain();
            let groups = rows.words.as_chunks::<GROUP>().0.chunks((length / 8).max(1));
            let groups = groups.zip(rows.scales.chunks(GROUP)).zip(scores.chunks_mut(GROUP));
            for ((group, scales), scores) in groups {
                let fours = scales.chunks(4).zip(scores.chunks_mut(4)).enumerate();
                for (four, (scales, scores)) in fours {
                    let sums = four_sums(group, four, tables, width, length / LANES);
                    for ((sum, scale), to) in sums.iter().zip(scales).zip(scores) {
                        *to = sum * scale.to_f32();
                    }
                }
            }
        }
    }
}

/// The sums of a group's rows 4·`four`.. for the query whose first table is the first,
/// and whose others follow `width` tables apart.
#[inline(always)]
fn four_sums(
    group: &[[u32; GROUP]],
    four: usize,
    tables: &[[f32; 16]],
    width: usize,
    blocks: usize,
) -> [f32; 4] {
    let mut tables = tables.iter().step_by(width);
    let mut words = group.iter().filter_map(|words| words.as_chunks::<4>().0.get(four));
    let mut folded = Fold::new([0.0; 4]);
    let (mut signs, mut left) = ([0; 4], 0_u32);
    for _ in 0..LANES {
        let mut sums = [0.0; 4];
        for table in tables.by_ref().take(blocks) {
            if left == 0 {
                signs = words.next().copied().certain();
                left = 8;
            }
            left -= 1;
            for (sum, signs) in sums.iter_mut().zip(&mut signs) {
                *sum += table[(*signs & 15) as usize];
                *signs >>= 4;
            }
        }
        folded.push(sums, |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]);
    }
    folded.total()
}
