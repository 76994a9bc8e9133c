//! Where verdicts go, row by row.

use std::collections::BTreeMap;
use std::path::Path;

use gradsieve::sieve::Verdict;
use serde::Serialize;

use crate::commands::CommandError;
use crate::commands::paths::remark_output;
use gradsieve_io::files::{ArrayWriter, Destination, Dtype, FileError, Output};

/// A file of verdicts that is under way.
pub(super) enum Sink {
    Table { name: String, rows: Box<csv::Writer<Output>> },
    Array(Box<ArrayWriter>),
}

/// A line of the table.
#[derive(Serialize)]
struct Line {
    index: usize,
    p: f32,
    score: f32,
    flagged: bool,
    reasons: String,
}

impl Sink {
    /// Begins a file of so many verdicts, in the format that its name asks for.
    ///
    /// # Errors
    /// As [`ArrayWriter::create_named`].
    pub(super) fn create(to: &Destination, rows: usize) -> Result<Self, CommandError> {
        let is_table = |path: &Path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        match to {
            Destination::Path(path) if !is_table(path) => {
                remark_output(to);
                let writer =
                    ArrayWriter::create_named(to, "verdicts", &[rows, 3], Dtype::F32, &BTreeMap::new());
                Ok(Self::Array(Box::new(writer.map_err(or_table)?)))
            }
            _ => {
                let rows = csv::Writer::from_writer(to.create()?);
                Ok(Self::Table { name: to.to_string(), rows: Box::new(rows) })
            }
        }
    }

    /// Appends the next row's verdict.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn push(&mut self, index: usize, verdict: &Verdict) -> Result<(), CommandError> {
        let Verdict { p, score, flagged, reasons, .. } = *verdict;
        match self {
            Self::Table { name, rows } => {
                let line = Line { index, p, score, flagged, reasons: reasons.to_string() };
                Ok(rows.serialize(line).map_err(|error| failed(name, error.into()))?)
            }
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
            Self::Table { name, rows } => {
                let output = rows.into_inner().map_err(|error| failed(&name, error.into_error()))?;
                Ok(output.finish()?)
            }
        }
    }
}

/// The refusal of a name that is neither an array's nor a table's.
fn or_table(error: FileError) -> CommandError {
    match error {
        FileError::OutputName { file, .. } => CommandError::Argument {
            argument: "--output",
            expected: "a name that ends in .csv, .npy or .safetensors".to_owned(),
            found: file,
        },
        error => error.into(),
    }
}

/// What went wrong with the table, by its name.
fn failed(name: &str, cause: std::io::Error) -> FileError {
    FileError::Io { file: name.to_owned(), action: "write", cause }
}
