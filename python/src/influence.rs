//! Influence of training samples on targets.

use gradsieve::influence::{Ridge, RidgeSettings, Targets, Trak, TrakSettings};
use gradsieve::{Allocate as _, Error};
use gradsieve_kernels::dot::{carried_for, dots};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray as _, PyArray2};
use pyo3::prelude::*;

use crate::error::{told, wrong};
use crate::memory::zeros;
use crate::sketches::Sketches;

/// Influence of each training sketch on each target: (training samples, targets),
/// float64. Positive is helpful: training on the sample lowers the target's loss.
///
/// `method` is "dot", "cosine", "ridge" or "trak". `damping` is a share of the mean
/// eigenvalue; it belongs to ridge and trak.
#[pyfunction]
#[pyo3(signature = (train, targets, method = "ridge", *, damping = None))]
pub(crate) fn influence<'py>(
    py: Python<'py>,
    train: &Sketches,
    targets: &Sketches,
    method: &str,
    damping: Option<f32>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    if damping.is_some() && !["ridge", "trak"].contains(&method) {
        return Err(wrong(format!("expected a damping of ridge or trak alone, found one of {method}")));
    }
    let scores = py.detach(|| match method {
        "dot" => products(train, targets),
        "cosine" => cosines(train, targets),
        "ridge" => {
            let settings = RidgeSettings::new(train.id.width);
            let damping = damping.unwrap_or(settings.damping);
            let mut ridge: Ridge<Vec<f64>> = RidgeSettings { damping, ..settings }.allocate()?;
            train.rows_alone().try_for_each(|row| ridge.observe(&row))?;
            ridge.fit()?;
            solved(train, targets, |target, out| ridge.solve(target, out).map(|_| ()))
        }
        "trak" => {
            let settings = TrakSettings::new(train.id.width);
            let damping = damping.unwrap_or(settings.damping);
            let mut trak: Trak<Vec<f64>> = TrakSettings { damping, ..settings }.allocate()?;
            train.rows_alone().try_for_each(|row| trak.observe(&row))?;
            trak.fit()?;
            solved(train, targets, |target, out| trak.solve(target, out).map(|_| ()))
        }
        _ => Err(Error::Setting { name: "method", expected: "one of dot, cosine, ridge and trak" }),
    });
    let shape = (train.measures.len(), targets.measures.len());
    let scores = Array2::from_shape_vec(shape, scores.map_err(told)?);
    Ok(scores.map_err(|error| wrong(error.to_string()))?.into_pyarray(py))
}

/// The product of each pair, with the bits of `gradsieve::influence::grad_dot`.
fn products(train: &Sketches, targets: &Sketches) -> Result<Vec<f64>, Error> {
    train.id.check(&targets.id)?;
    train.rows_alone().chain(targets.rows_alone()).try_for_each(|row| row.check_finite())?;
    let (rows, others, width) = (train.measures.len(), targets.measures.len(), train.id.width);
    let mut scores = zeros(rows.saturating_mul(others))?;
    let mut carried = zeros(carried_for(rows, others, width))?;
    dots(&train.values, &targets.values, width, &mut carried, &mut scores)?;
    Ok(scores)
}

/// The cosine of each pair, with the bits of `gradsieve::influence::grad_cos`.
fn cosines(train: &Sketches, targets: &Sketches) -> Result<Vec<f64>, Error> {
    let norms = |of: &Sketches| -> Vec<f64> {
        of.rows_alone().map(|row| gradsieve_kernels::squared_norm(row.values).sqrt()).collect()
    };
    let mut scores = products(train, targets)?;
    let (rows, others) = (norms(train), norms(targets));
    for (scores, row) in scores.chunks_exact_mut(others.len().max(1)).zip(rows) {
        for (score, other) in scores.iter_mut().zip(&others) {
            let norms = row * other;
            *score = if norms > 0.0 { (*score / norms).clamp(-1.0, 1.0) } else { 0.0 };
        }
    }
    Ok(scores)
}

/// The products of rows with solved targets.
fn solved(
    train: &Sketches,
    targets: &Sketches,
    mut solve: impl FnMut(&gradsieve::Sketch<'_>, &mut [f64]) -> Result<(), Error>,
) -> Result<Vec<f64>, Error> {
    let width = train.id.width;
    let mut solutions = zeros(targets.measures.len().saturating_mul(width))?;
    for (target, solution) in targets.rows_alone().zip(solutions.chunks_exact_mut(width)) {
        solve(&target, solution)?;
    }
    let solved = Targets::new(train.id, &solutions)?;
    let mut scores = zeros(train.measures.len().saturating_mul(targets.measures.len()))?;
    for (row, scores) in train.rows_alone().zip(scores.chunks_exact_mut(targets.measures.len().max(1))) {
        solved.score(&row, scores)?;
    }
    Ok(scores)
}
