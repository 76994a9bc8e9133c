//! Where results go: a path, which is replaced by a finished file or left alone, or
//! standard output.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::measures::forget_measures;
use super::partial::{Partial, directory, resolve};
use super::shards::files;
use super::{FileError, Source};

const BUFFER_BYTES: usize = 1 << 18;

/// An argument that names an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// `-`: standard output.
    Stdout,
    /// A file, which is replaced if it exists.
    Path(PathBuf),
}

impl FromStr for Destination {
    type Err = FileError;

    fn from_str(argument: &str) -> Result<Self, FileError> {
        Ok(Self::from(OsStr::new(argument)))
    }
}

impl From<&OsStr> for Destination {
    fn from(argument: &OsStr) -> Self {
        if argument == "-" { Self::Stdout } else { Self::Path(argument.into()) }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

/// Refuses a destination that is the file of one of `inputs`, by whatever path or link it
/// is named.
///
/// # Errors
/// [`FileError::OverwritesInput`].
pub fn refuse_overwrite(destination: &Destination, inputs: &[&Source]) -> Result<(), FileError> {
    let Destination::Path(path) = destination else {
        return Ok(());
    };
    // A destination that does not exist yet is no input.
    let Ok(path) = fs::canonicalize(path) else {
        return Ok(());
    };
    for input in inputs {
        let is_it = |input: &Path| fs::canonicalize(input).is_ok_and(|input| input == path);
        let same = match input {
            Source::Shards { pattern, tensor } => files(pattern, tensor.as_deref())
                .is_ok_and(|files| files.iter().filter_map(Source::path).any(is_it)),
            one => one.path().is_some_and(is_it),
        };
        if same && path.is_file() {
            return Err(FileError::OverwritesInput {
                file: destination.to_string(),
                input: input.to_string(),
            });
        }
    }
    Ok(())
}

impl Destination {
    /// Opens the destination. Nothing can be seen at a path before [`Output::finish`].
    ///
    /// # Errors
    /// No such directory, or one that can't be written to; the destination is a
    /// directory.
    pub fn create(&self) -> Result<Output, FileError> {
        let name = self.to_string();
        let sink = match self {
            Self::Stdout => Sink::Direct(Box::new(io::stdout())),
            Self::Path(path) => open_path(path, &name)?,
        };
        Ok(Output { name, sink })
    }
}

fn open_path(path: &Path, name: &str) -> Result<Sink, FileError> {
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => {
            return Err(FileError::Directory { file: name.to_owned() });
        }
        // /dev/null, a pipe: to be written to, not to be replaced by a file.
        Ok(about) if !about.is_file() => {
            let file =
                File::options().write(true).open(path).map_err(|e| FileError::io(name, "open it", e))?;
            return Ok(Sink::Direct(Box::new(file)));
        }
        _ => {}
    }
    let partial = Partial::beside(path).map_err(|e| {
        let (file, directory) = (name.to_owned(), directory(&resolve(path)).display().to_string());
        match e.kind() {
            io::ErrorKind::NotFound => FileError::NoDirectory { file, directory },
            cause => FileError::UnwritableDirectory { file, directory, cause },
        }
    })?;
    Ok(Sink::Beside(BufWriter::with_capacity(BUFFER_BYTES, partial)))
}

/// An output being written; dropped before `finish`, it leaves nothing at its path.
pub struct Output {
    name: String,
    sink: Sink,
}

enum Sink {
    /// A file that takes its place when it is whole.
    Beside(BufWriter<Partial>),
    Direct(Box<dyn Write + Send>),
}

impl Sink {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Beside(file) => file.write_all(bytes),
            Self::Direct(file) => file.write_all(bytes),
        }
    }
}

impl Output {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// A full disk; a reader that went away.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.sink.write_all(bytes).map_err(|e| FileError::io(&self.name, "write", e))
    }

    /// Puts the bytes on the disk, and the file in its place.
    ///
    /// # Errors
    /// The disk; then there is no file, or the older one.
    pub fn finish(self) -> Result<(), FileError> {
        let name = self.name;
        let failed = |e| FileError::io(&name, "write", e);
        match self.sink {
            Sink::Direct(mut file) => file.flush().map_err(failed),
            Sink::Beside(file) => {
                let file = file.into_inner().map_err(|e| failed(e.into_error()))?;
                forget_measures(&file.finish().map_err(failed)?);
                Ok(())
            }
        }
    }
}

/// For writers of formats.
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
