//! Where verdicts go, row by row.

use std::collections::BTreeMap;

use gradsieve::sieve::Verdict;

use crate::commands::CommandError;
use crate::commands::paths::remark_output;
use crate::commands::table_file::{TableFile, is_table, or_endings};
use gradsieve_io::files::{ArrayWriter, Cell, CellKind, Destination, Dtype};

const COLUMNS: [(&str, CellKind); 5] = [
    ("index", CellKind::Whole),
    ("p", CellKind::Float),
    ("score", CellKind::Float),
    ("flagged", CellKind::Flag),
    ("reasons", CellKind::Text),
];

/// A file of verdicts that is under way.
pub(super) enum Sink {
    Table(TableFile),
    Array(Box<ArrayWriter>),
}

impl Sink {
    /// Begins a file of so many verdicts, in the format that its name asks for.
    ///
    /// # Errors
    /// As [`ArrayWriter::create_named`] and [`TableFile::create`].
    pub(super) fn create(to: &Destination, rows: usize) -> Result<Self, CommandError> {
        if *to == Destination::Stdout || is_table(to) {
            return Ok(Self::Table(TableFile::create(to, &COLUMNS)?));
        }
        remark_output(to);
        let writer = ArrayWriter::create_named(to, "verdicts", &[rows, 3], Dtype::F32, &BTreeMap::new());
        Ok(Self::Array(Box::new(writer.map_err(or_endings(".csv, .parquet, .npy or .safetensors"))?)))
    }

    /// Appends the next row's verdict.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn push(&mut self, index: usize, verdict: &Verdict) -> Result<(), CommandError> {
        let Verdict { p, score, flagged, reasons, .. } = *verdict;
        match self {
            Self::Table(table) => table.push(&[
                Cell::Whole(index as u64),
                Cell::Float(p),
                Cell::Float(score),
                Cell::Flag(flagged),
                Cell::Text(&reasons.to_string()),
            ]),
            Self::Array(writer) => Ok(writer.write(&[p, score, f32::from(u8::from(flagged))])?),
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
