//! Finished retrainings in a file, so that a run that is killed goes on and a run that is
//! repeated is quick.
//!
//! One file for one set of settings, named by the version and a hash of them, and the
//! settings themselves stand in it: a file of others is refused even if the hashes agree.
//! Little-endian throughout:
//!
//! ```text
//! magic "gradsieve truth\n" | version u32 | length u32 of the settings | settings, UTF-8 | CRC-32 of all before
//! record: number u32 | length u32 | length × f64 | CRC-32 of the record          (any number of them, in any order)
//! ```
//!
//! Records are appended whole and flushed. A tail that a killed run tore is found by its
//! length or its check sum, and cut off; what is before it counts. One program at a time
//! writes a file: it holds the file's lock.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::error::TruthError;

const MAGIC: &[u8] = b"gradsieve truth\n";

/// Counts up whenever the same settings give other numbers, or more of them; older files
/// have other names.
const VERSION: u32 = 2;

/// The results that are known, and where new ones go.
#[derive(Debug, Default)]
pub struct Ledger {
    finished: BTreeMap<usize, Vec<f64>>,
    file: Option<(File, PathBuf)>,
}

impl Ledger {
    /// Knows nothing and keeps nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The ledger for `settings` in `directory`, made if there is none; results are kept
    /// under its name from now on.
    ///
    /// # Errors
    /// A directory or a file that cannot be made, read or written; a file of other
    /// settings; one that another program is writing.
    pub fn open(directory: &Path, settings: &str) -> Result<Self, TruthError> {
        let hash = crc32fast::hash(settings.as_bytes());
        let path = directory.join(format!("truth-{VERSION}-{hash:08x}.bin"));
        let refuse = |reason: String| TruthError::Cache { path: path.clone(), reason };
        let io = |error: std::io::Error| refuse(error.to_string());
        std::fs::create_dir_all(directory).map_err(|error| TruthError::Cache {
            path: directory.to_owned(),
            reason: format!("expected a directory that exists or can be made, found: {error}"),
        })?;
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        file.try_lock().map_err(|_| refuse("another run is writing it; wait for that one".to_owned()))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let header = header(settings);
        let mut finished = BTreeMap::new();
        let mut good = header.len();
        if bytes.len() < header.len() && header.starts_with(&bytes) {
            // New, or torn before the first result.
            file.seek(SeekFrom::Start(0)).map_err(io)?;
            file.write_all(&header).map_err(io)?;
        } else if let Some(mut rest) = bytes.strip_prefix(&header[..]) {
            while let Some((number, values, after)) = record(rest) {
                finished.insert(number, values);
                good += rest.len() - after.len();
                rest = after;
            }
        } else {
            return Err(refuse("it is of other settings or no such file; remove it".to_owned()));
        }
        file.set_len(good as u64).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        Ok(Self { finished, file: Some((file, path)) })
    }

    /// The result of job `number`, if it is known.
    #[must_use]
    pub fn finished(&self, number: usize) -> Option<Vec<f64>> {
        self.finished.get(&number).cloned()
    }

    /// How many results are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.finished.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.finished.is_empty()
    }

    /// Keeps a result.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn record(&mut self, number: usize, values: &[f64]) -> Result<(), TruthError> {
        if let Some((file, path)) = &mut self.file {
            let mut bytes = Vec::with_capacity(12 + 8 * values.len());
            bytes.extend((number as u32).to_le_bytes());
            bytes.extend((values.len() as u32).to_le_bytes());
            bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
            bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
            let refuse =
                |error: std::io::Error| TruthError::Cache { path: path.clone(), reason: error.to_string() };
            file.write_all(&bytes).and_then(|()| file.flush()).map_err(refuse)?;
        }
        self.finished.insert(number, values.to_vec());
        Ok(())
    }
}

fn header(settings: &str) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((settings.len() as u32).to_le_bytes());
    bytes.extend(settings.as_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// The first record of `bytes` and what comes after it; none if it is torn or altered.
fn record(bytes: &[u8]) -> Option<(usize, Vec<f64>, &[u8])> {
    let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let (number, length) = (word(0)? as usize, word(4)? as usize);
    let end = length.checked_mul(8)?.checked_add(8)?;
    let body = bytes.get(..end)?;
    if word(end)? != crc32fast::hash(body) {
        return None;
    }
    let values = body[8..].as_chunks::<8>().0.iter().map(|&value| f64::from_le_bytes(value)).collect();
    Some((number, values, &bytes[end + 4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(directory: &Path) -> PathBuf {
        let mut ledger = Ledger::open(directory, "settings").unwrap();
        assert!(ledger.is_empty());
        ledger.record(4, &[1.5, f64::NEG_INFINITY]).unwrap();
        ledger.record(0, &[]).unwrap();
        ledger.record(7, &[-0.25]).unwrap();
        ledger.file.as_ref().unwrap().1.clone()
    }

    #[test]
    fn what_was_recorded_is_there_when_the_file_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = filled(directory.path());
        let ledger = Ledger::open(directory.path(), "settings").unwrap();
        assert_eq!(ledger.len(), 3);
        assert_eq!(ledger.finished(4).unwrap(), [1.5, f64::NEG_INFINITY]);
        assert_eq!(ledger.finished(7).unwrap(), [-0.25]);
        assert_eq!((ledger.finished(0).unwrap().len(), ledger.finished(1)), (0, None));
        let busy = Ledger::open(directory.path(), "settings").unwrap_err();
        assert!(busy.to_string().contains("another run"), "{busy}");
        drop(ledger);
        assert!(Ledger::open(directory.path(), "other settings").unwrap().is_empty());
        std::fs::write(&path, "something else entirely").unwrap();
        assert!(Ledger::open(directory.path(), "settings").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"something else entirely");
    }

    #[test]
    fn wherever_a_file_is_torn_the_whole_records_before_count_and_new_ones_can_follow() {
        let directory = tempfile::tempdir().unwrap();
        let path = filled(directory.path());
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let mut ledger = Ledger::open(directory.path(), "settings").unwrap();
            let known = ledger.len();
            assert!(known < 3 && ledger.finished(7).is_none());
            ledger.record(9, &[3.0]).unwrap();
            drop(ledger);
            let ledger = Ledger::open(directory.path(), "settings").unwrap();
            assert_eq!((ledger.len(), ledger.finished(9)), (known + 1, Some(vec![3.0])), "{length}");
        }
    }

    #[test]
    fn a_record_with_one_wrong_bit_does_not_count() {
        let directory = tempfile::tempdir().unwrap();
        let path = filled(directory.path());
        let whole = std::fs::read(&path).unwrap();
        for at in header("settings").len()..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            std::fs::write(&path, &bytes).unwrap();
            assert!(Ledger::open(directory.path(), "settings").unwrap().len() < 3, "{at}");
        }
    }
}
