//! Labels as text: a line for each sample in a `.txt`, a cell of each line in a `.csv` or
//! `.tsv`.
//!
//! In a table the labels are the column named `label`, `group`, `class` or the like; or
//! the only column; or the only one beside the rows' numbers, which pandas writes into a
//! first column without a name. A first line that names the column is known by its being
//! one more than there are samples.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::FileError;

/// How labels stand in a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A label is a line.
    Lines,
    /// A label is a cell of a line, between these.
    Table(u8),
}

impl Format {
    /// What the ending of a path asks for.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "txt" => Some(Self::Lines),
            "csv" => Some(Self::Table(b',')),
            "tsv" => Some(Self::Table(b'\t')),
            _ => None,
        }
    }
}

/// The labels of a file, each with its line, without the one that names the column.
pub(super) struct Lines {
    /// One more than were wanted, at most.
    pub(super) labels: Vec<(u64, String)>,
    /// As many as there are.
    pub(super) count: usize,
}

/// Which column of a table the labels are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Names that it goes by.
    pub(super) names: &'static [&'static str],
    /// What is expected of a table that has none.
    pub(super) expected: &'static str,
}

impl Column {
    fn is_named(self, cell: &str) -> bool {
        self.names.iter().any(|name| cell.eq_ignore_ascii_case(name))
    }
}

/// The longest line that is believed.
const LONGEST_LINE: usize = 1 << 16;

/// Reads the labels of `rows` samples.
pub(super) fn read(path: &Path, format: Format, column: Column, rows: usize) -> Result<Lines, FileError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|e| FileError::io(&name, "open it", e))?;
    if file.metadata().is_ok_and(|about| about.is_dir()) {
        return Err(FileError::Directory { file: name });
    }
    let since = Cell::new(0);
    let mut found = Found { column, rows, header: None, labels: Vec::new(), count: 0 };
    match format {
        Format::Lines => lines(
            &name,
            BufReader::new(ShortLines { inner: file, since: &since, by_line: true }),
            &mut found,
        )?,
        Format::Table(delimiter) => {
            table(&name, ShortLines { inner: file, since: &since, by_line: false }, delimiter, &mut found)?
        }
    }
    Ok(found.finish())
}

/// What was read so far.
struct Found {
    column: Column,
    rows: usize,
    /// The first line's label, once it is known to name the column.
    header: Option<String>,
    labels: Vec<(u64, String)>,
    count: usize,
}

impl Found {
    fn push(&mut self, line: u64, label: &str) {
        self.count += 1;
        // The one beyond may be due to a header.
        if self.labels.len() <= self.rows {
            self.labels.push((line, label.to_owned()));
        }
    }

    fn finish(mut self) -> Lines {
        if self.header.is_none() && self.names_the_column() {
            self.labels.remove(0);
            self.count -= 1;
        }
        Lines { labels: self.labels, count: self.count }
    }

    /// Whether the first line is no label: it is called as such columns are, or is no
    /// number where all others are, or occurs once where there is one line too many.
    fn names_the_column(&self) -> bool {
        let Some(((_, first), others)) = self.labels.split_first() else { return false };
        let is_number = |text: &str| text.parse::<f64>().is_ok();
        let is_named = self.column.is_named(first);
        let apart = !is_number(first)
            && !others.is_empty()
            && (others.iter().all(|(_, text)| is_number(text))
                || (self.count == self.rows.saturating_add(1)
                    && others.iter().all(|(_, text)| text != first)));
        is_named || apart
    }
}

/// Each line that is not empty; `#` begins a remark.
fn lines(name: &str, text: impl BufRead, found: &mut Found) -> Result<(), FileError> {
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.map_err(|e| FileError::io(name, "read", e))?;
        let label = line.trim_start_matches('\u{feff}').trim();
        if !label.is_empty() && !label.starts_with('#') {
            found.push(number, label);
        }
    }
    Ok(())
}

/// One cell of each line.
fn table(name: &str, text: ShortLines<'_, File>, delimiter: u8, found: &mut Found) -> Result<(), FileError> {
    let since = text.since;
    let reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .delimiter(delimiter)
        .from_reader(text);
    let refuse = |expected: &str, found: String| FileError::Step {
        file: name.to_owned(),
        expected: expected.to_owned(),
        found,
    };
    let mut place = None;
    for record in reader.into_records() {
        since.set(0);
        let record = record.map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(cause) => FileError::io(name, "read", cause),
            csv::ErrorKind::Utf8 { err, pos } => {
                let line = pos.map_or(0, |at| at.line());
                refuse("UTF-8 text", format!("line {line}, where {err}"))
            }
            other => refuse("separated values", format!("{other:?}")),
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let column = match place {
            Some((column, _)) => column,
            None => {
                let (column, header) = column(&record, found.column).ok_or_else(|| {
                    let cells: Vec<&str> = record.iter().take(8).collect();
                    refuse(found.column.expected, format!("{cells:?}"))
                })?;
                place = Some((column, record.len()));
                if let Some(header) = header {
                    found.header = Some(header);
                    continue;
                }
                column
            }
        };
        let expected = place.map_or(0, |(_, cells)| cells);
        match record.get(column).filter(|label| !label.is_empty()) {
            Some(label) if record.len() == expected => found.push(line, label),
            Some(_) => {
                let text = format!("{} on line {line}", record.len());
                return Err(refuse(&format!("{expected} cells a line, as the first has"), text));
            }
            None => return Err(refuse("a label on every line", format!("none on line {line}"))),
        }
    }
    Ok(())
}

/// Which cell of a line is the label, as the first line says, and the column's name if it
/// has one.
fn column(first: &StringRecord, of: Column) -> Option<(usize, Option<String>)> {
    if first.len() == 1 {
        return Some((0, None));
    }
    let named = first.iter().position(|cell| of.is_named(cell));
    // pandas writes the rows' numbers into a first column without a name.
    let is_index = |cell: &str| cell.is_empty() || cell.starts_with("Unnamed:");
    let beside = (first.len() == 2 && first.get(0).is_some_and(is_index)).then_some(1);
    let column = named.or(beside)?;
    Some((column, first.get(column).map(str::to_owned)))
}

/// Refuses a line without an end, and a quotation mark without another: no label is so
/// long.
struct ShortLines<'a, R> {
    inner: R,
    /// Bytes since the last end of a line, or since whoever reads set it to zero.
    since: &'a Cell<usize>,
    by_line: bool,
}

impl<R: Read> Read for ShortLines<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        let new = &buffer[..got];
        let ends = |byte: &u8| self.by_line && matches!(byte, b'\n' | b'\r');
        self.since.set(new.iter().rposition(ends).map_or(self.since.get() + got, |last| got - 1 - last));
        if self.since.get() > LONGEST_LINE {
            let or = if self.by_line { "" } else { ", or a quotation mark is not closed" };
            let text = format!("a line is longer than {LONGEST_LINE} bytes{or}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(got)
    }
}
