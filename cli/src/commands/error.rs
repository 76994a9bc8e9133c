//! Why a command could not do its work: each text is one sentence for the person at the
//! shell.

use std::io;

use gradsieve_io::files::FileError;

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant's text says what it and its fields mean")]
pub enum CommandError {
    #[error(transparent)]
    File(#[from] FileError),

    #[error("{file}: {error}")]
    Core { file: String, error: gradsieve::Error },

    #[error("{argument}: expected {expected}, found {found}")]
    Argument { argument: &'static str, expected: String, found: String },

    #[error(
        "{file}: expected at most {limit} columns for {what} without a projection, found {columns}; add --dim 512 to work on sketches of 512 numbers"
    )]
    TooWide { file: String, what: &'static str, limit: usize, columns: usize },

    #[error("{file}: expected sketches of {what} {expected}, as those in {first} are, found {what} {found}")]
    Sketches { file: String, first: String, what: &'static str, expected: String, found: String },

    #[error("{file}: {why}")]
    Key { file: String, why: String },

    #[error("{file}: expected at least one row of finite gradients, found none among {rows}")]
    NothingFinite { file: String, rows: usize },

    #[error("{store}: expected a store with rows, found none")]
    EmptyStore { store: String },

    #[error(
        "{file}: expected finite entries within the range of f32 (at most 3.4e38), found one too large for f32 in row {row}, column {column}"
    )]
    OutOfRange { file: String, row: usize, column: usize },

    #[error(
        "{file}: expected gradients, or sketches that carry the norms of their gradients (those in a store do, and those that gradsieve sketch wrote with FILE.measures.safetensors beside them), found norms of a sketch, not of the gradients; --holds gradients takes these"
    )]
    NoNorms { file: String },

    #[error("{file}: {what} cannot be computed{}: {error}", question(error))]
    NotFitted { file: String, what: &'static str, error: gradsieve::Error },

    #[error("{file}: {reason}; --accept-inexact writes the scores all the same")]
    Inexact { file: String, reason: String },

    #[error("{file}: expected memory for {what} ({bytes} bytes), found too little")]
    Memory { file: String, what: String, bytes: u128 },

    #[error(
        "{file}: the product of row {row} and target {target} is too large for 32-bit floats; divide the gradients or the targets by a power of two"
    )]
    Overflow { file: String, row: usize, target: usize },

    #[error("{file}: {error}")]
    Picture { file: String, error: gradsieve_report::PictureError },

    #[error("could not write to standard output: {0}")]
    StandardOutput(#[from] io::Error),

    #[error(transparent)]
    Store(#[from] gradsieve_io::store::StoreError),

    #[error(transparent)]
    Visits(#[from] gradsieve_io::visits::VisitsError),

    #[error(transparent)]
    Demo(#[from] crate::demo::DemoError),

    #[error(transparent)]
    Truth(#[from] gradsieve_harness::truth::TruthError),

    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
}

impl CommandError {
    /// Whether the reader of standard output went away: no fault worth a message.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        match self {
            Self::File(error) => error.is_broken_pipe(),
            Self::StandardOutput(error) => error.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }

    /// Says what a step of a recorded run should have had.
    pub(super) fn step(file: &str, expected: String, found: String) -> Self {
        FileError::Step { file: file.to_owned(), expected, found }.into()
    }

    /// Says which file an error of the core is about.
    pub(super) fn core(file: &str) -> impl FnOnce(gradsieve::Error) -> Self + use<> {
        let file = file.to_owned();
        |error| Self::Core { file, error }
    }
}

/// What to ask about the gradients, where the matrix made of them is at fault.
const fn question(error: &gradsieve::Error) -> &'static str {
    match error {
        gradsieve::Error::NotPositiveDefinite => " (are all gradients zero, or alike?)",
        _ => "",
    }
}
