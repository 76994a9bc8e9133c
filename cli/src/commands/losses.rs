//! A loss for each row.

use super::rows::Rows;
use super::{CommandError, console};
use gradsieve_io::files::{FileError, Source, read_numbers};

/// The losses of these rows. Those that are NaN or infinite are named, with what follows
/// for their samples.
///
/// # Errors
/// As [`read_numbers`]; a negative loss, or one beyond `f32`.
pub(super) fn losses(source: &Source, rows: &Rows, consequence: &str) -> Result<Vec<f64>, CommandError> {
    let losses = read_numbers(source, rows.name(), rows.count())?;
    let is_loss = |loss: f64| !loss.is_finite() || (loss >= 0.0 && (loss as f32).is_finite());
    if let Some(row) = losses.iter().position(|&loss| !is_loss(loss)) {
        return Err(FileError::Step {
            file: source.to_string(),
            expected: "losses from 0 on, within the range of f32".to_owned(),
            found: format!("{} in row {row}", console::significant(losses[row])),
        }
        .into());
    }
    let none: Vec<usize> = (0..losses.len()).filter(|&row| !losses[row].is_finite()).collect();
    console::remark_non_finite(&source.to_string(), &none, consequence);
    Ok(losses)
}
