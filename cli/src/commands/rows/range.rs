//! Rows that are not finite, and those that are, but not within the range of `f32`: two
//! different things to their owner.

use super::file::Rows;
use crate::commands::console;

impl Rows {
    /// Whether a row's entries are finite, and some of them too large for `f32`.
    pub(in crate::commands) fn is_out_of_range(&self, row: usize) -> bool {
        self.out_of_range.contains_key(&row)
    }

    /// Says why these rows are left out or marked, and what follows for them.
    pub(in crate::commands) fn remark_non_finite(&self, rows: &[usize], consequence: &str) {
        let (beyond, non_finite): (Vec<usize>, Vec<usize>) =
            rows.iter().partition(|&&row| self.is_out_of_range(row));
        console::remark_non_finite(self.name(), &non_finite, consequence);
        if let Some((first, column)) = beyond.first().and_then(|row| self.out_of_range.get_key_value(row)) {
            let which = match beyond.len() {
                1 => format!(
                    "row {first} has a finite entry too large for f32 (at most 3.4e38), in column {column}"
                ),
                n => format!(
                    "{n} rows have finite entries too large for f32 (at most 3.4e38), the first of them row {first} in column {column}"
                ),
            };
            console::remark(format!("{}: {which}; {consequence}", self.name()));
        }
    }

    /// Says which rows are finite, and too large for `what` is computed of them.
    pub(in crate::commands) fn remark_beyond(&self, rows: &[usize], what: &str, consequence: &str) {
        if let Some(first) = rows.first() {
            let which = match rows.len() {
                1 => format!("row {first} is finite, but too large for"),
                n => format!("{n} rows are finite, but too large for (the first is row {first})"),
            };
            console::remark(format!("{}: {which} {what}; {consequence}", self.name()));
        }
    }
}
