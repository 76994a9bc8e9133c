//! How far scores agree with the truth.

use super::error::TruthError;
use crate::measures::{MeasureError, pearson, spearman};

/// The mean over targets of the correlation between a method's scores and the truth, both
/// target by target, `n` samples each. Scores that are all alike agree with nothing: 0.
fn mean_correlation(
    correlation: fn(&[f64], &[f64]) -> Result<f64, MeasureError>,
    scores: &[f64],
    truth: &[f64],
    n: usize,
) -> Result<f64, TruthError> {
    let mut sum = 0.0;
    let targets = truth.len() / n.max(1);
    for (scores, truth) in scores.chunks_exact(n).zip(truth.chunks_exact(n)) {
        sum += match correlation(scores, truth) {
            Err(MeasureError::Constant { .. }) => 0.0,
            other => other?,
        };
    }
    Ok(sum / targets as f64)
}

pub(super) fn mean_spearman(scores: &[f64], truth: &[f64], n: usize) -> Result<f64, TruthError> {
    mean_correlation(spearman, scores, truth, n)
}

pub(super) fn mean_pearson(scores: &[f64], truth: &[f64], n: usize) -> Result<f64, TruthError> {
    mean_correlation(pearson, scores, truth, n)
}
