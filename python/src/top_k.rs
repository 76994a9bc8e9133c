//! The k largest scores of a stream.

use gradsieve::store::{Entry, TopK as State, TopKSettings};
use gradsieve::{Allocate as _, Error, State as _};
use numpy::{IntoPyArray as _, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::{told, wrong};

/// A list in memory of its own.
pub(crate) type Entries = State<Vec<Entry>>;

/// The k largest scores, and whose they are.
///
/// Of equal scores the lower id comes first, so that what is kept, and its bytes, do not
/// depend on the order of arrival, nor on how a stream was cut into parts that were
/// merged.
#[pyclass(module = "gradsieve")]
pub(crate) struct TopK {
    state: Entries,
}

impl From<Entries> for TopK {
    fn from(state: Entries) -> Self {
        Self { state }
    }
}

#[pymethods]
impl TopK {
    #[new]
    fn new(k: usize) -> PyResult<Self> {
        Ok(Self { state: TopKSettings { k }.allocate().map_err(told)? })
    }

    fn __len__(&self) -> usize {
        self.state.len()
    }

    /// Entries that are kept, at most.
    #[getter]
    fn k(&self) -> usize {
        self.state.settings().k
    }

    /// The ids of the entries (uint64), the largest score first.
    #[getter]
    fn ids<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        self.state.sorted().map(|entry| entry.id).collect::<Vec<_>>().into_pyarray(py)
    }

    /// Their scores (float64).
    #[getter]
    fn scores<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.state.sorted().map(|entry| entry.score).collect::<Vec<_>>().into_pyarray(py)
    }

    /// Takes in scores (float64) and their ids (uint64). An id that comes twice is kept
    /// twice. A score that is NaN is refused, and then none is taken in.
    fn push(
        &mut self,
        py: Python<'_>,
        ids: PyReadonlyArray1<'_, u64>,
        scores: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<()> {
        let (ids, scores) = (ids.as_slice()?, scores.as_slice()?);
        if ids.len() != scores.len() {
            let (expected, found) = (scores.len(), ids.len());
            return Err(wrong(format!("expected {expected} ids, one for each score, found {found}")));
        }
        if let Some(row) = scores.iter().position(|score| score.is_nan()) {
            return Err(wrong(format!("expected scores that are numbers, found NaN in row {row}")));
        }
        py.detach(|| {
            let mut entries = ids.iter().zip(scores).map(|(&id, &score)| Entry { id, score });
            entries.try_for_each(|entry| self.state.push(entry).map(|_| ()))
        })
        .map_err(told)
    }

    /// Takes in what another list of the same k has kept.
    fn merge(&mut self, other: &Self) -> PyResult<()> {
        if self.k() != other.k() {
            return Err(wrong(format!(
                "expected a list of the {} largest, found one of {}",
                self.k(),
                other.k()
            )));
        }
        self.state.merge(&other.state);
        Ok(())
    }

    /// The state as bytes, which any machine reads.
    #[expect(clippy::wrong_self_convention, reason = "a name that Python knows; it sorts first")]
    fn to_bytes<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        // In order, so that the bytes are the same whatever came first.
        let _ = self.state.sorted();
        Ok(PyBytes::new(py, &self.state.to_vec().map_err(told)?))
    }

    /// Replaces the state by one of the same k.
    fn restore(&mut self, bytes: &[u8]) -> PyResult<()> {
        let restored = || -> Result<Entries, Error> {
            let settings = self.state.settings();
            let (mut read, mut state) = (settings.allocate()?, settings.allocate()?);
            read.restore(bytes)?;
            // Bytes say what is kept; in which order, is not believed.
            state.merge(&read);
            Ok(state)
        };
        self.state = restored().map_err(told)?;
        Ok(())
    }
}
