//! Scores of clean and of flipped samples, one panel a detector.
//!
//! A mirrored histogram: clean samples above the line, flipped ones below it.

use core::cmp::Ordering;

use gradsieve_report::distribution::{Distribution, swatch, threshold_swatch};
use gradsieve_report::wording;
use maud::{Markup, html};

use crate::demo::{DetectorOutcome, Outcome};

/// The section.
pub(super) fn section(outcome: &Outcome) -> Markup {
    let flips = outcome.truth.iter().any(|&t| t);
    html! {
        section class="card" {
            h2 { "How the scores are spread" }
            p class="soft note" {
                "The further to the right, the more suspicious. "
                @if flips {
                    "Upward: clean samples; downward: flipped ones; each bar is a share of its own kind. "
                    "A good detector keeps the two apart. "
                } @else {
                    "No label was flipped, so all samples stand together. "
                }
                "Right of the dashed line lie the flagged. Scores that span decades have a logarithmic axis (what is too small for it "
                "stands in its first bar), scores with heavy tails are shown by rank; "
                "a column marked ∞ holds the samples whose gradient was not finite."
            }
            ul class="key" {
                li { (swatch("clean")) @if flips { "clean" } @else { "all samples" } }
                @if flips { li { (swatch("flipped")) "flipped" } }
                li {
                    (threshold_swatch())
                    "where the flagged begin"
                }
            }
            div class="small" {
                @for detector in &outcome.detectors {
                    (panel(outcome, detector, flips))
                }
            }
        }
    }
}

fn panel(outcome: &Outcome, detector: &DetectorOutcome, flips: bool) -> Markup {
    let distribution = Distribution {
        name: detector.name,
        scores: &detector.scores,
        below: flips.then_some(&outcome.truth),
        threshold: threshold(&detector.scores, outcome.budget),
    };
    html! {
        div {
            header {
                h3 { (detector.name) }
                @if let Some(auroc) = detector.auroc { span class="soft" { "AUROC " (wording::measure(Some(auroc))) } }
            }
            (distribution.drawing())
        }
    }
}

/// Half-way between the lowest flagged score and the highest that is not; not finite if
/// all flagged are so. None if nothing or everything is flagged.
fn threshold(scores: &[f64], budget: usize) -> Option<f64> {
    let mut order = scores.to_vec();
    order.sort_by(|a, b| match (a.is_nan(), b.is_nan()) {
        (false, false) => b.partial_cmp(a).unwrap_or(Ordering::Equal),
        (a, b) => b.cmp(&a),
    });
    let (flagged, next) = (*order.get(budget.checked_sub(1)?)?, *order.get(budget)?);
    let middle = flagged / 2.0 + next / 2.0;
    if flagged.is_finite() && next.is_finite() && flagged > 0.0 && next > 0.0 {
        // On a logarithmic axis the middle is the geometric mean; elsewhere it lies
        // between as well.
        return Some(flagged.sqrt() * next.sqrt());
    }
    Some(if flagged.is_finite() && !next.is_finite() { flagged } else { middle })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_lies_between_the_flagged_and_the_others() {
        assert_eq!(threshold(&[1.0, 4.0, 9.0], 1), Some(6.0));
        assert_eq!(threshold(&[-1.0, 1.0, 9.0], 2), Some(0.0));
        assert_eq!(threshold(&[f64::NAN, 1.0], 1).map(f64::is_finite), Some(false));
        assert_eq!((threshold(&[1.0], 0), threshold(&[1.0], 1), threshold(&[], 3)), (None, None, None));
    }
}
