//! The decision in the stream.

use std::borrow::Cow;

use gradsieve::{Allocate as _, Error, Groups, Guards, LossKind, Rate, Reasons, SieveSettings, State as _};
use numpy::{IntoPyArray as _, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::error::{told, wrong};
use crate::sketches::Sketches;

/// Judges sketches as they come, and learns from them what is usual.
///
/// `rate` is the share of a clean stream that may be flagged: p ≤ rate. `groups` is the
/// number of classes (or sensors, or clients), whose gradients are kept apart.
/// `half_life` counts samples: what is older than that counts half; a tenth of the run is
/// a good choice while a model trains, None forgets nothing. `loss` is "cross-entropy" or
/// "squared": how a gradient's length belongs to the loss.
#[pyclass(module = "gradsieve")]
pub(crate) struct Sieve {
    state: gradsieve::Sieve<Vec<i64>>,
}

/// The classes of samples.
#[derive(FromPyObject)]
enum Classes<'py> {
    Labels(PyReadonlyArray1<'py, i64>),
    Groups(PyReadonlyArray1<'py, u32>),
}

impl Classes<'_> {
    fn groups(&self) -> PyResult<Cow<'_, [u32]>> {
        match self {
            Self::Groups(groups) => Ok(groups.as_slice()?.into()),
            Self::Labels(labels) => {
                let group = |label: &i64| u32::try_from(*label).map_err(|_| no_label(*label));
                labels.as_slice()?.iter().map(group).collect()
            }
        }
    }
}

fn no_label(label: i64) -> PyErr {
    let expected = if label < 0 { "of 0 or more" } else { "below 2^32" };
    wrong(format!("expected labels {expected}, found {label}"))
}

/// The largest of labels (int64), of which none is negative; -1 if there is none.
#[pyfunction]
pub(crate) fn largest_label(labels: PyReadonlyArray1<'_, i64>) -> PyResult<i64> {
    let labels = labels.as_slice()?;
    let least = labels.iter().copied().min().unwrap_or(0);
    if least < 0 { Err(no_label(least)) } else { Ok(labels.iter().copied().max().unwrap_or(-1)) }
}

/// A loss by its name.
fn loss_kind(name: &str) -> PyResult<LossKind> {
    match name {
        "cross-entropy" => Ok(LossKind::CrossEntropy),
        "squared" => Ok(LossKind::Squared),
        _ => Err(wrong(format!("expected a loss of cross-entropy or squared, found {name:?}"))),
    }
}

#[pymethods]
impl Sieve {
    #[new]
    #[pyo3(signature = (dim, groups = 1, *, rate = 0.01, half_life = None, loss = "cross-entropy",
        duplicates = None, learn_flagged = false, warm_up = 64))]
    #[expect(clippy::too_many_arguments, reason = "in Python they have names")]
    fn new(
        dim: usize,
        groups: u32,
        rate: f32,
        half_life: Option<u32>,
        loss: &str,
        duplicates: Option<u32>,
        learn_flagged: bool,
        warm_up: u32,
    ) -> PyResult<Self> {
        let guards = match duplicates {
            Some(duplicates) => Guards { duplicates, ..Guards::ALL },
            None => Guards::ALL,
        };
        let settings = SieveSettings {
            groups: Groups::Fixed(groups),
            loss: loss_kind(loss)?,
            rate: Rate::FalseAlarms(rate),
            half_life,
            guards,
            learn_flagged,
            warm_up,
            ..SieveSettings::new(dim)
        };
        Ok(Self { state: settings.allocate().map_err(told)? })
    }

    /// Judges each sketch by those before it, and learns it. `groups` (uint32, or int64
    /// as labels are) are the samples' classes, `losses` (float32) their losses; both may
    /// be left out.
    ///
    /// A dict of arrays: `p`, `score` (larger is odder), `flagged`, `reasons` (see
    /// `reason_names`).
    #[pyo3(signature = (sketches, groups = None, losses = None))]
    fn judge<'py>(
        &mut self,
        py: Python<'py>,
        sketches: &Sketches,
        groups: Option<Classes<'_>>,
        losses: Option<PyReadonlyArray1<'_, f32>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let groups = groups.as_ref().map(Classes::groups).transpose()?;
        let groups = groups.as_deref();
        // Before the first is learnt.
        if let (Some(given), Groups::Fixed(count)) = (groups, self.state.settings().groups)
            && let Some(&found) = given.iter().find(|&&group| group >= count)
        {
            return Err(told(Error::Group { groups: count as usize, found }));
        }
        let losses = losses.as_ref().map(|losses| losses.as_slice()).transpose()?;
        let rows = sketches.rows(groups, losses)?;
        let state = &mut self.state;
        let verdicts = py.detach(move || {
            rows.map(|sketch| {
                let verdict = state.judge(&sketch)?;
                state.observe(&sketch, &verdict)?;
                Ok(verdict)
            })
            .collect::<Result<Vec<_>, Error>>()
        });
        let verdicts = verdicts.map_err(told)?;
        let found = PyDict::new(py);
        let of = verdicts.iter();
        found.set_item("p", of.clone().map(|verdict| verdict.p).collect::<Vec<_>>().into_pyarray(py))?;
        found.set_item(
            "score",
            of.clone().map(|verdict| verdict.score).collect::<Vec<_>>().into_pyarray(py),
        )?;
        found.set_item(
            "flagged",
            of.clone().map(|verdict| verdict.flagged).collect::<Vec<_>>().into_pyarray(py),
        )?;
        found.set_item(
            "reasons",
            of.map(|verdict| verdict.reasons.bits()).collect::<Vec<_>>().into_pyarray(py),
        )?;
        Ok(found)
    }

    /// How many samples were learnt.
    #[getter]
    fn count(&self) -> u64 {
        self.state.count()
    }

    /// How many samples were flagged.
    #[getter]
    fn flagged(&self) -> u64 {
        self.state.flagged()
    }

    /// The state as bytes, which any machine reads.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.state.to_vec().map_err(told)?))
    }

    /// Replaces the state by one of the same settings.
    fn restore(&mut self, bytes: &[u8]) -> PyResult<()> {
        self.state.restore(bytes).map_err(told)
    }

    /// Replaces the state by one whose settings were others: fewer groups, another rate.
    fn carry_over(&mut self, bytes: &[u8]) -> PyResult<()> {
        self.state.carry_over(bytes).map_err(told)
    }

    /// Takes in what another sieve of the same settings has learnt, of another part of
    /// the stream.
    fn merge(&mut self, other: &Self) -> PyResult<()> {
        self.state.merge(&other.state).map_err(told)
    }
}

/// The names of the reasons in a number of `Sieve.judge`.
#[pyfunction]
pub(crate) fn reason_names(bits: u16) -> Vec<&'static str> {
    Reasons::from_bits(bits).names().collect()
}
