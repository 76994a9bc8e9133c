//! `.safetensors` files: the header read from its own bytes only, and that of a file of
//! one tensor.
//!
//! ```text
//! length of the JSON (u64 LE), the JSON: {"name": {"dtype": "F32", "shape": [..], "data_offsets": [from, to]}, ..}, the values
//! ```
//!
//! The list of tensors is read here and not by the safetensors crate: that one keeps the
//! last of two tensors of one name, where there is no telling which is meant, and takes
//! half a minute for a million of them. Entries and types are the crate's.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs::File;
use std::io::Read;

use ::safetensors::tensor::{Dtype as Stored, TensorInfo};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::bytes::read_full;
use super::element::{Dtype, Element};
use super::error::{FileError, Shape};

/// The longest header that the format allows.
const LONGEST_HEADER: u64 = 100_000_000;

/// The most letters of what is said about a header.
const LONGEST_PROBLEM: usize = 400;

/// The entry that is no tensor.
const METADATA: &str = "__metadata__";

/// What a header says.
pub(super) struct Header {
    /// In the order of their values.
    pub(super) tensors: Vec<Tensor>,
    /// Texts about the file.
    pub(super) metadata: BTreeMap<String, String>,
}

/// One entry of the header.
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) element: Element,
    /// Bytes in the file before the first value.
    pub(super) start: u64,
    /// Bytes of its values.
    pub(super) bytes: u64,
}

/// Reads the header of a file of `file_bytes` bytes.
///
/// That the file holds all the values it promises, and no more, is checked here.
pub(super) fn read_header(name: &str, file: &mut File, file_bytes: u64) -> Result<Header, FileError> {
    // A name may be as long as the header.
    let bad = |problem: String| FileError::SafetensorsHeader {
        file: name.to_owned(),
        problem: problem.chars().take(LONGEST_PROBLEM).collect(),
    };
    let io = |cause| FileError::io(name, "read", cause);

    let mut length = [0; 8];
    if read_full(file, &mut length).map_err(io)? < length.len() {
        return Err(bad(format!("the file has only {file_bytes} bytes")));
    }
    let length = u64::from_le_bytes(length);
    let start = match length.checked_add(8) {
        Some(start) if length <= LONGEST_HEADER && start <= file_bytes => start,
        _ => {
            return Err(bad(format!("it claims to be {length} bytes long in a file of {file_bytes} bytes")));
        }
    };
    let mut json = Vec::new();
    json.try_reserve_exact(length as usize).map_err(|_| bad("there is no memory for it".to_owned()))?;
    file.take(length).read_to_end(&mut json).map_err(io)?;
    let Listed { mut tensors, metadata } = serde_json::from_slice(&json).map_err(|e| bad(e.to_string()))?;
    let mut names = HashSet::with_capacity(tensors.len());
    if let Some((twice, _)) = tensors.iter().find(|(name, _)| !names.insert(name.as_str())) {
        return Err(bad(format!("it has two tensors {twice:?}")));
    }
    tensors.sort_by_key(|(_, info)| info.data_offsets);
    let mut expected = 0;
    for (tensor, info) in &tensors {
        expected =
            check_place(info, expected).map_err(|problem| bad(format!("tensor {tensor:?} {problem}")))?;
    }
    let found = file_bytes - start;
    match found.cmp(&expected) {
        Ordering::Less => return Err(FileError::Truncated { file: name.to_owned(), expected, found }),
        Ordering::Greater => return Err(FileError::TrailingBytes { file: name.to_owned(), expected }),
        Ordering::Equal => {}
    }
    let tensor = |(name, info): (String, TensorInfo)| Tensor {
        name,
        shape: Shape(info.shape.iter().map(|&d| d as u64).collect()),
        element: element(info.dtype),
        start: start.saturating_add(info.data_offsets.0 as u64),
        bytes: (info.data_offsets.1 - info.data_offsets.0) as u64,
    };
    Ok(Header { tensors: tensors.into_iter().map(tensor).collect(), metadata })
}

/// Where a tensor's values end, which begin at `begin` and are as many as its shape says.
fn check_place(info: &TensorInfo, begin: u64) -> Result<u64, String> {
    let (from, to) = (info.data_offsets.0 as u64, info.data_offsets.1 as u64);
    if from != begin || to < from {
        return Err(format!(
            "stands from byte {from} to {to}, and not from {begin}, where the one before ends"
        ));
    }
    let count = info.shape.iter().try_fold(1_u64, |product, &d| product.checked_mul(d as u64));
    let bits = count.and_then(|count| count.checked_mul(info.dtype.bitsize() as u64));
    match bits {
        Some(bits) if bits % 8 == 0 && bits / 8 == to - from => Ok(to),
        _ => Err(format!("has {} bytes, which do not agree with its shape and type", to - from)),
    }
}

/// The JSON of a header: tensors in any order, and texts.
struct Listed {
    tensors: Vec<(String, TensorInfo)>,
    metadata: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Listed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with an entry for each tensor")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Listed, A::Error> {
                let (mut tensors, mut metadata) = (Vec::new(), None);
                while let Some(name) = map.next_key::<String>()? {
                    if name != METADATA {
                        tensors.push((name, map.next_value()?));
                    } else if metadata.replace(map.next_value::<Texts>()?.0).is_some() {
                        return Err(A::Error::duplicate_field(METADATA));
                    }
                }
                Ok(Listed { tensors, metadata: metadata.unwrap_or_default() })
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

/// Texts by key, each key once.
struct Texts(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some((key, text)) = map.next_entry::<String, String>()? {
                    if let Some(before) = texts.insert(key, text) {
                        return Err(A::Error::custom(format_args!(
                            "two texts of one key, one of them {before:?}"
                        )));
                    }
                }
                Ok(Texts(texts))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

fn element(dtype: Stored) -> Element {
    match dtype {
        Stored::F16 => Element::Float(Dtype::F16),
        Stored::BF16 => Element::Float(Dtype::Bf16),
        Stored::F32 => Element::Float(Dtype::F32),
        Stored::F64 => Element::Float(Dtype::F64),
        Stored::BOOL => Element::Bool,
        Stored::I8 => Element::Int(1),
        Stored::I16 => Element::Int(2),
        Stored::I32 => Element::Int(4),
        Stored::I64 => Element::Int(8),
        Stored::U8 => Element::Uint(1),
        Stored::U16 => Element::Uint(2),
        Stored::U32 => Element::Uint(4),
        Stored::U64 => Element::Uint(8),
        other => Element::Other(format!("{other:?}"), None),
    }
}

/// The bytes before the values of a file of one tensor of `count` values. The same for
/// the same arguments.
pub(super) fn header_of_one(
    name: &str,
    shape: &[u64],
    dtype: Dtype,
    count: u64,
    metadata: &BTreeMap<String, String>,
) -> Vec<u8> {
    let stored = match dtype {
        Dtype::F16 => "F16",
        Dtype::Bf16 => "BF16",
        Dtype::F32 => "F32",
        Dtype::F64 => "F64",
    };
    let end = count.saturating_mul(dtype.bytes() as u64);
    let tensor = serde_json::json!({ "dtype": stored, "shape": shape, "data_offsets": [0, end] });
    let mut json = serde_json::Map::new();
    json.insert(METADATA.to_owned(), serde_json::json!(metadata));
    json.insert(name.to_owned(), tensor);
    let mut json = serde_json::Value::Object(json).to_string().into_bytes();
    // Values begin at a multiple of eight bytes.
    json.resize(json.len().next_multiple_of(8), b' ');
    [&(json.len() as u64).to_le_bytes()[..], &json].concat()
}
