//! The file: written beside its place and renamed, so that a reader sees a whole report
//! or the former one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{ReportError, fidelity, page, picture, sketches};
use crate::demo::Outcome;
use gradsieve_harness::truth;

/// The report's name in its directory.
pub const FILE_NAME: &str = "report.html";

/// The picture's name beside it: what the README shows.
pub const PICTURE_NAME: &str = "picture.svg";

/// Writes the page and the picture into `directory`, in place of what stands there, and
/// returns the page's path.
///
/// # Errors
/// A directory that does not exist, or that cannot be written to. Nothing is left behind
/// then.
pub fn write(outcome: &Outcome, directory: &Path) -> Result<PathBuf, ReportError> {
    let path = put(directory, FILE_NAME, &page(outcome))?;
    put(directory, PICTURE_NAME, &picture(outcome))?;
    Ok(path)
}

/// Writes the picture of an experiment of `truth` into `directory` as
/// `truth-EXPERIMENT.svg`, in place of what stands there, and returns its path.
///
/// # Errors
/// As [`write()`].
pub fn write_fidelity(outcome: &truth::Outcome, directory: &Path) -> Result<PathBuf, ReportError> {
    let name = format!("truth-{}.svg", outcome.settings.experiment.name());
    let text = if outcome.sketches.is_empty() { fidelity(outcome) } else { sketches(outcome) };
    put(directory, &name, &text)
}

fn put(directory: &Path, name: &str, text: &str) -> Result<PathBuf, ReportError> {
    if !directory.is_dir() {
        return Err(ReportError::Directory { directory: directory.to_owned() });
    }
    let path = directory.join(name);
    match replace(directory, &path, text.as_bytes()) {
        Ok(()) => Ok(path),
        Err(source) => Err(ReportError::Write { path, source }),
    }
}

fn replace(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file: NamedTempFile = beside(directory)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// A file with the permissions that any new file would have; temporary files are private
/// by default.
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
