//! What can be wrong with data: each message says what was found, where, and what was
//! expected.

use std::path::PathBuf;

/// An error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Two lengths that must agree do not.
    #[error("{what}: {found} given, expected {expected}")]
    Length {
        /// Which length.
        what: &'static str,
        /// The length given.
        found: usize,
        /// The length expected.
        expected: usize,
    },
    /// A feature is NaN or infinite.
    #[error("the feature in row {row}, column {column} is {value}, expected a finite number")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The value found.
        value: f32,
    },
    /// A label is not below the number of classes.
    #[error("the label of row {row} is {label}, expected less than {classes}, the number of classes")]
    Label {
        /// The row, from 0.
        row: usize,
        /// The label found.
        label: u32,
        /// The number of classes.
        classes: usize,
    },
    /// An index is not below the number of samples.
    #[error("sample {index} asked for, expected less than {samples}, the number of samples")]
    Index {
        /// The index asked for.
        index: usize,
        /// The number of samples.
        samples: usize,
    },
    /// An argument lies outside its range.
    #[error("{what} is {found}, expected {expected}")]
    Range {
        /// Which argument.
        what: &'static str,
        /// The value given.
        found: f64,
        /// The range expected, in words.
        expected: &'static str,
    },
    /// A split would leave one side empty.
    #[error(
        "a test fraction of {fraction} of {samples} samples leaves {train} to train on and {test} to test on, \
         expected at least one of each"
    )]
    EmptySplit {
        /// The fraction asked for.
        fraction: f64,
        /// The samples there are.
        samples: usize,
        /// Those left for training.
        train: usize,
        /// Those left for testing.
        test: usize,
    },
    /// A file could not be opened or read.
    #[error("{file}: {source}")]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of a CSV file cannot be read as one: bad quoting, bad UTF-8.
    #[error("{file}: {message}, expected comma-separated UTF-8 text")]
    Syntax {
        /// The file.
        file: PathBuf,
        /// What the parser said, with the line.
        message: String,
    },
    /// A cell of a CSV file holds something else than it should.
    #[error("{file}: line {line}, column {column}: found {value:?}, expected {expected}")]
    Cell {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column: its name, or its number from 1 in a file without a header.
        column: String,
        /// The text found.
        value: String,
        /// What was expected, in words.
        expected: &'static str,
    },
    /// A line of a CSV file has another number of cells than the first.
    #[error("{file}: line {line} has {found} cells, expected {expected} as on the first line")]
    Ragged {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Cells found.
        found: usize,
        /// Cells expected.
        expected: usize,
    },
    /// A CSV file as a whole is no data set.
    #[error("{file}: found {found}, expected {expected}")]
    File {
        /// The file.
        file: PathBuf,
        /// What was found, in words.
        found: String,
        /// What was expected, in words.
        expected: &'static str,
    },
}
