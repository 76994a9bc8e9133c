//! The manifest: what is in a store, and how much of it counts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use gradsieve::store::Codec;
use serde::{Deserialize, Serialize};

use super::{GRADIENTS, MANIFEST, StoreError};

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crc32: Option<u32>,
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
        Self { format, version: VERSION, codec, sketch, samples: 0, runs: Vec::new(), crc32: None }
    }

    /// Reads the manifest of the store at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, StoreError> {
        let store = path.display().to_string();
        let text = match fs::read(path.join(MANIFEST)) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                return Err(match fs::metadata(path) {
                    Err(_) => StoreError::Missing { store },
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
        if manifest.checked_totals().is_none_or(|(rows, _)| rows > manifest.samples) {
            return Err(refuse("its rows cannot be counted".to_owned()));
        }
        Ok(manifest)
    }

    /// Puts the manifest in its place, whole: rows that it counts exist from then on.
    pub(super) fn write(&mut self, path: &Path) -> Result<(), StoreError> {
        self.crc32 = Some(self.checksum());
        let failed = |cause| StoreError::Io {
            store: path.display().to_string(),
            action: "write",
            file: MANIFEST,
            cause,
        };
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        let mut file = tempfile::NamedTempFile::new_in(path).map_err(failed)?;
        #[cfg(unix)]
        {
            // As readable as the gradients beside it; temporary files are private by
            // default.
            let mode = fs::metadata(path.join(GRADIENTS)).map_err(failed)?.permissions();
            file.as_file().set_permissions(mode).map_err(failed)?;
        }
        file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path.join(MANIFEST)).map_err(|error| failed(error.error))?;
        // The name, too, has to reach the disk. Not every system lets a directory be
        // synced.
        let _ = File::open(path).and_then(|directory| directory.sync_all());
        Ok(())
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
            // A segment fits in memory, and so in an isize.
            isize::try_from(run.bytes).ok()?;
            let rows = rows.checked_add(run.segments.checked_mul(run.rows)?)?;
            let bytes = bytes.checked_add(run.segments.checked_mul(run.bytes)?)?;
            (run.rows > 0 && run.bytes > 0).then_some((rows, bytes))
        })
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
