//! A matrix of gradients on disk, one sample a row, that streams past in pieces.
//!
//! Memory: [`BUFFERS`] buffers of [`BUFFER_BYTES`], whatever the size of the file. While
//! the caller works on one, a second thread fills the next. What has to be put together
//! takes more ([`Gather`]).

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use super::array::{self, Array};
use super::bergson::is_gradients;
use super::chunks::{BUFFER_BYTES, Chunk, Chunks, fill, new_buffer};
use super::element::Element;
use super::error::{Shape, check};
use super::gather::Gather;
use super::measures::read_measures;
use super::shards::files;
use super::{Dtype, FileError, Measures, Piece, Source};

/// Measured on 2 GB of f32 in the page cache, against plain `read` (19 GB/s), 2 cores: a
/// caller about as dear as a sketch took 2.4 times as long without the thread, 1.6 with 2
/// buffers of 1 MiB, 1.5 with 3 of 256 KiB and 1.35 with 6.
const BUFFERS: usize = 6;

/// Below this many bytes a thread costs more than it saves.
const WORTH_A_THREAD: u64 = 8 * BUFFER_BYTES as u64;

/// A two-dimensional array of floats (samples × parameters), opened and checked, not
/// read.
pub struct Matrix {
    name: String,
    metadata: BTreeMap<String, String>,
    rows: usize,
    cols: usize,
    dtype: Dtype,
    body: Body,
    /// What it was read from, and the rows of each.
    files: Vec<(PathBuf, usize)>,
}

/// How the values stand in their files.
enum Body {
    /// In one array, row after row.
    ByRow(Array),
    /// In arrays that have to be put together: one that has column after column (Fortran
    /// order), or several side by side.
    Gathered(Gather),
    /// In files, rows after rows. Each is opened when its turn comes.
    Shards(Vec<Source>),
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
        match source {
            Source::Shards { pattern, tensor: None } if is_gradients(pattern) => {
                Self::of_array(source, array::open(source)?)
            }
            Source::Shards { pattern, tensor } => Self::of_shards(source, files(pattern, tensor.as_deref())?),
            Source::Safetensors { path, tensor: Some(tensor) } if tensor.ends_with('*') => {
                Self::side_by_side(source, array::open_together(path, tensor.trim_end_matches('*'))?)
            }
            source => Self::of_array(source, array::open(source)?),
        }
    }

    /// [`Matrix::open`] of targets: one dimension is a single row.
    ///
    /// # Errors
    /// As [`Matrix::open`].
    pub fn open_targets(source: &Source) -> Result<Self, FileError> {
        Self::open_either(source, |columns| vec![1, columns])
    }

    /// [`Matrix::open`] of what is known of each sample: one dimension is a single
    /// column.
    ///
    /// # Errors
    /// As [`Matrix::open`].
    pub fn open_column(source: &Source) -> Result<Self, FileError> {
        Self::open_either(source, |rows| vec![rows, 1])
    }

    /// [`Matrix::open`], where one dimension has a shape, too.
    fn open_either(source: &Source, shape: fn(u64) -> Vec<u64>) -> Result<Self, FileError> {
        match source {
            Source::Shards { .. } | Source::Store(_) => Self::open(source),
            Source::Safetensors { tensor: Some(tensor), .. } if tensor.ends_with('*') => Self::open(source),
            source => {
                let mut array = array::open(source)?;
                if let [count] = *array.shape.0.as_slice() {
                    array.shape = Shape(shape(count));
                }
                Self::of_array(source, array)
            }
        }
    }

    fn of_array(source: &Source, array: Array) -> Result<Self, FileError> {
        let matrix = Self::new(array)?;
        let files = source.path().map(|path| (path.to_owned(), matrix.rows)).into_iter().collect();
        Ok(Self { files, ..matrix })
    }

    /// Files that follow one another.
    fn of_shards(source: &Source, shards: Vec<Source>) -> Result<Self, FileError> {
        let mut whole: Option<Self> = None;
        for shard in &shards {
            let one = Self::open(shard)?;
            let Some(whole) = &mut whole else {
                whole = Some(one);
                continue;
            };
            check(&one.name, one.cols, "columns", &whole.name, whole.cols, "columns")?;
            let differ = |expected: String, found: String| {
                Err(FileError::Step { file: one.name.clone(), expected, found })
            };
            if whole.dtype != one.dtype {
                return differ(format!("{}, as {} has", whole.dtype, whole.name), one.dtype.to_string());
            }
            if whole.metadata != one.metadata {
                let expected = format!("the metadata that {} has", whole.name);
                return differ(expected, "other metadata".to_owned());
            }
            let too_large = || FileError::TooLarge {
                file: source.to_string(),
                shape: Shape(vec![u64::MAX, one.cols as u64]),
            };
            whole.rows = whole.rows.checked_add(one.rows).ok_or_else(too_large)?;
            whole.files.extend(one.files.iter().cloned());
        }
        let Some(whole) = whole else { return Err(FileError::Shards { file: source.to_string() }) };
        Ok(Self { name: source.to_string(), body: Body::Shards(shards), ..whole })
    }

    /// Tensors of one file that have the same samples.
    fn side_by_side(source: &Source, arrays: Vec<Array>) -> Result<Self, FileError> {
        let mut parts = Vec::new();
        let mut first: Option<(String, usize, Dtype)> = None;
        let mut metadata = BTreeMap::new();
        for mut array in arrays {
            let Some((&rows, others)) = array.shape.0.split_first() else {
                let expected = "an array of samples × parameters";
                return Err(FileError::Rank { file: array.name, expected, shape: array.shape });
            };
            let columns = others.iter().try_fold(1_u64, |product, &d| product.checked_mul(d));
            let too_large = || FileError::TooLarge { file: array.name.clone(), shape: array.shape.clone() };
            array.shape = Shape(vec![rows, columns.ok_or_else(too_large)?]);
            metadata.clone_from(&array.metadata);
            let Self { name, rows, cols, dtype, body, .. } = Self::new(array)?;
            if let Some((first, expected, of_first)) = &first {
                check(&name, rows, "rows", first, *expected, "rows")?;
                if *of_first != dtype {
                    let (expected, found) = (format!("{of_first}, as {first} has"), dtype.to_string());
                    return Err(FileError::Step { file: name, expected, found });
                }
            } else {
                first = Some((name, rows, dtype));
            }
            if let Body::ByRow(array) = body {
                parts.push((array, cols));
            }
        }
        let Some((_, rows, dtype)) = first else {
            return Err(FileError::NoTensors { file: source.to_string() });
        };
        let cols = parts.iter().map(|(_, cols)| cols).sum();
        let body = Body::Gathered(Gather::side_by_side(parts, rows, dtype));
        Ok(Self { name: source.to_string(), metadata, rows, cols, dtype, body, files: Vec::new() })
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
        let (name, metadata) = (array.name.clone(), array.metadata.clone());
        let body = if by_column {
            Body::Gathered(Gather::by_column(array, rows, cols, dtype))
        } else {
            Body::ByRow(array)
        };
        Ok(Self { name, metadata, rows, cols, dtype, body, files: Vec::new() })
    }

    /// The file, and the tensor, as the user named it: for messages.
    pub fn name(&self) -> &str {
        &self.name
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
        &self.metadata
    }

    /// The measures of the gradients whose sketches these are, if every file has them
    /// beside it.
    ///
    /// # Errors
    /// As [`read_measures`].
    pub fn measures(&self) -> Result<Option<Measures>, FileError> {
        let mut all = Measures::default();
        for (path, rows) in &self.files {
            let Some(more) = read_measures(path, *rows)? else { return Ok(None) };
            all.append(more);
        }
        Ok((!self.files.is_empty()).then_some(all))
    }

    /// Bytes of all values.
    pub fn bytes(&self) -> u64 {
        (self.rows as u64).saturating_mul(self.cols as u64).saturating_mul(self.dtype.bytes() as u64)
    }

    /// Refuses a stream, for a command that has to read the matrix more than once: ask
    /// before the work begins.
    ///
    /// # Errors
    /// [`FileError::OnePassOnly`].
    pub fn require_passes(&self) -> Result<(), FileError> {
        if self.is_rewindable() { Ok(()) } else { Err(FileError::OnePassOnly { file: self.name.clone() }) }
    }

    fn is_rewindable(&self) -> bool {
        match &self.body {
            Body::ByRow(array) => array.is_rewindable(),
            Body::Gathered(_) | Body::Shards(_) => true,
        }
    }

    /// One pass: calls `visit(row, column, piece)` for every row from the first to the
    /// last, and in it for every piece from left to right. A piece lies in one row, holds
    /// at most 256 KiB, and begins at a multiple of
    /// [`PIECE_ALIGNMENT`](super::PIECE_ALIGNMENT) columns. Every call starts from the
    /// first row again.
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
        let (dtype, cols) = (self.dtype, self.cols);
        let chunks = Chunks::new(self.rows, cols, BUFFER_BYTES / dtype.bytes());
        let array = match &mut self.body {
            Body::Shards(shards) => return for_each_shard(shards, &mut visit),
            Body::Gathered(gather) => return gather.for_each_piece(in_pieces(dtype, cols, visit)),
            Body::ByRow(array) => array,
        };
        let mut visit = in_pieces(dtype, cols, visit);
        array.begin(0)?;
        // A stream has its own process at the other end, and no end that a thread could
        // be sure to see.
        if !array.is_rewindable() || array.bytes < WORTH_A_THREAD {
            let mut buffer = new_buffer(array.bytes);
            for chunk in chunks {
                fill(array, dtype, &chunk, &mut buffer)?;
                visit(chunk, &buffer)?;
            }
            return Ok(array.end()?);
        }
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

    /// Reads row `row` into `values`, as f32 (see [`Piece::copy_to_f32`]). For single
    /// rows: a pass is quicker for many.
    ///
    /// # Errors
    /// No such row; `values` is not [`Matrix::cols`] long; a stream; the disk.
    pub fn read_row_into(&mut self, row: usize, values: &mut [f32]) -> Result<(), FileError> {
        let file = || self.name.clone();
        if row >= self.rows {
            return Err(FileError::NoSuchRow { file: file(), row, rows: self.rows });
        }
        if values.len() != self.cols {
            return Err(FileError::WrongRoom { file: file(), expected: self.cols, found: values.len() });
        }
        self.require_passes()?;
        let array = match &mut self.body {
            Body::ByRow(array) => array,
            Body::Gathered(gather) => return gather.read_row_into(row, values),
            Body::Shards(shards) => {
                let mut before = 0;
                for shard in shards {
                    let mut shard = Self::open(shard)?;
                    if row - before < shard.rows {
                        return shard.read_row_into(row - before, values);
                    }
                    before += shard.rows;
                }
                return Err(FileError::NoSuchRow { file: file(), row, rows: before });
            }
        };
        let row_bytes = self.cols as u64 * self.dtype.bytes() as u64;
        array.begin(row as u64 * row_bytes)?;
        let mut buffer = new_buffer(row_bytes);
        for chunk in Chunks::new(1, self.cols, BUFFER_BYTES / self.dtype.bytes()) {
            fill(array, self.dtype, &chunk, &mut buffer)?;
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
                file: self.name.clone(),
                limit,
                shape: Shape(vec![self.rows as u64, self.cols as u64]),
            });
        };
        // A stream may promise more than it brings: memory is taken as the values come.
        let mut all = Vec::new();
        all.try_reserve(if self.is_rewindable() { count } else { 0 })
            .map_err(|_| FileError::io(&self.name, "read", std::io::ErrorKind::OutOfMemory.into()))?;
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
        write!(f, "Matrix({}: {} × {} {})", self.name, self.rows, self.cols, self.dtype)
    }
}

/// Hands a chunk of rows of `cols` values on, row by row.
fn in_pieces<E>(
    dtype: Dtype,
    cols: usize,
    mut visit: impl FnMut(usize, usize, Piece<'_>) -> Result<(), E>,
) -> impl FnMut(Chunk, &[f64]) -> Result<(), E> {
    move |chunk, buffer| {
        (0..chunk.rows).try_for_each(|i| {
            let piece = Piece::of(buffer, dtype, i * cols, chunk.columns);
            visit(chunk.row + i, chunk.column, piece)
        })
    }
}

/// One pass over shards, one after the other.
fn for_each_shard<E: From<FileError>>(
    shards: &[Source],
    visit: &mut dyn FnMut(usize, usize, Piece<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut before = 0;
    for shard in shards {
        let mut shard = Matrix::open(shard)?;
        shard.for_each_piece(|row, column, piece| visit(before + row, column, piece))?;
        before += shard.rows;
    }
    Ok(())
}
