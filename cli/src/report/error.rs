//! Why a report could not be written.

use std::io;
use std::path::PathBuf;

/// An error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The directory is missing, or is something else.
    #[error("{}: no directory, expected one that exists to write the report into", .directory.display())]
    Directory {
        /// What was given.
        directory: PathBuf,
    },
    /// The file system refused.
    #[error("{}: the report cannot be written: {source}", .path.display())]
    Write {
        /// Where the report should stand.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
