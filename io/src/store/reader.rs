//! Reads a store, segment after segment.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use gradsieve::state::{HEADER, Header};
use gradsieve::store::{Codec, Row, Store, StoreSettings};
use gradsieve::{SketchId, State};

use super::error::io_error;
use super::manifest::Segment;
use super::{Manifest, StoreError};

/// Segments that are in memory at a time: one that is worked on, one that is read, and
/// two between.
const BUFFERS: usize = 4;

/// A store that was opened: its manifest is in order, and its first segment says what its
/// rows are sketches of.
#[derive(Debug)]
pub struct StoreReader {
    path: PathBuf,
    manifest: Manifest,
    codec: Codec,
    id: Option<SketchId>,
    torn: u64,
    /// Rows of the largest segment.
    room: usize,
}

impl StoreReader {
    /// Opens the store at `path`.
    ///
    /// # Errors
    /// There is none; its manifest cannot be read; bytes that were committed are missing,
    /// or the first segment is damaged.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let store = path.display().to_string();
        let manifest = Manifest::read(path)?;
        let file = open(path)?;
        let (found, expected) = (file.metadata().map_err(io_error(path, "look at"))?.len(), manifest.bytes());
        if found < expected {
            return Err(StoreError::Truncated { store, expected, found });
        }
        let Some(codec) = manifest.codec() else {
            return Err(StoreError::Manifest { store, problem: "its codec is not known".to_owned() });
        };
        let room = manifest.largest_segment();
        let mut reader =
            Self { path: path.to_owned(), manifest, codec, id: None, torn: found - expected, room };
        reader.read_id(file)?;
        Ok(reader)
    }

    /// Reads the first segment for what its sketches are, but not before its size is
    /// known to be that of its rows.
    fn read_id(&mut self, mut file: File) -> Result<(), StoreError> {
        let Some(first) = self.manifest.segments().next() else { return Ok(()) };
        let refuse = |problem| StoreError::Manifest { store: self.name(), problem };
        let mut bytes = vec![0; first.bytes.min(HEADER)];
        file.read_exact(&mut bytes).map_err(io_error(&self.path, "read"))?;
        let header = Header::peek(&bytes).map_err(self.segment_error(0, first))?;
        let corrupt = || self.segment_error(0, first)(gradsieve::Error::Corrupt);
        if header.len != first.bytes {
            return Err(corrupt());
        }
        let width = header.sketch.ok_or_else(corrupt)?.width;
        let bytes_of = |rows| StoreSettings { codec: self.codec, width, rows }.memory().bytes_at_rest;
        self.manifest.check_segments(bytes_of).map_err(refuse)?;
        bytes.resize(first.bytes, 0);
        file.read_exact(&mut bytes[HEADER..]).map_err(io_error(&self.path, "read"))?;
        self.id = Header::read(&bytes).map_err(self.segment_error(0, first))?.sketch;
        Ok(())
    }

    /// The store, as the user named it.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// What the manifest says.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// How rows are stored.
    #[must_use]
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// What all rows are sketches of; `None` without rows.
    #[must_use]
    pub const fn id(&self) -> Option<SketchId> {
        self.id
    }

    /// Bytes that a writer left behind the committed rows when it died. They do not
    /// count, and the next writer cuts them off.
    #[must_use]
    pub const fn torn(&self) -> u64 {
        self.torn
    }

    /// One pass: hands over each segment as a store of the core, from the first to the
    /// last.
    ///
    /// # Errors
    /// The first that `visit` returns, which ends the pass; else a segment that is
    /// damaged, or the disk.
    pub fn for_each_segment<E: From<StoreError>>(
        &self,
        mut visit: impl FnMut(&Store<Vec<u64>>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(id) = self.id else { return Ok(()) };
        let settings = StoreSettings { codec: self.codec, width: id.width, rows: self.room };
        let failed = |error| StoreError::Core { store: self.name(), error };
        let mut store = Store::new(settings, vec![0; settings.memory().others]).map_err(failed)?;
        let mut next = 0;
        let file = open(&self.path)?;
        thread::scope(|scope| {
            let (to_caller, filled) = mpsc::sync_channel::<Checked>(BUFFERS);
            let (to_reader, empty) = mpsc::sync_channel::<Vec<u8>>(BUFFERS);
            for _ in 0..BUFFERS {
                // There is room for all, and the other end is in this function.
                let _ = to_reader.send(Vec::new());
            }
            let reader = thread::Builder::new()
                .name("read".to_owned())
                .spawn_scoped(scope, move || self.read(file, &empty, &to_caller));
            let reader = reader.map_err(io_error(&self.path, "start a thread to read"))?;
            for Checked { number, segment, bytes, checksum } in filled {
                let broken = self.segment_error(number, segment);
                store.reset();
                store.restore_with(&bytes, |_| checksum).map_err(&broken)?;
                // The manifest's word, one kind of sketch, and ids that rise from segment
                // to segment.
                let rises = store.ids().iter().all(|&sample| {
                    let rises = sample >= next && sample < self.manifest.samples;
                    next = sample.saturating_add(1);
                    rises
                });
                if store.len() != segment.rows || store.id() != Some(id) || !rises {
                    return Err(broken(gradsieve::Error::Corrupt).into());
                }
                visit(&store)?;
                let _ = to_reader.send(bytes);
            }
            match reader.join() {
                Ok(outcome) => Ok(outcome?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Reads segments into what buffers come, and computes their checksums.
    fn read(
        &self,
        mut file: File,
        empty: &mpsc::Receiver<Vec<u8>>,
        to_caller: &mpsc::SyncSender<Checked>,
    ) -> Result<(), StoreError> {
        file.seek(SeekFrom::Start(0)).map_err(io_error(&self.path, "read"))?;
        for (number, segment) in self.manifest.segments().enumerate() {
            // Either end closes when the caller has had enough.
            let Ok(mut bytes) = empty.recv() else { return Ok(()) };
            bytes.resize(segment.bytes, 0);
            file.read_exact(&mut bytes).map_err(io_error(&self.path, "read"))?;
            let body = bytes.len().saturating_sub(size_of::<u32>());
            let checksum = crc32fast::hash(&bytes[..body]);
            if to_caller.send(Checked { number, segment, bytes, checksum }).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One pass over the rows, decoded.
    ///
    /// # Errors
    /// As [`StoreReader::for_each_segment`].
    pub fn for_each_row<E: From<StoreError>>(
        &self,
        mut visit: impl FnMut(Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut values = vec![0.0; self.id.map_or(0, |id| id.width)];
        self.for_each_segment(|store| {
            for row in 0..store.len() {
                let row = store.get(row, &mut values);
                visit(row.map_err(|error| StoreError::Core { store: self.name(), error })?)?;
            }
            Ok(())
        })
    }

    fn segment_error(
        &self,
        number: usize,
        segment: Segment,
    ) -> impl Fn(gradsieve::Error) -> StoreError + use<> {
        let (store, offset) = (self.name(), segment.offset);
        move |error| StoreError::Segment { store: store.clone(), segment: number, offset, error }
    }
}

/// A segment and its checksum.
struct Checked {
    number: usize,
    segment: Segment,
    bytes: Vec<u8>,
    checksum: u32,
}

/// Opens the segments of the store at `path`, a regular file.
fn open(path: &Path) -> Result<File, StoreError> {
    let place = Manifest::gradients(path);
    let about = fs::metadata(&place).map_err(io_error(path, "open"))?;
    if !about.is_file() {
        return Err(io_error(path, "open")(io::Error::other("it is not a regular file")));
    }
    File::open(place).map_err(io_error(path, "open"))
}
