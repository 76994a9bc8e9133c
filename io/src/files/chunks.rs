//! What is read of a matrix at once.

use super::array::Array;
use super::bytes::swap;
use super::{Dtype, FileError};

/// Bytes of one buffer: large enough that system calls cost nothing, small enough that
/// all buffers stay in a core's second-level cache between the copy in and the caller's
/// reading.
pub(super) const BUFFER_BYTES: usize = 1 << 18;

/// Every piece of a row begins at a multiple of this column, and has this many values or
/// a multiple unless it ends the row: so a piece cuts neither a summary's tile nor a
/// group of coordinates that a projection takes together.
pub const PIECE_ALIGNMENT: usize = 4096;

/// What is read at once: some whole rows, or a part of one.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    pub(super) row: usize,
    pub(super) rows: usize,
    pub(super) column: usize,
    pub(super) columns: usize,
}

/// The chunks of a matrix in the order of the file.
pub(super) struct Chunks {
    rows: usize,
    cols: usize,
    /// Values that a buffer holds.
    room: usize,
    row: usize,
    column: usize,
}

impl Chunks {
    pub(super) fn new(rows: usize, cols: usize, room: usize) -> Self {
        debug_assert_eq!(room % PIECE_ALIGNMENT, 0);
        Self { rows, cols, room, row: 0, column: 0 }
    }
}

impl Iterator for Chunks {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        if self.row >= self.rows {
            return None;
        }
        let (row, column) = (self.row, self.column);
        if self.cols <= self.room {
            let rows = (self.room / self.cols).min(self.rows - row);
            self.row += rows;
            return Some(Chunk { row, rows, column, columns: self.cols });
        }
        let columns = self.room.min(self.cols - column);
        self.column += columns;
        if self.column == self.cols {
            (self.row, self.column) = (row + 1, 0);
        }
        Some(Chunk { row, rows: 1, column, columns })
    }
}

/// A buffer for `bytes`, or as many as are read at once. Its elements are f64 for their
/// alignment only.
pub(super) fn new_buffer(bytes: u64) -> Vec<f64> {
    new_buffer_within(bytes, BUFFER_BYTES)
}

/// A buffer for `bytes`, or for `most` if these are fewer.
pub(super) fn new_buffer_within(bytes: u64, most: usize) -> Vec<f64> {
    let bytes = bytes.min(most as u64) as usize;
    vec![0.0; bytes.div_ceil(size_of::<f64>())]
}

/// Reads a chunk to the beginning of `buffer`, in the host's order of bytes.
pub(super) fn fill(
    array: &mut Array,
    dtype: Dtype,
    chunk: &Chunk,
    buffer: &mut [f64],
) -> Result<(), FileError> {
    let bytes = chunk.rows * chunk.columns * dtype.bytes();
    let bytes = &mut bytemuck::cast_slice_mut::<f64, u8>(buffer)[..bytes];
    array.fill(bytes)?;
    if array.is_swapped() {
        swap(bytes, dtype.bytes());
    }
    Ok(())
}
