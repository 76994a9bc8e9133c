//! [`mod@crate::sjlt`] on a core without vectors.

use crate::cannot_happen;
use crate::element::Element;
use crate::hash;
use crate::projection::sjlt::{BLOCK, Sjlt};

/// Whole blocks without a test an element; what lies before the first and behind the last
/// of them one by one.
#[inline(always)]
pub(crate) fn project<T: Element, const REPEAT: usize, const SCALED: bool>(
    projection: Sjlt,
    offset: u64,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) {
    let ahead = offset.wrapping_neg() % BLOCK as u64;
    let (before, x) = x.split_at((ahead as usize).min(x.len()));
    few(projection, offset, scale, before, out);

    let (x, behind) = x.as_chunks::<BLOCK>();
    let block = (offset + before.len() as u64) / BLOCK as u64;
    {
        let out = out.as_chunks_mut::<BLOCK>().0;
        let width = out.len() / REPEAT;
        let mut state = projection.state(block);
        for x in x {
            for repetition in 0..REPEAT {
                let word = state.take();
                let destination = hash::below(word >> 37, 27, width as u64) as usize;
                let Some(out) = out.get_mut(repetition * width + destination) else {
                    cannot_happen!("a destination is one of the repetition's blocks");
                    continue;
                };
                // One machine code for each way to permute four neighbours.
                match (word >> 32) % 4 {
                    0 => scatter::<T, 0, SCALED>(scale, x, word, out),
                    1 => scatter::<T, 1, SCALED>(scale, x, word, out),
                    2 => scatter::<T, 2, SCALED>(scale, x, word, out),
                    _ => scatter::<T, 3, SCALED>(scale, x, word, out),
                }
            }
        }
    }
    let done = x.as_flattened().len();
    few(projection, offset + (before.len() + done) as u64, scale, behind, out);
}

/// Any elements, one by one. (`scale` is 1 where there is none: multiplying by 1 changes
/// nothing.)
pub(crate) fn few<T: Element>(projection: Sjlt, mut offset: u64, scale: f32, mut x: &[T], out: &mut [f32]) {
    while !x.is_empty() {
        let first = (offset % BLOCK as u64) as usize;
        let (now, later) = x.split_at((BLOCK - first).min(x.len()));
        part_of_block(projection, offset / BLOCK as u64, first, scale, now, out);
        offset += now.len() as u64;
        x = later;
    }
}

/// Elements `first..` of one block, one by one.
fn part_of_block<T: Element>(
    projection: Sjlt,
    block: u64,
    first: usize,
    scale: f32,
    x: &[T],
    out: &mut [f32],
) {
    // Never zero, as `check` has seen to; the optimiser does not know that.
    let width = (out.len() / projection.repeat().count()).max(1);
    let mut state = projection.state(block);
    for out in out.chunks_mut(width) {
        let word = state.take();
        let permutation = (word >> 32) as usize % BLOCK;
        let destination = hash::below(word >> 37, 27, (width / BLOCK) as u64) as usize;
        for (i, x) in (first..).zip(x) {
            let flip = (((word >> i) & 1) as u32) << 31;
            let term = f32::from_bits((scale * x.widen()).to_bits() ^ flip);
            let Some(out) = out.get_mut(BLOCK * destination + (i ^ permutation)) else {
                cannot_happen!("a destination is one of the repetition's blocks");
                continue;
            };
            *out += term;
        }
    }
}

/// Adds a block to its destination, where `LOW` is the permutation within four
/// neighbours.
#[inline(always)]
fn scatter<T: Element, const LOW: usize, const SCALED: bool>(
    scale: f32,
    x: &[T; BLOCK],
    word: u64,
    out: &mut [f32; BLOCK],
) {
    let signs = word as u32;
    let high = (word >> 34) as usize % 8;
    let out = out.as_chunks_mut::<4>().0;
    for (group, x) in x.as_chunks::<4>().0.iter().enumerate() {
        let Some(out) = out.get_mut(group ^ high) else {
            cannot_happen!("eight groups are permuted among themselves");
            continue;
        };
        let mut terms = [0.0; 4];
        for (i, x) in x.iter().enumerate() {
            let x = if SCALED { scale * x.widen() } else { x.widen() };
            let flip = (signs << (31 - (4 * group + i))) & 0x8000_0000;
            terms[i ^ LOW] = f32::from_bits(x.to_bits() ^ flip);
        }
        for (out, term) in out.iter_mut().zip(terms) {
            *out += term;
        }
    }
}
