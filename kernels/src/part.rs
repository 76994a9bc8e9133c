//! Some columns of a matrix, row by row.

use crate::certain::Certain;
use crate::error::{Error, same_length};

/// Some columns of a matrix: of each row of `stride` entries those from `first` on,
/// `columns` of them.
///
/// ```
/// use gradsieve_kernels::matrix::Part;
///
/// // The second and third columns of a matrix of two rows.
/// let matrix = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0];
/// assert_eq!(Part::new(&matrix, 3, 1, 2)?.rows(), 2);
/// assert!(Part::new(&matrix, 3, 2, 2).is_err());
/// # Ok::<(), gradsieve_kernels::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Part<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) stride: usize,
    pub(crate) first: usize,
    pub(crate) columns: usize,
}

impl<'a, T> Part<'a, T> {
    /// Columns `first..first + columns` of rows of `stride` entries.
    ///
    /// # Errors
    /// [`Error::Width`] if there are no such columns; [`Error::Length`] if `values` is
    /// not made of whole rows.
    pub const fn new(values: &'a [T], stride: usize, first: usize, columns: usize) -> Result<Self, Error> {
        match check_part(values.len(), stride, first, columns) {
            Ok(()) => Ok(Self { values, stride, first, columns }),
            Err(error) => Err(error),
        }
    }

    /// All of a matrix with rows of `columns` entries.
    ///
    /// # Errors
    /// As [`Part::new`].
    pub const fn whole(values: &'a [T], columns: usize) -> Result<Self, Error> {
        Self::new(values, columns, 0, columns)
    }

    /// How many rows there are.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.values.len() / if self.stride == 0 { 1 } else { self.stride }
    }

    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> &'a [T] {
        let row = self.values.get(i * self.stride + self.first..).certain();
        row.get(..self.columns).certain()
    }
}

/// [`Part`], to be written to.
///
/// ```
/// use gradsieve_kernels::matrix::PartMut;
///
/// let mut matrix = [0.0_f32; 6];
/// assert!(PartMut::new(&mut matrix, 3, 0, 1).is_ok());
/// assert!(PartMut::new(&mut matrix, 4, 0, 1).is_err()); // no whole rows
/// ```
#[derive(Debug)]
pub struct PartMut<'a, T = f32> {
    pub(crate) values: &'a mut [T],
    pub(crate) stride: usize,
    pub(crate) first: usize,
    pub(crate) columns: usize,
}

impl<'a, T> PartMut<'a, T> {
    /// Columns `first..first + columns` of rows of `stride` entries.
    ///
    /// # Errors
    /// As [`Part::new`].
    pub const fn new(
        values: &'a mut [T],
        stride: usize,
        first: usize,
        columns: usize,
    ) -> Result<Self, Error> {
        match check_part(values.len(), stride, first, columns) {
            Ok(()) => Ok(Self { values, stride, first, columns }),
            Err(error) => Err(error),
        }
    }

    /// All of a matrix with rows of `columns` entries.
    ///
    /// # Errors
    /// As [`Part::new`].
    pub const fn whole(values: &'a mut [T], columns: usize) -> Result<Self, Error> {
        Self::new(values, columns, 0, columns)
    }

    /// How many rows there are.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.values.len() / if self.stride == 0 { 1 } else { self.stride }
    }

    /// The same part, for a while.
    pub(crate) const fn reborrow(&mut self) -> PartMut<'_, T> {
        let Self { stride, first, columns, .. } = *self;
        PartMut { values: self.values, stride, first, columns }
    }

    /// Row `i` from column `j` on.
    #[inline(always)]
    pub(crate) fn row_from(&mut self, i: usize, j: usize) -> &mut [T] {
        let row = self.values.get_mut(i * self.stride + self.first..).certain();
        row.get_mut(j..self.columns).certain()
    }
}

const fn check_part(len: usize, stride: usize, first: usize, columns: usize) -> Result<(), Error> {
    match (first.checked_add(columns), len.checked_rem(stride)) {
        (Some(end), Some(rest)) if end <= stride && columns > 0 => same_length(len - rest, len),
        _ => Err(Error::Width { multiple: 1, found: columns }),
    }
}
