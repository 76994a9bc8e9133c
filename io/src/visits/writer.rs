//! Writes numbers over visits in the place of those that were there.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use same_file::Handle;

use super::{Block, VisitsError, VisitsReader};
use crate::files::{FileError, Partial};

/// A file that nobody else writes to, and the one that will take its place.
#[derive(Debug)]
pub struct VisitsWriter {
    name: String,
    to: Partial,
    bytes: Vec<u8>,
    /// Dropped last.
    held: Held,
}

/// What is in the place, locked.
#[derive(Debug)]
struct Held {
    file: File,
    path: PathBuf,
}

/// The file may be replaced between its opening and its locking. Whoever sees that so
/// often in a row gives up.
const ATTEMPTS: usize = 16;

impl VisitsWriter {
    /// Takes the file at `path`, which need not be there; an empty one is as none.
    ///
    /// # Errors
    /// [`VisitsError::InUse`]; no such directory, or one that can't be written to; a file
    /// system without locks.
    pub fn open(path: &Path) -> Result<Self, VisitsError> {
        let name = path.display().to_string();
        if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
            let (expected, found) = ("a regular file".to_owned(), "something else".to_owned());
            return Err(FileError::Step { file: name, expected, found }.into());
        }
        let held = Held::take(path, &name)?;
        let to = Partial::beside(path).map_err(|cause| FileError::io(&name, "write beside it", cause))?;
        Ok(Self { name, to, bytes: Vec::new(), held })
    }

    /// What is in the place; none if nothing was written there.
    ///
    /// # Errors
    /// As [`VisitsReader::open`].
    pub fn reader(&self) -> Result<Option<VisitsReader>, VisitsError> {
        (!self.held.is_empty()).then(|| VisitsReader::open(&self.held.path)).transpose()
    }

    /// Appends a block.
    ///
    /// # Errors
    /// The disk.
    pub fn push(&mut self, block: &Block) -> Result<(), VisitsError> {
        block.to_bytes(&mut self.bytes)?;
        Ok(self.to.write_all(&self.bytes).map_err(|cause| FileError::io(&self.name, "write", cause))?)
    }

    /// Puts the blocks on the disk, and the file in its place.
    ///
    /// # Errors
    /// The disk, or another writer that the lock did not keep out: then the older file is
    /// there.
    pub fn finish(self) -> Result<(), VisitsError> {
        let Self { name, to, held, .. } = self;
        if !held.is_in_place() {
            let expected = "the file as it was opened".to_owned();
            let found = "another in its place".to_owned();
            return Err(FileError::Step { file: name, expected, found }.into());
        }
        to.finish().map_err(|cause| FileError::io(&name, "write", cause))?;
        Ok(())
    }
}

impl Held {
    /// Opens the file, makes it if it is not there, and locks it.
    fn take(path: &Path, name: &str) -> Result<Self, VisitsError> {
        let failed = |cause| VisitsError::from(FileError::io(name, "lock", cause));
        for _ in 0..ATTEMPTS {
            let file = File::options().create(true).truncate(false).read(true).write(true).open(path);
            let file = file.map_err(|cause| FileError::io(name, "open it", cause))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(VisitsError::InUse { file: name.to_owned() }),
                Err(TryLockError::Error(cause)) => return Err(failed(cause)),
            }
            if is_in_place(&file, path) {
                return Ok(Self { file, path: path.to_owned() });
            }
        }
        Err(failed(io::Error::other("it is replaced again and again")))
    }

    fn is_in_place(&self) -> bool {
        is_in_place(&self.file, &self.path)
    }

    fn is_empty(&self) -> bool {
        self.file.metadata().is_ok_and(|about| about.len() == 0)
    }
}

impl Drop for Held {
    /// Removes the empty file that stood for the lock, if nothing was written.
    fn drop(&mut self) {
        if self.is_empty() && self.is_in_place() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether an opened file is still the one at its place.
fn is_in_place(file: &File, path: &Path) -> bool {
    let ours = file.try_clone().and_then(Handle::from_file);
    matches!((ours, Handle::from_path(path)), (Ok(ours), Ok(theirs)) if ours == theirs)
}
