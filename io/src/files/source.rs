//! Where an array comes from, as an argument of the program names it: `FILE.npy`,
//! `FILE.safetensors#name`, `DIRECTORY.store` or `-`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::FileError;

const SAFETENSORS: &str = ".safetensors";
const STORE: &str = ".store";

/// An argument that names one array.
///
/// Parsing looks at the text only; whether the file is there is found out when it is
/// opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `-`: a `.npy` file on standard input, which can be read once.
    Stdin,
    /// A path that ends with neither `.safetensors` nor `.store`: a `.npy` file. A pipe
    /// (`<(…)`) will do where one pass does.
    Npy(PathBuf),
    /// `FILE.safetensors#name`.
    Safetensors {
        /// The file.
        path: PathBuf,
        /// The tensor's name; may be left out if the file holds exactly one.
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
            Self::Npy(path) | Self::Safetensors { path, .. } | Self::Store(path) => Some(path),
        }
    }
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
        if argument.ends_with(SAFETENSORS) {
            return Ok(Self::Safetensors { path: argument.into(), tensor: None });
        }
        if let Some((before, tensor)) = argument.split_once(".safetensors#") {
            if tensor.is_empty() {
                return refuse("no tensor's name follows the #");
            }
            let path = format!("{before}{SAFETENSORS}").into();
            return Ok(Self::Safetensors { path, tensor: Some(tensor.to_owned()) });
        }
        if argument.trim_end_matches('/').ends_with(STORE) {
            return Ok(Self::Store(argument.into()));
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
            Self::Npy(path) | Self::Safetensors { path, tensor: None } | Self::Store(path) => {
                path.display().fmt(f)
            }
            Self::Safetensors { path, tensor: Some(tensor) } => write!(f, "{}#{tensor}", path.display()),
        }
    }
}
