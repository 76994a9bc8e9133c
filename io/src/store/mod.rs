//! Stores of sketches on disk: a directory that grows row by row, survives a crash, and
//! is scored while it streams past.
//!
//! | file | what |
//! |---|---|
//! | `gradients.bin` | segments, one after the other: each a store of the core at rest (`docs/src/formats/states.md`), with its own checksum |
//! | `store.json` | the manifest: codec, how the sketches were made, and how many rows and bytes **are committed** |
//! | `writer.lock` | what the one writer holds a lock on |
//!
//! Segments are written behind what is committed and synced. Then the manifest is written
//! beside its place, synced and renamed, and the directory synced: only then do the rows
//! exist. So a writer that dies leaves a torn tail behind the committed bytes: readers
//! never look at it, and the next writer cuts it. A writer whose disk is full cuts it
//! itself. Anything else that is missing or altered is a [`StoreError`]: the manifest has
//! a checksum of its own, and so has every segment.
//!
//! A store has one writer at a time. Another is refused ([`StoreError::InUse`]), and may
//! try again. Should the lock fail (its file is deleted, a file system has none that
//! hold), the manifest's generation, which each commit raises by 1, shows that another
//! writer was there, and the commit is refused.
//!
//! Counts in a manifest are compared with the bytes that are there before any memory is
//! asked for. Limits: a manifest of [`LONGEST_MANIFEST`] bytes, a segment of
//! [`LARGEST_SEGMENT`], and [`MOST_SAMPLES`], for those without a row have no bytes.
//!
//! Nothing is mapped into memory: a second thread reads segments of about a mebibyte and
//! checks them while the first works on the one before, so memory does not grow with the
//! store, and a disk that fails is an error and not a signal.
//!
//! A row's id is the number of its sample, counted from 0 over all rows offered; a
//! gradient that was not finite has a number and no row.
//!
//! May import the core and `files`' errors; knows nothing of commands.

#[cfg(test)]
mod crashes;
mod disk;
mod error;
mod lock;
mod manifest;
mod reader;
mod writer;

pub use error::StoreError;
pub use manifest::Manifest;
pub use reader::StoreReader;
pub use writer::StoreWriter;

use std::path::Path;

/// The name of the file of segments.
const GRADIENTS: &str = "gradients.bin";

/// The name of the manifest.
const MANIFEST: &str = "store.json";

/// The name of the manifest that will take the other's place.
const NEXT: &str = "store.json.next";

/// The name of the file that the writer holds a lock on.
const LOCK: &str = "writer.lock";

/// The most bytes of a manifest: room for some 700,000 runs of a writer.
pub const LONGEST_MANIFEST: u64 = 64 << 20;

/// The most bytes of a segment. Writers make them of about a mebibyte, and of sixteen
/// rows if those are wider.
pub const LARGEST_SEGMENT: u64 = 1 << 30;

/// The most samples of a store.
pub const MOST_SAMPLES: u64 = 1 << 40;

/// What the name of a new store ends with.
pub const SUFFIX: &str = ".store";

/// Whether a path names a store: it ends with `.store`, or is a directory with a
/// manifest.
#[must_use]
pub fn is_store(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == &SUFFIX[1..]) || path.join(MANIFEST).is_file()
}
