//! The manifest: what is in a store, and how much of it counts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use gradsieve::store::Codec;
use serde::{Deserialize, Serialize};

use super::{
    GRADIENTS, LARGEST_SEGMENT, LOCK, LONGEST_MANIFEST, MANIFEST, MOST_SAMPLES, NEXT, StoreError, disk,
};

/// What `store.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: String,
    version: u32,
    codec: String,
    /// How the sketches were made: what a `.safetensors` file of sketches carries, too.
    pub sketch: BTreeMap<String, String>,
    /// Samples that were offered: rows, and those whose gradients were not finite.
    pub samples: u64,
    runs: Vec<Run>,
    /// How often it was written: a commit refuses to follow another than its own.
    #[serde(default, skip_serializing_if = "is_first")]
    generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc32: Option<u32>,
}

/// Whether no commit was counted, as in stores that were made before they were.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_first(generation: &u64) -> bool {
    *generation == 0
}

/// Segments of one size that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    segments: u64,
    rows: u64,
    bytes: u64,
}

/// A segment's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) rows: usize,
    pub(super) offset: u64,
    pub(super) bytes: usize,
}

const FORMAT: &str = "gradsieve store";
const VERSION: u32 = 1;

impl Manifest {
    /// That of a store without rows.
    pub(super) fn new(codec: Codec, sketch: BTreeMap<String, String>) -> Self {
        let (format, codec) = (FORMAT.to_owned(), codec.name().to_owned());
        let (samples, runs, generation) = (0, Vec::new(), 0);
        Self { format, version: VERSION, codec, sketch, samples, runs, generation, crc32: None }
    }

    /// The same, to be written in the place of `other`.
    pub(super) fn in_place_of(self, other: &Self) -> Self {
        Self { generation: other.generation, crc32: other.crc32, ..self }
    }

    /// Reads the manifest of the store at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, StoreError> {
        let store = path.display().to_string();
        let text = match read_text(&path.join(MANIFEST)) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(match fs::metadata(path) {
                    Err(_) => StoreError::Missing { store },
                    Ok(about) if about.is_dir() && is_unfinished(path) => StoreError::Unfinished { store },
                    Ok(about) if about.is_dir() => {
                        StoreError::NotAStore { store, found: "a directory without store.json" }
                    }
                    Ok(_) => StoreError::NotAStore { store, found: "a file" },
                });
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotADirectory => {
                return Err(StoreError::NotAStore { store, found: "a file" });
            }
            Err(cause) => return Err(StoreError::Io { store, action: "read", file: MANIFEST, cause }),
        };
        let refuse = |problem: String| StoreError::Manifest { store: store.clone(), problem };
        let manifest: Self = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(refuse(format!("its format is {:?} and not {FORMAT:?}", manifest.format)));
        }
        if manifest.version != VERSION {
            return Err(refuse(format!("its version is {} and not {VERSION}", manifest.version)));
        }
        if manifest.crc32 != Some(manifest.checksum()) {
            return Err(refuse("its checksum does not agree with its text".to_owned()));
        }
        if manifest.codec().is_none() {
            return Err(refuse(format!("its codec {:?} is not known", manifest.codec)));
        }
        if manifest.samples > MOST_SAMPLES {
            return Err(refuse(format!("it counts {} samples, more than {MOST_SAMPLES}", manifest.samples)));
        }
        if manifest.checked_totals().is_none_or(|(rows, _)| rows > manifest.samples) {
            return Err(refuse("its rows cannot be counted".to_owned()));
        }
        Ok(manifest)
    }

    /// Puts the manifest in its place as the next generation, whole: rows that it counts
    /// exist from then on.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the one in its place is not the one that this follows;
    /// the disk.
    pub(super) fn write(&mut self, path: &Path) -> Result<(), StoreError> {
        let store = || path.display().to_string();
        let before = match Self::read(path) {
            Ok(before) => (before.generation, before.crc32),
            Err(StoreError::Unfinished { .. }) => (0, None),
            Err(StoreError::Io { store, action, file, cause }) => {
                return Err(StoreError::Io { store, action, file, cause });
            }
            Err(_) => return Err(StoreError::Changed { store: store() }),
        };
        if before != (self.generation, self.crc32) {
            return Err(StoreError::Changed { store: store() });
        }
        self.generation += 1;
        self.crc32 = Some(self.checksum());
        let failed = |cause| StoreError::Io { store: store(), action: "write", file: MANIFEST, cause };
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        if text.len() as u64 > LONGEST_MANIFEST {
            let problem = format!("it would be longer than {LONGEST_MANIFEST} bytes: it lists too many runs");
            return Err(StoreError::Manifest { store: store(), problem });
        }
        let next = path.join(NEXT);
        let renamed =
            write_whole(path, &next, &text).and_then(|()| disk::rename(&next, &path.join(MANIFEST)));
        // The name, too, has to reach the disk.
        match renamed {
            Ok(()) => disk::sync_folder(path).map_err(failed),
            Err(cause) => {
                let _ = fs::remove_file(&next);
                Err(failed(cause))
            }
        }
    }

    /// Of everything but itself.
    fn checksum(&self) -> u32 {
        let bare = Self { crc32: None, ..self.clone() };
        serde_json::to_vec(&bare).map_or(0, |text| crc32fast::hash(&text))
    }

    /// The codec of all rows.
    pub(super) fn codec(&self) -> Option<Codec> {
        Codec::ALL.into_iter().find(|codec| codec.name() == self.codec)
    }

    /// Rows and bytes.
    fn checked_totals(&self) -> Option<(u64, u64)> {
        self.runs.iter().try_fold((0_u64, 0_u64), |(rows, bytes), run| {
            // A segment fits in memory, and so in an isize; a row has one byte at least.
            isize::try_from(run.bytes).ok()?;
            let rows = rows.checked_add(run.segments.checked_mul(run.rows)?)?;
            let bytes = bytes.checked_add(run.segments.checked_mul(run.bytes)?)?;
            (run.rows > 0 && run.bytes >= run.rows).then_some((rows, bytes))
        })
    }

    /// Refuses segments larger than any writer makes, and such as do not have the bytes
    /// of their rows: `bytes_of` says how many those are.
    pub(super) fn check_segments(&self, bytes_of: impl Fn(usize) -> usize) -> Result<(), String> {
        for run in &self.runs {
            let expected = bytes_of(run.rows as usize) as u64;
            if run.bytes > LARGEST_SEGMENT {
                return Err(format!("a segment of {} bytes exceeds {LARGEST_SEGMENT}", run.bytes));
            }
            if run.bytes != expected {
                let (rows, bytes) = (run.rows, run.bytes);
                return Err(format!(
                    "it has segments of {rows} rows in {bytes} bytes, which take {expected}"
                ));
            }
        }
        Ok(())
    }

    /// Rows of the largest segment.
    pub(super) fn largest_segment(&self) -> usize {
        self.runs.iter().map(|run| run.rows as usize).max().unwrap_or(0)
    }

    /// Rows that are committed.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.checked_totals().unwrap_or_default().0
    }

    /// Bytes that are committed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.checked_totals().unwrap_or_default().1
    }

    /// Counts a segment.
    pub(super) fn add(&mut self, rows: usize, bytes: usize) {
        let (rows, bytes) = (rows as u64, bytes as u64);
        match self.runs.last_mut() {
            Some(run) if (run.rows, run.bytes) == (rows, bytes) => run.segments += 1,
            _ => self.runs.push(Run { segments: 1, rows, bytes }),
        }
    }

    /// The segments, from the first to the last.
    pub(super) fn segments(&self) -> impl Iterator<Item = Segment> + '_ {
        let all = self.runs.iter().flat_map(|run| (0..run.segments).map(|_| *run));
        all.scan(0, |offset, run| {
            let segment = Segment { rows: run.rows as usize, offset: *offset, bytes: run.bytes as usize };
            *offset += run.bytes;
            Some(segment)
        })
    }

    /// Where the segments are.
    pub(super) fn gradients(path: &Path) -> PathBuf {
        path.join(GRADIENTS)
    }
}

/// Reads a manifest, a regular file that is not too long.
fn read_text(place: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(place)?;
    if !about.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = Vec::new();
    File::open(place)?.take(LONGEST_MANIFEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LONGEST_MANIFEST {
        return Err(io::Error::other(format!("it is longer than {LONGEST_MANIFEST} bytes")));
    }
    Ok(text)
}

/// Writes a file of the store at `path`, and waits until it is on the disk.
fn write_whole(path: &Path, place: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = disk::create(place)?;
    // As readable as the gradients beside it.
    #[cfg(unix)]
    file.set_permissions(fs::metadata(path.join(GRADIENTS))?.permissions())?;
    disk::write(&mut file, text)?;
    disk::sync(&file)
}

/// Whether a directory holds nothing but what making a store leaves before its manifest:
/// no row, and nobody else's file.
fn is_unfinished(path: &Path) -> bool {
    let Ok(mut entries) = fs::read_dir(path) else { return false };
    entries.all(|entry| {
        entry.is_ok_and(|entry| match entry.file_name().to_str() {
            Some(LOCK | NEXT) => true,
            Some(GRADIENTS) => entry.metadata().is_ok_and(|about| about.is_file() && about.len() == 0),
            _ => false,
        })
    })
}
