//! What can be wrong with a file: one enum, whose every text is one sentence for the
//! person at the shell. Causes are part of the sentence (and not `source()`), so no
//! printer repeats them.

use std::fmt;
use std::io;

use super::Dtype;

/// The shape of an array, outermost dimension first. Displays as NumPy does: `(3, 4)`,
/// `(7,)`, `()`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Shape(pub Vec<u64>);

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "({one},)"),
            dimensions => {
                f.write_str("(")?;
                for (i, dimension) in dimensions.iter().enumerate() {
                    write!(f, "{}{dimension}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
        }
    }
}

/// Why a file could not be read or written. `file` is the file as the user named it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant's text says what it and its fields mean")]
pub enum FileError {
    #[error(
        "expected a path to a .npy file, FILE.safetensors#name, DIRECTORY.store or - for standard input, found {argument:?}: {problem}"
    )]
    Argument { argument: String, problem: &'static str },

    #[error("{file}: no such file")]
    Missing { file: String },

    #[error("{file}: expected an array, found a store of sketches; gradsieve export makes an array of it")]
    Store { file: String },

    #[error("{file}: expected one array, found the name of several files; they are one only as a matrix")]
    Shards { file: String },

    #[error("{file}: expected a file, found a directory")]
    Directory { file: String },

    #[error("{file}: could not {action}: {cause}")]
    Io { file: String, action: &'static str, cause: io::Error },

    #[error("{file}: expected a .npy file, which begins with \\x93NUMPY, found {found}")]
    NotNpy { file: String, found: &'static str },

    #[error("{file}: expected a readable .npy header, found that {problem}")]
    NpyHeader { file: String, problem: String },

    #[error("{file}: expected a .npz, a zip archive of .npy files, found that {problem}")]
    NpzArchive { file: String, problem: String },

    #[error("{file}: expected what bergson writes of its gradients, found that {problem}")]
    BergsonInfo { file: String, problem: String },

    #[error("{file}: expected a readable .safetensors header, found that {problem}")]
    SafetensorsHeader { file: String, problem: String },

    #[error("{file}: expected a regular file, found a stream; a .safetensors file cannot be read from one")]
    SafetensorsStream { file: String },

    #[error(
        "{file}: expected another format, for this gradsieve was built without the feature {feature}, which it has by default"
    )]
    NotBuiltIn { file: String, feature: &'static str },

    #[error("{file}: expected at least one tensor, found none")]
    NoTensors { file: String },

    #[error("{file}: expected the name of a tensor, as in {file}#{}; the file holds {}", .names.first().map_or("name", |n| n), list(.names))]
    TensorNotNamed { file: String, names: Vec<String> },

    #[error("{file}: there is no tensor {tensor:?}; the file holds {}", list(.names))]
    UnknownTensor { file: String, tensor: String, names: Vec<String> },

    #[error("{file}: expected {expected}, found shape {shape}")]
    Rank { file: String, expected: &'static str, shape: Shape },

    #[error("{file}: expected at least one value in each dimension, found shape {shape}")]
    Empty { file: String, shape: Shape },

    #[error("{file}: expected a shape whose bytes can be counted, found {shape}")]
    TooLarge { file: String, shape: Shape },

    #[error("{file}: expected {expected}, found dtype {found}")]
    Dtype { file: String, expected: &'static str, found: String },

    #[error(
        "{file}: expected rows one after the other (C order), as a stream must have them, found Fortran order; save it to a file and name that"
    )]
    FortranOrder { file: String },

    #[error("{file}: expected {expected} bytes of values, found {found}; the file is cut short")]
    Truncated { file: String, expected: u64, found: u64 },

    #[error(
        "{file}: expected {expected} bytes of values, found more; the file does not agree with its header"
    )]
    TrailingBytes { file: String, expected: u64 },

    #[error(
        "{file}: expected a file that can be read more than once, found a stream; save it to a file first and name that"
    )]
    OnePassOnly { file: String },

    #[error("{file}: expected a row below {rows}, found row {row}")]
    NoSuchRow { file: String, row: usize, rows: usize },

    #[error("{file}: expected room for {expected} values, found room for {found}")]
    WrongRoom { file: String, expected: usize, found: usize },

    #[error("{file}: expected at most {limit} values to hold in memory, found shape {shape}")]
    NotSmall { file: String, limit: usize, shape: Shape },

    #[error("{file}: expected whole numbers or names as {what}, found {value} {place} {index}")]
    NotALabel { file: String, what: &'static str, place: &'static str, index: u64, value: String },

    #[error("{file}: expected {expected} {what}, as many as {other} has {other_what}, found {found}")]
    Lengths {
        file: String,
        found: usize,
        what: &'static str,
        other: String,
        expected: usize,
        other_what: &'static str,
    },

    #[error("{file}: expected numbers within the range of {dtype}, found {value:e} at index {index}")]
    OutOfType { file: String, value: f64, index: u64, dtype: Dtype },

    #[error("{file}: expected a name that ends in .npy or .safetensors, found one that ends in .{end}")]
    OutputName { file: String, end: String },

    #[error("{file}: cannot write there, the directory {directory} does not exist")]
    NoDirectory { file: String, directory: String },

    #[error("{file}: cannot create a file in the directory {directory}: {cause}")]
    UnwritableDirectory { file: String, directory: String, cause: io::ErrorKind },

    #[error("{file}: expected an output other than the inputs, found the input {input}")]
    OverwritesInput { file: String, input: String },

    #[error("{file}: expected {expected}, found {found}")]
    Step { file: String, expected: String, found: String },

    #[error("{file}: expected {expected} values to write, found {found}")]
    WrongCount { file: String, expected: u64, found: u64 },
}

impl FileError {
    /// Whether the reader of our standard output went away (`gradsieve … -o - | head`):
    /// no fault worth a message.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io { cause, .. } if cause.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Turns an error of the operating system into ours, for `file`, while trying to
    /// `action`.
    pub(crate) fn io(file: &str, action: &'static str, cause: io::Error) -> Self {
        let file = file.to_owned();
        match cause.kind() {
            io::ErrorKind::NotFound => Self::Missing { file },
            io::ErrorKind::IsADirectory => Self::Directory { file },
            _ => Self::Io { file, action, cause },
        }
    }
}

/// Names for a sentence: `"a", "b" and "c"`, at most twenty of them.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut quoted: Vec<String> = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    if names.len() > SHOWN {
        quoted.push(format!("{} others", names.len() - SHOWN));
    }
    match quoted.split_last() {
        None => "no tensors".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Refuses another number than expected.
pub(super) fn check(
    file: &str,
    found: usize,
    what: &'static str,
    other: &str,
    expected: usize,
    other_what: &'static str,
) -> Result<(), FileError> {
    if found == expected {
        return Ok(());
    }
    Err(FileError::Lengths {
        file: file.to_owned(),
        found,
        what,
        other: other.to_owned(),
        expected,
        other_what,
    })
}
