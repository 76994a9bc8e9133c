//! Results, a row at a time, as a table or as an array of numbers: by the ending of a
//! name.

use std::collections::BTreeMap;

use super::CommandError;
use super::paths::remark_output;
use super::table_file::{TableFile, is_table, or_endings};
use gradsieve_io::files::{ArrayWriter, CellKind, Destination, Dtype};

/// A file of results that is under way.
pub(super) enum ResultFile {
    Table(TableFile),
    Array(Box<ArrayWriter>),
}

impl ResultFile {
    /// Begins a table of these columns, or an `f32` array of this shape, in a
    /// `.safetensors` file by the name `tensor`. Standard output gets CSV.
    ///
    /// # Errors
    /// As [`ArrayWriter::create_named`] and [`TableFile::create`].
    pub(super) fn create(
        to: &Destination,
        columns: &[(&str, CellKind)],
        tensor: &str,
        shape: &[usize],
        about: &BTreeMap<String, String>,
    ) -> Result<Self, CommandError> {
        if *to == Destination::Stdout || is_table(to) {
            return Ok(Self::Table(TableFile::create(to, columns)?));
        }
        remark_output(to);
        let writer = ArrayWriter::create_named(to, tensor, shape, Dtype::F32, about);
        Ok(Self::Array(Box::new(writer.map_err(or_endings(".csv, .parquet, .json, .npy or .safetensors"))?)))
    }

    /// Completes the file, and puts it in its place.
    ///
    /// # Errors
    /// The disk; an array of fewer rows than it was begun with.
    pub(super) fn finish(self) -> Result<(), CommandError> {
        match self {
            Self::Table(table) => table.finish(),
            Self::Array(writer) => Ok(writer.finish()?),
        }
    }
}
