//! A column of labels: which class, sensor or client each sample belongs to.

use super::array::{self, Array};
use super::element::{Dtype, Element};
use super::{FileError, Source};

/// Values read at once.
const BATCH: u64 = 8192;

/// Reads a 1-dimensional array of group ids: integers of any size, booleans, or floats that are whole.
///
/// # Errors
/// No such file, not an array, more or fewer dimensions than one, another dtype; a value that is not a
/// whole number from 0 to 4294967295 (the text says which, and where).
pub fn read_groups(source: &Source) -> Result<Vec<u32>, FileError> {
    let mut array = array::open(source)?;
    let [count] = *array.shape.0.as_slice() else {
        return Err(FileError::Rank {
            file: array.name,
            expected: "a 1-dimensional array (a group for each sample)",
            shape: array.shape,
        });
    };
    if count == 0 {
        return Err(FileError::Empty { file: array.name, shape: array.shape });
    }
    let each = match &array.element {
        Element::Other(name, _) => {
            let found = name.clone();
            return Err(FileError::Dtype {
                file: array.name,
                expected: "integers, booleans or floats that are whole",
                found,
            });
        }
        Element::Float(dtype) => dtype.bytes(),
        Element::Bool => 1,
        Element::Int(bytes) | Element::Uint(bytes) => *bytes,
    };
    array.begin(0)?;
    let mut groups = Vec::new();
    let mut bytes = vec![0; BATCH as usize * each];
    let mut read = 0;
    while read < count {
        let batch = (count - read).min(BATCH) as usize;
        let bytes = &mut bytes[..batch * each];
        array.fill(bytes)?;
        if array.big_endian {
            array::swap(bytes, each);
        }
        for (index, value) in (read..).zip(bytes.chunks_exact(each)) {
            groups.push(group(&array, value).map_err(|value| FileError::NotAGroup {
                file: array.name.clone(),
                index,
                value,
            })?);
        }
        read += batch as u64;
    }
    array.end()?;
    Ok(groups)
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
            let value = match dtype {
                Dtype::F16 => half::f16::from_bits(unsigned as u16).to_f64(),
                Dtype::Bf16 => half::bf16::from_bits(unsigned as u16).to_f64(),
                Dtype::F32 => f64::from(f32::from_bits(unsigned as u32)),
                Dtype::F64 => f64::from_bits(unsigned),
            };
            if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
                Ok(value as u32)
            } else {
                Err(value.to_string())
            }
        }
        _ => u32::try_from(unsigned).map_err(|_| unsigned.to_string()),
    }
}
