//! A 1-dimensional array, value by value: what labels and numbers beside the samples are
//! read with.

use super::FileError;
use super::array::Array;
use super::bytes::swap;

/// Values read at once, at most.
const BATCH: u64 = 8192;

/// The most bytes of a value: no label is so long.
const LONGEST_VALUE: usize = 1 << 16;

/// The most bytes read at once.
const BATCH_BYTES: usize = 1 << 20;

/// Reads a 1-dimensional array, or one of a single row or column. `each` says how many
/// bytes a value takes, or that this is no such array; `convert` makes a value of its
/// index and its little-endian bytes.
pub(super) fn read<T>(
    mut array: Array,
    what: &'static str,
    each: impl Fn(&Array) -> Result<usize, FileError>,
    convert: impl Fn(&Array, u64, &[u8]) -> Result<T, FileError>,
) -> Result<Vec<T>, FileError> {
    let count = count(&array, what)?;
    let each = each(&array)?;
    if each > LONGEST_VALUE {
        let (file, found) = (array.name, array.element.to_string());
        return Err(FileError::Dtype { file, expected: "values of at most 65536 bytes", found });
    }
    array.begin(0)?;
    let most = BATCH.min((BATCH_BYTES / each.max(1)) as u64);
    let mut values = Vec::new();
    let mut bytes = vec![0; most as usize * each];
    let mut read = 0;
    while read < count {
        let batch = (count - read).min(most) as usize;
        let bytes = &mut bytes[..batch * each];
        array.fill(bytes)?;
        if array.big_endian {
            swap(bytes, array.element.unit());
        }
        for (index, value) in (read..).zip(bytes.chunks_exact(each)) {
            values.push(convert(&array, index, value)?);
        }
        read += batch as u64;
    }
    array.end()?;
    Ok(values)
}

/// Lets `check` refuse an array by its number of values, before any is read.
pub(super) fn check(
    array: &Array,
    what: &'static str,
    check: impl FnOnce(usize) -> Result<(), FileError>,
) -> Result<(), FileError> {
    check(usize::try_from(count(array, what)?).unwrap_or(usize::MAX))
}

/// How many values there are.
fn count(array: &Array, what: &'static str) -> Result<u64, FileError> {
    let (file, shape) = (array.name.clone(), array.shape.clone());
    match *shape.0.as_slice() {
        [0] | [0, 1] | [1, 0] => Err(FileError::Empty { file, shape }),
        [count] | [count, 1] | [1, count] => Ok(count),
        _ => Err(FileError::Rank { file, expected: what, shape }),
    }
}
