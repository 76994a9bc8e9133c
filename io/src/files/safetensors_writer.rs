//! Writes small sets of tensors of f32.

use ::safetensors::tensor::{Dtype, TensorView};

use super::{Destination, FileError};

/// A tensor of f32 to write: `data` holds the product of `shape` values, last dimension
/// fastest.
#[derive(Clone, Copy, Debug)]
pub struct NamedTensor<'a> {
    /// Its name, unique in the file.
    pub name: &'a str,
    /// Its dimensions, outermost first.
    pub shape: &'a [usize],
    /// Its values in C order.
    pub data: &'a [f32],
}

/// Writes a `.safetensors` file that appears whole or not at all. The file is put
/// together in memory: for small tensors.
///
/// # Errors
/// A shape that disagrees with the number of values, or a destination that cannot be
/// written.
pub fn write_safetensors(destination: &Destination, tensors: &[NamedTensor<'_>]) -> Result<(), FileError> {
    let file = destination.to_string();
    let unwritable = |cause: ::safetensors::SafeTensorError| {
        FileError::io(&file, "put the tensors together", std::io::Error::other(cause.to_string()))
    };
    let mut bytes = Vec::new();
    for tensor in tensors {
        let expected = tensor.shape.iter().try_fold(1_usize, |product, &d| product.checked_mul(d));
        if expected != Some(tensor.data.len()) {
            return Err(FileError::WrongCount {
                file: format!("{file}#{}", tensor.name),
                expected: expected.map_or(u64::MAX, |e| e as u64),
                found: tensor.data.len() as u64,
            });
        }
        bytes.push(tensor.data.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>());
    }
    let mut views = Vec::new();
    for (tensor, bytes) in tensors.iter().zip(&bytes) {
        let view = TensorView::new(Dtype::F32, tensor.shape.to_vec(), bytes).map_err(unwritable)?;
        views.push((tensor.name, view));
    }
    let whole = ::safetensors::serialize(views, None).map_err(unwritable)?;
    let mut output = destination.create()?;
    output.write(&whole)?;
    output.finish()
}
