//! Where an array comes from, as an argument of the program names it: `FILE.npy`,
//! `FILE.safetensors#name`, `DIRECTORY.store` or `-`.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::FileError;

const SAFETENSORS: &str = ".safetensors";
const NPZ: &str = ".npz";
const STORE: &str = ".store";

/// An argument that names one array.
///
/// Parsing looks at the text only; whether the file is there is found out when it is
/// opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `-`: a `.npy` file on standard input, which can be read once.
    Stdin,
    /// A path that ends with neither `.safetensors` nor `.store`: a `.npy` file, or a
    /// directory that bergson wrote. A pipe (`<(…)`) will do where one pass does.
    Npy(PathBuf),
    /// `FILE.safetensors#name`; a name that ends in `*` is that of all tensors that begin
    /// so, side by side.
    Safetensors {
        /// The file.
        path: PathBuf,
        /// The tensor's name; may be left out if the file holds exactly one.
        tensor: Option<String>,
    },
    /// `FILE.npz`, or `FILE.npz#name`.
    Npz {
        /// The file.
        path: PathBuf,
        /// The array's name; may be left out if the file holds exactly one.
        array: Option<String>,
    },
    /// `DIRECTORY/`, or `DIRECTORY/NAME-*.npy`: several files that are one matrix
    /// together, rows after rows in the order of their names. With `#name`, the tensor of
    /// each. A directory that bergson wrote is one matrix already.
    Shards {
        /// The directory, or the pattern.
        pattern: PathBuf,
        /// The tensor's name, for `.safetensors` files of more than one.
        tensor: Option<String>,
    },
    /// `DIRECTORY.store`: a store of sketches, which is no array ([`crate::store`]).
    Store(PathBuf),
}

impl Source {
    /// The file's path; none for standard input.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdin => None,
            Self::Npy(path) | Self::Safetensors { path, .. } | Self::Npz { path, .. } | Self::Store(path) => {
                Some(path)
            }
            Self::Shards { pattern, .. } => Some(pattern),
        }
    }

    /// The array that an argument of the operating system names, whose path may be no
    /// Unicode.
    ///
    /// # Errors
    /// As [`Source::from_str`].
    pub fn from_os(argument: &OsStr) -> Result<Self, FileError> {
        if let Some(argument) = argument.to_str() {
            return argument.parse();
        }
        let path = PathBuf::from(argument);
        let ends_with = |ending: &str| path.extension().is_some_and(|end| end == &ending[1..]);
        if ends_with(SAFETENSORS) {
            return Ok(Self::Safetensors { path, tensor: None });
        }
        if ends_with(NPZ) {
            return Ok(Self::Npz { path, array: None });
        }
        if ends_with(STORE) {
            return Ok(Self::Store(path));
        }
        #[cfg(unix)]
        if let Some((path, tensor)) = split_tensor(argument) {
            return Ok(Self::Safetensors { path, tensor: Some(tensor) });
        }
        Ok(Self::Npy(path))
    }
}

/// The parts of `FILE.safetensors#name`, where FILE is no Unicode.
#[cfg(unix)]
fn split_tensor(argument: &OsStr) -> Option<(PathBuf, String)> {
    use std::os::unix::ffi::OsStrExt as _;
    let mark = b".safetensors#";
    let bytes = argument.as_bytes();
    let at = bytes.windows(mark.len()).position(|window| window == mark)? + mark.len();
    let tensor = std::str::from_utf8(&bytes[at..]).ok().filter(|name| !name.is_empty())?;
    Some((OsStr::from_bytes(&bytes[..at - 1]).into(), tensor.to_owned()))
}

/// Whether the last part of a path is a pattern, or there is none: a directory.
fn is_shards(path: &str) -> bool {
    path.ends_with('/') || path.rsplit('/').next().is_some_and(|name| name.contains('*'))
}

impl FromStr for Source {
    type Err = FileError;

    /// # Errors
    /// [`FileError::Argument`]: nothing before or after the `#`, or a `#name` for a
    /// `.npy` file.
    fn from_str(argument: &str) -> Result<Self, FileError> {
        let refuse = |problem| Err(FileError::Argument { argument: argument.to_owned(), problem });
        if argument == "-" {
            return Ok(Self::Stdin);
        }
        if argument.is_empty() {
            return refuse("it is empty");
        }
        let shards = |pattern: &str, tensor| Ok(Self::Shards { pattern: pattern.into(), tensor });
        if let Some((before, tensor)) = argument.split_once(".safetensors#") {
            if tensor.is_empty() {
                return refuse("no tensor's name follows the #");
            }
            let (path, tensor) = (format!("{before}{SAFETENSORS}"), Some(tensor.to_owned()));
            if is_shards(&path) {
                return shards(&path, tensor);
            }
            return Ok(Self::Safetensors { path: path.into(), tensor });
        }
        if let Some((directory, tensor)) = argument.split_once("/#") {
            return shards(&format!("{directory}/"), Some(tensor.to_owned()));
        }
        if is_shards(argument) && !argument.trim_end_matches('/').ends_with(STORE) {
            return shards(argument, None);
        }
        if argument.ends_with(SAFETENSORS) {
            return Ok(Self::Safetensors { path: argument.into(), tensor: None });
        }
        if argument.trim_end_matches('/').ends_with(STORE) {
            return Ok(Self::Store(argument.into()));
        }
        if argument.ends_with(NPZ) {
            return Ok(Self::Npz { path: argument.into(), array: None });
        }
        if let Some((before, array)) = argument.split_once(".npz#") {
            if array.is_empty() {
                return refuse("no array's name follows the #");
            }
            let path = format!("{before}{NPZ}").into();
            return Ok(Self::Npz { path, array: Some(array.to_owned()) });
        }
        if argument.contains(".npy#") {
            return refuse("a .npy file holds one array, which has no name");
        }
        Ok(Self::Npy(argument.into()))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::Npy(path)
            | Self::Safetensors { path, tensor: None }
            | Self::Npz { path, array: None }
            | Self::Store(path) => path.display().fmt(f),
            Self::Safetensors { path, tensor: Some(tensor) }
            | Self::Npz { path, array: Some(tensor) }
            | Self::Shards { pattern: path, tensor: Some(tensor) } => {
                write!(f, "{}#{tensor}", path.display())
            }
            Self::Shards { pattern, tensor: None } => pattern.display().fmt(f),
        }
    }
}
