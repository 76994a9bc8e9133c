//! What is wrong with a call, as Python has it.

use pyo3::PyErr;
use pyo3::exceptions::PyValueError;

/// An error of the core: a `ValueError` with its sentence.
pub(crate) fn told(error: gradsieve::Error) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// A `ValueError` that says what was wrong.
pub(crate) fn wrong(text: impl Into<String>) -> PyErr {
    PyValueError::new_err(text.into())
}
