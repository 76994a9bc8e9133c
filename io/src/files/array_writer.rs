//! A `.npy` file, or a `.safetensors` file of one tensor, written as its values come, in
//! memory of a fixed size.

use std::collections::BTreeMap;

use half::f16;
use half::slice::HalfFloatSliceExt as _;

use super::destination::Output;
use super::error::{FileError, Shape};
use super::{Destination, Dtype, npy, safetensors};

/// Values converted at once.
const BATCH: usize = 4096;

/// Writes an array of a known shape in C order, little-endian, value by value.
///
/// The file appears under its name in [`ArrayWriter::finish`], whole; a writer that is
/// dropped before leaves nothing behind. (What went to standard output or into a pipe has
/// gone.)
pub struct ArrayWriter {
    output: Output,
    dtype: Dtype,
    expected: u64,
    written: u64,
    bytes: Vec<u8>,
}

impl ArrayWriter {
    /// Begins a `.npy` array of `shape` (`&[n]`, `&[n, k]`, …) at `destination`. `dtype`
    /// is f16, f32 or f64.
    ///
    /// # Errors
    /// No such directory, or one that can't be written to; the destination is a
    /// directory; a shape whose bytes exceed a u64; bf16, which NumPy does not have.
    pub fn create(destination: &Destination, shape: &[usize], dtype: Dtype) -> Result<Self, FileError> {
        let file = destination.to_string();
        let shape: Vec<u64> = shape.iter().map(|&d| d as u64).collect();
        if dtype == Dtype::Bf16 {
            let found = dtype.to_string();
            return Err(FileError::Dtype {
                file,
                expected: "a type that NumPy has (f16, f32 or f64)",
                found,
            });
        }
        let expected = count(&file, &shape)?;
        let mut header = Vec::new();
        npy::write_header(&mut header, &shape, dtype).map_err(|e| FileError::io(&file, "write", e))?;
        Self::begin(destination, &header, expected, dtype)
    }

    /// Begins a `.safetensors` file of one tensor of `shape` at `destination`, with
    /// `metadata` about the file.
    ///
    /// # Errors
    /// As [`ArrayWriter::create`]; bf16 is not written here either.
    pub fn create_tensor(
        destination: &Destination,
        name: &str,
        shape: &[usize],
        dtype: Dtype,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Self, FileError> {
        let file = destination.to_string();
        let shape: Vec<u64> = shape.iter().map(|&d| d as u64).collect();
        if dtype == Dtype::Bf16 {
            return Err(FileError::Dtype { file, expected: "f16, f32 or f64", found: dtype.to_string() });
        }
        let expected = count(&file, &shape)?;
        let header = safetensors::header_of_one(name, &shape, dtype, expected, metadata);
        Self::begin(destination, &header, expected, dtype)
    }

    /// Begins an array in the format that the destination's name asks for:
    /// `.safetensors`, or `.npy`, which keeps neither `name` nor `metadata`, as does a
    /// name without an ending.
    ///
    /// # Errors
    /// As [`ArrayWriter::create`]; a name with another ending, unless it is that of a
    /// device or a pipe.
    pub fn create_named(
        destination: &Destination,
        name: &str,
        shape: &[usize],
        dtype: Dtype,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Self, FileError> {
        match destination {
            Destination::Path(path) if path.extension().is_some_and(|end| end == "safetensors") => {
                Self::create_tensor(destination, name, shape, dtype, metadata)
            }
            Destination::Path(path) => {
                let other = path.extension().filter(|end| *end != "npy");
                if let Some(end) =
                    other.filter(|_| path.metadata().is_ok_and(|about| about.is_file()) || !path.exists())
                {
                    let (file, end) = (destination.to_string(), end.to_string_lossy().into_owned());
                    return Err(FileError::OutputName { file, end });
                }
                Self::create(destination, shape, dtype)
            }
            Destination::Stdout => Self::create(destination, shape, dtype),
        }
    }

    fn begin(
        destination: &Destination,
        header: &[u8],
        expected: u64,
        dtype: Dtype,
    ) -> Result<Self, FileError> {
        let mut output = destination.create()?;
        output.write(header)?;
        Ok(Self { output, dtype, expected, written: 0, bytes: Vec::with_capacity(BATCH * 8) })
    }

    /// Appends values, rounded to nearest even if the file is f16.
    ///
    /// # Errors
    /// More values than the shape has; a full disk.
    pub fn write(&mut self, values: &[f32]) -> Result<(), FileError> {
        self.count(values.len())?;
        for batch in values.chunks(BATCH) {
            self.bytes.clear();
            match self.dtype {
                Dtype::F64 => {
                    self.bytes.extend(batch.iter().flat_map(|&value| f64::from(value).to_le_bytes()))
                }
                Dtype::F16 => {
                    let mut rounded = [f16::ZERO; BATCH];
                    let rounded = &mut rounded[..batch.len()];
                    rounded.convert_from_f32_slice(batch);
                    self.bytes.extend(rounded.iter().flat_map(|value| value.to_le_bytes()));
                }
                _ => self.bytes.extend(batch.iter().flat_map(|value| value.to_le_bytes())),
            }
            self.output.write(&self.bytes)?;
        }
        Ok(())
    }

    /// Appends values, rounded to nearest even (once) if the file is narrower.
    ///
    /// # Errors
    /// As [`ArrayWriter::write`]; a finite value that the file's type does not reach.
    pub fn write_f64(&mut self, values: &[f64]) -> Result<(), FileError> {
        let before = self.written;
        self.count(values.len())?;
        if let Some(at) = values.iter().position(|&value| !self.dtype.holds(value)) {
            let (file, index) = (self.output.name().to_owned(), before + at as u64);
            return Err(FileError::OutOfType { file, value: values[at], index, dtype: self.dtype });
        }
        for batch in values.chunks(BATCH) {
            self.bytes.clear();
            match self.dtype {
                Dtype::F64 => self.bytes.extend(batch.iter().flat_map(|value| value.to_le_bytes())),
                Dtype::F16 => {
                    self.bytes.extend(batch.iter().flat_map(|&value| f16::from_f64(value).to_le_bytes()))
                }
                _ => self.bytes.extend(batch.iter().flat_map(|&value| (value as f32).to_le_bytes())),
            }
            self.output.write(&self.bytes)?;
        }
        Ok(())
    }

    /// Completes the file: all bytes on the disk, then the file in its place.
    ///
    /// # Errors
    /// Fewer values than the shape has (then nothing is left behind); a full disk.
    pub fn finish(self) -> Result<(), FileError> {
        if self.written != self.expected {
            return Err(self.wrong_count(self.written));
        }
        self.output.finish()
    }

    fn count(&mut self, values: usize) -> Result<(), FileError> {
        let written = self.written.saturating_add(values as u64);
        if written > self.expected {
            return Err(self.wrong_count(written));
        }
        self.written = written;
        Ok(())
    }

    fn wrong_count(&self, found: u64) -> FileError {
        FileError::WrongCount { file: self.output.name().to_owned(), expected: self.expected, found }
    }
}

/// Values of an array of this shape, whose bytes must be countable.
fn count(file: &str, shape: &[u64]) -> Result<u64, FileError> {
    let count = shape.iter().try_fold(1_u64, |product, &d| product.checked_mul(d));
    count
        .filter(|count| count.checked_mul(8).is_some())
        .ok_or_else(|| FileError::TooLarge { file: file.to_owned(), shape: Shape(shape.to_vec()) })
}
