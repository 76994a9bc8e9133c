//! What there is to see of samples, read from files: of those rows only that are shown.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use super::images::images;
use super::plan::See;
use super::wanted::Wanted;
use crate::commands::CommandError;
use crate::commands::inputs::refuse;
use gradsieve_io::files::FileError;
use gradsieve_report::Content;

/// What there is to see of each row that is wanted.
///
/// # Errors
/// Files that cannot be read, or that have no sample for a row.
pub(super) fn contents(see: &See, wanted: &Wanted<'_>) -> Result<BTreeMap<usize, Content>, CommandError> {
    match see {
        See::Nothing => Ok(BTreeMap::new()),
        See::Images(argument, path) => images(argument, path, wanted),
        See::Texts(argument, path) if is_table(path).is_none() => lines(argument, path, wanted),
        See::Texts(argument, path) => texts(argument, path, wanted),
        See::Table(argument, path) => {
            let table = Table::read(argument, path, wanted)?;
            let fields =
                |cells: Vec<String>| Content::Fields(table.names.iter().cloned().zip(cells).collect());
            Ok(table.rows.into_iter().map(|(row, cells)| (row, fields(cells))).collect())
        }
    }
}

/// The content of a row, which is taken out once for each place it stands at.
pub(super) fn of(contents: &BTreeMap<usize, Content>, row: usize) -> Content {
    contents.get(&row).cloned().unwrap_or_default()
}

/// Bytes of a line that are kept: more are not shown.
const LINE: u64 = 1 << 16;

/// What is between the cells of a table, by the ending of its name.
fn is_table(path: &Path) -> Option<u8> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "csv" => Some(b','),
        "tsv" => Some(b'\t'),
        _ => None,
    }
}

fn open(path: &Path) -> Result<File, CommandError> {
    let file = path.display().to_string();
    if path.is_dir() {
        return Err(FileError::Directory { file }.into());
    }
    Ok(File::open(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => FileError::Missing { file },
        _ => FileError::Io { file, action: "open it", cause },
    })?)
}

fn refuse_count<T>(
    argument: &'static str,
    path: &Path,
    found: usize,
    wanted: &Wanted<'_>,
) -> Result<T, CommandError> {
    let Wanted { count, of, .. } = wanted;
    refuse(
        argument,
        format!("{count} samples, one for each row of {of}"),
        format!("{found} in {}", path.display()),
    )
}

/// A text is a line.
fn lines(
    argument: &'static str,
    path: &Path,
    wanted: &Wanted<'_>,
) -> Result<BTreeMap<usize, Content>, CommandError> {
    let failed = |cause| FileError::Io { file: path.display().to_string(), action: "read", cause };
    let mut reader = BufReader::new(open(path)?);
    let (mut found, mut count) = (BTreeMap::new(), 0);
    loop {
        let mut line = Vec::new();
        if reader.by_ref().take(LINE).read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        if line.last() != Some(&b'\n') {
            reader.skip_until(b'\n').map_err(failed)?;
        }
        if wanted.rows.contains(&count) {
            let text = String::from_utf8_lossy(&line);
            found.insert(count, Content::Text(text.trim_end_matches(['\n', '\r']).to_owned()));
        }
        count += 1;
    }
    if count != wanted.count { refuse_count(argument, path, count, wanted) } else { Ok(found) }
}

/// Names by which a column of texts goes.
const TEXTS: [&str; 8] = ["text", "texts", "sentence", "content", "document", "prompt", "message", "review"];

/// A text is a cell of each row.
fn texts(
    argument: &'static str,
    path: &Path,
    wanted: &Wanted<'_>,
) -> Result<BTreeMap<usize, Content>, CommandError> {
    let table = Table::read(argument, path, wanted)?;
    let is_named = |name: &String| TEXTS.iter().any(|text| name.eq_ignore_ascii_case(text));
    let column = match table.names.len() {
        1 => Some(0),
        _ => table.names.iter().position(is_named),
    };
    let Some(column) = column else {
        let found = format!("the columns {} in {}", table.names.join(", "), path.display());
        return refuse(argument, "one column, or one that is named text", found);
    };
    let text = |mut cells: Vec<String>| Content::Text(std::mem::take(&mut cells[column]));
    Ok(table.rows.into_iter().map(|(row, cells)| (row, text(cells))).collect())
}

/// Rows of a table.
struct Table {
    names: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

impl Table {
    /// Reads the rows that are wanted. The first line names the columns if it is one more
    /// than there are samples.
    fn read(argument: &'static str, path: &Path, wanted: &Wanted<'_>) -> Result<Self, CommandError> {
        let Some(delimiter) = is_table(path) else {
            return refuse(argument, "a file that ends in .csv or .tsv", path.display().to_string());
        };
        let failed = |error: csv::Error| {
            CommandError::step(&path.display().to_string(), "a table".to_owned(), error.to_string())
        };
        let reader = || {
            let file = BufReader::new(open(path)?);
            let builder =
                || csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(file);
            Ok::<_, CommandError>(builder())
        };
        let (mut count, mut record) = (0, csv::ByteRecord::new());
        let mut counted = reader()?;
        while counted.read_byte_record(&mut record).map_err(failed)? {
            count += 1;
        }
        let names_columns = match count {
            count if count == wanted.count + 1 => true,
            count if count == wanted.count => false,
            count => return refuse_count(argument, path, count, wanted),
        };
        let cells = |record: &csv::ByteRecord| -> Vec<String> {
            record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
        };
        let mut table = Self { names: Vec::new(), rows: Vec::new() };
        let (mut reader, mut line) = (reader()?, 0);
        while reader.read_byte_record(&mut record).map_err(failed)? {
            if line == 0 {
                let number = |column: usize| format!("column {}", column + 1);
                table.names =
                    if names_columns { cells(&record) } else { (0..record.len()).map(number).collect() };
            }
            if let Some(row) = (line + usize::from(!names_columns)).checked_sub(1)
                && wanted.rows.contains(&row)
                && (line > 0 || !names_columns)
            {
                table.rows.push((row, cells(&record)));
            }
            line += 1;
        }
        Ok(table)
    }
}
