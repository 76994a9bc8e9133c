//! Numbers as the command line says them, and what is said of those that are none.

use std::str::FromStr;

use bytesize::ByteSize;

/// A whole number.
pub(super) fn whole<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "expected a whole number, 0 or above, as in 512")
}

/// Any number.
pub(super) fn number<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "expected a number, as in 0.05 or 1e-3")
}

/// An amount of memory.
pub(super) fn memory(text: &str) -> Result<ByteSize, &'static str> {
    text.parse().map_err(|_| "expected bytes, as in 65536, 64KiB, 1.5MB or 2GiB")
}
