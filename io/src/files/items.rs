//! An array whose first dimension is the samples', whatever the others are: read sample
//! by sample, in any order, for those that somebody wants to see.

use super::array::{self, Array};
use super::bytes::swap;
use super::element::Element;
use super::numbers::float;
use super::{FileError, Source};

/// The most bytes of one sample.
const LARGEST: u64 = 1 << 28;

/// An array of samples.
pub struct Items {
    array: Array,
    count: usize,
    shape: Vec<usize>,
    /// Bytes of a sample, and of a value of it.
    bytes: (usize, usize),
}

/// The values of a sample, in C order.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemValues {
    /// Of an array of `u8`.
    Bytes(Vec<u8>),
    /// Of any other array of numbers; booleans are 0 and 1.
    Numbers(Vec<f64>),
}

impl Items {
    /// Opens an array of numbers, of two dimensions at least.
    ///
    /// # Errors
    /// No such file, no array, no numbers; columns first (Fortran's order); a stream;
    /// samples of more than 256 MiB.
    pub fn open(source: &Source) -> Result<Self, FileError> {
        let array = array::open(source)?;
        let refuse = |expected: &str, found: String| {
            Err(FileError::Step { file: array.name.clone(), expected: expected.to_owned(), found })
        };
        let each = match array.element {
            Element::Float(_) | Element::Bool | Element::Int(_) | Element::Uint(_) => {
                array.element.bytes().unwrap_or(1)
            }
            _ => return refuse("an array of numbers", array.element.to_string()),
        };
        if array.fortran && array.shape.0.len() > 1 {
            return refuse(
                "an array in C order (np.ascontiguousarray makes one)",
                "Fortran's order".to_owned(),
            );
        }
        if !array.is_rewindable() {
            return Err(FileError::OnePassOnly { file: array.name });
        }
        let axes: Option<Vec<usize>> = array.shape.0.iter().map(|&axis| axis.try_into().ok()).collect();
        let (Some([count, shape @ ..]), false) = (axes.as_deref(), array.shape.0.len() < 2) else {
            return refuse(
                "an array of two dimensions at least, the first of them the samples’",
                array.shape.to_string(),
            );
        };
        let values = array.shape.0[1..].iter().try_fold(1u64, |all, &axis| all.checked_mul(axis));
        let bytes = values.and_then(|values| values.checked_mul(each)).filter(|&bytes| bytes <= LARGEST);
        let Some(bytes) = bytes else { return refuse("samples of at most 256 MiB", array.shape.to_string()) };
        let (count, shape, bytes) = (*count, shape.to_vec(), (bytes as usize, each as usize));
        Ok(Self { array, count, shape, bytes })
    }

    /// Samples.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The shape of each.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Reads a sample.
    ///
    /// # Errors
    /// No such sample; the disk.
    pub fn read(&mut self, index: usize) -> Result<ItemValues, FileError> {
        let array = &mut self.array;
        if index >= self.count {
            return Err(FileError::NoSuchRow { file: array.name.clone(), row: index, rows: self.count });
        }
        let (all, each) = self.bytes;
        array.begin(index as u64 * all as u64)?;
        let mut bytes = vec![0; all];
        array.fill(&mut bytes)?;
        if array.element == Element::Uint(1) {
            return Ok(ItemValues::Bytes(bytes));
        }
        if array.big_endian {
            swap(&mut bytes, array.element.unit());
        }
        let number = |value: &[u8]| {
            let mut wide = [0; 8];
            wide[..value.len()].copy_from_slice(value);
            let bits = u64::from_le_bytes(wide);
            match array.element {
                Element::Float(dtype) => float(dtype, bits),
                // The sign is the highest bit that there is.
                Element::Int(bytes) => ((bits << (64 - 8 * bytes)) as i64 >> (64 - 8 * bytes)) as f64,
                _ => bits as f64,
            }
        };
        Ok(ItemValues::Numbers(bytes.chunks_exact(each).map(number).collect()))
    }
}
