//! A column of numbers: something known of each sample, such as a probability.

use super::array::{self, Array};
use super::element::{Dtype, Element};
use super::{FileError, Source, check_rows, column};

/// Reads a 1-dimensional array of floats, one for each of the `rows` rows of `other`.
///
/// # Errors
/// No such file, not an array, more or fewer dimensions than one, another dtype; another
/// number of floats, of which nothing is read then.
pub fn read_numbers(source: &Source, other: &str, rows: usize) -> Result<Vec<f64>, FileError> {
    let dtype = |array: &Array| match array.element {
        Element::Float(dtype) => Ok(dtype),
        _ => Err(FileError::Dtype {
            file: array.name.clone(),
            expected: "floats (f16, bf16, f32 or f64)",
            found: array.element.to_string(),
        }),
    };
    let each = |array: &Array| dtype(array).map(Dtype::bytes);
    let (array, what) = (array::open(source)?, "a 1-dimensional array (a number for each sample)");
    column::check(&array, what, |count| check_rows(other, rows, &source.to_string(), count))?;
    column::read(array, what, each, |array, _, bytes| {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        Ok(float(dtype(array)?, u64::from_le_bytes(wide)))
    })
}

/// The float of these bits.
pub(super) fn float(dtype: Dtype, bits: u64) -> f64 {
    match dtype {
        Dtype::F16 => half::f16::from_bits(bits as u16).to_f64(),
        Dtype::Bf16 => half::bf16::from_bits(bits as u16).to_f64(),
        Dtype::F32 => f64::from(f32::from_bits(bits as u32)),
        Dtype::F64 => f64::from_bits(bits),
    }
}
