//! Rows in any format multiplied with vectors in `f64`, some rows and a piece of columns
//! at a time, so that each stands in the first cache while all vectors go by, and the
//! vectors come from memory once for all of the rows.
//!
//! A row's bits are the same whatever stands beside it, and whatever format it came in.

use crate::error::Error;
use core::ops::Range;
use gradsieve_kernels::matrix::{Part, PartMut};
use gradsieve_kernels::{Certain, Element, double, widen};

/// Columns of a piece, and rows of it that are widened together: 16 KiB of stack.
const PIECE: usize = 256;
const ABREAST: usize = 16;

/// Rows that go by together: as often are vectors read less than once a row.
pub(super) const ROWS: usize = 64;

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

/// Calls `visit` with each piece of [`ABREAST`] rows, widened and one after the other,
/// where it stands, and how many rows were before and are in it.
fn blocks<T: Element>(
    rows: &[T],
    width: usize,
    mut visit: impl FnMut(&[f32], Range<usize>, usize, usize) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut widened = [0.0; PIECE * ABREAST];
    for start in (0..width).step_by(PIECE) {
        let at = start..width.min(start + PIECE);
        let mut before = 0;
        for rows in rows.chunks(width.saturating_mul(ABREAST).max(1)) {
            let mut count = 0;
            for row in rows.chunks_exact(width.max(1)) {
                let to = widened.get_mut(count * at.len()..).certain();
                widen(row.get(at.clone()).certain(), to.get_mut(..at.len()).certain())?;
                count += 1;
            }
            visit(widened.get(..count * at.len()).certain(), at.clone(), before, count)?;
            before += count;
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
    let targets = vectors.len() / width;
    dots.fill(0.0);
    // Block after block, and in a block vector after vector.
    blocks(rows, width, |few, at, before, count| {
        let place = before * targets..(before + count) * targets;
        let vectors = Part::new(vectors, width, at.start, at.len())?;
        Ok(double::add_dots(vectors, Part::whole(few, at.len())?, dots.get_mut(place).certain())?)
    })?;
    blocks(rows, width, |few, at, before, count| {
        let weights = dots.get(before * targets..(before + count) * targets).certain();
        let sums = sums.get_mut(..targets * width).certain();
        let sums = PartMut::new(sums, width, at.start, at.len())?;
        Ok(double::add_rows(weights, Part::whole(few, at.len())?, sums)?)
    })
}
