//! The file: written beside its place and renamed, so that a reader sees a whole report or the former one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{ReportError, page};
use crate::demo::Outcome;

/// The report's name in its directory.
pub const FILE_NAME: &str = "report.html";

/// Writes the page into `directory`, in place of a report that stands there, and returns its path.
///
/// # Errors
/// A directory that does not exist, or that cannot be written to. Nothing is left behind then.
pub fn write(outcome: &Outcome, directory: &Path) -> Result<PathBuf, ReportError> {
    if !directory.is_dir() {
        return Err(ReportError::Directory { directory: directory.to_owned() });
    }
    let path = directory.join(FILE_NAME);
    let text = page(outcome);
    replace(directory, &path, text.as_bytes())
        .map_err(|source| ReportError::Write { path: path.clone(), source })?;
    Ok(path)
}

fn replace(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file: NamedTempFile = beside(directory)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// A file with the permissions that any new file would have; temporary files are private by default.
#[cfg(unix)]
fn beside(directory: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let everyone = std::fs::Permissions::from_mode(0o666);
    tempfile::Builder::new().prefix(".report-").suffix(".part").permissions(everyone).tempfile_in(directory)
}

#[cfg(not(unix))]
fn beside(directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".report-").suffix(".part").tempfile_in(directory)
}
