//! Stores of sketches on disk: a directory that grows row by row, survives a crash, and
//! is scored while it streams past.
//!
//! | file | what |
//! |---|---|
//! | `gradients.bin` | segments, one after the other: each a store of the core at rest (`docs/src/formats/states.md`), with its own checksum |
//! | `store.json` | the manifest: codec, how the sketches were made, and how many rows and bytes **are committed** |
//!
//! Segments are written behind what is committed; the manifest is written beside its
//! place, synced and renamed, and only then do the rows exist. So a writer that dies
//! leaves a torn tail behind the committed bytes: readers never look at it, and the next
//! writer cuts it. Anything else that is missing or altered is a [`StoreError`]: the
//! manifest has a checksum of its own, and so has every segment.
//!
//! Nothing is mapped into memory: a second thread reads segments of about a mebibyte and
//! checks them while the first works on the one before, so memory does not grow with the
//! store, and a disk that fails is an error and not a signal.
//!
//! A row's id is the number of its sample, counted from 0 over all rows offered; a
//! gradient that was not finite has a number and no row.
//!
//! May import the core and `files`' errors; knows nothing of commands.

mod error;
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

/// What the name of a new store ends with.
pub const SUFFIX: &str = ".store";

/// Whether a path names a store: it ends with `.store`, or is a directory with a
/// manifest.
#[must_use]
pub fn is_store(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == &SUFFIX[1..]) || path.join(MANIFEST).is_file()
}
