//! Adds rows to a store.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use gradsieve::store::{Codec, Store, StoreSettings};
use gradsieve::{Sketch, SketchId, State, Summary};

use super::error::{core_error, io_error};
use super::{Manifest, StoreError};

/// About how many bytes a segment has: a few fit in a core's second-level cache.
const SEGMENT_BYTES: usize = 1 << 20;

/// Bytes after which rows are committed.
const COMMIT_BYTES: u64 = 256 << 20;

/// A segment's rows are held as `f32` before they are encoded: at most so many times its
/// bytes.
const HELD_FACTOR: usize = 4;

/// A store that rows are added to. What was not committed, by [`StoreWriter::finish`] at
/// the latest, is lost when it is dropped.
pub struct StoreWriter {
    path: PathBuf,
    manifest: Manifest,
    file: File,
    id: SketchId,
    held: Held,
    /// The segment to come, once its rows are encoded.
    segment: Store<Vec<u64>>,
    image: Vec<u8>,
    uncommitted: u64,
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
    /// A new store at `path`, for sketches of `id` that were made as `settings` say.
    ///
    /// # Errors
    /// There is something at `path`; it cannot be made; the codec cannot have rows so
    /// wide.
    pub fn create(
        path: &Path,
        codec: Codec,
        id: SketchId,
        settings: BTreeMap<String, String>,
    ) -> Result<Self, StoreError> {
        let store = || path.display().to_string();
        match fs::create_dir(path) {
            Ok(()) => {}
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                return Err(match super::Manifest::read(path) {
                    Ok(_) | Err(StoreError::Manifest { .. }) => StoreError::Exists { store: store() },
                    Err(error) => error,
                });
            }
            Err(cause) => return Err(io_error(path, "make the directory for")(cause)),
        }
        let open = File::options().create_new(true).write(true).open(Manifest::gradients(path));
        let file = open.map_err(io_error(path, "make"))?;
        let mut manifest = Manifest::new(codec, settings);
        manifest.write(path)?;
        Self::new(path, manifest, file, codec, id)
    }

    /// More rows for the store at `path`. What a writer that died left behind the
    /// committed rows is cut off.
    ///
    /// # Errors
    /// There is no store at `path`, or it is damaged; its sketches were made otherwise.
    pub fn append(
        path: &Path,
        id: SketchId,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, StoreError> {
        let store = || path.display().to_string();
        let manifest = Manifest::read(path)?;
        let differs = |key: &&String| manifest.sketch.get(*key) != settings.get(*key);
        if let Some(key) = manifest.sketch.keys().chain(settings.keys()).find(differs) {
            let text =
                |from: &BTreeMap<String, String>| from.get(key).map_or("none", String::as_str).to_owned();
            let what = key.rsplit('.').next().unwrap_or(key).to_owned();
            let (expected, found) = (text(&manifest.sketch), text(settings));
            return Err(StoreError::Other { store: store(), what, expected, found });
        }
        let Some(codec) = manifest.codec() else {
            return Err(StoreError::Manifest {
                store: store(),
                problem: "its codec is not known".to_owned(),
            });
        };
        let open = File::options().read(true).write(true).open(Manifest::gradients(path));
        let mut file = open.map_err(io_error(path, "open"))?;
        let found = file.metadata().map_err(io_error(path, "look at"))?.len();
        let expected = manifest.bytes();
        if found < expected {
            return Err(StoreError::Truncated { store: store(), expected, found });
        }
        file.set_len(expected).map_err(io_error(path, "cut the torn tail of"))?;
        file.seek(SeekFrom::End(0)).map_err(io_error(path, "open"))?;
        Self::new(path, manifest, file, codec, id)
    }

    fn new(
        path: &Path,
        manifest: Manifest,
        file: File,
        codec: Codec,
        id: SketchId,
    ) -> Result<Self, StoreError> {
        let width = id.width;
        let group = StoreSettings { codec, width, rows: 16 };
        let bytes = group.memory().bytes_with::<u64>().max(size_of::<f32>() * 16 * width / HELD_FACTOR);
        let rows = (SEGMENT_BYTES / bytes.max(1)).max(1) * 16;
        let settings = StoreSettings { rows, ..group };
        let segment = Store::new(settings, vec![0; settings.memory().others]).map_err(core_error(path))?;
        let image = vec![0; settings.memory().bytes_at_rest];
        let held =
            Held { values: Vec::with_capacity(rows * width), rows: Vec::with_capacity(rows), offered: 0 };
        Ok(Self { path: path.to_owned(), manifest, file, id, held, segment, image, uncommitted: 0 })
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
    /// The disk; rows that were committed before are not harmed.
    pub fn finish(mut self) -> Result<Manifest, StoreError> {
        self.flush()?;
        self.commit()?;
        Ok(self.manifest)
    }

    /// Writes the rows held as a segment, behind all others.
    fn flush(&mut self) -> Result<(), StoreError> {
        self.manifest.samples += std::mem::take(&mut self.held.offered);
        if self.held.rows.is_empty() {
            return Ok(());
        }
        let failed = core_error(&self.path);
        self.segment.reset();
        for (row, values) in self.held.rows.iter().zip(self.held.values.chunks_exact(self.id.width)) {
            let sketch = Sketch::from_parts(self.id, values, row.measures).map_err(&failed)?;
            self.segment.append(row.id, &sketch.in_group(row.group)).map_err(&failed)?;
        }
        let bytes = self.segment.to_bytes_with(&mut self.image, crc32fast::hash).map_err(&failed)?;
        self.file.write_all(&self.image[..bytes]).map_err(io_error(&self.path, "write to"))?;
        self.manifest.add(self.held.rows.len(), bytes);
        self.uncommitted += bytes as u64;
        self.held.rows.clear();
        self.held.values.clear();
        Ok(())
    }

    /// First the rows reach the disk, then the manifest that counts them.
    fn commit(&mut self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(io_error(&self.path, "write to"))?;
        self.manifest.write(&self.path)?;
        self.uncommitted = 0;
        Ok(())
    }
}
