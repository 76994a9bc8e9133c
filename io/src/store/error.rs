//! What can be wrong with a store: each text is one sentence for the person at the shell.

use std::io;
use std::path::Path;

use super::GRADIENTS;

/// Why a store could not be read or written. `store` is the directory as the user named
/// it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant's text says what it and its fields mean")]
pub enum StoreError {
    #[error("{store}: no such store")]
    Missing { store: String },

    #[error("{store}: expected a store, a directory with store.json and gradients.bin, found {found}")]
    NotAStore { store: String, found: &'static str },

    #[error(
        "{store}: there is a store already; --append adds rows to it, and another name keeps it as it is"
    )]
    Exists { store: String },

    #[error(
        "{store}: found a store whose making did not finish, without rows; make it again, or remove the directory"
    )]
    Unfinished { store: String },

    #[error("{store}: in use, {holder} writes to it; try again when that has ended")]
    InUse { store: String, holder: String },

    #[error(
        "{store}: expected the store as this writer left it, found that another has written to it; rows since the last commit were not added"
    )]
    Changed { store: String },

    #[error("{store}: an earlier write failed; rows since the last commit were not added")]
    Failed { store: String },

    #[error("{store}: could not {action} {file}: {cause}")]
    Io { store: String, action: &'static str, file: &'static str, cause: io::Error },

    #[error("{store}: expected a readable store.json, found that {problem}")]
    Manifest { store: String, problem: String },

    #[error("{store}: expected {expected} bytes in gradients.bin, found {found}: the end is missing")]
    Truncated { store: String, expected: u64, found: u64 },

    #[error("{store}: segment {segment}, at byte {offset} of gradients.bin, cannot be read: {error}")]
    Segment { store: String, segment: usize, offset: u64, error: gradsieve::Error },

    #[error(
        "{store}: expected sketches of {what} {expected}, as those in the store are, found {what} {found}"
    )]
    Other { store: String, what: String, expected: String, found: String },

    #[error("{store}: {error}")]
    Core { store: String, error: gradsieve::Error },
}

/// What went wrong with the file of segments of the store at `path`.
pub(super) fn io_error(path: &Path, action: &'static str) -> impl Fn(io::Error) -> StoreError + use<> {
    let store = path.display().to_string();
    move |cause| StoreError::Io { store: store.clone(), action, file: GRADIENTS, cause }
}

/// What the core refused, and for which store.
pub(super) fn core_error(path: &Path) -> impl Fn(gradsieve::Error) -> StoreError + use<> {
    let store = path.display().to_string();
    move |error| StoreError::Core { store: store.clone(), error }
}
