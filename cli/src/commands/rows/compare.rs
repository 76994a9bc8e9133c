//! Whether the rows of two files can be compared.

use super::file::Rows;
use super::settings::SketchSettings;
use crate::commands::{CommandError, console};
use gradsieve_io::files::check_columns;

/// Refuses two arrays of which the sketches say that they were made differently; says
/// what is taken for granted where only one says how.
///
/// # Errors
/// [`CommandError::Sketches`].
fn check_settings(first: &Rows, rows: &Rows) -> Result<(), CommandError> {
    match (first.sketches(), rows.sketches()) {
        (Some(Some(one)), Some(Some(other))) => check_same([(first, one), (rows, other)]),
        (Some(Some(_)), Some(None) | None) => {
            remark_alike(first, rows);
            Ok(())
        }
        (Some(None) | None, Some(Some(_))) => {
            remark_alike(rows, first);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Says that rows are taken for sketches like those of a file that says how it made them.
fn remark_alike(known: &Rows, rows: &Rows) {
    console::remark(format!(
        "{}: does not say how its rows were made; they are taken for sketches made as those in {}",
        rows.name(),
        known.name()
    ));
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
    // Sketches that do not say how they were made can have another width, and no more.
    if let Some(unknown) = [first, rows].into_iter().find(|rows| rows.sketches() == Some(None)) {
        let known = if std::ptr::eq(unknown, first) { rows } else { first };
        if unknown.width() == known.width() {
            remark_alike(known, unknown);
            return Ok(());
        }
    }
    let made = |rows: &Rows| {
        rows.sketches().flatten().map_or_else(|| (rows.settings(), true), |said| (said.clone(), false))
    };
    let ((one, known), (other, other_known)) = (made(first), made(rows));
    check_same([(first, &one), (rows, &other)])?;
    // A file's word for how its sketches were made is no id.
    if known && other_known {
        first.id().check(&rows.id()).map_err(CommandError::core(rows.name()))?;
    }
    Ok(())
}
