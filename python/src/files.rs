//! Stores of sketches and recorded runs, as the program has them on disk.

use std::path::PathBuf;

use gradsieve_io::files::{FileError, StepFactors, StepFile, StepGradients, StepRows, step_files};
use gradsieve_io::store::{StoreError, StoreReader};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray as _, PyArray2};
use pyo3::exceptions::{PyFileNotFoundError, PyIndexError, PyOSError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{told, wrong};
use crate::sketches::Sketches;
use crate::store::{Lists, Store, by_rows, queries, room};
use crate::top_k::TopK;

/// What is wrong with a store: `FileNotFoundError`, `OSError`, `MemoryError`, or a
/// `ValueError`.
fn store_error(error: StoreError) -> PyErr {
    let text = error.to_string();
    match error {
        StoreError::Missing { .. } => PyFileNotFoundError::new_err(text),
        StoreError::Io { .. } => PyOSError::new_err(text),
        StoreError::Core { error: error @ gradsieve::Error::OutOfMemory { .. }, .. } => told(error),
        _ => wrong(text),
    }
}

/// What is wrong with a file.
fn file_error(error: FileError) -> PyErr {
    let text = error.to_string();
    match error {
        FileError::Missing { .. } => PyFileNotFoundError::new_err(text),
        FileError::Io { .. } => PyOSError::new_err(text),
        _ => wrong(text),
    }
}

/// A store of sketches on disk, `DIRECTORY.store`, as the program's command `sketch`
/// writes it.
///
/// It is checked as it is read, and streams past: memory does not grow with it. What a
/// writer adds after it was opened is not seen.
#[pyclass(module = "gradsieve", frozen)]
pub(crate) struct StoreFile {
    reader: StoreReader,
}

#[pymethods]
impl StoreFile {
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        Ok(Self { reader: StoreReader::open(&path).map_err(store_error)? })
    }

    fn __len__(&self) -> usize {
        self.reader.manifest().rows() as usize
    }

    /// Samples that were offered: those whose gradient was not finite have no row.
    #[getter]
    fn samples(&self) -> u64 {
        self.reader.manifest().samples
    }

    /// How rows are kept.
    #[getter]
    fn codec(&self) -> &'static str {
        self.reader.codec().name()
    }

    /// Numbers of a sketch; None without rows.
    #[getter]
    fn dim(&self) -> Option<usize> {
        self.reader.id().map(|id| id.width)
    }

    /// How the sketches were made, as the store says it.
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.reader.manifest().sketch.clone().into_pyobject(py)
    }

    /// All rows, in memory.
    fn read(&self, py: Python<'_>) -> PyResult<Store> {
        let dim =
            self.dim().ok_or_else(|| wrong(format!("{}: expected rows, found none", self.reader.name())))?;
        let mut store = Store::new(dim, self.codec(), self.__len__())?;
        let read = py.detach(|| self.each(|rows| store.add(rows)));
        read.map_err(store_error)?;
        Ok(store)
    }

    /// The inner product of each row with each target: (rows, targets), float32.
    fn score<'py>(&self, py: Python<'py>, targets: &Sketches) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let (rows, count) = (self.__len__(), targets.measures.len());
        let scores = py.detach(|| {
            let queries = queries(self.reader.codec(), targets).map_err(|error| self.core(error))?;
            let mut scores = room(rows, count).map_err(|error| self.core(error))?;
            let mut before = 0;
            self.each(|store| {
                let n = store.len();
                let mut some = room(n, count)?;
                store.score(&queries, &mut some)?;
                for (all, some) in scores.chunks_exact_mut(rows.max(1)).zip(some.chunks_exact(n.max(1))) {
                    all[before..before + n].copy_from_slice(some);
                }
                before += n;
                Ok(())
            })?;
            Ok(scores)
        });
        by_rows(py, scores.map_err(store_error)?, rows, count)
    }

    /// The k rows with the largest inner products, for each target.
    fn top(&self, py: Python<'_>, targets: &Sketches, k: usize) -> PyResult<Vec<TopK>> {
        let lists = py.detach(|| {
            let queries = queries(self.reader.codec(), targets).map_err(|error| self.core(error))?;
            let mut lists = Lists::new(targets.measures.len(), k).map_err(|error| self.core(error))?;
            self.each(|store| lists.add(store, &queries))?;
            Ok(lists)
        });
        lists.map_err(store_error)?.told(py)
    }
}

impl StoreFile {
    /// One pass over the segments.
    fn each(
        &self,
        mut visit: impl FnMut(&gradsieve::store::Store<Vec<u64>>) -> Result<(), gradsieve::Error>,
    ) -> Result<(), StoreError> {
        self.reader.for_each_segment(|store| visit(store).map_err(|error| self.core(error)))
    }

    fn core(&self, error: gradsieve::Error) -> StoreError {
        StoreError::Core { store: self.reader.name(), error }
    }
}

/// A recorded run: a directory with one `.safetensors` file for each step, numbered
/// without a gap.
#[pyclass(module = "gradsieve", frozen)]
pub(crate) struct Run {
    steps: Vec<PathBuf>,
}

#[pymethods]
impl Run {
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        Ok(Self { steps: step_files(&path).map_err(file_error)? })
    }

    fn __len__(&self) -> usize {
        self.steps.len()
    }

    /// A step, counted from 0, as a dict: "ids" (uint32), "learning_rate", "grads"
    /// (samples, parameters), or instead of it "layers", pairs of inputs and output
    /// gradients; "factors" (rows, parameters), or instead of it "factor_outputs", the
    /// output gradients of each layer, row k with the input of sample k modulo samples;
    /// and "target" and "curvature"; or None. A step is read whole.
    fn step<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyDict>> {
        let Some(path) = self.steps.get(index) else {
            let count = self.steps.len();
            return Err(PyIndexError::new_err(format!("expected a step below {count}, found {index}")));
        };
        let step = py.detach(|| StepFile::read(path)).map_err(file_error)?;
        let found = PyDict::new(py);
        found.set_item("ids", step.ids.into_pyarray(py))?;
        found.set_item("learning_rate", step.learning_rate)?;
        let rows = |rows: StepRows| matrix(py, rows);
        let (grads, layers) = match step.gradients {
            StepGradients::Rows(grads) => (Some(rows(grads)?), None),
            StepGradients::Layers(layers) => {
                let pairs = layers.into_iter().map(|(a, b)| Ok((rows(a)?, rows(b)?)));
                (None, Some(pairs.collect::<PyResult<Vec<_>>>()?))
            }
        };
        found.set_item("grads", grads)?;
        found.set_item("layers", layers)?;
        let (factors, outputs) = match step.factors {
            Some(StepFactors::Rows(factors)) => (Some(rows(factors)?), None),
            Some(StepFactors::Outputs(layers)) => {
                (None, Some(layers.into_iter().map(rows).collect::<PyResult<Vec<_>>>()?))
            }
            None => (None, None),
        };
        found.set_item("factors", factors)?;
        found.set_item("factor_outputs", outputs)?;
        found.set_item("target", step.target.map(rows).transpose()?)?;
        found.set_item("curvature", step.curvature.map(rows).transpose()?)?;
        Ok(found)
    }
}

/// Rows as an array.
fn matrix<'py>(py: Python<'py>, rows: StepRows) -> PyResult<Bound<'py, PyArray2<f32>>> {
    // NumPy counts the bytes of a row, even where there is none.
    if rows.columns > isize::MAX as usize / size_of::<f32>() {
        return Err(wrong(format!("expected rows that fit in memory, found {} columns", rows.columns)));
    }
    let array = Array2::from_shape_vec((rows.count(), rows.columns), rows.values);
    Ok(array.map_err(|error| wrong(error.to_string()))?.into_pyarray(py))
}
