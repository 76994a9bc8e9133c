//! Rows in any format multiplied with vectors in `f64`, some rows and a piece of columns
//! at a time, so that each stands in the first cache while all vectors go by, and the
//! vectors come from memory once for all of the rows.
//!
//! A row's bits are the same whatever stands beside it, and whatever format it came in.

use crate::error::Error;
use core::ops::Range;
use gradsieve_kernels::matrix::{Part, PartMut};
use gradsieve_kernels::{Certain, Element, double, squared_norm, widen};

/// Columns of a piece, and rows of it that are widened together: 32 KiB of stack.
pub(super) const PIECE: usize = 256;
pub(super) const ABREAST: usize = 16;

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

/// A piece of some rows, widened to `scratch`.
pub(super) fn doubles<'s, T: Element>(
    rows: &[T],
    width: usize,
    at: Range<usize>,
    scratch: &'s mut [f64],
) -> Result<Part<'s, f64>, Error> {
    let mut widened = [0.0; PIECE];
    let widened = widened.get_mut(..at.len()).certain();
    let mut count = 0;
    for row in rows.chunks_exact(width.max(1)) {
        widen(row.get(at.clone()).certain(), widened)?;
        let to = scratch.get_mut(count * at.len()..).certain();
        to.iter_mut().zip(&*widened).for_each(|(to, &from)| *to = f64::from(from));
        count += 1;
    }
    Ok(Part::whole(scratch.get(..count * at.len()).certain(), at.len())?)
}

/// Calls `visit` with each piece of [`ABREAST`] rows, where it stands, and how many rows
/// were before.
fn blocks<T: Element>(
    rows: &[T],
    width: usize,
    mut visit: impl FnMut(Part<'_, f64>, Range<usize>, usize) -> Result<(), Error>,
) -> Result<(), Error> {
    // A conversion costs more than a product, and each number meets all vectors.
    let mut widened = [0.0; PIECE * ABREAST];
    for start in (0..width).step_by(PIECE) {
        let at = start..width.min(start + PIECE);
        let mut before = 0;
        for rows in rows.chunks(width.saturating_mul(ABREAST).max(1)) {
            let few = doubles(rows, width, at.clone(), &mut widened)?;
            visit(few, at.clone(), before)?;
            before += few.rows();
        }
    }
    Ok(())
}

/// Calls `take` with at most [`ROWS`] rows that are finite, and their squared norms, as
/// often as there are some; returns how many rows are not finite, which are passed over.
pub(super) fn finite_runs<T: Element>(
    rows: &[T],
    width: usize,
    mut take: impl FnMut(&[T], &[f64]) -> Result<(), Error>,
) -> Result<usize, Error> {
    let width = width.max(1);
    let (mut rest, mut non_finite) = (rows, 0);
    while !rest.is_empty() {
        let few = rest.get(..ROWS * width).unwrap_or(rest);
        let (mut squares, mut count) = ([0.0; ROWS], 0);
        for (row, square) in few.chunks_exact(width).zip(&mut squares) {
            *square = squared_norm(row);
            if !square.is_finite() {
                break;
            }
            count += 1;
        }
        take(few.get(..count * width).certain(), squares.get(..count).certain())?;
        // Those before the first that is not finite were taken; that one is passed over.
        let passed_over = usize::from(count * width < few.len());
        non_finite += passed_over;
        rest = rest.get((count + passed_over) * width..).certain();
    }
    Ok(non_finite)
}

/// A number for each of some vectors and at most [`ROWS`] rows: block after block of
/// rows, and in a block vector after vector.
pub(super) struct Dots<'m> {
    pub(super) targets: usize,
    pub(super) values: &'m mut [f64],
}

impl Dots<'_> {
    /// The numbers of some rows of a block.
    fn of(&mut self, before: usize, count: usize) -> &mut [f64] {
        self.values.get_mut(before * self.targets..(before + count) * self.targets).certain()
    }

    /// Calls `visit` with each row, vector and number.
    pub(super) fn each(&mut self, rows: usize, mut visit: impl FnMut(usize, usize, &mut f64)) {
        for before in (0..rows).step_by(ABREAST) {
            let count = ABREAST.min(rows - before);
            for (vector, numbers) in self.of(before, count).chunks_exact_mut(count.max(1)).enumerate() {
                let numbers = numbers.iter_mut().enumerate();
                numbers.for_each(|(row, number)| visit(before + row, vector, number));
            }
        }
    }
}

/// Writes the products of each vector with each of at most [`ROWS`] rows.
pub(super) fn write_dots<T: Element>(
    rows: &[T],
    width: usize,
    vectors: &[f64],
    dots: &mut Dots<'_>,
) -> Result<(), Error> {
    dots.values.fill(0.0);
    blocks(rows, width, |few, at, before| {
        let vectors = Part::new(vectors, width, at.start, at.len())?;
        Ok(double::add_dots(vectors, few, dots.of(before, few.rows()))?)
    })
}

/// Adds to each vector the rows, as often as the numbers say.
pub(super) fn add_rows<T: Element>(
    rows: &[T],
    width: usize,
    dots: &mut Dots<'_>,
    vectors: &mut [f64],
) -> Result<(), Error> {
    blocks(rows, width, |few, at, before| {
        let vectors = PartMut::new(vectors, width, at.start, at.len())?;
        Ok(double::add_rows(dots.of(before, few.rows()), few, vectors)?)
    })
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
    let mut dots = Dots { targets, values: dots };
    write_dots(rows, width, vectors, &mut dots)?;
    add_rows(rows, width, &mut dots, sums.get_mut(..targets * width).certain())
}
