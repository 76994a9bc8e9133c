//! Outlier scores of sketches against all that were observed.

use gradsieve::outlier::{
    Detector as _, Direction, DirectionSettings, L1, L2, Mahalanobis, MahalanobisSettings, SelfInfluence,
    SelfInfluenceSettings,
};
use gradsieve::{Allocate as _, Error, State as _};
use numpy::{IntoPyArray as _, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::{told, wrong};
use crate::sketches::Sketches;

/// Any of the detectors.
enum State {
    Direction(Direction<Vec<i64>>),
    Mahalanobis(Mahalanobis<Vec<f64>>),
    SelfInfluence(SelfInfluence<Vec<f64>>),
    L1(L1),
    L2(L2),
}

/// The same call of whichever detector there is.
macro_rules! each {
    ($state:expr, $detector:ident => $call:expr) => {
        match $state {
            State::Direction($detector) => $call,
            State::Mahalanobis($detector) => $call,
            State::SelfInfluence($detector) => $call,
            State::L1($detector) => $call,
            State::L2($detector) => $call,
        }
    };
}

/// Scores sketches against those that were observed: larger is odder.
///
/// `name` is "direction" (needs groups; the default of the program), "mahalanobis",
/// "self-influence", "l1" or "l2". With `clip`, what one gradient can do is bounded by
/// the running median of norms; without it, states of "direction" merge in any order to
/// the same bytes.
#[pyclass(module = "gradsieve")]
pub(crate) struct Detector {
    state: State,
    name: String,
}

#[pymethods]
impl Detector {
    #[new]
    #[pyo3(signature = (name, dim, groups = 1, *, clip = true))]
    fn new(name: &str, dim: usize, groups: u32, clip: bool) -> PyResult<Self> {
        macro_rules! made {
            ($settings:expr, $state:ident) => {{
                let mut settings = $settings;
                settings.clip = settings.clip.filter(|_| clip);
                settings.allocate().map(State::$state)
            }};
        }
        let state = match name {
            "direction" => made!(DirectionSettings::new(groups, dim), Direction),
            "mahalanobis" => made!(MahalanobisSettings::new(dim), Mahalanobis),
            "self-influence" => made!(SelfInfluenceSettings::new(dim), SelfInfluence),
            "l1" => Ok(State::L1(L1)),
            "l2" => Ok(State::L2(L2)),
            _ => {
                return Err(wrong(format!(
                    "expected a detector of direction, mahalanobis, self-influence, l1 or l2, found {name:?}"
                )));
            }
        };
        Ok(Self { state: state.map_err(told)?, name: name.to_owned() })
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// Takes sketches in. `groups` are uint32.
    #[pyo3(signature = (sketches, groups = None))]
    fn observe(
        &mut self,
        py: Python<'_>,
        sketches: &Sketches,
        groups: Option<PyReadonlyArray1<'_, u32>>,
    ) -> PyResult<()> {
        let groups = groups.as_ref().map(|groups| groups.as_slice()).transpose()?;
        let mut rows = sketches.rows(groups, None)?;
        let state = &mut self.state;
        py.detach(move || rows.try_for_each(|row| each!(state, detector => detector.observe(&row))))
            .map_err(told)
    }

    /// The scores of sketches (float64), as the state stands.
    #[pyo3(signature = (sketches, groups = None))]
    fn score<'py>(
        &mut self,
        py: Python<'py>,
        sketches: &Sketches,
        groups: Option<PyReadonlyArray1<'_, u32>>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let groups = groups.as_ref().map(|groups| groups.as_slice()).transpose()?;
        let rows = sketches.rows(groups, None)?;
        let state = &mut self.state;
        let scores = py.detach(move || -> Result<Vec<f64>, Error> {
            each!(state, detector => {
                detector.fit()?;
                let mut scratch = vec![0.0; detector.scratch()];
                rows.map(|row| detector.score(&row, &mut scratch)).collect()
            })
        });
        Ok(scores.map_err(told)?.into_pyarray(py))
    }

    /// Takes in what another detector of the same settings has observed.
    fn merge(&mut self, other: &Self) -> PyResult<()> {
        match (&mut self.state, &other.state) {
            (State::Direction(own), State::Direction(other)) => own.merge(other),
            (State::Mahalanobis(own), State::Mahalanobis(other)) => own.merge(other),
            (State::SelfInfluence(own), State::SelfInfluence(other)) => own.merge(other),
            (State::L1(_), State::L1(_)) | (State::L2(_), State::L2(_)) => Ok(()),
            _ => return Err(wrong(format!("expected a detector {}, found {}", self.name, other.name))),
        }
        .map_err(told)
    }

    /// The state as bytes, which any machine reads.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = match &self.state {
            State::Direction(state) => state.to_vec(),
            State::Mahalanobis(state) => state.to_vec(),
            State::SelfInfluence(state) => state.to_vec(),
            State::L1(_) | State::L2(_) => Ok(Vec::new()),
        };
        Ok(PyBytes::new(py, &bytes.map_err(told)?))
    }

    /// Replaces the state by one of the same settings.
    fn restore(&mut self, bytes: &[u8]) -> PyResult<()> {
        match &mut self.state {
            State::Direction(state) => state.restore(bytes),
            State::Mahalanobis(state) => state.restore(bytes),
            State::SelfInfluence(state) => state.restore(bytes),
            State::L1(_) | State::L2(_) => Ok(()),
        }
        .map_err(told)
    }
}
