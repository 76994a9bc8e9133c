//! The budget: a detector flags its m highest scores, and the flags are compared with the
//! truth.
//!
//! Equal scores are flagged by lower index first. A score that is NaN is flagged before
//! all others, as +∞ is: a sample that cannot be scored is suspicious, never silently
//! clean.

use core::cmp::Ordering;

use super::error::{MeasureError, check_length};

/// The `budget` most suspicious samples, the most suspicious first.
///
/// # Errors
/// A budget larger than the number of samples.
pub fn flagged(scores: &[f64], budget: usize) -> Result<Vec<usize>, MeasureError> {
    if budget > scores.len() {
        return Err(MeasureError::Budget { budget, samples: scores.len() });
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // A stable sort: equal scores stay by index.
    order.sort_by(|&i, &j| more_suspicious_first(scores[i], scores[j]));
    order.truncate(budget);
    Ok(order)
}

/// How many of the positives are among the `budget` most suspicious samples.
///
/// # Errors
/// Lengths that differ; a budget larger than the number of samples.
pub fn found_in_budget(scores: &[f64], truth: &[bool], budget: usize) -> Result<usize, MeasureError> {
    check_length(truth.len(), scores.len())?;
    Ok(flagged(scores, budget)?.into_iter().filter(|&i| truth[i]).count())
}

/// The share of all samples about which the flags are right (flagged and positive, or
/// neither), 0 to 1, when the `budget` most suspicious are flagged: the paper's accuracy
/// of detection.
///
/// # Errors
/// Lengths that differ; no samples; a budget larger than the number of samples.
pub fn flag_accuracy(scores: &[f64], truth: &[bool], budget: usize) -> Result<f64, MeasureError> {
    let found = found_in_budget(scores, truth, budget)?;
    let samples = truth.len();
    if samples == 0 {
        return Err(MeasureError::OneClass { positives: 0, samples });
    }
    let positives = truth.iter().filter(|&&t| t).count();
    let wrong = (budget - found) + (positives - found);
    Ok((samples - wrong) as f64 / samples as f64)
}

fn more_suspicious_first(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
        (a, b) => b.cmp(&a),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_scores_go_by_index_and_nan_goes_first() {
        let scores = [1.0, 3.0, f64::NAN, 3.0, 0.0, -0.0, f64::INFINITY];
        assert_eq!(flagged(&scores, 7).unwrap(), [2, 6, 1, 3, 0, 4, 5]);
        assert_eq!(flagged(&scores, 8), Err(MeasureError::Budget { budget: 8, samples: 7 }));
    }

    #[test]
    fn the_accuracy_of_flags_counts_both_kinds_of_mistake() {
        let (scores, truth) = ([4.0, 3.0, 2.0, 1.0, 0.0], [true, false, true, false, false]);
        assert_eq!(found_in_budget(&scores, &truth, 2), Ok(1));
        assert_eq!(flag_accuracy(&scores, &truth, 2), Ok(0.6));
        assert_eq!(flag_accuracy(&scores, &truth, 3), Ok(0.8));
        assert!(flag_accuracy(&[], &[], 0).is_err());
        assert!(found_in_budget(&scores, &truth[1..], 2).is_err());
    }

    proptest! {
        #[test]
        fn a_larger_budget_never_finds_less(
            pairs in prop::collection::vec((0u8..9, any::<bool>()), 1..40)
        ) {
            let (scores, truth): (Vec<f64>, Vec<bool>) = pairs.iter().map(|&(s, t)| (f64::from(s), t)).unzip();
            let found: Vec<usize> =
                (0..=scores.len()).map(|m| found_in_budget(&scores, &truth, m).unwrap()).collect();
            prop_assert!(found.windows(2).all(|w| w[1] == w[0] || w[1] == w[0] + 1));
            prop_assert_eq!(found[scores.len()], truth.iter().filter(|&&t| t).count());
        }
    }
}
