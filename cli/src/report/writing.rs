//! The file: written beside its place and renamed, so that a reader sees a whole report
//! or the former one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{
    ReportError, breakdown, fidelity, in_loop, page, panels, picture, sketches, stream_map, streams,
};
use crate::demo::Outcome;
use gradsieve_harness::truth;
use gradsieve_io::files::Partial;

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
    let text = match outcome.settings.experiment {
        truth::Experiment::Sketches => sketches(outcome),
        truth::Experiment::Streams => stream_map(outcome),
        _ => fidelity(outcome),
    };
    put(directory, &name, &text)
}

/// Writes the figures of an experiment of `truth`, other than `sketches`, in place of
/// what stands there.
///
/// # Errors
/// A file that cannot be written.
pub fn write_figures(outcome: &truth::Outcome, path: &Path) -> Result<(), ReportError> {
    let text = match outcome.settings.experiment {
        truth::Experiment::Streams => streams(outcome),
        truth::Experiment::Loop => in_loop(outcome),
        truth::Experiment::Breakdown => breakdown(outcome),
        _ => panels(outcome),
    };
    replace(path, &text).map_err(|source| ReportError::Write { path: path.to_owned(), source })
}

fn put(directory: &Path, name: &str, text: &str) -> Result<PathBuf, ReportError> {
    if !directory.is_dir() {
        return Err(ReportError::Directory { directory: directory.to_owned() });
    }
    let path = directory.join(name);
    match replace(&path, text.as_bytes()) {
        Ok(()) => Ok(path),
        Err(source) => Err(ReportError::Write { path, source }),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Partial::beside(path)?;
    file.write_all(bytes)?;
    file.finish().map(drop)
}
