//! In place of `parquet` and `parquet_cells` in a build without that feature: refuses by
//! its name.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::{Cell, CellKind, Destination, FileError, TableRow};

/// A writer of `.parquet` files, of which there is none without the feature `parquet`.
pub struct ParquetWriter(Infallible);

impl ParquetWriter {
    /// Whether this build has the feature `parquet`.
    pub const IS_BUILT_IN: bool = false;

    /// Refuses.
    ///
    /// # Errors
    /// [`FileError::NotBuiltIn`].
    pub fn create(
        destination: &Destination,
        _metadata: &BTreeMap<String, String>,
    ) -> Result<Self, FileError> {
        Err(FileError::NotBuiltIn { file: destination.to_string(), feature: "parquet" })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// None: there is no such writer.
    pub fn push(&mut self, _row: TableRow<'_>) -> Result<(), FileError> {
        match self.0 {}
    }

    /// Completes the file.
    ///
    /// # Errors
    /// None: there is no such writer.
    pub fn finish(self) -> Result<(), FileError> {
        match self.0 {}
    }
}

/// A writer of `.parquet` files of named columns, of which there is none without the
/// feature `parquet`.
pub struct ParquetTable(Infallible);

impl ParquetTable {
    /// Whether this build has the feature `parquet`.
    pub const IS_BUILT_IN: bool = false;

    /// Refuses.
    ///
    /// # Errors
    /// [`FileError::NotBuiltIn`].
    pub fn create(destination: &Destination, _columns: &[(&str, CellKind)]) -> Result<Self, FileError> {
        Err(FileError::NotBuiltIn { file: destination.to_string(), feature: "parquet" })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// None: there is no such writer.
    pub fn push(&mut self, _row: &[Cell<'_>]) -> Result<(), FileError> {
        match self.0 {}
    }

    /// Completes the file.
    ///
    /// # Errors
    /// None: there is no such writer.
    pub fn finish(self) -> Result<(), FileError> {
        match self.0 {}
    }
}
