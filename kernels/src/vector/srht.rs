//! [`mod@crate::srht`] in vectors.

use super::ahead::AHEAD;
use super::hadamard::transform;
use super::sjlt::one_block;
use crate::cannot_happen;
use crate::element::Element;
use crate::projection::sjlt;
use crate::projection::srht::{BLOCK, ROWS, Rows, Srht};
use crate::simd::Simd;

/// Block by block.
#[inline(always)]
pub(crate) fn project<S: Simd, T: Element, U: Element>(
    s: S,
    projection: Srht,
    mut offset: u64,
    mut rows: Rows<'_, T, U>,
    out: &mut [f32],
) {
    let out = out.as_chunks_mut::<16>().0.as_chunks_mut::<2>().0;
    let mut block = Block([[0.0; 16]; ROWS]);
    while !rows.is_empty() {
        let first = (offset % BLOCK as u64) as usize;
        let start = offset - first as u64;
        let (before, mut free) = block.0.as_flattened_mut().split_at_mut(first);
        before.fill(0.0);
        while let (false, Some((scale, piece))) = (free.is_empty(), rows.take(free.len())) {
            let Some((now, later)) = free.split_at_mut_checked(piece.len()) else {
                cannot_happen!("no more is taken than is free");
                return;
            };
            write_scaled(s, scale, piece, now);
            offset += piece.len() as u64;
            free = later;
        }
        free.fill(0.0);
        transform::<S, true>(s, &mut block.0, &projection.signs(start));
        let mut state = projection.sjlt.state(start / sjlt::BLOCK as u64);
        for x in block.0.as_flattened().as_chunks().0 {
            one_block::<S, f32, 1, false>(s, &mut state, 1.0, x, out);
        }
    }
}

/// A block on the stack, where no register's load crosses a cache line.
#[repr(align(64))]
struct Block([[f32; 16]; ROWS]);

/// to ← `scale`·x; both have one length.
#[inline(always)]
fn write_scaled<S: Simd, T: Element>(s: S, scale: f32, x: &[T], to: &mut [f32]) {
    let lanes = s.splat(scale);
    let (x, behind) = x.as_chunks::<16>();
    let (to, rest) = to.as_chunks_mut::<16>();
    for (x, to) in x.iter().zip(to) {
        s.prefetch(x, AHEAD);
        s.store(s.mul(lanes, T::load(s, x)), to);
    }
    for (x, to) in behind.iter().zip(rest) {
        *to = scale * x.widen();
    }
}
