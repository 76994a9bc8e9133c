//! Numbers over visits on disk: the core's [`gradsieve::visits`] for more samples than
//! memory holds.
//!
//! A file is blocks, one after the other: each the visits to [`BLOCK`] samples of
//! consecutive ids, the last to fewer, as a state of the core at rest
//! (`docs/src/formats/states.md`), with its own checksum. So up to 4,194,303 samples the
//! file is one state, as a device writes it; and a file whose end is missing shows it.
//!
//! A block is in memory at a time: 16 MiB of `f16` and counts, 24 MiB of `f32`, and its
//! bytes. An epoch meets most samples, so nearly every block changes with each. Hence
//! [`VisitsWriter`] writes all of them beside the file, and the new file takes the older
//! one's place when it is whole and on the disk. Who dies in an epoch has not counted any
//! of it. One writer has the file at a time, by the operating system's lock on it.
//!
//! May import the core and `files`; knows nothing of commands.

mod block;
mod error;
mod format;
mod reader;
mod writer;

pub use block::Block;
pub use error::VisitsError;
pub use format::{KeptName, VisitsFormat};
pub use reader::VisitsReader;
pub use writer::VisitsWriter;

/// Samples of a block; the last has fewer.
pub const BLOCK: usize = 1 << 22;
