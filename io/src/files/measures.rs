//! What belongs to a file of sketches and is not in it: how they were made, which a
//! `.npy` cannot say, and the norms that their gradients had before the projection.
//!
//! Both stand beside `FILE` in `FILE.measures.safetensors`: the settings as metadata, and
//! the tensors `l1`, `l2_squared`, `max` and `non_finite`, a number a row each. It names
//! the file that it belongs to by its length and a checksum of both ends, so that a file
//! that has since become another is not taken for what it was.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use ::safetensors::SafeTensors;
use ::safetensors::tensor::{Dtype, TensorView};

use super::error::FileError;
use super::{bytes, safetensors};

/// What the name of such a file has behind that of the sketches.
pub(super) const ENDING: &str = ".measures.safetensors";

/// The text that tells which file it belongs to.
pub(super) const OF: &str = "gradsieve.of";

/// Bytes of either end that a file is known by.
const END_BYTES: u64 = 1 << 16;

/// The most bytes of a header and of the texts in it.
const LONGEST_HEADER: u64 = 1 << 16;

/// Bytes of a row's measures.
const ROW_BYTES: u64 = 28;

/// The measures of the gradients whose sketches a file holds, row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures {
    /// Sums of magnitudes.
    pub l1: Vec<f64>,
    /// Sums of squares.
    pub l2_squared: Vec<f64>,
    /// The largest magnitudes.
    pub max: Vec<f32>,
    /// How many entries are NaN or infinite.
    pub non_finite: Vec<u64>,
}

impl Measures {
    /// Adds those of the rows that follow.
    pub(super) fn append(&mut self, more: Self) {
        self.l1.extend(more.l1);
        self.l2_squared.extend(more.l2_squared);
        self.max.extend(more.max);
        self.non_finite.extend(more.non_finite);
    }
}

/// Where the measures of a file are.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ENDING);
    name.into()
}

/// What a file is known by; nothing where it cannot be read.
pub(super) fn fingerprint(path: &Path) -> Option<String> {
    // Asked before it is opened: a pipe would wait for its other end.
    let length = fs::metadata(path).ok().filter(fs::Metadata::is_file)?.len();
    let mut file = File::open(path).ok()?;
    let mut ends = vec![0; (2 * END_BYTES) as usize];
    let (first, last) = ends.split_at_mut(END_BYTES as usize);
    let first_bytes = bytes::read_full(&mut file, first).ok()?;
    file.seek(SeekFrom::Start(length.saturating_sub(END_BYTES))).ok()?;
    let last_bytes = bytes::read_full(&mut file.take(END_BYTES), last).ok()?;
    let ends = [&first[..first_bytes], &last[..last_bytes]].concat();
    Some(format!("{length} bytes, crc32 {:08x}", crc32fast::hash(&ends)))
}

/// Removes what belonged to the file that `path` was.
pub(super) fn forget_measures(path: &Path) {
    let path = beside(path);
    // Usually there is none.
    if path.exists() {
        let _ = fs::remove_file(path);
    }
}

/// The settings of the sketches in `path`, as the file beside it says; nothing if there
/// is none, or it belongs to another file.
///
/// # Errors
/// A file beside it that cannot be read: what it said is not known then.
pub(super) fn read_settings(path: &Path) -> Result<Option<BTreeMap<String, String>>, FileError> {
    let place = beside(path);
    // Asked before it is opened, as above.
    let Some(about) = fs::metadata(&place).ok().filter(fs::Metadata::is_file) else { return Ok(None) };
    let name = place.display().to_string();
    let mut file = File::open(&place).map_err(|e| FileError::io(&name, "open it", e))?;
    let mut settings = safetensors::read_header(&name, &mut file, about.len())?.metadata;
    let of = settings.remove(OF);
    Ok((of.is_some() && of == fingerprint(path)).then_some(settings))
}

/// The measures of the `rows` gradients whose sketches are in `path`; none if there are
/// none beside it, or they belong to another file.
///
/// # Errors
/// A file beside it that cannot be read, or has not a number for each row.
pub fn read_measures(path: &Path, rows: usize) -> Result<Option<Measures>, FileError> {
    let file = beside(path);
    if read_settings(path)?.is_none() {
        return Ok(None);
    }
    let name = file.display().to_string();
    let refuse = |problem: String| FileError::SafetensorsHeader { file: name.clone(), problem };
    // Not longer than those of these rows can be, before it is read.
    let length = fs::metadata(&file).map_err(|e| FileError::io(&name, "read", e))?.len();
    if length > (rows as u64).saturating_mul(ROW_BYTES).saturating_add(LONGEST_HEADER) {
        return Err(refuse(format!("its {length} bytes are more than those of {rows} rows")));
    }
    let bytes = fs::read(&file).map_err(|e| FileError::io(&name, "read", e))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| refuse(e.to_string()))?;
    let column = |name: &str, dtype: Dtype| {
        let view = tensors.tensor(name).ok().filter(|view| view.dtype() == dtype && view.shape() == [rows]);
        view.ok_or_else(|| refuse(format!("it has no {name:?} of {rows} {dtype:?}")))
    };
    let (l1, l2) = (column("l1", Dtype::F64)?, column("l2_squared", Dtype::F64)?);
    let (max, non_finite) = (column("max", Dtype::F32)?, column("non_finite", Dtype::U64)?);
    let doubles =
        |view: &TensorView<'_>| view.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
    Ok(Some(Measures {
        l1: doubles(&l1),
        l2_squared: doubles(&l2),
        max: max.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        non_finite: non_finite.data().as_chunks().0.iter().map(|b| u64::from_le_bytes(*b)).collect(),
    }))
}
