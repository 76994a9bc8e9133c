//! The gradients that bergson writes: a directory with `gradients.bin`, rows of values
//! and nothing else, and `info.json`, which says how many there are and of what type.
//!
//! | field | what |
//! |---|---|
//! | `num_grads` | rows |
//! | `grad_sizes` | how many columns each module has, in the order of the columns |
//! | `base_dtype` | NumPy's name of the type: `float16`, `bfloat16`, `float32` or `float64` |
//! | `dtype` | before there was a `base_dtype`: NumPy's description of a row, as in `{"formats": ["(64,)<f2", …]}` |
//! | `attribute_tokens`, `num_items` | whether rows are tokens and not samples, and how many samples there are |
//!
//! Other fields are passed over. Values are little-endian unless `dtype` says otherwise.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::element::Dtype;
use super::error::{FileError, Shape};

/// The name of the file of values.
const GRADIENTS: &str = "gradients.bin";

/// The name of the file that says what they are.
const INFO: &str = "info.json";

/// What a store of our own has beside a file of the same name.
const MANIFEST: &str = "store.json";

/// The longest `info.json` that is read: room for hundreds of thousands of modules.
const LONGEST_INFO: u64 = 64 << 20;

/// The most letters of what is said about it.
const LONGEST_PROBLEM: usize = 400;

/// What a directory holds.
pub(super) struct Header {
    /// Where the values are.
    pub(super) values: PathBuf,
    /// Rows and columns.
    pub(super) shape: Shape,
    pub(super) dtype: Dtype,
    pub(super) big_endian: bool,
    /// Bytes of all values.
    pub(super) bytes: u64,
    /// The modules and their columns, in the order of the columns.
    pub(super) modules: Vec<(String, u64)>,
    /// What rows are, by key.
    pub(super) metadata: BTreeMap<String, String>,
}

/// Whether a path names such a directory.
pub(super) fn is_gradients(path: &Path) -> bool {
    path.join(GRADIENTS).is_file() && !path.join(MANIFEST).is_file()
}

/// Reads what the directory at `path` says of its values.
///
/// # Errors
/// `info.json` is missing or cannot be read; the type is none that gradients have; the
/// values cannot be counted. Whether they are there is seen by whoever opens them.
pub(super) fn read_header(path: &Path) -> Result<Header, FileError> {
    let place = path.join(INFO);
    let file = place.display().to_string();
    let bad = |problem: String| FileError::BergsonInfo {
        file: file.clone(),
        problem: problem.chars().take(LONGEST_PROBLEM).collect(),
    };
    let about = fs::metadata(&place).map_err(|cause| FileError::io(&file, "open it", cause))?;
    // A pipe would be waited for.
    if !about.is_file() && !about.is_dir() {
        return Err(bad("it is not a regular file".to_owned()));
    }
    let mut text = Vec::new();
    let opened = File::open(&place).map_err(|cause| FileError::io(&file, "open it", cause))?;
    opened
        .take(LONGEST_INFO + 1)
        .read_to_end(&mut text)
        .map_err(|cause| FileError::io(&file, "read", cause))?;
    if text.len() as u64 > LONGEST_INFO {
        return Err(bad(format!("it is longer than {LONGEST_INFO} bytes")));
    }
    let info: Info = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    let (dtype, big_endian) = info.element(&file)?.ok_or_else(|| bad("it names no base_dtype".to_owned()))?;
    let Info { num_grads, grad_sizes: Modules(modules), .. } = info;
    let columns = modules.iter().try_fold(0_u64, |sum, (_, columns)| sum.checked_add(*columns));
    let shape = Shape(vec![num_grads, columns.unwrap_or(u64::MAX)]);
    let count = columns.and_then(|columns| num_grads.checked_mul(columns));
    let bytes = count.and_then(|count| count.checked_mul(dtype.bytes() as u64));
    let bytes = bytes.ok_or_else(|| FileError::TooLarge { file: file.clone(), shape: shape.clone() })?;
    let texts = [
        ("attribute_tokens", info.attribute_tokens.map(|tokens| tokens.to_string())),
        ("num_items", info.num_items.map(|items| items.to_string())),
    ];
    let metadata = texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?))).collect();
    Ok(Header { values: path.join(GRADIENTS), shape, dtype, big_endian, bytes, modules, metadata })
}

/// The JSON.
#[derive(Deserialize)]
struct Info {
    num_grads: u64,
    grad_sizes: Modules,
    base_dtype: Option<String>,
    dtype: Option<Structured>,
    attribute_tokens: Option<bool>,
    num_items: Option<u64>,
}

/// NumPy's description of a row whose modules have names.
#[derive(Deserialize)]
struct Structured {
    formats: Vec<String>,
}

impl Info {
    /// The type of the values, and whether their highest byte comes first; none if the
    /// file names no type.
    fn element(&self, file: &str) -> Result<Option<(Dtype, bool)>, FileError> {
        let refuse = |found: &str| {
            Err(FileError::Dtype {
                file: file.to_owned(),
                expected: "float16, bfloat16, float32 or float64",
                found: found.chars().take(LONGEST_PROBLEM).collect(),
            })
        };
        if let Some(name) = &self.base_dtype {
            let dtype = match name.as_str() {
                "float16" => Dtype::F16,
                "bfloat16" => Dtype::Bf16,
                "float32" => Dtype::F32,
                "float64" => Dtype::F64,
                other => return refuse(other),
            };
            return Ok(Some((dtype, false)));
        }
        let Some(Structured { formats }) = &self.dtype else { return Ok(None) };
        // "(64,)<f2": how many, and of what.
        let mut types = formats.iter().map(|format| format.rsplit(')').next().unwrap_or(format));
        let Some(first) = types.next() else { return Ok(None) };
        if let Some(other) = types.find(|other| *other != first) {
            return refuse(&format!("{first} and {other}"));
        }
        Ok(Some(match first {
            "<f2" => (Dtype::F16, false),
            "<f4" => (Dtype::F32, false),
            "<f8" => (Dtype::F64, false),
            ">f2" => (Dtype::F16, true),
            ">f4" => (Dtype::F32, true),
            ">f8" => (Dtype::F64, true),
            other => return refuse(other),
        }))
    }
}

/// Modules and their columns in the order of the file, each name once.
struct Modules(Vec<(String, u64)>);

impl<'de> Deserialize<'de> for Modules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Modules;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the columns of each module")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Modules, A::Error> {
                let (mut modules, mut names) = (Vec::new(), HashSet::new());
                while let Some((name, columns)) = map.next_entry::<String, u64>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("two modules {name:?}")));
                    }
                    modules.push((name, columns));
                }
                Ok(Modules(modules))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
