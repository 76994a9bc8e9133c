//! A matrix of gradients on disk, one sample a row, that streams past in pieces.
//!
//! Memory: [`BUFFERS`] buffers of [`BUFFER_BYTES`], whatever the size of the file. While
//! the caller works on one, a second thread fills the next. A file in Fortran order takes
//! one buffer of [`GATHER_BYTES`] more, in which a block of rows is put together.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::mpsc;
use std::thread;

use super::array::{self, Array};
use super::bytes::swap;
use super::element::Element;
use super::{Dtype, FileError, Piece, Source};

/// Bytes of one buffer: large enough that system calls cost nothing, small enough that
/// all buffers stay in a core's second-level cache between the copy in and the caller's
/// reading.
const BUFFER_BYTES: usize = 1 << 18;

/// Measured on 2 GB of f32 in the page cache, against plain `read` (19 GB/s), 2 cores: a
/// caller about as dear as a sketch took 2.4 times as long without the thread, 1.6 with 2
/// buffers of 1 MiB, 1.5 with 3 of 256 KiB and 1.35 with 6.
const BUFFERS: usize = 6;

/// Below this many bytes a thread costs more than it saves.
const WORTH_A_THREAD: u64 = 8 * BUFFER_BYTES as u64;

/// Bytes of the rows that are put together at a time where the file has column after
/// column: the file is read once for each such block.
const GATHER_BYTES: usize = 1 << 26;

/// Every piece of a row begins at a multiple of this column, and has this many values or
/// a multiple unless it ends the row: so a piece cuts neither a summary's tile nor a
/// group of coordinates that a projection takes together.
pub const PIECE_ALIGNMENT: usize = 4096;

/// A two-dimensional array of floats (samples × parameters), opened and checked, not
/// read.
pub struct Matrix {
    array: Array,
    rows: usize,
    cols: usize,
    dtype: Dtype,
    /// The file has column after column (Fortran order).
    by_column: bool,
}

impl Matrix {
    /// Opens the matrix that `source` names. Of a regular file the header and the length
    /// are checked here, so that a pass over it fails only if the disk does.
    ///
    /// # Errors
    /// No such file; not a `.npy` or `.safetensors`; not floats; not two dimensions, or
    /// one of them zero; a stream in Fortran order; fewer or more bytes than the shape
    /// says; a tensor that isn't there or wasn't named.
    pub fn open(source: &Source) -> Result<Self, FileError> {
        Self::new(array::open(source)?)
    }

    /// A matrix that arrives as a `.npy` on `reader`; it can be read once. Errors call it
    /// `name`.
    ///
    /// # Errors
    /// As [`Matrix::open`]; whether the length agrees is seen at the end of the pass.
    pub fn from_stream(name: &str, reader: impl Read + Send + 'static) -> Result<Self, FileError> {
        Self::new(array::open_stream(name.to_owned(), Box::new(reader))?)
    }

    fn new(array: Array) -> Result<Self, FileError> {
        let file = || array.name.clone();
        let Element::Float(dtype) = array.element else {
            return Err(FileError::Dtype {
                file: file(),
                expected: "floats (f16, bf16, f32 or f64)",
                found: array.element.to_string(),
            });
        };
        let [rows, cols] = *array.shape.0.as_slice() else {
            return Err(FileError::Rank {
                file: file(),
                expected: "a 2-dimensional array (samples × parameters)",
                shape: array.shape.clone(),
            });
        };
        if rows == 0 || cols == 0 {
            return Err(FileError::Empty { file: file(), shape: array.shape.clone() });
        }
        // With a single row or column both orders are the same.
        let by_column = array.fortran && rows > 1 && cols > 1;
        if by_column && !array.is_rewindable() {
            return Err(FileError::FortranOrder { file: file() });
        }
        let (Ok(rows), Ok(cols)) = (usize::try_from(rows), usize::try_from(cols)) else {
            return Err(FileError::TooLarge { file: file(), shape: array.shape.clone() });
        };
        Ok(Self { array, rows, cols, dtype, by_column })
    }

    /// The file, and the tensor, as the user named it: for messages.
    pub fn name(&self) -> &str {
        &self.array.name
    }

    /// Samples.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Parameters.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The type of the values, as stored.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Texts about the file, by key; of a `.npy` those beside it.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.array.metadata
    }

    /// Bytes of all values.
    pub fn bytes(&self) -> u64 {
        self.array.bytes
    }

    /// Refuses a stream, for a command that has to read the matrix more than once: ask
    /// before the work begins.
    ///
    /// # Errors
    /// [`FileError::OnePassOnly`].
    pub fn require_passes(&self) -> Result<(), FileError> {
        if self.array.is_rewindable() {
            Ok(())
        } else {
            Err(FileError::OnePassOnly { file: self.array.name.clone() })
        }
    }

    /// One pass: calls `visit(row, column, piece)` for every row from the first to the
    /// last, and in it for every piece from left to right. A piece lies in one row, holds
    /// at most 256 KiB, and begins at a multiple of [`PIECE_ALIGNMENT`] columns. Every
    /// call starts from the first row again.
    ///
    /// # Errors
    /// The first that `visit` returns, which ends the pass; else what went wrong with
    /// reading: a stream that is cut short, too long or read a second time, or the disk.
    pub fn for_each_piece<E>(
        &mut self,
        mut visit: impl FnMut(usize, usize, Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E>
    where
        E: From<FileError>,
    {
        if self.by_column {
            return self.for_each_gathered(&mut visit);
        }
        self.array.begin(0)?;
        let chunks = Chunks::new(self.rows, self.cols, BUFFER_BYTES / self.dtype.bytes());
        let (dtype, cols) = (self.dtype, self.cols);
        let mut visit = |chunk: Chunk, buffer: &[f64]| {
            for i in 0..chunk.rows {
                let piece = Piece::of(buffer, dtype, i * cols, chunk.columns);
                visit(chunk.row + i, chunk.column, piece)?;
            }
            Ok::<(), E>(())
        };
        // A stream has its own process at the other end, and no end that a thread could
        // be sure to see.
        if !self.array.is_rewindable() || self.array.bytes < WORTH_A_THREAD {
            let mut buffer = new_buffer(self.array.bytes);
            for chunk in chunks {
                fill(&mut self.array, dtype, &chunk, &mut buffer)?;
                visit(chunk, &buffer)?;
            }
            return Ok(self.array.end()?);
        }
        let array = &mut self.array;
        thread::scope(|scope| {
            let (to_caller, filled) = mpsc::sync_channel::<(Chunk, Vec<f64>)>(BUFFERS);
            let (to_reader, empty) = mpsc::sync_channel::<Vec<f64>>(BUFFERS);
            for _ in 0..BUFFERS {
                // There is room for all, and the other end is in this function.
                let _ = to_reader.send(new_buffer(u64::MAX));
            }
            let name = array.name.clone();
            let reader = thread::Builder::new().name("read".to_owned()).spawn_scoped(scope, move || {
                for chunk in chunks {
                    // Either end closes when the caller has had enough.
                    let Ok(mut buffer) = empty.recv() else {
                        return Ok(());
                    };
                    fill(array, dtype, &chunk, &mut buffer)?;
                    if to_caller.send((chunk, buffer)).is_err() {
                        return Ok(());
                    }
                }
                array.end()
            });
            let reader = reader.map_err(|e| FileError::io(&name, "start a thread to read it", e))?;
            for (chunk, buffer) in filled {
                visit(chunk, &buffer)?;
                let _ = to_reader.send(buffer);
            }
            match reader.join() {
                Ok(outcome) => Ok(outcome?),
                Err(_) => {
                    Err(FileError::io(&name, "read", std::io::Error::other("its thread ended early")).into())
                }
            }
        })
    }

    /// The same of a file that has column after column: blocks of rows, or of a part of
    /// one, are put together in memory of a fixed size.
    fn for_each_gathered<E>(
        &mut self,
        visit: &mut impl FnMut(usize, usize, Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E>
    where
        E: From<FileError>,
    {
        let room = GATHER_BYTES / self.dtype.bytes();
        let most = BUFFER_BYTES / self.dtype.bytes();
        let mut buffer = new_buffer_within(self.array.bytes, GATHER_BYTES);
        for chunk in Chunks::new(self.rows, self.cols, room) {
            self.gather(&chunk, &mut buffer)?;
            for i in 0..chunk.rows {
                for start in (0..chunk.columns).step_by(most) {
                    let count = most.min(chunk.columns - start);
                    let piece = Piece::of(&buffer, self.dtype, i * chunk.columns + start, count);
                    visit(chunk.row + i, chunk.column + start, piece)?;
                }
            }
        }
        Ok(())
    }

    /// Reads a chunk to the beginning of `buffer`, row after row, from a file that has
    /// column after column.
    fn gather(&mut self, chunk: &Chunk, buffer: &mut [f64]) -> Result<(), FileError> {
        let each = self.dtype.bytes();
        let bytes = &mut bytemuck::cast_slice_mut::<f64, u8>(buffer)[..chunk.rows * chunk.columns * each];
        // Neighbouring columns come in one read, where what it brings in vain is little.
        let (column_bytes, wanted) = (self.rows * each, chunk.rows * each);
        let is_whole = wanted * 4 >= column_bytes || column_bytes <= 4096;
        let together = if is_whole { (BUFFER_BYTES / column_bytes).max(1) } else { 1 };
        let mut read = Vec::new();
        for first in (0..chunk.columns).step_by(together) {
            let columns = together.min(chunk.columns - first);
            read.resize((columns - 1) * column_bytes + wanted, 0);
            let column = chunk.column + first;
            self.array.begin((column as u64 * self.rows as u64 + chunk.row as u64) * each as u64)?;
            self.array.fill(&mut read)?;
            match each {
                2 => transpose::<2>(&read, column_bytes, columns, bytes, chunk.columns, first),
                4 => transpose::<4>(&read, column_bytes, columns, bytes, chunk.columns, first),
                _ => transpose::<8>(&read, column_bytes, columns, bytes, chunk.columns, first),
            }
        }
        if self.array.is_swapped() {
            swap(bytes, each);
        }
        Ok(())
    }

    /// Reads row `row` into `values`, as f32 (see [`Piece::copy_to_f32`]). For single
    /// rows: a pass is quicker for many.
    ///
    /// # Errors
    /// No such row; `values` is not [`Matrix::cols`] long; a stream; the disk.
    pub fn read_row_into(&mut self, row: usize, values: &mut [f32]) -> Result<(), FileError> {
        let file = || self.array.name.clone();
        if row >= self.rows {
            return Err(FileError::NoSuchRow { file: file(), row, rows: self.rows });
        }
        if values.len() != self.cols {
            return Err(FileError::WrongRoom { file: file(), expected: self.cols, found: values.len() });
        }
        self.require_passes()?;
        let row_bytes = self.cols as u64 * self.dtype.bytes() as u64;
        self.array.begin(row as u64 * row_bytes)?;
        let mut buffer = new_buffer(row_bytes);
        for chunk in Chunks::new(1, self.cols, BUFFER_BYTES / self.dtype.bytes()) {
            if self.by_column {
                self.gather(&Chunk { row, ..chunk }, &mut buffer)?;
            } else {
                fill(&mut self.array, self.dtype, &chunk, &mut buffer)?;
            }
            let values = &mut values[chunk.column..chunk.column + chunk.columns];
            Piece::of(&buffer, self.dtype, 0, chunk.columns).copy_to_f32(values);
        }
        Ok(())
    }

    /// The whole matrix as f32, row after row, in one pass: for what is known to be small
    /// (sketches, targets). `limit` is the most values that the caller is ready to hold.
    ///
    /// # Errors
    /// [`FileError::NotSmall`] if there are more than `limit`; else as
    /// [`Matrix::for_each_piece`].
    pub fn read_all_f32(&mut self, limit: usize) -> Result<Vec<f32>, FileError> {
        let Some(count) = self.rows.checked_mul(self.cols).filter(|&count| count <= limit) else {
            return Err(FileError::NotSmall {
                file: self.array.name.clone(),
                limit,
                shape: self.array.shape.clone(),
            });
        };
        // A stream may promise more than it brings: memory is taken as the values come.
        let mut all = Vec::new();
        all.try_reserve(if self.array.is_rewindable() { count } else { 0 })
            .map_err(|_| FileError::io(&self.array.name, "read", std::io::ErrorKind::OutOfMemory.into()))?;
        self.for_each_piece(|_, _, piece| {
            let start = all.len();
            all.resize(start + piece.len(), 0.0);
            piece.copy_to_f32(&mut all[start..]);
            Ok::<(), FileError>(())
        })?;
        Ok(all)
    }
}

impl std::fmt::Debug for Matrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Matrix({}: {} × {} {})", self.array.name, self.rows, self.cols, self.dtype)
    }
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

/// What is read at once: some whole rows, or a part of one.
struct Chunk {
    row: usize,
    rows: usize,
    column: usize,
    columns: usize,
}

/// The chunks of a matrix in the order of the file.
struct Chunks {
    rows: usize,
    cols: usize,
    /// Values that a buffer holds.
    room: usize,
    row: usize,
    column: usize,
}

impl Chunks {
    fn new(rows: usize, cols: usize, room: usize) -> Self {
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
fn new_buffer(bytes: u64) -> Vec<f64> {
    new_buffer_within(bytes, BUFFER_BYTES)
}

/// A buffer for `bytes`, or for `most` if these are fewer.
fn new_buffer_within(bytes: u64, most: usize) -> Vec<f64> {
    let bytes = bytes.min(most as u64) as usize;
    vec![0.0; bytes.div_ceil(size_of::<f64>())]
}

/// Reads a chunk to the beginning of `buffer`, in the host's order of bytes.
fn fill(array: &mut Array, dtype: Dtype, chunk: &Chunk, buffer: &mut [f64]) -> Result<(), FileError> {
    let bytes = chunk.rows * chunk.columns * dtype.bytes();
    let bytes = &mut bytemuck::cast_slice_mut::<f64, u8>(buffer)[..bytes];
    array.fill(bytes)?;
    if array.is_swapped() {
        swap(bytes, dtype.bytes());
    }
    Ok(())
}
