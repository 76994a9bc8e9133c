//! Tables of results as files: `.csv`, `.json` (a list of objects) or `.parquet`, by the
//! ending of their name.

use std::path::Path;

use super::CommandError;
use gradsieve_io::files::{Cell, CellKind, Destination, FileError, Output, ParquetTable};

/// A table that is under way.
pub(super) enum TableFile {
    Csv { name: String, rows: Box<csv::Writer<Output>> },
    Json { name: String, columns: Vec<String>, output: Output, is_empty: bool },
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
        if ends_in(to, "json") {
            let columns = columns.iter().map(|&(column, _)| column.to_owned()).collect();
            return Ok(Self::Json { name, columns, output: to.create()?, is_empty: true });
        }
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
            Self::Json { name, columns, output, is_empty } => {
                output.write(if *is_empty { b"[\n" } else { b",\n" })?;
                *is_empty = false;
                output.write(object(columns, row).map_err(|error| failed(name, error.into()))?.as_bytes())?;
                Ok(())
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
            Self::Json { mut output, is_empty, .. } => {
                output.write(if is_empty { b"[]\n" } else { b"\n]\n" })?;
                Ok(output.finish()?)
            }
            Self::Parquet(table) => Ok(table.finish()?),
        }
    }
}

/// A row as an object, its members in the order of the columns; what is no finite number
/// is null.
fn object(columns: &[String], row: &[Cell<'_>]) -> serde_json::Result<String> {
    let member = |(column, cell): (&String, &Cell<'_>)| {
        Ok(format!("{}: {}", serde_json::to_string(column)?, serde_json::to_string(cell)?))
    };
    let members: serde_json::Result<Vec<String>> = columns.iter().zip(row).map(member).collect();
    Ok(format!("{{{}}}", members?.join(", ")))
}

/// Whether the name of a file asks for a table.
pub(super) fn is_table(to: &Destination) -> bool {
    ["csv", "json", "parquet"].into_iter().any(|ending| ends_in(to, ending))
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
