//! Rows in any format multiplied with vectors in `f64`, a few rows and a piece of columns
//! at a time, so that each stands in the first cache while all vectors go by.
//!
//! A row's bits are the same whatever stands beside it, and whatever format it came in.

use crate::error::Error;
use core::ops::Range;
use gradsieve_kernels::{Certain, Element, double, widen};

/// Columns of a piece, and rows that go by together: 4 KiB of stack.
const PIECE: usize = 256;
pub(super) const ROWS: usize = 4;

/// Calls `visit` with each piece of each row, widened, and where it stands.
pub(super) fn pieces<T: Element>(
    rows: &[T],
    width: usize,
    mut visit: impl FnMut(&[f32], Range<usize>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut widened = [0.0; PIECE];
    for start in (0..width).step_by(PIECE) {
        let at = start..width.min(start + PIECE);
        for row in rows.chunks_exact(width.max(1)) {
            let to = widened.get_mut(..at.len()).certain();
            widen(row.get(at.clone()).certain(), to)?;
            visit(to, at.clone())?;
        }
    }
    Ok(())
}

/// Adds Σ_r (g_r·p_q)·g_r to the sums of each vector p_q, for at most [`ROWS`] rows g_r.
/// `dots` is [`ROWS`] numbers of scratch a vector.
pub(super) fn add_gram<T: Element>(
    rows: &[T],
    width: usize,
    vectors: &[f64],
    dots: &mut [f64],
    sums: &mut [f64],
) -> Result<(), Error> {
    let width = width.max(1);
    let count = (rows.len() / width).max(1);
    dots.fill(0.0);
    let mut next = 0;
    pieces(rows, width, |row, at| {
        for (vector, dots) in vectors.chunks_exact(width).zip(dots.chunks_exact_mut(ROWS)) {
            let part = double::dot(vector.get(at.clone()).certain(), row)?;
            dots.iter_mut().skip(next % count).take(1).for_each(|dot| *dot += part);
        }
        next += 1;
        Ok(())
    })?;
    next = 0;
    pieces(rows, width, |row, at| {
        for (dots, sums) in dots.chunks_exact(ROWS).zip(sums.chunks_exact_mut(width)) {
            let weight = dots.get(next % count).copied().certain();
            double::axpy(weight, row, sums.get_mut(at.clone()).certain())?;
        }
        next += 1;
        Ok(())
    })
}
