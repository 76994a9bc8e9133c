//! [`mod@crate::rademacher`] on a core without vectors.

use crate::element::Element;
use crate::projection::rademacher::{GROUP, Rademacher};

/// Group by group.
#[inline(always)]
pub(crate) fn project<T: Element>(
    projection: Rademacher,
    mut offset: u64,
    scale: f32,
    mut x: &[T],
    out: &mut [f32],
) {
    while let Some((inputs, group, later)) = next_group(offset, scale, x) {
        add_group(projection, group, &inputs, out);
        offset += (x.len() - later.len()) as u64;
        x = later;
    }
}

/// Gradient by gradient.
#[inline(always)]
pub(crate) fn batch<T: Element>(projection: Rademacher, offset: u64, xs: &[&[T]], out: &mut [f32]) {
    for (x, out) in xs.iter().zip(out.chunks_mut(projection.width().max(1))) {
        project(projection, offset, 1.0, x, out);
    }
}

/// The scaled inputs of the group that `offset` lies in, with zeros where there are none;
/// the group's number; and the inputs of later groups.
#[inline(always)]
pub(crate) fn next_group<T: Element>(offset: u64, scale: f32, x: &[T]) -> Option<([f32; GROUP], u64, &[T])> {
    if x.is_empty() {
        return None;
    }
    let first = (offset % GROUP as u64) as usize;
    let (now, later) = x.split_at_checked(GROUP - first).unwrap_or((x, &[]));
    let mut inputs = [0.0; GROUP];
    for (input, x) in inputs.iter_mut().skip(first).zip(now) {
        *input = scale * x.widen();
    }
    Some((inputs, offset / GROUP as u64, later))
}

/// Adds one group.
fn add_group(projection: Rademacher, group: u64, inputs: &[f32; GROUP], out: &mut [f32]) {
    let mut tables = [[0.0; 16]; 8];
    for (table, four) in tables.iter_mut().zip(inputs.as_chunks::<4>().0) {
        *table = signed_sums(*four);
    }
    let mut state = projection.state(group);
    for pair in out.as_chunks_mut::<2>().0 {
        let word = state.take();
        for (out, signs) in pair.iter_mut().zip([word as u32, (word >> 32) as u32]) {
            let t = |q: usize| tables[q][(signs >> (4 * q)) as usize % 16];
            *out += ((t(0) + t(1)) + (t(2) + t(3))) + ((t(4) + t(5)) + (t(6) + t(7)));
        }
    }
}

/// The sum of four inputs with the signs of each nibble.
fn signed_sums([a, b, c, d]: [f32; 4]) -> [f32; 16] {
    let mut sums = [0.0; 16];
    for (nibble, sum) in (0_u32..).zip(&mut sums) {
        let flip = |x: f32, bit: u32| f32::from_bits(x.to_bits() ^ ((nibble >> bit & 1) << 31));
        *sum = flip(((flip(a, 0) + flip(b, 1)) + flip(c, 2)) + d, 3);
    }
    sums
}
