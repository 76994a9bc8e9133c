//! Rows that stand scattered in their files, put together block by block: those of a file
//! in Fortran order, and those of tensors side by side.
//!
//! Memory: a block of [`BLOCK_BYTES`], and what is read for it at once, at most as much.
//! A file in Fortran order is read once for each block: piece by piece where its columns
//! are long, whole where they are short.

use super::array::Array;
use super::bytes::swap;
use super::chunks::{BUFFER_BYTES, Chunk, Chunks, new_buffer_within};
use super::{Dtype, FileError, Piece};

/// Bytes of the rows that are put together at a time.
const BLOCK_BYTES: usize = 1 << 26;

/// Below this many bytes a column is read whole for any part of it: a page of a file is
/// read whole anyway.
const PAGE: usize = 4096;

/// Arrays whose rows have to be put together.
pub(super) struct Gather {
    parts: Parts,
    rows: usize,
    cols: usize,
    dtype: Dtype,
}

enum Parts {
    /// One, column after column.
    ByColumn(Array),
    /// Several, row after row, each of so many columns.
    SideBySide(Vec<(Array, usize)>),
}

impl Gather {
    /// A file in Fortran order.
    pub(super) const fn by_column(array: Array, rows: usize, cols: usize, dtype: Dtype) -> Self {
        Self { parts: Parts::ByColumn(array), rows, cols, dtype }
    }

    /// Arrays of the same rows, each of so many columns.
    pub(super) fn side_by_side(parts: Vec<(Array, usize)>, rows: usize, dtype: Dtype) -> Self {
        let cols = parts.iter().map(|(_, cols)| cols).sum();
        Self { parts: Parts::SideBySide(parts), rows, cols, dtype }
    }

    /// One pass over the rows, piece by piece.
    pub(super) fn for_each_piece<E: From<FileError>>(
        &mut self,
        mut visit: impl FnMut(Chunk, &[f64]) -> Result<(), E>,
    ) -> Result<(), E> {
        let each = self.dtype.bytes();
        let most = BUFFER_BYTES / each;
        let bytes = (self.rows as u64).saturating_mul(self.cols as u64).saturating_mul(each as u64);
        let mut block = new_buffer_within(bytes, BLOCK_BYTES);
        let mut piece = new_buffer_within(bytes, BUFFER_BYTES);
        for chunk in Chunks::new(self.rows, self.cols, BLOCK_BYTES / each) {
            self.gather(&chunk, &mut block)?;
            if chunk.columns <= most {
                visit(chunk, &block)?;
                continue;
            }
            // Longer rows are handed over in pieces, as from any file.
            let bytes = bytemuck::cast_slice::<f64, u8>(&block);
            for i in 0..chunk.rows {
                for start in (0..chunk.columns).step_by(most) {
                    let columns = most.min(chunk.columns - start);
                    let from = &bytes[(i * chunk.columns + start) * each..][..columns * each];
                    bytemuck::cast_slice_mut::<f64, u8>(&mut piece)[..from.len()].copy_from_slice(from);
                    let (row, column) = (chunk.row + i, chunk.column + start);
                    visit(Chunk { row, rows: 1, column, columns }, &piece)?;
                }
            }
        }
        Ok(())
    }

    /// Reads row `row` into `values`, which are as many as it has.
    pub(super) fn read_row_into(&mut self, row: usize, values: &mut [f32]) -> Result<(), FileError> {
        let room = BLOCK_BYTES / self.dtype.bytes();
        let mut block = new_buffer_within((self.cols * self.dtype.bytes()) as u64, BLOCK_BYTES);
        for chunk in Chunks::new(1, self.cols, room) {
            self.gather(&Chunk { row, ..chunk }, &mut block)?;
            let values = &mut values[chunk.column..chunk.column + chunk.columns];
            Piece::of(&block, self.dtype, 0, chunk.columns).copy_to_f32(values);
        }
        Ok(())
    }

    /// Reads a chunk to the beginning of `block`, row after row.
    fn gather(&mut self, chunk: &Chunk, block: &mut [f64]) -> Result<(), FileError> {
        let each = self.dtype.bytes();
        let block = &mut bytemuck::cast_slice_mut::<f64, u8>(block)[..chunk.rows * chunk.columns * each];
        match &mut self.parts {
            Parts::ByColumn(array) => from_columns(array, self.rows, each, chunk, block),
            Parts::SideBySide(parts) => from_parts(parts, each, chunk, block),
        }
    }
}

/// A chunk of an array that has columns of `rows` values one after the other.
fn from_columns(
    array: &mut Array,
    rows: usize,
    each: usize,
    chunk: &Chunk,
    block: &mut [u8],
) -> Result<(), FileError> {
    // Neighbouring columns come in one read, where what it brings in vain is little.
    let (column_bytes, wanted) = (rows * each, chunk.rows * each);
    let is_whole = wanted.saturating_mul(4) >= column_bytes || column_bytes <= PAGE;
    let together = if is_whole { (BUFFER_BYTES / column_bytes).max(1) } else { 1 };
    let mut read = Vec::new();
    for first in (0..chunk.columns).step_by(together) {
        let columns = together.min(chunk.columns - first);
        read.resize((columns - 1) * column_bytes + wanted, 0);
        let column = (chunk.column + first) as u64;
        array.begin((column * rows as u64 + chunk.row as u64) * each as u64)?;
        array.fill(&mut read)?;
        match each {
            2 => transpose::<2>(&read, column_bytes, columns, block, chunk.columns, first),
            4 => transpose::<4>(&read, column_bytes, columns, block, chunk.columns, first),
            _ => transpose::<8>(&read, column_bytes, columns, block, chunk.columns, first),
        }
    }
    if array.is_swapped() {
        swap(block, each);
    }
    Ok(())
}

/// Puts `columns` columns, `apart` bytes from one to the next, into rows of `width`
/// elements of `N` bytes, from element `first` on.
fn transpose<const N: usize>(
    from: &[u8],
    apart: usize,
    columns: usize,
    to: &mut [u8],
    width: usize,
    first: usize,
) {
    let (to, _) = to.as_chunks_mut::<N>();
    for (i, row) in to.chunks_exact_mut(width).enumerate() {
        for (j, value) in row[first..first + columns].iter_mut().enumerate() {
            value.copy_from_slice(&from[j * apart + i * N..][..N]);
        }
    }
}

/// A chunk of arrays that stand side by side.
fn from_parts(
    parts: &mut [(Array, usize)],
    each: usize,
    chunk: &Chunk,
    block: &mut [u8],
) -> Result<(), FileError> {
    let (mut before, mut read) = (0, Vec::new());
    for (array, cols) in parts {
        // The columns of the part that are wanted, as it counts them.
        let from = chunk.column.saturating_sub(before).min(*cols);
        let to = (chunk.column + chunk.columns).saturating_sub(before).min(*cols);
        let place = (before + from).saturating_sub(chunk.column);
        before += *cols;
        if from == to {
            continue;
        }
        // Whole rows come together; of a part of a row there is but one.
        let together = if to - from == *cols { (BUFFER_BYTES / (*cols * each)).max(1) } else { 1 };
        for first in (0..chunk.rows).step_by(together) {
            let rows = together.min(chunk.rows - first);
            read.resize(rows * (to - from) * each, 0);
            let start = (chunk.row + first) as u64 * *cols as u64 + from as u64;
            array.begin(start * each as u64)?;
            array.fill(&mut read)?;
            for (i, row) in read.chunks_exact((to - from) * each).enumerate() {
                block[((first + i) * chunk.columns + place) * each..][..row.len()].copy_from_slice(row);
            }
        }
    }
    Ok(())
}
