//! Sketches that are kept, in a codec, and scored against others.

use gradsieve::state::Header;
use gradsieve::store::{Codec, Queries, QueriesSettings, Store as Rows, StoreSettings, TopKSettings};
use gradsieve::{Allocate as _, Error, State as _};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray as _, PyArray1, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyRuntimeWarning;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::{told, wrong};
use crate::memory::zeros;
use crate::sketches::Sketches;
use crate::top_k::{Entries, TopK};

/// Rows that are scored before their scores go to the lists.
const TILE: usize = 512;

/// A codec by its name.
fn codec(name: &str) -> PyResult<Codec> {
    let found = Codec::ALL.into_iter().find(|codec| codec.name() == name);
    found.ok_or_else(|| {
        wrong(format!("expected a codec of {}, found {name:?}", Codec::ALL.map(Codec::name).join(", ")))
    })
}

/// Queries that are scored against rows of a codec.
pub(crate) fn queries(codec: Codec, targets: &Sketches) -> Result<Queries<Vec<f32>>, Error> {
    let settings = QueriesSettings { codec, width: targets.id.width, count: targets.measures.len() };
    let mut queries = Queries::new(settings, vec![0.0; settings.memory().f32s])?;
    queries.pack(targets.id, &targets.values)?;
    Ok(queries)
}

/// A list for each target, and the scores that were left out of them.
pub(crate) struct Lists {
    lists: Vec<Entries>,
    left_out: usize,
    scratch: Vec<f32>,
}

impl Lists {
    pub(crate) fn new(targets: usize, k: usize) -> Result<Self, Error> {
        let lists: Result<Vec<_>, _> = (0..targets).map(|_| TopKSettings { k }.allocate()).collect();
        Ok(Self { lists: lists?, left_out: 0, scratch: vec![0.0; TILE * targets] })
    }

    /// Takes in the scores of a store's rows.
    pub(crate) fn add(&mut self, rows: &Rows<Vec<u64>>, queries: &Queries<Vec<f32>>) -> Result<(), Error> {
        self.left_out += rows.top(queries, &mut self.scratch, &mut self.lists)?;
        Ok(())
    }

    /// The lists, and a warning of what is not in them.
    pub(crate) fn told(self, py: Python<'_>) -> PyResult<Vec<TopK>> {
        if self.left_out > 0 {
            let text =
                std::ffi::CString::new(format!("{} scores beyond float32 were left out", self.left_out))?;
            PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &text, 2)?;
        }
        Ok(self.lists.into_iter().map(TopK::from).collect())
    }
}

/// Room for a score of each row against each target.
pub(crate) fn room(rows: usize, targets: usize) -> Result<Vec<f32>, Error> {
    zeros(rows.saturating_mul(targets))
}

/// Scores by rows, as an array of (rows, targets).
pub(crate) fn by_rows<'py>(
    py: Python<'py>,
    scores: Vec<f32>,
    rows: usize,
    targets: usize,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let scores = Array2::from_shape_vec((targets, rows), scores);
    Ok(scores.map_err(|error| wrong(error.to_string()))?.reversed_axes().into_pyarray(py))
}

/// Sketches that are kept in memory, each with its sample's id, group and exact norms.
///
/// `codec` is "f32", "f16", "bf16", "int8" or "1-bit": 4, 2, 2, 1 or ⅛ bytes a number.
/// A row takes 32 bytes beside, and its scale. Memory grows by doubling; `rows` is how
/// many there is room for from the start.
#[pyclass(module = "gradsieve")]
pub(crate) struct Store {
    pub(crate) state: Rows<Vec<u64>>,
}

impl Store {
    /// Makes room for more rows.
    fn reserve(&mut self, more: usize) -> Result<(), Error> {
        let settings = self.state.settings();
        let needed = self.state.len().saturating_add(more);
        if needed > settings.rows {
            let rows = needed.max(settings.rows.saturating_mul(2));
            let mut wider = StoreSettings { rows, ..settings }.allocate()?;
            wider.merge(&self.state)?;
            self.state = wider;
        }
        Ok(())
    }

    /// Takes in the rows of another.
    pub(crate) fn add(&mut self, other: &Rows<Vec<u64>>) -> Result<(), Error> {
        self.reserve(other.len())?;
        self.state.merge(other)
    }

    fn restored(&self, bytes: &[u8]) -> Result<Rows<Vec<u64>>, Error> {
        // As many rows as such bytes can hold: never more than there are bytes for.
        let settings = StoreSettings { rows: 0, ..self.state.settings() };
        let length = Header::peek(bytes)?.len.min(bytes.len());
        let takes = |rows| StoreSettings { rows, ..settings }.memory().bytes_at_rest;
        let (mut least, mut most) = (0, length);
        while least < most {
            let middle = least.midpoint(most);
            if takes(middle) < length {
                least = middle + 1;
            } else {
                most = middle;
            }
        }
        let mut state = StoreSettings { rows: least, ..settings }.allocate()?;
        state.restore_with(bytes, crc32fast::hash)?;
        if let (Some(own), Some(other)) = (self.state.id(), state.id()) {
            own.check(&other)?;
        }
        Ok(state)
    }
}

#[pymethods]
impl Store {
    #[new]
    #[pyo3(signature = (dim, codec = "int8", *, rows = 0))]
    pub(crate) fn new(dim: usize, codec: &str, rows: usize) -> PyResult<Self> {
        let settings = StoreSettings { codec: self::codec(codec)?, width: dim, rows };
        Ok(Self { state: settings.allocate().map_err(told)? })
    }

    fn __len__(&self) -> usize {
        self.state.len()
    }

    /// Numbers of a sketch.
    #[getter]
    fn dim(&self) -> usize {
        self.state.settings().width
    }

    /// How rows are kept.
    #[getter]
    fn codec(&self) -> &'static str {
        self.state.settings().codec.name()
    }

    /// The samples' ids, row by row.
    #[getter]
    fn ids<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        self.state.ids().to_vec().into_pyarray(py)
    }

    /// The samples' groups, row by row.
    #[getter]
    fn groups<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u32>> {
        self.state.groups().to_vec().into_pyarray(py)
    }

    /// The squared L2 norm of each gradient, exact whatever the codec.
    #[getter]
    fn squared_norms<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.state.squared_norms().to_vec().into_pyarray(py)
    }

    /// Adds rows: `ids` (uint64) and, if samples have any, `groups` (uint32), one for
    /// each sketch. Either all rows are added or none.
    #[pyo3(signature = (ids, sketches, groups = None))]
    fn append(
        &mut self,
        py: Python<'_>,
        ids: PyReadonlyArray1<'_, u64>,
        sketches: &Sketches,
        groups: Option<PyReadonlyArray1<'_, u32>>,
    ) -> PyResult<()> {
        let ids = ids.as_slice()?;
        let groups = groups.as_ref().map(|groups| groups.as_slice()).transpose()?;
        let rows = sketches.rows(groups, None)?;
        let count = sketches.measures.len();
        if ids.len() != count {
            return Err(wrong(format!("expected {count} ids, one for each sketch, found {}", ids.len())));
        }
        let finite = |row: usize| sketches.row(row, 0, None).values.iter().all(|value| value.is_finite());
        let checked = py.detach(|| (0..count).find(|&row| !finite(row)));
        if let Some(row) = checked {
            return Err(wrong(format!("expected sketches of finite numbers, found others in row {row}")));
        }
        py.detach(move || {
            self.reserve(count)?;
            ids.iter().zip(rows).try_for_each(|(&id, row)| self.state.append(id, &row))
        })
        .map_err(told)
    }

    /// The rows, as the codec keeps them: for detectors and `influence`.
    fn sketches(&self, py: Python<'_>) -> PyResult<Sketches> {
        let Some(id) = self.state.id() else {
            return Err(wrong("expected a store with rows, found an empty one"));
        };
        py.detach(|| {
            let (mut values, mut measures) = (Vec::new(), Vec::new());
            self.state.for_each(&mut vec![0.0; id.width], |row| {
                values.extend_from_slice(row.sketch.values);
                measures.push(row.sketch.measures);
                Ok(())
            })?;
            Ok(Sketches { id, values, measures })
        })
        .map_err(told)
    }

    /// The inner product of each row with each target: (rows, targets), float32. Positive
    /// is helpful: training on the sample lowers the target's loss.
    fn score<'py>(&self, py: Python<'py>, targets: &Sketches) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let (rows, count) = (self.state.len(), targets.measures.len());
        let scores = py.detach(|| {
            let mut scores = room(rows, count)?;
            self.state.score(&queries(self.state.settings().codec, targets)?, &mut scores)?;
            Ok(scores)
        });
        by_rows(py, scores.map_err(told)?, rows, count)
    }

    /// The k rows with the largest inner products, for each target. Not all scores are in
    /// memory at once.
    fn top(&self, py: Python<'_>, targets: &Sketches, k: usize) -> PyResult<Vec<TopK>> {
        let lists = py.detach(|| {
            let mut lists = Lists::new(targets.measures.len(), k)?;
            lists.add(&self.state, &queries(self.state.settings().codec, targets)?)?;
            Ok(lists)
        });
        lists.map_err(told)?.told(py)
    }

    /// Adds all rows of a store of the same codec: bit for bit, nothing is rounded anew.
    fn merge(&mut self, py: Python<'_>, other: &Self) -> PyResult<()> {
        py.detach(|| self.add(&other.state)).map_err(told)
    }

    /// The rows as bytes, which any machine reads.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        PyBytes::new_with(py, self.state.len_at_rest(), |bytes| {
            py.detach(|| self.state.to_bytes_with(bytes, crc32fast::hash)).map_err(told)?;
            Ok(())
        })
    }

    /// Replaces the rows by those of a store of the same codec and dim.
    fn restore(&mut self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        self.state = py.detach(|| self.restored(bytes)).map_err(told)?;
        Ok(())
    }
}
