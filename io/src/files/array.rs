//! An opened array: where its values begin, how many bytes they are, and reading those
//! bytes in order.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::bytes::read_full;
use super::element::Element;
use super::error::{FileError, Shape};
use super::measures::read_settings;
use super::safetensors::{Header, Tensor};
use super::{Source, bergson, npy, npz, safetensors};

/// An array whose header was read and, if it is a regular file, whose length agrees with
/// it.
pub(super) struct Array {
    /// As the user named it, with the tensor's name if there is one.
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) element: Element,
    pub(super) big_endian: bool,
    pub(super) fortran: bool,
    /// Texts about the file; of a `.npy` those beside it.
    pub(super) metadata: BTreeMap<String, String>,
    /// Bytes of all values.
    pub(super) bytes: u64,
    start: u64,
    input: Input,
    /// Bytes of values read since the last `begin`.
    done: u64,
}

enum Input {
    File(File),
    Stream { reader: Box<dyn Read + Send>, used: bool },
}

/// Opens the one array that `source` names.
pub(super) fn open(source: &Source) -> Result<Array, FileError> {
    let name = source.to_string();
    match source {
        Source::Stdin => open_npy(name, Input::Stream { reader: Box::new(io::stdin()), used: false }),
        Source::Npy(path) | Source::Shards { pattern: path, tensor: None } if bergson::is_gradients(path) => {
            open_bergson(path)
        }
        Source::Npy(path) => {
            let (file, regular) = open_file(path)?;
            let input = if regular.is_some() {
                Input::File(file)
            } else {
                Input::Stream { reader: Box::new(file), used: false }
            };
            let array = open_npy(name, input)?;
            let settings = if regular.is_some() { read_settings(path)? } else { None };
            Ok(Array { metadata: settings.unwrap_or_default(), ..array })
        }
        Source::Npz { path, array } => {
            let npz::Member { name, file, start, bytes } = npz::open(path, array.as_deref())?;
            open_npy_at(name, Input::File(file), Some((start, bytes)))
        }
        Source::Store(_) => Err(FileError::Store { file: name }),
        Source::Shards { .. } => Err(FileError::Shards { file: name }),
        Source::Safetensors { path, tensor } => {
            let (file, Header { tensors, metadata }) = open_safetensors(path)?;
            let tensor = choose(&path.display().to_string(), tensors, tensor.as_deref())?;
            Ok(of_tensor(path, file, tensor, metadata))
        }
    }
}

/// Opens the tensors of a `.safetensors` file that begin with `prefix`, in the order of
/// their names; in each the first dimension is the samples'.
pub(super) fn open_together(path: &Path, prefix: &str) -> Result<Vec<Array>, FileError> {
    let (_, Header { mut tensors, metadata }) = open_safetensors(path)?;
    let file = path.display().to_string();
    let names: Vec<String> = tensors.iter().map(|t| t.name.clone()).collect();
    tensors.retain(|tensor| tensor.name.starts_with(prefix));
    if tensors.is_empty() {
        return Err(FileError::UnknownTensor { file, tensor: format!("{prefix}*"), names });
    }
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    let open = |tensor| Ok(of_tensor(path, open_file(path)?.0, tensor, metadata.clone()));
    tensors.into_iter().map(open).collect()
}

/// The array that is a tensor of a file.
fn of_tensor(path: &Path, file: File, tensor: Tensor, metadata: BTreeMap<String, String>) -> Array {
    Array {
        name: format!("{}#{}", path.display(), tensor.name),
        shape: tensor.shape,
        element: tensor.element,
        big_endian: false,
        fortran: false,
        metadata,
        bytes: tensor.bytes,
        start: tensor.start,
        input: Input::File(file),
        done: 0,
    }
}

/// Opens the values in a directory that bergson wrote.
fn open_bergson(path: &Path) -> Result<Array, FileError> {
    let header = bergson::read_header(path)?;
    let name = header.values.display().to_string();
    let (file, length) = open_file(&header.values)?;
    check_length(&name, header.bytes, length.unwrap_or(0))?;
    Ok(Array {
        name,
        shape: header.shape,
        element: Element::Float(header.dtype),
        big_endian: header.big_endian,
        fortran: false,
        metadata: header.metadata,
        bytes: header.bytes,
        start: 0,
        input: Input::File(file),
        done: 0,
    })
}

/// Refuses a file with fewer or more bytes of values than its header says.
fn check_length(name: &str, expected: u64, found: u64) -> Result<(), FileError> {
    let file = || name.to_owned();
    match found.cmp(&expected) {
        Ordering::Less => Err(FileError::Truncated { file: file(), expected, found }),
        Ordering::Greater => Err(FileError::TrailingBytes { file: file(), expected }),
        Ordering::Equal => Ok(()),
    }
}

/// Opens a `.npy` that arrives on `reader`, under the name `name`.
pub(super) fn open_stream(name: String, reader: Box<dyn Read + Send>) -> Result<Array, FileError> {
    open_npy(name, Input::Stream { reader, used: false })
}

/// Opens a `.safetensors` file and reads its header.
pub(super) fn open_safetensors(path: &Path) -> Result<(File, Header), FileError> {
    let name = path.display().to_string();
    let (mut file, length) = open_file(path)?;
    let Some(length) = length else {
        return Err(FileError::SafetensorsStream { file: name });
    };
    let header = safetensors::read_header(&name, &mut file, length)?;
    Ok((file, header))
}

/// Opens a file; its length, if it is a regular one.
fn open_file(path: &Path) -> Result<(File, Option<u64>), FileError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|e| FileError::io(&name, "open it", e))?;
    let about = file.metadata().map_err(|e| FileError::io(&name, "open it", e))?;
    if about.is_dir() {
        return Err(FileError::Directory { file: name });
    }
    Ok((file, about.is_file().then_some(about.len())))
}

fn choose(file: &str, tensors: Vec<Tensor>, wanted: Option<&str>) -> Result<Tensor, FileError> {
    let file = file.to_owned();
    let names: Vec<String> = tensors.iter().map(|t| t.name.clone()).collect();
    if names.is_empty() {
        return Err(FileError::NoTensors { file });
    }
    match wanted {
        Some(wanted) => tensors
            .into_iter()
            .find(|t| t.name == wanted)
            .ok_or_else(|| FileError::UnknownTensor { file, tensor: wanted.to_owned(), names }),
        None => match <[Tensor; 1]>::try_from(tensors) {
            Ok([only]) => Ok(only),
            Err(_) => Err(FileError::TensorNotNamed { file, names }),
        },
    }
}

fn open_npy(name: String, input: Input) -> Result<Array, FileError> {
    open_npy_at(name, input, None)
}

/// The same of a part of a file: where it begins, and its bytes.
fn open_npy_at(name: String, mut input: Input, part: Option<(u64, u64)>) -> Result<Array, FileError> {
    let before = part.map_or(0, |(start, _)| start);
    if let (Input::File(file), Some(_)) = (&mut input, part) {
        file.seek(SeekFrom::Start(before)).map_err(|e| FileError::io(&name, "read", e))?;
    }
    let header = match &mut input {
        // Buffered: a header is a handful of short reads. Each pass seeks anyway.
        Input::File(file) => npy::read_header(&name, &mut io::BufReader::new(file))?,
        Input::Stream { reader, .. } => npy::read_header(&name, reader)?,
    };
    let length = match &input {
        Input::File(file) => {
            let about = file.metadata().map_err(|e| FileError::io(&name, "read", e))?;
            let whole =
                part.map_or(about.len(), |(start, bytes)| bytes.min(about.len().saturating_sub(start)));
            Some(whole.saturating_sub(header.start))
        }
        Input::Stream { .. } => None,
    };
    let bytes = match (header.element.bytes(), length) {
        (Some(each), _) => {
            let count = if header.shape.0.contains(&0) {
                Some(0)
            } else {
                header.shape.0.iter().try_fold(1_u64, |product, &d| product.checked_mul(d))
            };
            count
                .and_then(|count| count.checked_mul(each))
                .ok_or_else(|| FileError::TooLarge { file: name.clone(), shape: header.shape.clone() })?
        }
        (None, length) => length.unwrap_or(0),
    };
    if let Some(found) = length {
        check_length(&name, bytes, found)?;
    }
    let npy::Header { shape, element, big_endian, fortran, start } = header;
    let metadata = BTreeMap::new();
    let start = before + start;
    Ok(Array { name, shape, element, big_endian, fortran, metadata, bytes, start, input, done: 0 })
}

impl Array {
    /// Whether the values can be read again, and in any order.
    pub(super) fn is_rewindable(&self) -> bool {
        matches!(self.input, Input::File(_))
    }

    /// Goes to byte `offset` of the values. On a stream only the first call succeeds, and
    /// for 0 only.
    pub(super) fn begin(&mut self, offset: u64) -> Result<(), FileError> {
        match &mut self.input {
            Input::File(file) => {
                let place = SeekFrom::Start(self.start.saturating_add(offset));
                file.seek(place).map_err(|e| FileError::io(&self.name, "read", e))?;
            }
            Input::Stream { used, .. } if !*used && offset == 0 => *used = true,
            Input::Stream { .. } => {
                return Err(FileError::OnePassOnly { file: self.name.clone() });
            }
        }
        self.done = offset;
        Ok(())
    }

    /// Fills `bytes` with what comes next.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<(), FileError> {
        let got = match &mut self.input {
            Input::File(file) => read_full(file, bytes),
            Input::Stream { reader, .. } => read_full(reader, bytes),
        }
        .map_err(|e| FileError::io(&self.name, "read", e))?;
        self.done += got as u64;
        if got < bytes.len() {
            return Err(FileError::Truncated {
                file: self.name.clone(),
                expected: self.bytes,
                found: self.done,
            });
        }
        Ok(())
    }

    /// After the last value: a stream must end here (a file's length was checked when it
    /// was opened).
    pub(super) fn end(&mut self) -> Result<(), FileError> {
        if let Input::Stream { reader, .. } = &mut self.input {
            let got = read_full(reader, &mut [0]).map_err(|e| FileError::io(&self.name, "read", e))?;
            if got > 0 {
                return Err(FileError::TrailingBytes { file: self.name.clone(), expected: self.bytes });
            }
        }
        Ok(())
    }

    /// The host's order of bytes is not the file's, for elements of more than one byte.
    pub(super) fn is_swapped(&self) -> bool {
        self.big_endian != cfg!(target_endian = "big") && self.element.bytes().is_some_and(|bytes| bytes > 1)
    }
}
