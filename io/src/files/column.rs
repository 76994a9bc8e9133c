//! A 1-dimensional array, value by value: what labels and numbers beside the samples are
//! read with.

use super::array::{self, Array};
use super::bytes::swap;
use super::{FileError, Source};

/// Values read at once.
const BATCH: u64 = 8192;

/// Reads a 1-dimensional array. `each` says how many bytes a value takes, or that this is
/// no such array; `convert` makes a value of its index and its little-endian bytes.
pub(super) fn read<T>(
    source: &Source,
    what: &'static str,
    each: impl Fn(&Array) -> Result<usize, FileError>,
    convert: impl Fn(&Array, u64, &[u8]) -> Result<T, FileError>,
) -> Result<Vec<T>, FileError> {
    let mut array = array::open(source)?;
    let [count] = *array.shape.0.as_slice() else {
        return Err(FileError::Rank { file: array.name, expected: what, shape: array.shape });
    };
    if count == 0 {
        return Err(FileError::Empty { file: array.name, shape: array.shape });
    }
    let each = each(&array)?;
    array.begin(0)?;
    let mut values = Vec::new();
    let mut bytes = vec![0; BATCH as usize * each];
    let mut read = 0;
    while read < count {
        let batch = (count - read).min(BATCH) as usize;
        let bytes = &mut bytes[..batch * each];
        array.fill(bytes)?;
        if array.big_endian {
            swap(bytes, each);
        }
        for (index, value) in (read..).zip(bytes.chunks_exact(each)) {
            values.push(convert(&array, index, value)?);
        }
        read += batch as u64;
    }
    array.end()?;
    Ok(values)
}
