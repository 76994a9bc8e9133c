//! EK-FAC influence, from what goes into linear layers and the gradients of what comes
//! out.

use gradsieve::Error;
use gradsieve::influence::{Ekfac, EkfacSettings};
use gradsieve_kernels::dot::{carried_for, dots};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray as _, PyArray2, PyReadonlyArrayDyn, PyUntypedArrayMethods as _};
use pyo3::prelude::*;

use crate::error::{told, wrong};
use crate::memory::zeros;

/// Gradients of training samples that are written out together.
const SOME: usize = 64;

/// The residual of a solution above which it is no solution, as [`Ekfac::residual`] has
/// it: eigenvalues lie too far apart for `f32` and the damping.
const TOLERANCE: f64 = 1e-4;

/// A batch's layers: inputs and the loss gradients of outputs.
type Layers<'py> = Vec<(PyReadonlyArrayDyn<'py, f32>, PyReadonlyArrayDyn<'py, f32>)>;

/// What a batch has of a layer.
#[derive(Clone, Copy)]
struct Part<'a> {
    samples: usize,
    positions: usize,
    inputs: usize,
    outputs: usize,
    a: &'a [f32],
    b: &'a [f32],
}

impl<'a> Part<'a> {
    fn new(a: &'a PyReadonlyArrayDyn<'_, f32>, b: &'a PyReadonlyArrayDyn<'_, f32>) -> PyResult<Self> {
        let (samples, positions, inputs, outputs) = match (a.shape(), b.shape()) {
            (&[n, inputs], &[m, outputs]) if n == m => (n, 1, inputs, outputs),
            (&[n, t, inputs], &[m, u, outputs]) if n == m && t == u && t > 0 => (n, t, inputs, outputs),
            (a, b) => {
                return Err(wrong(format!(
                    "expected inputs and deltas of the same samples (samples × width, or samples × positions × \
                     width), found shapes {a:?} and {b:?}"
                )));
            }
        };
        if inputs == 0 || outputs == 0 {
            return Err(wrong("expected layers with inputs and outputs, found one without"));
        }
        Ok(Self { samples, positions, inputs, outputs, a: a.as_slice()?, b: b.as_slice()? })
    }

    /// The positions of each sample.
    fn each(self) -> impl Iterator<Item = impl Iterator<Item = (&'a [f32], &'a [f32])> + Clone> {
        let a = self.a.chunks_exact(self.positions * self.inputs);
        a.zip(self.b.chunks_exact(self.positions * self.outputs))
            .map(move |(a, b)| a.chunks_exact(self.inputs).zip(b.chunks_exact(self.outputs)))
    }
}

/// Batches by layers: each layer's parts, one a batch.
fn by_layers<'a>(name: &str, batches: &'a [Layers<'_>]) -> PyResult<Vec<Vec<Part<'a>>>> {
    let count = batches.first().map_or(0, Vec::len);
    if count == 0 {
        return Err(wrong(format!("expected a batch of {name} with a layer, found none")));
    }
    let mut layers = vec![Vec::with_capacity(batches.len()); count];
    for batch in batches {
        if batch.len() != count {
            return Err(wrong(format!(
                "expected {count} layers in each batch of {name}, found {}",
                batch.len()
            )));
        }
        for ((a, b), parts) in batch.iter().zip(&mut layers) {
            parts.push(Part::new(a, b)?);
        }
    }
    let samples = |parts: &[Part<'_>]| parts.iter().map(|part| part.samples).collect::<Vec<_>>();
    let first = samples(&layers[0]);
    if layers.iter().any(|parts| samples(parts) != first) {
        return Err(wrong(format!("expected the same samples in all layers of {name}")));
    }
    Ok(layers)
}

/// EK-FAC influence of training samples on targets: (training samples, targets), float64,
/// summed over layers. Positive is helpful: training on the sample lowers the target's
/// loss.
///
/// `train`, `targets` and `curvature` are lists of batches, each as `Watch.factors` gives
/// it: for each linear layer its inputs (samples × inputs, or samples × positions ×
/// inputs; with a 1 behind them if there is a bias) and its deltas, the gradients of the
/// samples' losses by what came out (… × outputs), float32 in C order. `curvature` should
/// be training samples with labels drawn from the model's own prediction, which makes the
/// Fisher matrix; without it the training samples' own labels are taken, which makes the
/// empirical one. `damping` is a share of each layer's mean eigenvalue.
///
/// A solution is checked against the damped curvature, and one that rounding has spoilt
/// is an error: a larger damping is needed. Takes outputs² + inputs² + 3 · inputs ·
/// outputs numbers a layer, one layer at a time, and inputs · outputs a target; inputs³ +
/// outputs³ in time once, and twice inputs · outputs · (inputs + outputs) a target.
#[pyfunction]
#[pyo3(signature = (train, targets, curvature = None, *, damping = None))]
pub(crate) fn ekfac<'py>(
    py: Python<'py>,
    train: Vec<Layers<'py>>,
    targets: Vec<Layers<'py>>,
    curvature: Option<Vec<Layers<'py>>>,
    damping: Option<f32>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let rows = by_layers("train", &train)?;
    let aims = by_layers("targets", &targets)?;
    let curved = curvature.as_ref().map(|batches| by_layers("curvature", batches)).transpose()?;
    let curved = curved.as_ref().unwrap_or(&rows);
    let widths = |layers: &[Vec<Part<'_>>]| -> Vec<_> {
        layers
            .iter()
            .map(|parts| parts.iter().map(|part| (part.inputs, part.outputs)).collect::<Vec<_>>())
            .collect()
    };
    let first: Vec<_> = rows.iter().map(|parts| (parts[0].inputs, parts[0].outputs)).collect();
    for (name, layers) in [("train", &rows), ("targets", &aims), ("curvature", curved)] {
        let found = widths(layers);
        let fits = found.len() == first.len()
            && found.iter().zip(&first).all(|(found, first)| found.iter().all(|own| own == first));
        if !fits {
            return Err(wrong(format!(
                "expected layers of inputs and outputs {first:?} in all of {name}, as in the first batch of train"
            )));
        }
    }
    let count = |layers: &[Vec<Part<'_>>]| layers[0].iter().map(|part| part.samples).sum::<usize>();
    let shape = (count(&rows), count(&aims));
    let scores = py.detach(|| {
        let mut scores = zeros(shape.0.saturating_mul(shape.1))?;
        for ((rows, aims), curved) in rows.iter().zip(&aims).zip(curved) {
            add_layer(rows, aims, curved, damping, shape.1, &mut scores)?;
        }
        Ok(scores)
    });
    let scores = Array2::from_shape_vec(shape, scores.map_err(told)?);
    Ok(scores.map_err(|error| wrong(error.to_string()))?.into_pyarray(py))
}

/// Adds a layer's part of each pair.
fn add_layer(
    rows: &[Part<'_>],
    aims: &[Part<'_>],
    curved: &[Part<'_>],
    damping: Option<f32>,
    targets: usize,
    scores: &mut [f64],
) -> Result<(), Error> {
    let Some(&Part { inputs, outputs, .. }) = rows.first() else { return Ok(()) };
    let mut ekfac = fitted(curved, inputs, outputs, damping)?;
    let width = inputs * outputs;
    let mut solutions = zeros(targets.saturating_mul(width))?;
    let each = aims.iter().flat_map(|part| part.each());
    for (target, solution) in each.zip(solutions.chunks_exact_mut(width)) {
        ekfac.solve(target.clone(), solution)?;
        if ekfac.residual(target, solution)? > TOLERANCE {
            return Err(Error::NotSolved);
        }
    }
    drop(ekfac);
    let mut gradients = zeros(SOME * width)?;
    let mut products = zeros(SOME * targets)?;
    let mut carried = zeros(carried_for(SOME, targets, width))?;
    let mut each = rows.iter().flat_map(|part| part.each());
    for scores in scores.chunks_mut((SOME * targets).max(1)) {
        let some = scores.len() / targets.max(1);
        let gradients = &mut gradients[..some * width];
        gradients.fill(0.0);
        for (gradient, positions) in gradients.chunks_exact_mut(width).zip(&mut each) {
            for (a, b) in positions {
                for (to, &b) in gradient.chunks_exact_mut(inputs).zip(b) {
                    gradsieve_kernels::axpy(b, a, to)?;
                }
            }
        }
        if gradients.iter().any(|x| !x.is_finite()) {
            return Err(Error::NonFinite);
        }
        let products = &mut products[..scores.len()];
        let len = carried_for(some, targets, width);
        dots(gradients, &solutions, width, &mut carried[..len], products)?;
        scores.iter_mut().zip(products).for_each(|(score, own)| *score += *own);
    }
    Ok(())
}

/// A layer's curvature.
fn fitted(
    parts: &[Part<'_>],
    inputs: usize,
    outputs: usize,
    damping: Option<f32>,
) -> Result<Ekfac<Vec<f32>>, Error> {
    let usual = EkfacSettings::new(outputs, inputs);
    let settings = EkfacSettings { damping: damping.unwrap_or(usual.damping), ..usual };
    let mut ekfac = Ekfac::new(settings, zeros(settings.memory().f32s)?)?;
    let samples = || parts.iter().flat_map(|part| part.each());
    samples().flatten().try_for_each(|(a, b)| ekfac.factors(a, b))?;
    ekfac.decompose(&mut zeros::<f64>(settings.memory().f64s)?)?;
    for positions in samples() {
        for (a, b) in positions {
            ekfac.position(a, b)?;
        }
        ekfac.sample()?;
    }
    Ok(ekfac)
}
