//! [`mod@crate::srht`] on a core without vectors.

use super::{hadamard, sjlt};
use crate::cannot_happen;
use crate::certain::Certain;
use crate::element::Element;
use crate::projection::srht::{BLOCK, Rows, Srht};

/// Block by block.
#[inline(always)]
pub(crate) fn project<T: Element, U: Element>(
    projection: Srht,
    mut offset: u64,
    mut rows: Rows<'_, T, U>,
    out: &mut [f32],
) {
    while !rows.is_empty() {
        let start = offset - offset % BLOCK as u64;
        let mut block = [0.0; BLOCK];
        let mut free = block.get_mut((offset - start) as usize..).certain();
        while let (false, Some((scale, piece))) = (free.is_empty(), rows.take(free.len())) {
            let Some((now, later)) = free.split_at_mut_checked(piece.len()) else {
                cannot_happen!("no more is taken than is free");
                return;
            };
            for (to, x) in now.iter_mut().zip(piece) {
                *to = scale * x.widen();
            }
            offset += piece.len() as u64;
            free = later;
        }
        for (i, x) in block.iter_mut().enumerate() {
            let word = projection.signs.word((start + i as u64) / 64);
            *x = f32::from_bits(x.to_bits() ^ ((word >> (i % 64)) as u32) << 31);
        }
        hadamard::transform(&mut block);
        sjlt::few(projection.sjlt, start, 1.0, &block, out);
    }
}
