//! Any CSV file as a data set.
//!
//! - **Header.** The first line is a header when none of its cells but the last is a
//!   number, or when a cell is named `label` or `flipped`, or when its cells are 0, 1, 2
//!   and so on, as pandas names the columns of an array; otherwise it is data.
//! - **Index.** A column without a name, or `Unnamed: 0`, is pandas' row numbers and is
//!   passed over. Without a header such numbers in the first column are an error.
//! - **Label.** The column named `label`, else the last one. Labels are whole numbers or
//!   names; the distinct ones become classes 0, 1, … in rising order (numbers by value,
//!   names by their bytes).
//! - **Truth.** A column named `flipped` (0, 1, true or false) says which labels are
//!   known to be wrong.
//! - Every other column is a feature and must hold finite numbers.
//!
//! Names are compared without regard to case; blanks around a cell are dropped.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ::csv::{ReaderBuilder, StringRecord, Trim};

use super::dataset::Dataset;
use super::error::DataError;

/// Reads the file at `path`; the set is named after the file.
///
/// # Errors
/// A file that cannot be read; a bad cell, named by file, line, column and value; a line
/// of another length; fewer than two classes; no feature column.
pub fn read(path: impl AsRef<Path>) -> Result<Dataset, DataError> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|source| DataError::Read { file: path.to_owned(), source })?;
    from_reader(file, path)
}

/// Reads CSV text; `path` is its name in errors, and its stem the set's name.
///
/// # Errors
/// As [`read`].
pub fn from_reader(reader: impl Read, path: &Path) -> Result<Dataset, DataError> {
    let read = Cell::new(0);
    let mut records = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(Bounded { reader, read: &read })
        .into_records()
        .inspect(|_| read.set(0));
    let Some(first) = records.next() else {
        return Err(file_error(path, "an empty file".into(), "at least one line of numbers and a label"));
    };
    let first = first.map_err(|e| parse_error(path, e))?;
    let columns = Columns::find(&first, path)?;
    let mut rows = Rows::default();
    if !columns.header {
        rows.push(&first, &columns, path)?;
    }
    for record in records {
        rows.push(&record.map_err(|e| parse_error(path, e))?, &columns, path)?;
    }
    rows.finish(&columns, path)
}

/// The most bytes of a line, and of what quotation marks make one of several.
const LONGEST_LINE: u64 = 16 << 20;

/// A reader that refuses to go on where no line ends.
struct Bounded<'a, R> {
    reader: R,
    /// Bytes since the last line's end was seen.
    read: &'a Cell<u64>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(bytes)?;
        self.read.set(self.read.get() + count as u64);
        if self.read.get() <= LONGEST_LINE {
            return Ok(count);
        }
        Err(io::Error::other(format!(
            "a line is longer than {LONGEST_LINE} bytes, or a quotation mark is not closed"
        )))
    }
}

/// Which column is what.
struct Columns {
    names: Vec<String>,
    label: usize,
    flipped: Option<usize>,
    /// Those that pandas puts its row numbers into.
    indices: Vec<usize>,
    header: bool,
}

/// The fewest rows whose first cells, 0, 1, 2 and so on, are taken for their numbers.
const COUNTED: usize = 8;

impl Columns {
    fn find(first: &StringRecord, path: &Path) -> Result<Self, DataError> {
        let place = |name: &str| first.iter().position(|cell| cell.eq_ignore_ascii_case(name));
        let (label, flipped) = (place("label"), place("flipped"));
        let last = first.len().saturating_sub(1);
        let indices: Vec<usize> = first
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell.is_empty() || cell.starts_with("Unnamed:"))
            .map(|(at, _)| at)
            .collect();
        let named = || first.iter().enumerate().filter(|(at, _)| !indices.contains(at));
        let is_numbered = named().enumerate().all(|(number, (_, cell))| cell.parse() == Ok(number));
        if is_numbered && first.len() == 2 && indices.is_empty() {
            let expected = "names of the columns, or other numbers: these may be pandas' names or a sample";
            return Err(file_error(path, "0 and 1 on the first line".into(), expected));
        }
        let header = label.is_some()
            || flipped.is_some()
            || is_numbered
            || (first.len() > 1 && first.iter().take(last).all(|cell| cell.parse::<f64>().is_err()));
        // With a column of truth at the end, the last of the others is the label.
        let label = label.unwrap_or(if flipped == Some(last) { last.saturating_sub(1) } else { last });
        let indices = if header { indices } else { Vec::new() };
        if first.len() < 2 + usize::from(flipped.is_some()) + indices.len() {
            let expected =
                "at least one column of numbers beside the label (and `flipped`), separated by commas";
            return Err(file_error(path, format!("{} columns", first.len()), expected));
        }
        let names = if header {
            first.iter().map(str::to_owned).collect()
        } else {
            (1..=first.len()).map(|number| number.to_string()).collect()
        };
        Ok(Self { names, label, flipped, indices, header })
    }

    /// Numbers that each sample has.
    fn features(&self) -> usize {
        self.names.len() - 1 - usize::from(self.flipped.is_some()) - self.indices.len()
    }
}

/// The rows read so far, labels still as text with their lines.
#[derive(Default)]
struct Rows {
    features: Vec<f32>,
    labels: Vec<(u64, String)>,
    flipped: Vec<bool>,
}

impl Rows {
    fn push(&mut self, record: &StringRecord, columns: &Columns, path: &Path) -> Result<(), DataError> {
        let line = record.position().map_or(0, ::csv::Position::line);
        if record.len() != columns.names.len() {
            let (found, expected) = (record.len(), columns.names.len());
            return Err(DataError::Ragged { file: path.to_owned(), line, found, expected });
        }
        for (at, cell) in record.iter().enumerate() {
            let bad = |expected| cell_error(path, line, &columns.names[at], cell, expected);
            if columns.indices.contains(&at) {
                continue;
            }
            if at == columns.label {
                if cell.is_empty() {
                    return Err(bad("a label"));
                }
                self.labels.push((line, cell.to_owned()));
            } else if Some(at) == columns.flipped {
                self.flipped.push(match cell {
                    "1" => true,
                    "0" => false,
                    _ if cell.eq_ignore_ascii_case("true") => true,
                    _ if cell.eq_ignore_ascii_case("false") => false,
                    _ => return Err(bad("0, 1, true or false")),
                });
            } else {
                let value: f32 = cell.parse().map_err(|_| bad("a finite number"))?;
                if !value.is_finite() {
                    return Err(bad("a finite number that 32-bit floats can hold"));
                }
                self.features.push(value);
            }
        }
        Ok(())
    }

    fn finish(self, columns: &Columns, path: &Path) -> Result<Dataset, DataError> {
        let (labels, names) = classes(&self.labels, &columns.names[columns.label], path)?;
        if names.len() < 2 {
            let found = format!("{} distinct labels in column {}", names.len(), columns.names[columns.label]);
            return Err(file_error(path, found, "at least two classes"));
        }
        let dim = columns.features();
        let counts = |(row, first): (usize, &f32)| *first == row as f32;
        if !columns.header
            && labels.len() >= COUNTED
            && self.features.iter().step_by(dim.max(1)).enumerate().all(counts)
        {
            let expected = "numbers of each sample: write the file without them (pandas: index=False), or name the columns";
            return Err(file_error(path, "the numbers of the rows in column 1".into(), expected));
        }
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let set = Dataset::new(name, self.features, labels, dim, names.len())?.with_class_names(names)?;
        if columns.flipped.is_some() { set.with_truth(self.flipped) } else { Ok(set) }
    }
}

/// Labels as classes 0, 1, … in rising order, and the names of the classes.
fn classes(
    labels: &[(u64, String)],
    column: &str,
    path: &Path,
) -> Result<(Vec<u32>, Vec<String>), DataError> {
    let numbers: Option<Vec<f64>> =
        labels.iter().map(|(_, text)| text.parse().ok().filter(|x: &f64| x.is_finite())).collect();
    let Some(numbers) = numbers else {
        return Ok(numbered(labels.iter().map(|(_, text)| text.clone()), |name| name.clone()));
    };
    // Above 2^53 an f64 no longer tells neighbouring whole numbers apart.
    if let Some(at) =
        numbers.iter().position(|&x| libm::trunc(x) != x || libm::fabs(x) > 9_007_199_254_740_992.0)
    {
        let (line, text) = &labels[at];
        return Err(cell_error(path, *line, column, text, "a whole number or a name as label"));
    }
    Ok(numbered(numbers.iter().map(|&x| x as i64), ToString::to_string))
}

fn numbered<K: Ord + Clone>(
    keys: impl Iterator<Item = K> + Clone,
    name: impl Fn(&K) -> String,
) -> (Vec<u32>, Vec<String>) {
    let mut order: BTreeMap<K, u32> = keys.clone().map(|key| (key, 0)).collect();
    order.values_mut().zip(0..).for_each(|(number, next)| *number = next);
    (keys.map(|key| order[&key]).collect(), order.keys().map(name).collect())
}

fn cell_error(path: &Path, line: u64, column: &str, value: &str, expected: &'static str) -> DataError {
    DataError::Cell {
        file: path.to_owned(),
        line,
        column: column.to_owned(),
        value: value.to_owned(),
        expected,
    }
}

fn file_error(path: &Path, found: String, expected: &'static str) -> DataError {
    DataError::File { file: path.to_owned(), found, expected }
}

fn parse_error(path: &Path, error: ::csv::Error) -> DataError {
    let file = path.to_owned();
    let message = error.to_string();
    match error.into_kind() {
        ::csv::ErrorKind::Io(source) => DataError::Read { file, source },
        _ => DataError::Syntax { file, message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Dataset, DataError> {
        from_reader(text.as_bytes(), Path::new("some/set.csv"))
    }

    fn complaint(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn without_a_header_the_last_column_is_the_label() {
        let set = parse("1,2,0\n3,4,1\n").unwrap();
        assert_eq!((set.name(), set.dim(), set.len()), ("set", 2, 2));
        assert_eq!(set.features(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(set.labels(), [0, 1]);
        assert_eq!(set.flipped(), None);
    }

    #[test]
    fn with_a_header_the_label_and_the_truth_are_found_by_name() {
        let set = parse("Label, a ,flipped,b\n1,0.5,0,-1e-3\n0,2,true,4\n").unwrap();
        assert_eq!(set.features(), [0.5, -1e-3, 2.0, 4.0]);
        assert_eq!(set.labels(), [1, 0]);
        assert_eq!(set.flipped().unwrap(), [false, true]);
        let set = parse("a,b,class\n1,2,0\n3,4,1\n").unwrap();
        assert_eq!((set.len(), set.labels()), (2, &[0, 1][..]));
        let set = parse("a,species,flipped\n1,2,0\n3,4,1\n").unwrap();
        assert_eq!(set.class_names(), ["2", "4"]);
        // Columns that are named by numbers, as tables often are.
        assert_eq!(parse("0,1,label\n5,6,0\n7,8,1\n").unwrap().len(), 2);
        assert_eq!(parse("0,kind,flipped\n5,a,0\n7,b,1\n").unwrap().len(), 2);
    }

    #[test]
    fn what_pandas_writes_of_itself_is_no_feature_and_no_sample() {
        // to_csv, and the same read and written once more.
        for index in ["", "Unnamed: 0"] {
            let set = parse(&format!("{index},x,label,y\n0,5,0,6\n1,7,1,8\n")).unwrap();
            assert_eq!((set.dim(), set.features()), (2, &[5.0, 6.0, 7.0, 8.0][..]));
        }
        let set = parse(",0,1,2\n0,5,6,0\n1,7,8,1\n").unwrap();
        assert_eq!((set.dim(), set.labels()), (2, &[0, 1][..]));
        let set = parse("0,1,2\n5,6,0\n7,8,1\n").unwrap();
        assert_eq!((set.len(), set.features()), (2, &[5.0, 6.0, 7.0, 8.0][..]));
        assert!(complaint("0,1\n5,0\n7,1\n").contains("0 and 1 on the first line"));
        // header=False.
        let rows: String = (0..8).map(|row| format!("{row},{},{}\n", 3 * row, row % 2)).collect();
        assert!(complaint(&rows).contains("the numbers of the rows in column 1"));
        assert_eq!(parse(&format!("t,x,label\n{rows}")).unwrap().dim(), 2);
    }

    #[test]
    fn labels_become_classes_in_rising_order_numbers_by_value_and_names_by_bytes() {
        let set = parse("1,10\n2,9\n3,-1\n4,10.0\n").unwrap();
        assert_eq!(set.labels(), [2, 1, 0, 2]);
        assert_eq!(set.class_names(), ["-1", "9", "10"]);
        let set = parse("1,virginica\n2,setosa\n3,10\n").unwrap();
        assert_eq!(set.labels(), [2, 1, 0]);
        assert_eq!(set.class_names(), ["10", "setosa", "virginica"]);
    }

    #[test]
    fn a_bad_cell_is_named_by_file_line_column_and_value() {
        assert_eq!(
            complaint("a,b,label\n1,2,0\n1,x,1\n"),
            "some/set.csv: line 3, column b: found \"x\", expected a finite number"
        );
        assert_eq!(
            complaint("1,2,0\n1,,1\n"),
            "some/set.csv: line 2, column 2: found \"\", expected a finite number"
        );
        assert_eq!(
            complaint("1,oops,0\n1,2,1\n"),
            "some/set.csv: line 1, column 2: found \"oops\", expected a finite number"
        );
        assert!(complaint("1,NaN,0\n").contains("\"NaN\""));
        assert!(complaint("1,1e39,0\n").contains("32-bit"));
        assert!(complaint("1,0\n2,\n").ends_with("line 2, column 2: found \"\", expected a label"));
        assert!(
            complaint("1,0\n2,0.5\n").contains("line 2, column 2: found \"0.5\", expected a whole number")
        );
        assert!(complaint("a,label,flipped\n1,0,maybe\n").contains("column flipped: found \"maybe\""));
    }

    #[test]
    fn a_file_that_is_no_data_set_is_refused() {
        assert_eq!(
            complaint("1,2,0\n1,2\n"),
            "some/set.csv: line 2 has 2 cells, expected 3 as on the first line"
        );
        assert!(complaint("").contains("an empty file"));
        assert!(complaint("1\n2\n").contains("1 columns"));
        assert!(complaint("label,flipped\n1,0\n").contains("2 columns"));
        assert!(complaint("1,0\n2,0\n").contains("1 distinct labels"));
        assert!(complaint("a,label\n").contains("0 distinct labels"));
        let error = from_reader(&b"1,0\n\xff,1\n"[..], Path::new("set.csv")).unwrap_err().to_string();
        assert!(error.starts_with("set.csv: ") && error.contains("line 2"), "{error}");
        let error = from_reader(io::repeat(b'1'), Path::new("set.csv")).unwrap_err().to_string();
        assert!(error.contains("a line is longer than 16777216 bytes"), "{error}");
        let open = b"1,0\n\"1,0\n".chain(io::repeat(b'\n'));
        let error = from_reader(open, Path::new("set.csv")).unwrap_err().to_string();
        assert!(error.contains("or a quotation mark is not closed"), "{error}");
        let error = read("no/such/file.csv").unwrap_err().to_string();
        assert!(error.starts_with("no/such/file.csv: "), "{error}");
    }
}
