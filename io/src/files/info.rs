//! What a file holds, from its header alone.

use std::collections::BTreeMap;

use super::Source;
use super::array;
use super::error::{FileError, Shape};
use super::{bergson, npz};

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// NumPy's `.npy`: one array without a name.
    Npy,
    /// `.safetensors`: arrays with names.
    Safetensors,
    /// `.npz`: arrays with names.
    Npz,
    /// A directory of bergson: one matrix, whose columns have names by module.
    Bergson,
}

/// One array of a file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct TensorInfo {
    /// Its name; none in a `.npy`.
    pub name: Option<String>,
    /// The type of its elements, as in `f32`, `bf16`, `i64`; for a type that gradients
    /// and groups never have, the name that the file gives it.
    pub dtype: String,
    /// Its dimensions, outermost first.
    pub shape: Shape,
    /// Bytes of its values.
    pub bytes: u64,
    /// Whether the first dimension varies fastest.
    pub fortran_order: bool,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FileInfo {
    /// The file as the user named it.
    pub file: String,
    /// Its format.
    pub kind: FileKind,
    /// Its arrays, in the order of their values.
    pub tensors: Vec<TensorInfo>,
    /// Texts about the file, by key; none in a `.npy`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// Describes the file that `source` names; of a `.safetensors` file all tensors, or the
/// one named. Any shape and any dtype will do; nothing but the header is read.
///
/// # Errors
/// No such file; none of the formats; fewer or more bytes than the header
/// says; no such tensor.
pub fn info(source: &Source) -> Result<FileInfo, FileError> {
    if let Source::Safetensors { path, tensor: None } = source {
        let (_, header) = array::open_safetensors(path)?;
        let tensors = header.tensors.into_iter().map(|tensor| TensorInfo {
            name: Some(tensor.name),
            dtype: tensor.element.to_string(),
            shape: tensor.shape,
            bytes: tensor.bytes,
            fortran_order: false,
        });
        return Ok(FileInfo {
            file: source.to_string(),
            kind: FileKind::Safetensors,
            tensors: tensors.collect(),
            metadata: header.metadata,
        });
    }
    if let Source::Npz { path, array: None } = source {
        let mut tensors = Vec::new();
        for name in npz::names(path)? {
            tensors.extend(info(&Source::Npz { path: path.clone(), array: Some(name) })?.tensors);
        }
        let (file, kind, metadata) = (source.to_string(), FileKind::Npz, BTreeMap::new());
        return Ok(FileInfo { file, kind, tensors, metadata });
    }
    if let Source::Npy(path) | Source::Shards { pattern: path, tensor: None } = source
        && bergson::is_gradients(path)
    {
        // Opened, so that its length is compared with what it says.
        let array = array::open(source)?;
        let bergson::Header { shape: Shape(shape), dtype, modules, metadata, .. } =
            bergson::read_header(path)?;
        let rows = shape.first().copied().unwrap_or(0);
        let tensors = modules.into_iter().map(|(name, columns)| TensorInfo {
            name: Some(name),
            dtype: array.element.to_string(),
            shape: Shape(vec![rows, columns]),
            bytes: rows.saturating_mul(columns).saturating_mul(dtype.bytes() as u64),
            fortran_order: false,
        });
        let (file, kind) = (source.to_string(), FileKind::Bergson);
        return Ok(FileInfo { file, kind, tensors: tensors.collect(), metadata });
    }
    let array = array::open(source)?;
    let (kind, name) = match source {
        Source::Safetensors { tensor, .. } => (FileKind::Safetensors, tensor.clone()),
        Source::Npz { array, .. } => (FileKind::Npz, array.clone()),
        Source::Stdin | Source::Npy(_) | Source::Store(_) | Source::Shards { .. } => (FileKind::Npy, None),
    };
    let tensor = TensorInfo {
        name,
        dtype: array.element.to_string(),
        shape: array.shape,
        bytes: array.bytes,
        fortran_order: array.fortran,
    };
    Ok(FileInfo { file: source.to_string(), kind, tensors: vec![tensor], metadata: array.metadata })
}
