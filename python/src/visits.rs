//! Sums over the visits of samples, by id.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use numpy::{IntoPyArray as _, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::wrong;

/// What visits of samples have summed up to, each id by itself.
///
/// Any whole number is an id. Memory: about 80 bytes a sample and 4 a visit.
#[pyclass(module = "gradsieve")]
#[derive(Default)]
pub(crate) struct Visits {
    places: HashMap<i64, usize>,
    /// In the order in which they were first seen.
    samples: Vec<Sample>,
    /// The p-values of all visits.
    history: Vec<f32>,
}

/// What is known of a sample.
#[derive(Clone, Copy, Debug)]
struct Sample {
    id: i64,
    count: i64,
    score: f64,
    p: f64,
    flagged: f64,
    loss: f64,
    /// At the last visit that had one; -1 before.
    label: i64,
}

/// A field of what is found, and its number of a sample.
type Column<T> = (&'static str, fn(&Sample) -> T);

impl Visits {
    fn sample(&mut self, id: i64) -> &mut Sample {
        let place = match self.places.entry(id) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(place) => {
                let none = Sample { id, count: 0, score: 0.0, p: 0.0, flagged: 0.0, loss: 0.0, label: -1 };
                self.samples.push(none);
                *place.insert(self.samples.len() - 1)
            }
        };
        &mut self.samples[place]
    }
}

#[pymethods]
impl Visits {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn __len__(&self) -> usize {
        self.samples.len()
    }

    /// Takes in a batch's ids (int64), what `Sieve.judge` found of each (`score` and `p`,
    /// float32; `flagged`, bool), and if there are any, labels (int64) and losses
    /// (float32).
    #[pyo3(signature = (ids, score, p, flagged, labels = None, losses = None))]
    fn add(
        &mut self,
        ids: PyReadonlyArray1<'_, i64>,
        score: PyReadonlyArray1<'_, f32>,
        p: PyReadonlyArray1<'_, f32>,
        flagged: PyReadonlyArray1<'_, bool>,
        labels: Option<PyReadonlyArray1<'_, i64>>,
        losses: Option<PyReadonlyArray1<'_, f32>>,
    ) -> PyResult<()> {
        let (ids, score, p, flagged) =
            (ids.as_slice()?, score.as_slice()?, p.as_slice()?, flagged.as_slice()?);
        let labels = labels.as_ref().map(|labels| labels.as_slice()).transpose()?;
        let losses = losses.as_ref().map(|losses| losses.as_slice()).transpose()?;
        let found = [Some(score.len()), Some(p.len()), Some(flagged.len())];
        let others = [labels.map(<[_]>::len), losses.map(<[_]>::len)];
        if let Some(found) = found.into_iter().chain(others).flatten().find(|found| *found != ids.len()) {
            return Err(wrong(format!("expected {} numbers, as there are ids, found {found}", ids.len())));
        }
        for (at, id) in ids.iter().enumerate() {
            let sample = self.sample(*id);
            sample.count += 1;
            sample.score += f64::from(score[at]);
            sample.p += f64::from(p[at]);
            sample.flagged += f64::from(u8::from(flagged[at]));
            sample.loss += losses.map_or(f64::NAN, |losses| losses[at].into());
            sample.label = labels.map_or(sample.label, |labels| labels[at]);
        }
        self.history.extend(p);
        Ok(())
    }

    /// Takes in what other visits have summed up to.
    fn merge(&mut self, other: &Self) {
        for more in &other.samples {
            let sample = self.sample(more.id);
            sample.count += more.count;
            sample.score += more.score;
            sample.p += more.p;
            sample.flagged += more.flagged;
            sample.loss += more.loss;
            sample.label = if more.label < 0 { sample.label } else { more.label };
        }
        self.history.extend(&other.history);
    }

    /// The fields of `Found`, by name: ids in the order in which they were first seen,
    /// means over visits, how many visits, last labels; and the p-values of all visits.
    fn found<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = PyDict::new(py);
        let whole: [Column<i64>; 3] =
            [("ids", |of| of.id), ("visits", |of| of.count), ("labels", |of| of.label)];
        for (name, of) in whole {
            found.set_item(name, self.samples.iter().map(of).collect::<Vec<_>>().into_pyarray(py))?;
        }
        let sums: [Column<f64>; 4] = [
            ("scores", |of| of.score),
            ("p", |of| of.p),
            ("flagged", |of| of.flagged),
            ("losses", |of| of.loss),
        ];
        for (name, of) in sums {
            let means = self.samples.iter().map(|sample| of(sample) / sample.count.max(1) as f64);
            found.set_item(name, means.collect::<Vec<_>>().into_pyarray(py))?;
        }
        found.set_item("history", self.history.clone().into_pyarray(py))?;
        Ok(found)
    }
}
