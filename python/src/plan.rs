//! What fits a device's memory.

use gradsieve::budget::Budget;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{told, wrong};

/// Which sketch width, codec and detector fit `budget` bytes, and the error to expect:
/// what the program's command `plan` says.
///
/// `parameters` are the coordinates of a gradient, `rows` those that are stored, `groups`
/// those that the detector direction keeps apart. One dict for each detector and codec,
/// the least error first: "detector", "codec" (None without rows), "dim", "exact"
/// (whether all coordinates are kept), "error" (root mean square of what an inner product
/// is off by, as a share of the product of norms), "detector_bytes", "store_bytes",
/// "sketch_bytes", and "bytes", their sum.
#[pyfunction]
#[pyo3(signature = (parameters, budget, *, rows = 0, groups = 1))]
pub(crate) fn plan(
    py: Python<'_>,
    parameters: u64,
    budget: u64,
    rows: usize,
    groups: u32,
) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let wanted = Budget { parameters, rows, groups, bytes: budget };
    let choices = wanted.choices().map_err(told)?;
    if choices.as_slice().is_empty() {
        let least = wanted.least().map_err(told)?;
        return Err(wrong(format!("expected a budget of at least {least} bytes, found {budget}")));
    }
    let told = choices.as_slice().iter().map(|choice| {
        let dict = PyDict::new(py);
        dict.set_item("detector", choice.watch.name())?;
        dict.set_item("codec", (rows > 0).then_some(choice.codec.name()))?;
        dict.set_item("dim", choice.width)?;
        dict.set_item("exact", choice.exact)?;
        dict.set_item("error", choice.error)?;
        dict.set_item("detector_bytes", choice.watch_bytes)?;
        dict.set_item("store_bytes", choice.store_bytes)?;
        dict.set_item("sketch_bytes", choice.sketch_bytes)?;
        dict.set_item("bytes", choice.bytes())?;
        Ok(dict)
    });
    told.collect()
}
