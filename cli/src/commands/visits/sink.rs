//! Where numbers go, by the ending of a name.

use std::collections::BTreeMap;

use crate::commands::CommandError;
use crate::commands::paths::remark_output;
use crate::commands::table_file::{TableFile, is_table, or_endings};
use gradsieve_io::files::{ArrayWriter, Cell, CellKind, Destination, Dtype};
use gradsieve_io::visits::VisitsFormat;

/// A file of numbers that is under way.
pub(super) enum Sink {
    Array(Box<ArrayWriter>),
    Table(TableFile),
}

impl Sink {
    /// Begins a file of the numbers of all samples.
    ///
    /// # Errors
    /// As for every [`Destination`]; an ending that says no format.
    pub(super) fn create(to: &Destination, format: &VisitsFormat) -> Result<Self, CommandError> {
        if is_table(to) || *to == Destination::Stdout {
            let columns = [("id", CellKind::Whole), ("score", CellKind::Float), ("visits", CellKind::Whole)];
            return Ok(Self::Table(TableFile::create(to, &columns)?));
        }
        remark_output(to);
        let about = BTreeMap::from([("gradsieve.visits".to_owned(), format.kept.name().to_owned())]);
        let shape = [usize::try_from(format.samples).unwrap_or(usize::MAX)];
        let writer = ArrayWriter::create_named(to, "scores", &shape, Dtype::F32, &about);
        Ok(Self::Array(Box::new(writer.map_err(or_endings(".csv, .parquet, .npy or .safetensors"))?)))
    }

    /// Appends the next sample: its number and its visits, if it had any.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn push(&mut self, id: u64, number: Option<(f32, u16)>) -> Result<(), CommandError> {
        match (self, number) {
            (Self::Array(writer), number) => {
                Ok(writer.write(&[number.map_or(f32::NAN, |(score, _)| score)])?)
            }
            (Self::Table(table), Some((score, visits))) => {
                table.push(&[Cell::Whole(id), Cell::Float(score), Cell::Whole(visits.into())])
            }
            (Self::Table(_), None) => Ok(()),
        }
    }

    /// Completes the file, and puts it in its place.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn finish(self) -> Result<(), CommandError> {
        match self {
            Self::Array(writer) => Ok(writer.finish()?),
            Self::Table(table) => table.finish(),
        }
    }
}
