//! A column of labels: which class, sensor or client each sample belongs to.

use super::array::Array;
use super::element::Element;
use super::numbers::float;
use super::{FileError, Source, column};

/// Reads a 1-dimensional array of group ids: integers of any size, booleans, or floats
/// that are whole.
///
/// # Errors
/// No such file, not an array, more or fewer dimensions than one, another dtype; a value
/// that is not a whole number from 0 to 4294967295 (the text says which, and where).
pub fn read_groups(source: &Source) -> Result<Vec<u32>, FileError> {
    let each = |array: &Array| match &array.element {
        Element::Other(name, _) => Err(FileError::Dtype {
            file: array.name.clone(),
            expected: "integers, booleans or floats that are whole",
            found: name.clone(),
        }),
        Element::Float(dtype) => Ok(dtype.bytes()),
        Element::Bool => Ok(1),
        Element::Int(bytes) | Element::Uint(bytes) => Ok(*bytes),
    };
    column::read(source, "a 1-dimensional array (a group for each sample)", each, |array, index, bytes| {
        group(array, bytes).map_err(|value| FileError::NotAGroup { file: array.name.clone(), index, value })
    })
}

/// One value, little-endian; the value as text if it is not a group.
fn group(array: &Array, bytes: &[u8]) -> Result<u32, String> {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    let unsigned = u64::from_le_bytes(wide);
    let unused = 64 - 8 * bytes.len() as u32;
    match array.element {
        Element::Bool => Ok(u32::from(unsigned != 0)),
        Element::Int(_) => {
            let signed = (unsigned << unused).cast_signed() >> unused;
            u32::try_from(signed).map_err(|_| signed.to_string())
        }
        Element::Float(dtype) => {
            let value = float(dtype, unsigned);
            if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
                Ok(value as u32)
            } else {
                Err(value.to_string())
            }
        }
        _ => u32::try_from(unsigned).map_err(|_| unsigned.to_string()),
    }
}
