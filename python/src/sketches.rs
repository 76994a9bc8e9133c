//! Rows of sketches, with the measures of their gradients.

use gradsieve::{Sketch, SketchId, Summary};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;

use crate::error::{told, wrong};

/// Sketches of gradients, one a row: `len(sketches)` of `dim` numbers each, and the exact
/// norms of the gradients that they are sketches of.
///
/// Made by `Sketcher`; two can be compared if they were made by the same one.
#[pyclass(module = "gradsieve", frozen)]
#[derive(Debug)]
pub(crate) struct Sketches {
    pub(crate) id: SketchId,
    pub(crate) values: Vec<f32>,
    pub(crate) measures: Vec<Summary>,
}

impl Sketches {
    /// A row; its gradient's group and loss beside it.
    pub(crate) fn row(&self, index: usize, group: u32, loss: Option<f32>) -> Sketch<'_> {
        let width = self.id.width;
        let values = &self.values[index * width..(index + 1) * width];
        Sketch { id: self.id, values, measures: self.measures[index], group, loss }
    }

    /// All rows, with groups and losses if there are any.
    pub(crate) fn rows<'s>(
        &'s self,
        groups: Option<&'s [u32]>,
        losses: Option<&'s [f32]>,
    ) -> PyResult<impl Iterator<Item = Sketch<'s>>> {
        let fits = |what: &str, found: Option<usize>| match found {
            Some(found) if found != self.measures.len() => Err(wrong(format!(
                "expected {} {what}, one for each sketch, found {found}",
                self.measures.len()
            ))),
            _ => Ok(()),
        };
        fits("groups", groups.map(<[_]>::len))?;
        fits("losses", losses.map(<[_]>::len))?;
        Ok((0..self.measures.len()).map(move |index| {
            let group = groups.map_or(0, |groups| groups[index]);
            self.row(index, group, losses.map(|losses| losses[index]))
        }))
    }

    /// All rows, without groups and losses.
    pub(crate) fn rows_alone(&self) -> impl Iterator<Item = Sketch<'_>> {
        (0..self.measures.len()).map(|index| self.row(index, 0, None))
    }

    fn measure<'py>(&self, py: Python<'py>, of: impl Fn(&Summary) -> f64) -> Bound<'py, PyArray1<f64>> {
        self.measures.iter().map(of).collect::<Vec<_>>().into_pyarray(py)
    }
}

#[pymethods]
impl Sketches {
    fn __len__(&self) -> usize {
        self.measures.len()
    }

    /// Numbers of a sketch.
    #[getter]
    fn dim(&self) -> usize {
        self.id.width
    }

    /// The sketches, by rows: a copy.
    #[getter]
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let rows = Array2::from_shape_vec((self.measures.len(), self.id.width), self.values.clone());
        rows.map(|rows| rows.into_pyarray(py)).map_err(|error| wrong(error.to_string()))
    }

    /// The L1 norm of each gradient; NaN where it was not taken (long sequences).
    #[getter]
    fn l1<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.measure(py, |summary| summary.l1)
    }

    /// The L2 norm of each gradient: exact, not that of the sketch.
    #[getter]
    fn l2<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.measure(py, |summary| summary.l2_squared.sqrt())
    }

    /// The squared L2 norm of each gradient, as it was summed.
    #[getter]
    fn squared_norms<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.measure(py, |summary| summary.l2_squared)
    }

    /// The largest absolute entry of each gradient; NaN where it was not taken.
    #[getter]
    fn max<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        self.measure(py, |summary| f64::from(summary.max))
    }

    /// How many entries of each gradient are NaN or infinite.
    #[getter]
    fn non_finite<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        self.measures.iter().map(|summary| summary.non_finite).collect::<Vec<_>>().into_pyarray(py)
    }

    /// The rows of these places, in their order; a place may be named twice.
    fn take(&self, places: PyReadonlyArray1<'_, i64>) -> PyResult<Self> {
        let (mut values, mut measures) = (Vec::new(), Vec::new());
        for &place in places.as_slice()? {
            let index = usize::try_from(place).ok().filter(|&index| index < self.measures.len());
            let index = index.ok_or_else(|| {
                PyIndexError::new_err(format!("expected places below {}, found {place}", self.measures.len()))
            })?;
            let row = self.row(index, 0, None);
            values.extend_from_slice(row.values);
            measures.push(row.measures);
        }
        Ok(Self { id: self.id, values, measures })
    }

    /// These sketches and behind them all others, each copied once: batches are best put
    /// together by one call.
    #[pyo3(signature = (*others))]
    fn concat(&self, others: Vec<PyRef<'_, Self>>) -> PyResult<Self> {
        others.iter().try_for_each(|other| self.id.check(&other.id)).map_err(told)?;
        let all = || std::iter::once(self).chain(others.iter().map(|other| &**other));
        let values = all().map(|part| &part.values[..]).collect::<Vec<_>>().concat();
        let measures = all().map(|part| &part.measures[..]).collect::<Vec<_>>().concat();
        Ok(Self { id: self.id, values, measures })
    }
}
