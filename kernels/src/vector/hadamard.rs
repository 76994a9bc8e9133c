//! [`mod@crate::hadamard`] in vectors.

use crate::cannot_happen;
use crate::certain::Certain;
use crate::scalar;
use crate::simd::Simd;

/// Transforms as many elements as a power of two.
#[inline(always)]
pub(crate) fn hadamard<S: Simd>(s: S, x: &mut [f32]) {
    // A power of two from sixteen on leaves no rest.
    match x.as_chunks_mut::<16>() {
        (rows, []) => transform::<S, false>(s, rows, &[]),
        (_, rest) => scalar::hadamard::transform(rest),
    }
}

/// Elements that stay in the nearest cache: 16 KiB of them.
const TILE: usize = 4096;

/// The same in rows of sixteen elements.
const TILE_ROWS: usize = TILE / 16;

/// Rows of sixteen elements, as many as a power of two. Depth first: whenever a block of
/// a level is complete, its stages are done while it is still near. If `SIGNED`, the
/// elements whose bits are set in `signs`, a number a row, change their signs first.
#[inline(always)]
pub(crate) fn transform<S: Simd, const SIGNED: bool>(s: S, x: &mut [[f32; 16]], signs: &[u16]) {
    let (near, far) = if S::ROOMY { (16, 8) } else { (4, 4) };
    let first = near.min(x.len());
    let mut done = 0;
    while let Some(block) = x.get_mut(done..done + first) {
        let signs = if SIGNED { signs.get(done..).certain() } else { &[] };
        match first {
            16 => within::<S, SIGNED, 16>(s, block, signs),
            8 => within::<S, SIGNED, 8>(s, block, signs),
            4 => within::<S, SIGNED, 4>(s, block, signs),
            2 => within::<S, SIGNED, 2>(s, block, signs),
            _ => within::<S, SIGNED, 1>(s, block, signs),
        }
        done += first;
        let mut stride = first;
        while stride < x.len() {
            let radix = if stride < TILE_ROWS { near.min(TILE_ROWS / stride) } else { far };
            let length = stride * radix.min(x.len() / stride);
            if done & (length - 1) != 0 {
                break;
            }
            let Some(block) = x.get_mut(done - length..done) else {
                cannot_happen!("so many rows are done");
                break;
            };
            match length / stride {
                16 => across::<S, 16>(s, block, stride),
                8 => across::<S, 8>(s, block, stride),
                4 => across::<S, 4>(s, block, stride),
                _ => across::<S, 2>(s, block, stride),
            }
            stride = length;
        }
    }
}

/// All stages of `R` rows: four in each register, then those between registers.
#[inline(always)]
fn within<S: Simd, const SIGNED: bool, const R: usize>(s: S, block: &mut [[f32; 16]], signs: &[u16]) {
    let Some(block) = block.first_chunk_mut::<R>() else {
        cannot_happen!("a block has R rows");
        return;
    };
    let mut rows = [s.splat(0.0); R];
    for (row, from) in rows.iter_mut().zip(block.iter()) {
        *row = s.load(from);
    }
    if SIGNED {
        let Some(signs) = signs.first_chunk::<R>() else {
            cannot_happen!("there are signs for each row");
            return;
        };
        for (row, signs) in rows.iter_mut().zip(signs) {
            *row = s.flip(*row, *signs);
        }
    }
    for row in &mut rows {
        *row = s.hadamard_16(*row);
    }
    let rows = butterflies(s, rows);
    for (row, to) in rows.into_iter().zip(block) {
        s.store(row, to);
    }
}

/// The stages between `R` blocks of `stride` rows, whose own stages are done.
#[inline(always)]
fn across<S: Simd, const R: usize>(s: S, block: &mut [[f32; 16]], stride: usize) {
    for at in 0..stride {
        let mut rows = [s.splat(0.0); R];
        for (i, row) in rows.iter_mut().enumerate() {
            let Some(from) = block.get(at + i * stride) else {
                cannot_happen!("a block has R times the stride's rows");
                continue;
            };
            *row = s.load(from);
        }
        let rows = butterflies(s, rows);
        for (i, row) in rows.into_iter().enumerate() {
            let Some(to) = block.get_mut(at + i * stride) else {
                cannot_happen!("a block has R times the stride's rows");
                continue;
            };
            s.store(row, to);
        }
    }
}

/// The stages *h* = 1, 2, …, `R`/2 between registers.
#[inline(always)]
fn butterflies<S: Simd, const R: usize>(s: S, mut rows: [S::F; R]) -> [S::F; R] {
    let mut half = 1;
    while half < R {
        let mut i = 0;
        while i + half < R {
            if i & half == 0 {
                let (a, b) = (rows[i], rows[i + half]);
                rows[i] = s.add(a, b);
                rows[i + half] = s.sub(a, b);
            }
            i += 1;
        }
        half *= 2;
    }
    rows
}
