//! Tables of results as files: `.csv` or `.parquet`, by the ending of their name.

use std::path::Path;

use super::CommandError;
use gradsieve_io::files::{Cell, CellKind, Destination, FileError, Output, ParquetTable};

/// A table that is under way.
pub(super) enum TableFile {
    Csv { name: String, rows: Box<csv::Writer<Output>> },
    Parquet(Box<ParquetTable>),
}

impl TableFile {
    /// Begins a table of these columns. Standard output gets CSV.
    ///
    /// # Errors
    /// As for every [`Destination`]; a `.parquet` without the feature.
    pub(super) fn create(to: &Destination, columns: &[(&str, CellKind)]) -> Result<Self, CommandError> {
        if ends_in(to, "parquet") {
            return Ok(Self::Parquet(Box::new(ParquetTable::create(to, columns)?)));
        }
        let name = to.to_string();
        let mut rows = Box::new(csv::Writer::from_writer(to.create()?));
        let header = rows.write_record(columns.iter().map(|(name, _)| name));
        header.map_err(|error| failed(&name, error.into()))?;
        Ok(Self::Csv { name, rows })
    }

    /// Appends a row: a cell for each column.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn push(&mut self, row: &[Cell<'_>]) -> Result<(), CommandError> {
        match self {
            Self::Csv { name, rows } => {
                Ok(rows.serialize(row).map_err(|error| failed(name, error.into()))?)
            }
            Self::Parquet(table) => Ok(table.push(row)?),
        }
    }

    /// Completes the file, and puts it in its place.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn finish(self) -> Result<(), CommandError> {
        match self {
            Self::Csv { name, rows } => {
                let output = rows.into_inner().map_err(|error| failed(&name, error.into_error()))?;
                Ok(output.finish()?)
            }
            Self::Parquet(table) => Ok(table.finish()?),
        }
    }
}

/// Whether the name of a file asks for a table.
pub(super) fn is_table(to: &Destination) -> bool {
    ends_in(to, "csv") || ends_in(to, "parquet")
}

/// Whether the name of a file has this ending.
pub(super) fn ends_in(to: &Destination, ending: &str) -> bool {
    let has = |path: &Path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case(ending));
    matches!(to, Destination::Path(path) if has(path))
}

/// The refusal of a name whose ending is none of `endings`.
pub(super) fn or_endings(endings: &str) -> impl FnOnce(FileError) -> CommandError + use<'_> {
    move |error| match error {
        FileError::OutputName { file, .. } => CommandError::Argument {
            argument: "--output",
            expected: format!("a name that ends in {endings}"),
            found: file,
        },
        error => error.into(),
    }
}

/// What went wrong with the table, by its name.
fn failed(name: &str, cause: std::io::Error) -> FileError {
    FileError::Io { file: name.to_owned(), action: "write", cause }
}
