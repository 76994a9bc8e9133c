//! Average precision AP = Σ_t (R_t − R_{t−1})·P_t over the distinct scores t from the
//! highest down, P precision and R recall of what is flagged down to t: steps, no
//! interpolation, as scikit-learn's `average_precision_score`. A random ranking has the
//! share of positives on average.

use super::error::{MeasureError, check_length, check_two_classes};
use super::roc::descending_steps;

/// The average precision, above 0 and at most 1.
///
/// # Errors
/// Lengths that differ; a score that is NaN; no positive or no negative sample.
pub fn average_precision(scores: &[f64], truth: &[bool]) -> Result<f64, MeasureError> {
    check_length(truth.len(), scores.len())?;
    let (positives, _) = check_two_classes(truth)?;
    let (mut sum, mut hits) = (0.0, 0);
    for step in descending_steps(scores, truth)? {
        let precision = step.hits as f64 / step.flagged as f64;
        sum += precision * (step.hits - hits) as f64;
        hits = step.hits;
    }
    Ok(sum / positives as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_ranking_has_one_and_a_constant_the_share_of_positives() {
        let truth = [true, false, true, false, false];
        assert_eq!(average_precision(&[5.0, 1.0, 4.0, 2.0, 3.0], &truth), Ok(1.0));
        assert_eq!(average_precision(&[7.0; 5], &truth), Ok(0.4));
        // By hand: hits at places 2 and 4 → (1/2 + 2/4)/2.
        assert_eq!(average_precision(&[4.0, 5.0, 2.0, 3.0, 1.0], &truth), Ok(0.5));
        assert!(average_precision(&[1.0; 2], &[false; 2]).is_err());
        assert!(average_precision(&[1.0, f64::NAN], &[true, false]).is_err());
    }
}
