//! The ROC curve and the area under it.
//!
//! AUROC = P(score of a positive > score of a negative) + ½P(equal) = (R −
//! P(P+1)/2)/(P·N), with R the sum of the positives' mid-ranks, P positives and N
//! negatives (Mann & Whitney 1947). 0.5 is chance.

use super::error::{MeasureError, check_length, check_numbers, check_two_classes};
use super::ranks::mid_ranks;

/// The area under the ROC curve, 0 to 1.
///
/// # Errors
/// Lengths that differ; a score that is NaN; no positive or no negative sample.
pub fn auroc(scores: &[f64], truth: &[bool]) -> Result<f64, MeasureError> {
    check_length(truth.len(), scores.len())?;
    let (positives, negatives) = check_two_classes(truth)?;
    let ranks = mid_ranks(scores)?;
    let sum: f64 = ranks.iter().zip(truth).filter(|(_, t)| **t).map(|(rank, _)| rank).sum();
    let (p, n) = (positives as f64, negatives as f64);
    Ok((sum - p * (p + 1.0) / 2.0) / (p * n))
}

/// A point of the ROC curve: the rates when every score ≥ `threshold` is flagged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// The lowest score that is flagged; infinite at the first point, where none is.
    pub threshold: f64,
    /// Flagged negatives over all negatives.
    pub false_positive_rate: f64,
    /// Flagged positives over all positives.
    pub true_positive_rate: f64,
}

/// The curve from (0, 0) to (1, 1), one point a distinct score. The trapezoids below it
/// add up to [`auroc`].
///
/// # Errors
/// As [`auroc`].
pub fn roc_curve(scores: &[f64], truth: &[bool]) -> Result<Vec<RocPoint>, MeasureError> {
    check_length(truth.len(), scores.len())?;
    let (positives, negatives) = check_two_classes(truth)?;
    let mut points =
        vec![RocPoint { threshold: f64::INFINITY, false_positive_rate: 0.0, true_positive_rate: 0.0 }];
    for step in descending_steps(scores, truth)? {
        points.push(RocPoint {
            threshold: step.threshold,
            false_positive_rate: (step.flagged - step.hits) as f64 / negatives as f64,
            true_positive_rate: step.hits as f64 / positives as f64,
        });
    }
    Ok(points)
}

/// What is flagged down to a threshold.
pub(super) struct Step {
    pub(super) threshold: f64,
    pub(super) flagged: usize,
    pub(super) hits: usize,
}

/// One step a distinct score, from the highest down, with all samples of that score at
/// once.
pub(super) fn descending_steps(scores: &[f64], truth: &[bool]) -> Result<Vec<Step>, MeasureError> {
    check_numbers(scores)?;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&i, &j| scores[j].total_cmp(&scores[i]));
    let (mut flagged, mut hits) = (0, 0);
    let groups = order.chunk_by(|&i, &j| scores[i] == scores[j]);
    Ok(groups
        .map(|group| {
            flagged += group.len();
            hits += group.iter().filter(|&&i| truth[i]).count();
            Step { threshold: scores[group[0]], flagged, hits }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Small whole scores, so that ties are common, with at least one sample of each
    /// truth.
    fn ranked() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
        prop::collection::vec((0u8..12, any::<bool>()), 2..60).prop_map(|mut pairs| {
            pairs[0].1 = true;
            pairs[1].1 = false;
            pairs.into_iter().map(|(s, t)| (f64::from(s), t)).unzip()
        })
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_pairs_in_the_right_order((scores, truth) in ranked()) {
            let (mut won, mut pairs) = (0.0, 0.0);
            for (s, _) in scores.iter().zip(&truth).filter(|p| *p.1) {
                for (r, _) in scores.iter().zip(&truth).filter(|p| !*p.1) {
                    won += if s > r { 1.0 } else if s == r { 0.5 } else { 0.0 };
                    pairs += 1.0;
                }
            }
            prop_assert!((auroc(&scores, &truth).unwrap() - won / pairs).abs() < 1e-12);
        }

        #[test]
        fn the_trapezoids_below_the_curve_are_the_area((scores, truth) in ranked()) {
            let points = roc_curve(&scores, &truth).unwrap();
            let area: f64 = points
                .windows(2)
                .map(|w| {
                    (w[1].false_positive_rate - w[0].false_positive_rate)
                        * (w[0].true_positive_rate + w[1].true_positive_rate) / 2.0
                })
                .sum();
            prop_assert!((area - auroc(&scores, &truth).unwrap()).abs() < 1e-12);
            let last = points[points.len() - 1];
            prop_assert_eq!((last.false_positive_rate, last.true_positive_rate), (1.0, 1.0));
        }

        #[test]
        fn turning_the_scores_round_turns_the_area_round((scores, truth) in ranked()) {
            let turned: Vec<f64> = scores.iter().map(|s| -s).collect();
            let sum = auroc(&scores, &truth).unwrap() + auroc(&turned, &truth).unwrap();
            prop_assert!((sum - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn an_undefined_area_is_an_error() {
        assert_eq!(auroc(&[1.0], &[]), Err(MeasureError::Length { found: 0, expected: 1 }));
        assert_eq!(auroc(&[1.0, 2.0], &[true; 2]), Err(MeasureError::OneClass { positives: 2, samples: 2 }));
        assert_eq!(auroc(&[], &[]), Err(MeasureError::OneClass { positives: 0, samples: 0 }));
        assert_eq!(auroc(&[f64::NAN, 1.0], &[true, false]), Err(MeasureError::NotANumber { index: 0 }));
        assert!(roc_curve(&[1.0, f64::NAN], &[true, false]).is_err());
        assert_eq!(auroc(&[f64::INFINITY, 1.0], &[true, false]), Ok(1.0));
    }
}
