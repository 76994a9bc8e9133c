//! [`crate::summary`] on a core without vectors.

use super::norm::{INFINITY_DOUBLED, max_doubled};
use super::sum::ABREAST;
use crate::accumulator::{Accumulator, TILE};
use crate::cannot_happen;
use crate::element::Element;
use crate::sum::LANES;

/// Takes in the next entries.
#[inline(always)]
pub(crate) fn add<T: Element>(state: &mut Accumulator, x: &[T]) {
    // Up to the next lane 0 one by one, then tile by tile.
    let ahead = (LANES - state.filled() % LANES) % LANES;
    let (first, mut x) = x.split_at(ahead.min(x.len()));
    few(state, first);
    while !x.is_empty() {
        let (now, later) = x.split_at((TILE - state.filled()).min(x.len()));
        stretch(state, now);
        x = later;
    }
}

/// Takes in the next entries, up to 64 at a time, as far as the lanes go.
pub(crate) fn few<T: Element>(state: &mut Accumulator, mut x: &[T]) {
    while !x.is_empty() {
        let lane = state.filled() % LANES;
        let (now, later) = x.split_at((LANES - lane).min(x.len()));
        let lanes = state.magnitudes.iter_mut().zip(&mut state.squares).skip(lane);
        for ((l1, l2), x) in lanes.zip(now) {
            let magnitude = x.widen().abs();
            *l1 += magnitude;
            *l2 += magnitude * magnitude;
            if magnitude > state.closed.max {
                state.closed.max = magnitude;
            }
            state.closed.non_finite += u64::from(!magnitude.is_finite());
        }
        state.closed.count += now.len() as u64;
        if state.filled() == 0 {
            state.closed = state.narrow();
            state.magnitudes = [0.0; LANES];
            state.squares = [0.0; LANES];
        }
        x = later;
    }
}

/// Adds at most the rest of a tile, from lane 0 on: the maximum first and by itself,
/// as in [`crate::norm`], which leaves the registers to the sums; then a few lanes at
/// a time, as in [`mod@crate::dot`].
#[inline(always)]
fn stretch<T: Element>(state: &mut Accumulator, x: &[T]) {
    let best = max_doubled(x, state.closed.max.to_bits() << 1);
    if best < INFINITY_DOUBLED {
        state.closed.max = f32::from_bits(best >> 1);
    } else {
        not_all_finite(state, x);
    }
    let magnitudes = state.magnitudes.as_chunks_mut::<ABREAST>().0;
    let squares = state.squares.as_chunks_mut::<ABREAST>().0;
    for (first, (l1, l2)) in (0..).step_by(ABREAST).zip(magnitudes.iter_mut().zip(squares)) {
        // The entries may end before these lanes do.
        let (rows, rest) = x.get(first..).unwrap_or(&[]).as_chunks::<LANES>();
        let mut lanes = (*l1, *l2);
        for row in rows {
            let Some(row) = row.first_chunk::<ABREAST>() else {
                cannot_happen!("a row has all of its lanes");
                continue;
            };
            let row = T::widen_8(row);
            for ((l1, l2), x) in lanes.0.iter_mut().zip(&mut lanes.1).zip(row) {
                let magnitude = x.abs();
                *l1 += magnitude;
                *l2 += magnitude * magnitude;
            }
        }
        (*l1, *l2) = lanes;
        for ((l1, l2), x) in l1.iter_mut().zip(l2).zip(rest) {
            let magnitude = x.widen().abs();
            *l1 += magnitude;
            *l2 += magnitude * magnitude;
        }
    }
    state.closed.count += x.len() as u64;
    if state.filled() == 0 {
        state.closed = state.summary();
        state.magnitudes = [0.0; LANES];
        state.squares = [0.0; LANES];
    }
}

/// Maximum and count one by one, once there is an infinity or a NaN.
#[cold]
fn not_all_finite<T: Element>(state: &mut Accumulator, x: &[T]) {
    for x in x {
        let magnitude = x.widen().abs();
        if magnitude > state.closed.max {
            state.closed.max = magnitude;
        }
        state.closed.non_finite += u64::from(!magnitude.is_finite());
    }
}
