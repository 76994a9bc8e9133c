//! One writer a store: the lock that it holds, and who holds it.
//!
//! The lock is the operating system's, on `writer.lock` in the store's directory. It ends
//! with the process that holds it, however that ends, so a crash leaves none behind. The
//! file stays, and names the process for those who wait. Whoever deletes it takes the
//! lock away from its holder, who then refuses to go on.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use same_file::Handle;

use super::{LOCK, StoreError};

/// The lock of a store, held.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    place: PathBuf,
}

/// The longest text in the lock's file that is believed.
const LONGEST_HOLDER: u64 = 32;

/// The file may be deleted, with its store, between its opening and its locking. Whoever
/// sees that so often in a row gives up.
const ATTEMPTS: usize = 16;

impl Lock {
    /// Takes the lock of the store at `path`, and does not wait for it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if another writer holds it; a file system without locks.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let store = || path.display().to_string();
        let failed = |cause| StoreError::Io { store: store(), action: "lock", file: LOCK, cause };
        let place = path.join(LOCK);
        for _ in 0..ATTEMPTS {
            let open = File::options().create(true).truncate(false).read(true).write(true).open(&place);
            let mut file = open.map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::InUse { store: store(), holder: holder(&mut file) });
                }
                Err(TryLockError::Error(cause)) => return Err(failed(cause)),
            }
            let mut lock = Self { file, place: place.clone() };
            if lock.is_held() {
                lock.sign();
                return Ok(lock);
            }
        }
        Err(failed(std::io::Error::other("its file is deleted again and again")))
    }

    /// Whether the file that is locked is still the one at its place.
    pub(super) fn is_held(&self) -> bool {
        let ours = self.file.try_clone().and_then(Handle::from_file);
        let theirs = Handle::from_path(&self.place);
        matches!((ours, theirs), (Ok(ours), Ok(theirs)) if ours == theirs)
    }

    /// Says who holds the lock: a courtesy, without which it holds as well.
    fn sign(&mut self) {
        let text = format!("{}\n", std::process::id());
        let _ = self.file.set_len(0).and_then(|()| self.file.write_all(text.as_bytes()));
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}

/// Who holds the lock, as its file says.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(LONGEST_HOLDER).read_to_string(&mut text));
    match text.trim().parse::<u32>() {
        Ok(process) if read.is_ok() => format!("process {process}"),
        _ => "another process".to_owned(),
    }
}
