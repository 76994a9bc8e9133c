//! The Walsh–Hadamard transform, in place, unnormalised, in natural (Hadamard) order: x ←
//! Hx, where H has the entry (−1)^popcount(i AND j) and the length *n* is a power of two.
//!
//! Defined as log₂ *n* stages, *h* = 1, 2, 4, …, *n*/2 in this order: of every two
//! elements that lie *h* apart in a block of 2*h*, the first becomes their sum and the
//! second their difference, one rounding each. Vectors do the same butterflies in the
//! same order for each element, and only differ in how many stages they do between a load
//! and a store: so the bits agree whatever the radix. HH = *n*·I: applied twice and
//! divided by *n*, it gives the input back. The error of an element is at most log₂
//! *n*·2⁻²⁴·Σ|xᵢ|·(1 + 2⁻²⁰) while nothing overflows (subnormal sums are exact).
//!
//! Costs *n* log₂ *n* additions and no memory. Vectors run depth first through the data:
//! sixteen registers (256 elements) from the four stages in a register on; radix 16 up to
//! 4,096 elements, which stay in the nearest cache; radix 8 above, because sixteen rows
//! that lie 16 KiB apart fall into one set of that cache, which has fewer ways.
//!
//! Sources: Fino & Algazi 1976; Andoni et al. 2015 (FFHT) for the use of registers.

use crate::dispatch::{Kernel, run};
use crate::error::Error;
use crate::level::Level;
use crate::simd::Simd;

/// Transforms `x` in place.
///
/// # Errors
/// [`Error::Width`] if the length is not a power of two; its `multiple` is then the next
/// one. `x` is as it was. One element is its own transform.
#[inline]
pub fn hadamard(x: &mut [f32]) -> Result<(), Error> {
    hadamard_with(Level::best(), x)
}

/// [`hadamard`] on a given level.
///
/// # Errors
/// As [`hadamard`].
#[inline]
pub fn hadamard_with(level: Level, x: &mut [f32]) -> Result<(), Error> {
    if !x.len().is_power_of_two() {
        let multiple = x.len().checked_next_power_of_two().unwrap_or(1);
        return Err(Error::Width { multiple, found: x.len() });
    }
    run(level, Hadamard { x });
    Ok(())
}

/// The scalar text.
pub(crate) fn definition(x: &mut [f32]) {
    let mut half = 1;
    while half < x.len() {
        for block in x.chunks_mut((2 * half).max(1)) {
            let Some((low, high)) = block.split_at_mut_checked(half) else { continue };
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}

struct Hadamard<'a> {
    x: &'a mut [f32],
}

impl Kernel for Hadamard<'_> {
    type Output = ();

    #[inline(always)]
    fn define(self) {
        definition(self.x);
    }

    #[inline(always)]
    fn vectorise<S: Simd>(self, s: S) {
        // A power of two from sixteen on leaves no rest.
        match self.x.as_chunks_mut::<16>() {
            (rows, []) => transform::<S, false>(s, rows, &[]),
            (_, rest) => definition(rest),
        }
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
        let signs = if SIGNED { signs.get(done..).unwrap_or_default() } else { &[] };
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
            let Some(block) = x.get_mut(done - length..done) else { break };
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
    let Some(block) = block.first_chunk_mut::<R>() else { return };
    let mut rows = [s.splat(0.0); R];
    for (row, from) in rows.iter_mut().zip(block.iter()) {
        *row = s.load(from);
    }
    if SIGNED {
        let Some(signs) = signs.first_chunk::<R>() else { return };
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
            if let Some(from) = block.get(at + i * stride) {
                *row = s.load(from);
            }
        }
        let rows = butterflies(s, rows);
        for (i, row) in rows.into_iter().enumerate() {
            if let Some(to) = block.get_mut(at + i * stride) {
                s.store(row, to);
            }
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
