//! What is wrong with a call, as Python has it.

use pyo3::PyErr;
use pyo3::exceptions::{PyMemoryError, PyValueError};

/// An error of the core: a `MemoryError`, or a `ValueError` with its sentence.
pub(crate) fn told(error: gradsieve::Error) -> PyErr {
    let text = error.to_string();
    match error {
        gradsieve::Error::OutOfMemory { .. } => PyMemoryError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}

/// A `ValueError` that says what was wrong.
pub(crate) fn wrong(text: impl Into<String>) -> PyErr {
    PyValueError::new_err(text.into())
}
