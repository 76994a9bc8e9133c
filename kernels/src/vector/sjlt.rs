//! [`mod@crate::sjlt`] in vectors.

use super::ahead::AHEAD;
use crate::cannot_happen;
use crate::element::Element;
use crate::hash::{self, State};
use crate::projection::sjlt::{BLOCK, Sjlt};
use crate::scalar::sjlt::few;
use crate::simd::Simd;

/// Whole blocks in vectors; what lies before the first and behind the last of them one by
/// one.
#[inline(always)]
pub(crate) fn project<S: Simd, T: Element, const REPEAT: usize, const SCALED: bool>(
    s: S,
    projection: Sjlt,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) {
    let ahead = offset.wrapping_neg() % BLOCK as u64;
    let (before, x) = x.split_at((ahead as usize).min(x.len()));
    few(projection, offset, scale, before, out);

    let (x, behind) = x.as_chunks::<32>();
    let block = (offset + before.len() as u64) / BLOCK as u64;
    {
        let out = out.as_chunks_mut::<16>().0.as_chunks_mut::<2>().0;
        let mut state = projection.state(block);
        for x in x {
            s.prefetch(x, AHEAD);
            one_block::<S, T, REPEAT, SCALED>(s, &mut state, scale, x, out);
        }
    }
    let done = x.as_flattened().len();
    few(projection, offset + (before.len() + done) as u64, scale, behind, out);
}

/// One whole block, whose hash state is `state`, which moves on to the next block; `out`
/// in blocks of 32.
#[inline(always)]
pub(crate) fn one_block<S: Simd, T: Element, const REPEAT: usize, const SCALED: bool>(
    s: S,
    state: &mut State,
    scale: f32,
    x: &[T; BLOCK],
    out: &mut [[[f32; 16]; 2]],
) {
    let width = out.len() / REPEAT;
    let [x] = x.as_chunks::<16>().0.as_chunks::<2>().0 else {
        cannot_happen!("a block is twice sixteen elements");
        return;
    };
    let mut pair = [s.splat(scale); 2];
    if SCALED || REPEAT > 1 {
        let [lanes, _] = pair;
        pair = [T::load(s, &x[0]), T::load(s, &x[1])];
        if SCALED {
            pair = [s.mul(lanes, pair[0]), s.mul(lanes, pair[1])];
        }
    }
    for repetition in 0..REPEAT {
        let word = state.take();
        let destination = hash::below(word >> 37, 27, width as u64) as usize;
        let Some(out) = out.get_mut(repetition * width + destination) else {
            cannot_happen!("a destination is one of the repetition's blocks");
            continue;
        };
        if SCALED || REPEAT > 1 {
            s.scatter(pair, word, out);
        } else {
            T::scatter(s, x, word, out);
        }
    }
}
