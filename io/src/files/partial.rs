//! A file that is written beside its place and takes it when it is whole.
//!
//! Until then it is hidden, and gone with the value that stands for it. A process that is
//! told to end removes all that are under way with [`remove_partial_files`].

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

/// Files that are under way.
static UNDER_WAY: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn under_way() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every file that this process has not finished, and lets it begin no other: for
/// the handler of a signal that ends it. Results that are in their place stay there.
pub fn remove_partial_files() {
    let files = under_way();
    for file in files.iter() {
        // One that was renamed or removed meanwhile is no longer partial.
        let _ = fs::remove_file(file);
    }
    // Whoever wants to begin a file from now on waits for the end of the process.
    std::mem::forget(files);
}

/// A file under way to a path.
#[derive(Debug)]
pub struct Partial {
    file: NamedTempFile,
    // Behind the file: it is known until it is gone.
    known: Known,
    path: PathBuf,
}

/// A file that is among those under way for as long as this is there.
#[derive(Debug)]
struct Known(PathBuf);

impl Drop for Known {
    fn drop(&mut self) {
        under_way().remove(&self.0);
    }
}

impl Partial {
    /// Begins a file that will replace what is at `path`, or be new there. A link stays
    /// one: the file takes the place of what it leads to.
    ///
    /// # Errors
    /// No such directory, or one that can't be written to.
    pub fn beside(path: &Path) -> io::Result<Self> {
        let path = resolve(path);
        let mut prefix = OsString::from(".");
        prefix.push(path.file_name().unwrap_or_default());
        prefix.push(".");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".partial");
        // A new file is as readable as any that the user makes. One that replaces another
        // is private until it gets that one's permissions.
        #[cfg(unix)]
        if fs::symlink_metadata(&path).is_err() {
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        }
        let mut files = under_way();
        let file = builder.tempfile_in(directory(&path))?;
        let known = Known(file.path().to_owned());
        files.insert(known.0.clone());
        drop(files);
        Ok(Self { file, known, path })
    }

    /// Puts the bytes on the disk and the file in its place, with the permissions of what
    /// it replaces. Returns where that is, past any link.
    ///
    /// # Errors
    /// The disk; then there is no file, or the older one.
    pub fn finish(self) -> io::Result<PathBuf> {
        if let Ok(about) = fs::metadata(&self.path) {
            take_permissions(self.file.as_file(), &about)?;
        }
        self.file.as_file().sync_all()?;
        let Self { file, known, path } = self;
        file.persist(&path).map_err(|error| error.error)?;
        drop(known);
        // The name, too, has to reach the disk. Not every system lets a directory be
        // synced.
        let _ = File::open(directory(&path)).and_then(|directory| directory.sync_all());
        Ok(path)
    }
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The directory of a path.
pub(super) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Where a path leads, through links, of which the last may lead to nothing.
pub(super) fn resolve(path: &Path) -> PathBuf {
    const MOST_LINKS: usize = 40;
    if let Ok(path) = fs::canonicalize(path) {
        return path;
    }
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = directory(&path).join(target),
            Err(_) => break,
        }
    }
    path
}

/// Gives `file` the owner and the permissions that `about` tells of.
#[cfg(unix)]
fn take_permissions(file: &File, about: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let mut mode = about.mode() & 0o7777;
    let mine = file.metadata()?;
    if (mine.uid(), mine.gid()) != (about.uid(), about.gid())
        && fchown(file, Some(about.uid()), Some(about.gid())).is_err()
        && mine.gid() != about.gid()
    {
        // What the other group might do is not for this one.
        mode &= 0o707;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn take_permissions(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}
