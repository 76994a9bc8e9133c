//! What a writer does to the disk, step by step.
//!
//! Each step goes through here, so that tests can record it and replay what a crash would
//! have left, or refuse it as a full disk does.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// Makes a file of no bytes, in the place of one of that name.
pub(super) fn create(place: &Path) -> io::Result<File> {
    step(&Step::Create { place })?;
    File::create(place)
}

/// Writes behind what was written before.
pub(super) fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    #[cfg(test)]
    if let Err(full) = step(&Step::Write { file, bytes }) {
        // A full disk takes some of the bytes.
        let _ = file.write_all(&bytes[..bytes.len() / 2]);
        return Err(full);
    }
    file.write_all(bytes)
}

/// Cuts a file to so many bytes.
pub(super) fn cut(file: &File, length: u64) -> io::Result<()> {
    step(&Step::Cut { file, length })?;
    file.set_len(length)
}

/// Waits until a file's bytes are on the disk.
pub(super) fn sync(file: &File) -> io::Result<()> {
    step(&Step::Sync { file })?;
    file.sync_data()
}

/// Gives a file the name of another, which it takes the place of.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step(&Step::Rename { from, to })?;
    fs::rename(from, to)
}

/// Waits until the names in a directory are on the disk, where the system can do that.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    step(&Step::SyncFolder)?;
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(path).and_then(|folder| folder.sync_all()) {
        // Some file systems have no such thing.
        Err(cause) if matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        outcome => outcome,
    }
}

/// A step, before it is taken.
#[cfg_attr(not(test), expect(dead_code, reason = "only tests look at what a step is"))]
pub(super) enum Step<'a> {
    Create {
        place: &'a Path,
    },
    #[cfg(test)]
    Write {
        file: &'a File,
        bytes: &'a [u8],
    },
    Cut {
        file: &'a File,
        length: u64,
    },
    Sync {
        file: &'a File,
    },
    Rename {
        from: &'a Path,
        to: &'a Path,
    },
    SyncFolder,
}

#[cfg(not(test))]
fn step(_: &Step<'_>) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) use watched::{step, watch};

#[cfg(test)]
mod watched {
    use std::cell::RefCell;
    use std::io;

    use super::Step;

    /// What looks at each step of this thread, and may refuse it.
    type Watch = Box<dyn FnMut(&Step<'_>) -> io::Result<()>>;

    thread_local! {
        static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
    }

    /// Shows this thread's steps to `with` while `work` is done.
    pub(in crate::store) fn watch<T>(with: Watch, work: impl FnOnce() -> T) -> T {
        WATCH.set(Some(with));
        let outcome = work();
        WATCH.set(None);
        outcome
    }

    pub(in crate::store) fn step(step: &Step<'_>) -> io::Result<()> {
        WATCH.with_borrow_mut(|watch| watch.as_mut().map_or(Ok(()), |watch| watch(step)))
    }
}
