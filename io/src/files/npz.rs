//! The arrays of a `.npz`: a zip archive with one `.npy` a name, as `np.savez` writes it.
//!
//! An array that is stored as it is, is read where it stands. One that
//! `np.savez_compressed` has packed is unpacked into a temporary file without a name.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use super::FileError;

/// Where an array is.
pub(super) struct Member {
    /// As the user names it.
    pub(super) name: String,
    pub(super) file: File,
    /// Bytes before it.
    pub(super) start: u64,
    /// Bytes of its header and its values.
    pub(super) bytes: u64,
}

/// What deflating can save at most: a claim of more is none.
const MOST_SAVED: u64 = 1032;

const ENDING: &str = ".npy";

fn broken(file: &str, error: &zip::result::ZipError) -> FileError {
    FileError::NpzArchive { file: file.to_owned(), problem: error.to_string() }
}

/// Opens the archive at `path`.
fn archive(path: &Path) -> Result<ZipArchive<File>, FileError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|e| FileError::io(&name, "open it", e))?;
    let about = file.metadata().map_err(|e| FileError::io(&name, "open it", e))?;
    if about.is_dir() {
        return Err(FileError::Directory { file: name });
    }
    ZipArchive::new(file).map_err(|error| broken(&name, &error))
}

/// The names of the arrays in the archive at `path`.
pub(super) fn names(path: &Path) -> Result<Vec<String>, FileError> {
    let archive = archive(path)?;
    let names: Result<Vec<_>, _> = archive.file_names().collect();
    let names = names.map_err(|error| broken(&path.display().to_string(), &error))?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(ENDING)).map(str::to_owned).collect())
}

/// Opens the array `wanted` of the archive at `path`, or the only one.
pub(super) fn open(path: &Path, wanted: Option<&str>) -> Result<Member, FileError> {
    let file = path.display().to_string();
    let names = names(path)?;
    let name = match (wanted, names.as_slice()) {
        (_, []) => return Err(FileError::NoTensors { file }),
        (None, [only]) => only.clone(),
        (None, _) => return Err(FileError::TensorNotNamed { file, names }),
        (Some(wanted), _) if names.iter().any(|name| name == wanted) => wanted.to_owned(),
        (Some(wanted), _) => {
            return Err(FileError::UnknownTensor { file, tensor: wanted.to_owned(), names });
        }
    };
    let mut archive = archive(path)?;
    let mut member = archive.by_name(&format!("{name}{ENDING}")).map_err(|error| broken(&file, &error))?;
    let bytes = member.size();
    let name = format!("{file}#{name}");
    if member.compression() == CompressionMethod::Stored {
        let start = member.data_start().unwrap_or(0);
        drop(member);
        let file = File::open(path).map_err(|e| FileError::io(&name, "open it", e))?;
        return Ok(Member { name, file, start, bytes });
    }
    if bytes > member.compressed_size().saturating_add(1).saturating_mul(MOST_SAVED) {
        return Err(FileError::NpzArchive { file, problem: format!("{name} claims to have {bytes} bytes") });
    }
    let failed = |cause| FileError::io(&name, "unpack", cause);
    let mut unpacked = tempfile::tempfile().map_err(failed)?;
    let found = std::io::copy(&mut member.by_ref().take(bytes.saturating_add(1)), &mut unpacked);
    let found = found.map_err(failed)?;
    if found != bytes {
        return Err(FileError::NpzArchive {
            file,
            problem: format!("{name} has not the {bytes} bytes it claims"),
        });
    }
    unpacked.seek(SeekFrom::Start(0)).map_err(failed)?;
    Ok(Member { name, file: unpacked, start: 0, bytes })
}
