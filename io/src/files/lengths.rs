//! Two files that must fit together: as many labels as gradients, as many parameters here
//! as there.

use super::error::check;
use super::{FileError, Matrix};

/// Checks that `file`, an array of `found` entries, has one for each of the rows of
/// `other`.
///
/// # Errors
/// [`FileError::Lengths`], with both names and both lengths.
pub fn check_rows(other: &str, rows: usize, file: &str, found: usize) -> Result<(), FileError> {
    check(file, found, "entries", other, rows, "rows")
}

/// Checks that `matrix` has as many columns as `first`.
///
/// # Errors
/// [`FileError::Lengths`], with both names and both lengths.
pub fn check_columns(first: &Matrix, matrix: &Matrix) -> Result<(), FileError> {
    check(matrix.name(), matrix.cols(), "columns", first.name(), first.cols(), "columns")
}
