//! What can be wrong with a file of numbers over visits.

use crate::files::FileError;

/// Why such a file could not be read or written. `file` is the file as the user named it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant's text says what it and its fields mean")]
pub enum VisitsError {
    #[error(transparent)]
    File(#[from] FileError),

    #[error("{file}: in use, another process writes to it; try again when that has ended")]
    InUse { file: String },

    #[error("{file}: {error}")]
    Core { file: String, error: gradsieve::Error },
}
