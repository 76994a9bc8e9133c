//! What the program says: results on standard output, remarks and errors on standard
//! error, and how far a long pass has come.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::CommandError;
use super::escaped::{escaped, escaped_json, escaped_lines};
use gradsieve_io::store::StoreReader;

/// Prints a line of the result to standard output, or some: what names bring along is
/// escaped but for their ends of lines, which [`escaped`] is for.
pub(super) fn print(text: impl Display) -> Result<(), CommandError> {
    Ok(writeln!(io::stdout().lock(), "{}", escaped_lines(&text))?)
}

/// Prints a result as JSON, one object, to standard output.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), CommandError> {
    let json = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    Ok(writeln!(io::stdout().lock(), "{}", escaped_json(&json))?)
}

/// Says something that is not the result, on standard error. (There is nobody to tell if
/// that fails.)
pub(super) fn remark(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "gradsieve: {}", escaped(&line));
}

/// Says why the program stops, as one line.
pub(super) fn complain(error: &CommandError) {
    remark(error);
}

/// Names the rows that are not finite, if any.
pub(super) fn remark_non_finite(file: &str, rows: &[usize], consequence: &str) {
    if let Some(first) = rows.first() {
        let which = match rows.len() {
            1 => format!("row {first} has NaN or infinite entries"),
            n => format!("{n} rows have NaN or infinite entries: {}", list(rows)),
        };
        remark(format!("{file}: {which}; {consequence}"));
    }
}

/// Says that a writer died, if one did.
pub(super) fn remark_torn(store: &StoreReader) {
    if store.torn() > 0 {
        remark(format!(
            "{}: {} bytes behind the committed rows are left out; their writer has not ended, or died",
            store.name(),
            store.torn()
        ));
    }
}

/// Numbers for a sentence, at most twenty of them.
fn list(numbers: &[usize]) -> String {
    const SHOWN: usize = 20;
    let mut text = numbers.iter().take(SHOWN).map(usize::to_string).collect::<Vec<_>>().join(", ");
    if numbers.len() > SHOWN {
        text += &format!(" and {} others", numbers.len() - SHOWN);
    }
    text
}

/// An empty table whose columns, numbers all, stand to the right.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().copied());
    table.discover_columns();
    table.column_iter_mut().for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// How far a pass over a file has come: a bar on a terminal, if the pass takes longer
/// than a second; elsewhere (a log) a line every few seconds.
pub(super) struct Progress {
    what: String,
    rows: usize,
    begun: Instant,
    /// When there is something to show next.
    next: Instant,
    is_terminal: bool,
    bar: Option<ProgressBar>,
}

/// How long a pass may take before a bar is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a log waits for its next line.
const LINE_EVERY: Duration = Duration::from_secs(5);

impl Progress {
    pub(super) fn new(what: impl Into<String>, rows: usize) -> Self {
        let (begun, is_terminal) = (Instant::now(), io::stderr().is_terminal());
        let next = begun + if is_terminal { PATIENCE } else { LINE_EVERY };
        Self { what: escaped(&what.into()), rows, begun, next, is_terminal, bar: None }
    }

    /// `done` rows are done.
    pub(super) fn reach(&mut self, done: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
            return;
        }
        let now = Instant::now();
        if now < self.next {
            return;
        }
        if self.is_terminal {
            self.show(done);
        } else {
            remark(self.line(done));
            self.next = now + LINE_EVERY;
        }
    }

    /// How far it is, for a log.
    fn line(&self, done: usize) -> String {
        let (what, rows, seconds) = (&self.what, self.rows, self.begun.elapsed().as_secs());
        let percent = (100 * done as u128).checked_div(rows as u128).unwrap_or(100);
        format!("{what}: {done} of {rows} ({percent} %), {seconds} s")
    }

    fn show(&mut self, done: usize) {
        let target = ProgressDrawTarget::stderr_with_hz(5);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} rows, {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(self.rows as u64), target)
            .with_style(style)
            .with_message(self.what.clone())
            .with_elapsed(self.begun.elapsed());
        bar.set_position(done as u64);
        self.bar = Some(bar);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// A number with six significant digits.
pub(super) fn significant(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude == 0.0 || !magnitude.is_finite() {
        number.to_string()
    } else if (1e-3..1e6).contains(&magnitude) {
        let decimals = (5.0 - magnitude.log10().floor()).clamp(0.0, 8.0) as usize;
        format!("{number:.decimals$}")
    } else {
        format!("{number:.5e}")
    }
}

/// Memory in the unit that suits it.
pub(super) fn bytes(bytes: usize) -> String {
    match bytes {
        0 => "none".to_owned(),
        1..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_significant_digits() {
        let texts =
            [0.0, 1.0, -0.012_345_678, 123_456.7, 1.234_567_8e9, 1e-9, f64::INFINITY].map(significant);
        assert_eq!(texts, ["0", "1.00000", "-0.0123457", "123457", "1.23457e9", "1.00000e-9", "inf"]);
    }

    #[test]
    fn a_log_hears_how_far_a_pass_is() {
        let line = Progress::new("sketching a\x1b.npy", 200).line(50);
        assert_eq!(line, "sketching a\\u{1b}.npy: 50 of 200 (25 %), 0 s");
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(list(&[3, 5]), "3, 5");
        let long: Vec<usize> = (0..25).collect();
        assert!(list(&long).ends_with("18, 19 and 5 others"));
    }
}
