//! What can be wrong with a call: one small `Copy` enum.

use core::fmt;

/// Why a kernel refused a call. Nothing was written when one is returned.
///
/// ```
/// use gradsieve_kernels::{Error, dot};
///
/// assert_eq!(dot(&[1.0_f32, 2.0], &[3.0_f32]), Err(Error::Length { expected: 2, found: 1 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Two slices that belong together differ in length.
    Length {
        /// Length of the first slice, which the second has to match.
        expected: usize,
        /// Length of the second slice.
        found: usize,
    },
    /// The output of a projection is not a multiple of the block width times the
    /// repetitions, is empty, or is wider than the hash can address.
    Width {
        /// What the width must be a positive multiple of.
        multiple: usize,
        /// The width that was given.
        found: usize,
    },
    /// Offset plus length of a segment exceeds 2⁶⁴ − 1.
    Offset,
    /// A row is longer than its sums can hold.
    TooLong {
        /// The largest length.
        most: usize,
        /// The length that was given.
        found: usize,
    },
    /// A row has infinite or NaN entries, or a scale that its format cannot hold.
    NonFinite,
    /// Queries that were laid out for open segments met a sealed one, or the other way
    /// round.
    Layout,
    /// A level was asked for that this machine does not have, or whose name is unknown.
    Level,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Length { expected, found } => {
                write!(f, "expected a slice of {expected} elements, found {found}")
            }
            Self::Width { multiple, found } => {
                write!(f, "expected a width that is a positive multiple of {multiple}, found {found}")
            }
            Self::Offset => f.write_str("offset plus length of a segment exceeds 64 bits"),
            Self::TooLong { most, found } => {
                write!(f, "expected a row of at most {most} values, found {found}")
            }
            Self::NonFinite => f.write_str("the row has NaN or infinite entries, or its scale is too large"),
            Self::Layout => f.write_str("the queries are laid out for the other kind of segment"),
            Self::Level => f.write_str("this machine does not have that instruction set level"),
        }
    }
}

impl core::error::Error for Error {}

/// Refuses two slices of different length.
pub(crate) const fn same_length(expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Length { expected, found }) }
}
