//! Adds rows to a store.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use gradsieve::store::{Codec, Store, StoreSettings};
use gradsieve::{Sketch, SketchId, State, Summary};

use super::error::{core_error, io_error};
use super::lock::Lock;
use super::{LARGEST_SEGMENT, Manifest, StoreError, disk};

/// About how many bytes a segment has: a few fit in a core's second-level cache.
const SEGMENT_BYTES: usize = 1 << 20;

/// Bytes after which rows are committed.
const COMMIT_BYTES: u64 = 256 << 20;

/// A segment's rows are held as `f32` before they are encoded: at most so many times its
/// bytes.
const HELD_FACTOR: usize = 4;

/// A store that rows are added to, by nobody else meanwhile. What was not committed, by
/// [`StoreWriter::finish`] at the latest, is cut off when it is dropped.
pub struct StoreWriter {
    path: PathBuf,
    manifest: Manifest,
    file: File,
    standing: Standing,
    id: SketchId,
    held: Held,
    /// The segment to come, once its rows are encoded.
    segment: Store<Vec<u64>>,
    image: Vec<u8>,
    uncommitted: u64,
    /// Dropped last, when the file is as it will be.
    lock: Lock,
}

/// Whether a writer can go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// What the manifest counts is what was written.
    Sound,
    /// A write failed, so it may not be.
    Failed,
    /// Another writer was there.
    Changed,
}

/// The rows of the segment to come.
#[derive(Default)]
struct Held {
    rows: Vec<Row>,
    values: Vec<f32>,
    /// These, and the samples without a row among them.
    offered: u64,
}

struct Row {
    id: u64,
    measures: Summary,
    group: u32,
}

impl StoreWriter {
    /// A new store at `path`, for sketches of `id` that were made as `settings` say. One
    /// whose making did not finish, or that never got a sample, is made anew.
    ///
    /// # Errors
    /// There is something else at `path`; it cannot be made; the codec cannot have rows
    /// so wide; [`StoreError::InUse`].
    pub fn create(
        path: &Path,
        codec: Codec,
        id: SketchId,
        settings: BTreeMap<String, String>,
    ) -> Result<Self, StoreError> {
        match fs::create_dir(path) {
            Ok(()) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let parent = parent.unwrap_or(Path::new("."));
                disk::sync_folder(parent).map_err(io_error(path, "make the directory for"))?;
            }
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => drop(without_samples(path)?),
            Err(cause) => return Err(io_error(path, "make the directory for")(cause)),
        }
        let lock = Lock::take(path)?;
        let before = without_samples(path)?;
        let open = File::options().create(true).truncate(false).write(true).open(Manifest::gradients(path));
        let file = open.map_err(io_error(path, "make"))?;
        let mut manifest = Manifest::new(codec, settings);
        if let Some(before) = before {
            manifest = manifest.in_place_of(&before);
        }
        disk::cut(&file, 0).map_err(io_error(path, "make"))?;
        manifest.write(path)?;
        Self::new(path, manifest, (file, lock), codec, id)
    }

    /// More rows for the store at `path`. What a writer that died left behind the
    /// committed rows is cut off.
    ///
    /// # Errors
    /// There is no store at `path`, or it is damaged; its sketches were made otherwise;
    /// [`StoreError::InUse`] while another writer has not ended.
    pub fn append(
        path: &Path,
        id: SketchId,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, StoreError> {
        let store = || path.display().to_string();
        // What is no store gets no lock.
        Manifest::read(path)?;
        let lock = Lock::take(path)?;
        let manifest = Manifest::read(path)?;
        let differs = |key: &&String| manifest.sketch.get(*key) != settings.get(*key);
        if let Some(key) = manifest.sketch.keys().chain(settings.keys()).find(differs) {
            let text =
                |from: &BTreeMap<String, String>| from.get(key).map_or("none", String::as_str).to_owned();
            let what = key.rsplit('.').next().unwrap_or(key).to_owned();
            let (expected, found) = (text(&manifest.sketch), text(settings));
            return Err(StoreError::Other { store: store(), what, expected, found });
        }
        let codec = manifest.codec().ok_or_else(|| StoreError::Manifest {
            store: store(),
            problem: "its codec is not known".to_owned(),
        })?;
        let bytes_of = |rows| StoreSettings { codec, width: id.width, rows }.memory().bytes_at_rest;
        manifest
            .check_segments(bytes_of)
            .map_err(|problem| StoreError::Manifest { store: store(), problem })?;
        let open = File::options().read(true).write(true).open(Manifest::gradients(path));
        let mut file = open.map_err(io_error(path, "open"))?;
        let found = file.metadata().map_err(io_error(path, "look at"))?.len();
        let expected = manifest.bytes();
        if found < expected {
            return Err(StoreError::Truncated { store: store(), expected, found });
        }
        disk::cut(&file, expected).map_err(io_error(path, "cut the torn tail of"))?;
        file.seek(SeekFrom::End(0)).map_err(io_error(path, "open"))?;
        Self::new(path, manifest, (file, lock), codec, id)
    }

    fn new(
        path: &Path,
        manifest: Manifest,
        (file, lock): (File, Lock),
        codec: Codec,
        id: SketchId,
    ) -> Result<Self, StoreError> {
        let width = id.width;
        let group = StoreSettings { codec, width, rows: 16 };
        let bytes = group.memory().bytes_with::<u64>().max(size_of::<f32>() * 16 * width / HELD_FACTOR);
        let rows = (SEGMENT_BYTES / bytes.max(1)).max(1) * 16;
        let settings = StoreSettings { rows, ..group };
        if settings.memory().bytes_at_rest as u64 > LARGEST_SEGMENT {
            let expected = "such that sixteen rows take at most a gibibyte";
            return Err(core_error(path)(gradsieve::Error::Setting { name: "width", expected }));
        }
        let segment = Store::new(settings, vec![0; settings.memory().others]).map_err(core_error(path))?;
        let image = vec![0; settings.memory().bytes_at_rest];
        let held =
            Held { values: Vec::with_capacity(rows * width), rows: Vec::with_capacity(rows), offered: 0 };
        let (path, standing, uncommitted) = (path.to_owned(), Standing::Sound, 0);
        Ok(Self { path, manifest, file, standing, id, held, segment, image, uncommitted, lock })
    }

    /// How rows are stored.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.segment.settings().codec
    }

    /// How many samples were offered so far, over all writers: the next one's number.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.manifest.samples + self.held.offered
    }

    /// Counts the next sample without a row: its gradient was not finite.
    pub const fn skip(&mut self) {
        self.held.offered += 1;
    }

    /// Adds the next sample's row.
    ///
    /// # Errors
    /// The sketch is not finite, or not of the store's kind: then nothing has changed.
    /// The disk.
    pub fn push(&mut self, sketch: &Sketch<'_>) -> Result<(), StoreError> {
        self.check_sound()?;
        self.id.check(&sketch.id).map_err(core_error(&self.path))?;
        sketch.check_finite().map_err(core_error(&self.path))?;
        let row = Row { id: self.samples(), measures: sketch.measures, group: sketch.group };
        self.held.rows.push(row);
        self.held.values.extend_from_slice(sketch.values);
        self.held.offered += 1;
        if self.held.rows.len() == self.segment.settings().rows {
            self.flush()?;
            if self.uncommitted >= COMMIT_BYTES {
                self.commit()?;
            }
        }
        Ok(())
    }

    /// Writes what is held, and commits all rows. Returns what the store holds then.
    ///
    /// # Errors
    /// The disk, or another writer that the lock did not keep out; rows that were
    /// committed before are not harmed.
    pub fn finish(mut self) -> Result<Manifest, StoreError> {
        self.flush()?;
        self.commit()?;
        Ok(self.manifest.clone())
    }

    /// Writes the rows held as a segment, behind all others.
    fn flush(&mut self) -> Result<(), StoreError> {
        self.check_sound()?;
        self.standing = Standing::Failed;
        self.manifest.samples += std::mem::take(&mut self.held.offered);
        if !self.held.rows.is_empty() {
            let failed = core_error(&self.path);
            self.segment.reset();
            for (row, values) in self.held.rows.iter().zip(self.held.values.chunks_exact(self.id.width)) {
                let sketch = Sketch::from_parts(self.id, values, row.measures).map_err(&failed)?;
                self.segment.append(row.id, &sketch.in_group(row.group)).map_err(&failed)?;
            }
            let bytes = self.segment.to_bytes_with(&mut self.image, crc32fast::hash).map_err(&failed)?;
            disk::write(&mut self.file, &self.image[..bytes]).map_err(io_error(&self.path, "write to"))?;
            self.manifest.add(self.held.rows.len(), bytes);
            self.uncommitted += bytes as u64;
            self.held.rows.clear();
            self.held.values.clear();
        }
        self.standing = Standing::Sound;
        Ok(())
    }

    /// First the rows reach the disk, then the manifest that counts them.
    fn commit(&mut self) -> Result<(), StoreError> {
        self.check_sound()?;
        self.standing = Standing::Failed;
        disk::sync(&self.file).map_err(io_error(&self.path, "write to"))?;
        let outcome = if self.lock.is_held() {
            self.manifest.write(&self.path)
        } else {
            Err(StoreError::Changed { store: self.path.display().to_string() })
        };
        match outcome {
            Ok(()) => (self.uncommitted, self.standing) = (0, Standing::Sound),
            Err(StoreError::Changed { .. }) => self.standing = Standing::Changed,
            Err(_) => {}
        }
        outcome
    }

    /// Refuses to go on behind a write that failed.
    fn check_sound(&self) -> Result<(), StoreError> {
        if self.standing == Standing::Sound {
            return Ok(());
        }
        Err(StoreError::Failed { store: self.path.display().to_string() })
    }
}

impl Drop for StoreWriter {
    /// Cuts off what no manifest counts: it harms nobody, but takes room.
    fn drop(&mut self) {
        let written = self.uncommitted > 0 || self.standing == Standing::Failed;
        if written && self.standing != Standing::Changed && self.lock.is_held() {
            // The one in its place: a commit that failed may have reached it.
            if let Ok(manifest) = Manifest::read(&self.path) {
                let _ = disk::cut(&self.file, manifest.bytes());
            }
        }
    }
}

/// The manifest of a store that never got a sample, or none if its making did not finish.
///
/// # Errors
/// There is a store with samples at `path`, or something else.
fn without_samples(path: &Path) -> Result<Option<Manifest>, StoreError> {
    match Manifest::read(path) {
        Ok(manifest) if manifest.samples == 0 => Ok(Some(manifest)),
        Err(StoreError::Unfinished { .. }) => Ok(None),
        Ok(_) | Err(StoreError::Manifest { .. }) => {
            Err(StoreError::Exists { store: path.display().to_string() })
        }
        Err(error) => Err(error),
    }
}
