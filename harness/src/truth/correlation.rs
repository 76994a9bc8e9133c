//! How far scores agree with the truth, target by target.

use super::error::TruthError;
use crate::measures::{MeasureError, pearson, spearman};

/// For each target the correlation between a method's scores and the truth, both target
/// by target, `n` samples each. Scores that are all alike agree with nothing: 0.
fn correlations(
    correlation: fn(&[f64], &[f64]) -> Result<f64, MeasureError>,
    scores: &[f64],
    truth: &[f64],
    n: usize,
) -> Result<Vec<f64>, TruthError> {
    let targets = scores.chunks_exact(n).zip(truth.chunks_exact(n));
    let of_target = |(scores, truth)| match correlation(scores, truth) {
        Err(MeasureError::Constant { .. }) => Ok(0.0),
        other => Ok(other?),
    };
    targets.map(of_target).collect()
}

pub(super) fn spearmans(scores: &[f64], truth: &[f64], n: usize) -> Result<Vec<f64>, TruthError> {
    correlations(spearman, scores, truth, n)
}

pub(super) fn pearsons(scores: &[f64], truth: &[f64], n: usize) -> Result<Vec<f64>, TruthError> {
    correlations(pearson, scores, truth, n)
}

/// The mean over the targets.
pub(super) fn mean_pearson(scores: &[f64], truth: &[f64], n: usize) -> Result<f64, TruthError> {
    let targets = pearsons(scores, truth, n)?;
    Ok(targets.iter().sum::<f64>() / targets.len() as f64)
}
