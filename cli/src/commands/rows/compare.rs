//! Whether the rows of two files can be compared.

use super::file::Rows;
use super::settings::SketchSettings;
use crate::commands::CommandError;
use gradsieve_io::files::{Matrix, check_columns};

/// Refuses two files of sketches that say that they were made differently.
///
/// # Errors
/// [`CommandError::Sketches`].
fn check_settings(first: &Rows, rows: &Rows) -> Result<(), CommandError> {
    let of = |rows: &Rows| SketchSettings::from_metadata(rows.matrix()?.metadata());
    let [one, other] = [first, rows].map(of);
    let (Some(one), Some(other)) = (one, other) else { return Ok(()) };
    check_same([(first, &one), (rows, &other)])
}

/// Refuses two files of sketches whose settings differ.
fn check_same([(first, one), (rows, other)]: [(&Rows, &SketchSettings); 2]) -> Result<(), CommandError> {
    match one.difference(other) {
        None => Ok(()),
        Some((what, expected, found)) => Err(CommandError::Sketches {
            file: rows.name().to_owned(),
            first: first.name().to_owned(),
            what,
            expected: expected.to_owned(),
            found: found.to_owned(),
        }),
    }
}

/// Refuses two files whose rows cannot be compared.
///
/// # Errors
/// Other columns, or sketches that were made differently.
pub(in crate::commands) fn check_pair(first: &Rows, rows: &Rows) -> Result<(), CommandError> {
    if let (Some(one), Some(other)) = (first.matrix(), rows.matrix()) {
        check_columns(one, other)?;
        return check_settings(first, rows);
    }
    let made = |rows: &Rows| {
        let said = rows.matrix().filter(|_| rows.is_exact()).map(Matrix::metadata);
        said.and_then(SketchSettings::from_metadata)
            .map_or_else(|| (rows.settings(), true), |said| (said, false))
    };
    let ((one, known), (other, other_known)) = (made(first), made(rows));
    check_same([(first, &one), (rows, &other)])?;
    // A file's word for how its sketches were made is no id.
    if known && other_known {
        first.id().check(&rows.id()).map_err(CommandError::core(rows.name()))?;
    }
    Ok(())
}
