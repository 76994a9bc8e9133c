//! A column of labels: which class, sensor or client each sample belongs to.
//!
//! Labels are whole numbers of any sign, or names. What they are called does not matter
//! to any result: the distinct ones become groups 0, 1, … in rising order, numbers by
//! value and before names, names by their bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::array::{self, Array};
use super::element::Element;
use super::numbers::float;
use super::{FileError, Source, check_rows, column, labels};

/// What a group is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(untagged)]
pub enum Label {
    /// A whole number.
    Number(i128),
    /// A name.
    Name(String),
}

impl Label {
    /// As it stands; as [`Display`](fmt::Display) shows it, names have quotes.
    pub fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Name(name) => name.clone(),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => write!(f, "{name:?}"),
        }
    }
}

/// The group of each sample, numbered from 0 without gaps in the order of their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    of: Vec<u32>,
    labels: Vec<Label>,
}

impl Groups {
    /// Numbers the groups of samples with these labels.
    pub fn new(labels: &[Label]) -> Self {
        let mut numbers: BTreeMap<&Label, u32> = labels.iter().map(|label| (label, 0)).collect();
        for (number, place) in (0..).zip(numbers.values_mut()) {
            *place = number;
        }
        Self {
            of: labels.iter().map(|label| numbers[label]).collect(),
            labels: numbers.into_keys().cloned().collect(),
        }
    }

    /// The group of each sample.
    pub fn of(&self) -> &[u32] {
        &self.of
    }

    /// What each group is called.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }
}

/// Reads a label for each of the `rows` rows of `other`: an array of integers, booleans,
/// texts, or floats that are whole, with one dimension (or a single column); or a file
/// `.csv`, `.tsv` or `.txt` with a line for each.
///
/// # Errors
/// No such file; no array and no text; another number of labels, of which nothing is read
/// then; a value that is neither a whole number nor a name (the text says which, and
/// where).
pub fn read_groups(source: &Source, other: &str, rows: usize) -> Result<Groups, FileError> {
    const GROUPS: labels::Column = labels::Column {
        names: &["label", "labels", "group", "groups", "class", "target", "y", "subtask"],
        expected: "one column of labels, or one that is named label or group",
    };
    let labels = match text(source) {
        Some((path, format)) => from_text(path, format, GROUPS, other, rows)?,
        None => from_array(source, "groups", other, rows)?,
    };
    Ok(Groups::new(&labels))
}

/// Reads what each of the `rows` rows of `other` is called, from the files that
/// [`read_groups`] takes. In a text file an id is the text as it stands, of a table that
/// of the column named `id` or the like.
///
/// # Errors
/// As [`read_groups`].
pub fn read_ids(source: &Source, other: &str, rows: usize) -> Result<Vec<Label>, FileError> {
    const IDS: labels::Column = labels::Column {
        names: &["id", "ids", "name", "names", "sample", "index", "key", "file", "filename", "path"],
        expected: "one column of ids, or one that is named id or name",
    };
    let Some((path, format)) = text(source) else { return from_array(source, "ids", other, rows) };
    let lines = labels::read(path, format, IDS, rows)?;
    check_rows(other, rows, &path.display().to_string(), lines.count)?;
    Ok(lines.labels.into_iter().map(|(_, text)| Label::Name(text)).collect())
}

/// Reads the id of the sample of each of the `rows` rows of `other`, whole numbers from 0
/// on, from the files that [`read_ids`] takes.
///
/// # Errors
/// As [`read_ids`]; an id that is no whole number, or negative.
pub fn read_sample_ids(source: &Source, other: &str, rows: usize) -> Result<Vec<u64>, FileError> {
    let id = |row: u64, label: Result<Label, String>| {
        let id = label.and_then(|label| match label {
            Label::Number(number) => number.try_into().map_err(|_| number.to_string()),
            Label::Name(text) => text.parse().map_err(|_| text),
        });
        let expected = || "whole numbers from 0 on as ids".to_owned();
        id.map_err(|found| FileError::Step {
            file: source.to_string(),
            expected: expected(),
            found: format!("{found} in row {row}"),
        })
    };
    if text(source).is_none() {
        return from_array_to(source, other, rows, |_, row, label| id(row, label));
    }
    (0..).zip(read_ids(source, other, rows)?).map(|(row, label)| id(row, Ok(label))).collect()
}

/// The path and the format of a source of text.
fn text(source: &Source) -> Option<(&Path, labels::Format)> {
    source.path().and_then(|path| Some((path, labels::Format::of(path)?)))
}

fn from_text(
    path: &Path,
    format: labels::Format,
    column: labels::Column,
    other: &str,
    rows: usize,
) -> Result<Vec<Label>, FileError> {
    let lines = labels::read(path, format, column, rows)?;
    check_rows(other, rows, &path.display().to_string(), lines.count)?;
    let numbers: Vec<Option<f64>> = lines.labels.iter().map(|(_, text)| text.parse().ok()).collect();
    if numbers.contains(&None) {
        return Ok(lines.labels.into_iter().map(|(_, text)| Label::Name(text)).collect());
    }
    let label = |((line, text), number): (&(u64, String), &Option<f64>)| {
        // Digits first: past 2⁵³ a float no longer tells neighbours apart.
        let whole = text.parse().ok().or_else(|| whole(number.unwrap_or(f64::NAN)));
        whole.map(Label::Number).ok_or_else(|| FileError::NotALabel {
            file: path.display().to_string(),
            what: "groups",
            place: "on line",
            index: *line,
            value: text.clone(),
        })
    };
    lines.labels.iter().zip(&numbers).map(label).collect()
}

fn from_array(
    source: &Source,
    what: &'static str,
    other: &str,
    rows: usize,
) -> Result<Vec<Label>, FileError> {
    from_array_to(source, other, rows, |array, index, label| {
        label.map_err(|value| FileError::NotALabel {
            file: array.name.clone(),
            what,
            place: "at index",
            index,
            value,
        })
    })
}

/// What `convert` makes of the labels of an array, each with its index.
fn from_array_to<T>(
    source: &Source,
    other: &str,
    rows: usize,
    convert: impl Fn(&Array, u64, Result<Label, String>) -> Result<T, FileError>,
) -> Result<Vec<T>, FileError> {
    let each = |array: &Array| match &array.element {
        Element::Other(name, _) => Err(FileError::Dtype {
            file: array.name.clone(),
            expected: "integers, booleans, texts or floats that are whole",
            found: name.clone(),
        }),
        Element::Float(dtype) => Ok(dtype.bytes()),
        Element::Bool => Ok(1),
        Element::Int(bytes) | Element::Uint(bytes) | Element::Text { bytes, .. } => Ok(*bytes),
    };
    let array = array::open(source)?;
    const RANK: &str = "a 1-dimensional array (a label for each sample)";
    column::check(&array, RANK, |count| check_rows(other, rows, &source.to_string(), count))?;
    column::read(array, RANK, each, |array, index, bytes| convert(array, index, label(array, bytes)))
}

/// One value, little-endian; the value as text if it is no label.
fn label(array: &Array, bytes: &[u8]) -> Result<Label, String> {
    if let Element::Text { unit, .. } = array.element {
        return characters(bytes, unit).map(Label::Name);
    }
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let unsigned = u64::from_le_bytes(wide);
    let unused = 64 - 8 * bytes.len() as u32;
    match array.element {
        Element::Bool => Ok(Label::Number(i128::from(unsigned != 0))),
        Element::Int(_) => Ok(Label::Number(i128::from((unsigned << unused).cast_signed() >> unused))),
        Element::Float(dtype) => {
            let value = float(dtype, unsigned);
            whole(value).map(Label::Number).ok_or_else(|| value.to_string())
        }
        _ => Ok(Label::Number(i128::from(unsigned))),
    }
}

/// A float that is a whole number, and as such the only one of its bits.
fn whole(value: f64) -> Option<i128> {
    const TOLD_APART: f64 = 9_007_199_254_740_992.0;
    (value.fract() == 0.0 && value.abs() <= TOLD_APART).then_some(value as i128)
}

/// Characters of `unit` bytes, without the zeros that pad them.
fn characters(bytes: &[u8], unit: usize) -> Result<String, String> {
    if unit == 1 {
        let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        return Ok(String::from_utf8_lossy(&bytes[..end]).into_owned());
    }
    let points = bytes.as_chunks().0.iter().map(|unit| u32::from_le_bytes(*unit));
    let text: Option<String> = points.map(char::from_u32).collect();
    let text = text.ok_or("a text that is not Unicode")?;
    Ok(text.trim_end_matches('\0').to_owned())
}
