//! What is too much for memory, refused before it is asked for.

use super::file::Rows;
use crate::commands::CommandError;

/// The widest sketches whose second moments are taken: matrices of 1 GiB.
const MATRIX_WIDTH: usize = 16_384;

/// The most columns without a projection where matrices of columns² are needed.
pub(in crate::commands) const EXACT_COLUMNS: usize = 4096;

/// Refuses sketches too wide for `what`, which takes their second moments: memory grows
/// as K², time as n·K² + K³.
///
/// # Errors
/// [`CommandError::TooWide`] without a projection, [`CommandError::Argument`] with one.
pub(in crate::commands) fn check_matrix_width(rows: &Rows, what: &'static str) -> Result<(), CommandError> {
    let width = rows.width();
    match rows.is_exact() {
        true if width > EXACT_COLUMNS => Err(CommandError::TooWide {
            file: rows.name().to_owned(),
            what,
            limit: EXACT_COLUMNS,
            columns: width,
        }),
        _ if width > MATRIX_WIDTH => Err(CommandError::Argument {
            argument: "--dim",
            expected: format!("at most {MATRIX_WIDTH} for {what}, whose memory grows as its square"),
            found: width.to_string(),
        }),
        _ => Ok(()),
    }
}

/// Memory for `count` numbers, or an error where the allocator has none.
pub(in crate::commands) fn zeros<T: Clone + Default>(
    file: &str,
    count: usize,
) -> Result<Vec<T>, CommandError> {
    filled(file, count, T::default())
}

/// Memory for `count` copies of a number, or an error where the allocator has none.
pub(in crate::commands) fn filled<T: Clone>(
    file: &str,
    count: usize,
    value: T,
) -> Result<Vec<T>, CommandError> {
    let mut all = reserved(file, count)?;
    all.resize(count, value);
    Ok(all)
}

/// Memory that `count` numbers will be pushed to, or an error where the allocator has
/// none: how many there are is what a file says of itself.
pub(in crate::commands) fn reserved<T>(file: &str, count: usize) -> Result<Vec<T>, CommandError> {
    let mut room = Vec::new();
    room.try_reserve_exact(count).map_err(|_| CommandError::Memory {
        file: file.to_owned(),
        what: format!("{count} numbers"),
        bytes: count as u128 * size_of::<T>() as u128,
    })?;
    Ok(room)
}
