//! ROC curves: how many flipped labels a detector finds (up) for how many false alarms
//! (right).
//!
//! Two panels: the whole square, and its left edge, where good detectors part. A reader
//! who flags a budget lives in the second.

use maud::{Markup, html};

use crate::demo::Outcome;
use gradsieve_harness::measures::RocPoint;
use gradsieve_report::axis::{Scale, at};
use gradsieve_report::frame::{Frame, Ticks};
use gradsieve_report::style::{dash, series_class};
use gradsieve_report::wording;

/// The right end of the enlarged panel.
const EDGE: f64 = 0.1;
const SIZE: (f64, f64) = (440.0, 400.0);

/// The section, or a sentence where no label was flipped.
pub(super) fn section(outcome: &Outcome) -> Markup {
    let shown: Vec<usize> =
        (0..outcome.detectors.len()).filter(|&i| outcome.detectors[i].roc.len() > 1).collect();
    html! {
        section class="card" {
            h2 { "Finding flipped labels, at every threshold" }
            @if shown.is_empty() {
                p class="soft" { "There is no curve to draw: it takes flipped labels and correct ones." }
            } @else {
                p class="soft note" {
                    "Flag the highest scores first, and go down. A curve shows which share of the flipped labels has been "
                    "found by the time a share of the clean samples has been flagged by mistake: the nearer to the "
                    "upper left corner, the better; the thin diagonal is guessing. The second panel enlarges the left edge, "
                    "where few clean samples are flagged. Behind each name stands the area under its curve."
                }
                div class="panels" {
                    (panel(outcome, &shown, 1.0))
                    (panel(outcome, &shown, EDGE))
                }
                ul class="legend" {
                    @for &i in &shown {
                        li {
                            (sample(i, is_best(outcome, i)))
                            span { (outcome.detectors[i].name) }
                            b { (wording::measure(outcome.detectors[i].auroc)) }
                        }
                    }
                }
            }
        }
    }
}

fn panel(outcome: &Outcome, shown: &[usize], right: f64) -> Markup {
    let (width, height) = SIZE;
    let title = if right < 1.0 {
        format!("The first {:.0} % of false alarms", right * 100.0)
    } else {
        "The whole curve".to_owned()
    };
    let frame = Frame { left: 56.0, top: 30.0, width: width - 72.0, height: height - 86.0 };
    html! {
        svg viewBox={ "0 0 " (width) " " (height) } role="img" aria-label={ "ROC curves: " (title) } font-size="13" {
            text class="ink" x=(at(frame.left)) y="16" font-weight="600" { (title) }
            (curves(outcome, shown, frame, right))
        }
    }
}

/// The short line that stands for a detector in a legend.
pub(super) fn sample(detector: usize, best: bool) -> Markup {
    html! {
        svg width="44" height="12" viewBox="0 0 44 12" aria-hidden="true" {
            (sample_line(detector, best, (1.0, 6.0), 42.0))
        }
    }
}

/// The line of [`sample`], at a place.
pub(super) fn sample_line(detector: usize, best: bool, from: (f64, f64), length: f64) -> Markup {
    let (x, y) = from;
    html! {
        path class=(series_class(detector)) d={ "M" (at(x)) " " (at(y)) "h" (at(length)) } fill="none"
            stroke-width=(stroke_width(best)) stroke-dasharray=(dash(detector)) {}
    }
}

/// Whether this is the detector that the headline names.
pub(super) fn is_best(outcome: &Outcome, detector: usize) -> bool {
    match (outcome.best(), outcome.detectors.get(detector)) {
        (Some(best), Some(this)) => core::ptr::eq(best, this) && best.auroc.is_some(),
        _ => false,
    }
}

fn stroke_width(best: bool) -> &'static str {
    if best { "3.2" } else { "1.9" }
}

/// Axes, diagonal and curves of the `shown` detectors, for false positive rates of 0 to
/// `right`.
pub(super) fn curves(outcome: &Outcome, shown: &[usize], frame: Frame, right: f64) -> Markup {
    let Frame { left, top, width, height } = frame;
    let bottom = frame.bottom();
    let x = Scale::new((0.0, right), (left, frame.right()));
    let y = Scale::new((0.0, 1.0), (bottom, top));
    let (across, up) = (Ticks::round((0.0, right), 5, x, 1.0), Ticks::round((0.0, 1.0), 5, y, 1.0));
    // The best detector is drawn last, above the others.
    let (best, others): (Vec<usize>, Vec<usize>) = shown.iter().partition(|&&i| is_best(outcome, i));
    html! {
        (frame.axes(&across, &up))
        path class="axis" d={ "M" (at(left)) " " (at(bottom)) "L" (at(left + width)) " " (at(y.place(right))) }
            stroke-dasharray="2 3" fill="none" {}
        @for i in others.into_iter().chain(best) {
            @let detector = &outcome.detectors[i];
            path class=(series_class(i)) d=(line(&detector.roc, right, x, y)) fill="none"
                stroke-width=(stroke_width(is_best(outcome, i))) stroke-dasharray=(dash(i)) stroke-linejoin="round" {
                title { (detector.name) ", AUROC " (wording::measure(detector.auroc)) }
            }
        }
        text class="ink" x=(at(left + width / 2.0)) y=(at(bottom + 40.0)) text-anchor="middle" {
            "false positive rate (clean samples flagged)"
        }
        @let middle = (at(left - 42.0), at(top + height / 2.0));
        text class="ink" x=(middle.0) y=(middle.1) text-anchor="middle"
            transform={ "rotate(-90 " (middle.0) " " (middle.1) ")" } {
            "true positive rate (flips found)"
        }
    }
}

/// A curve's path up to a false positive rate of `right`. Points inside a straight run
/// are left out.
fn line(roc: &[RocPoint], right: f64, x: Scale, y: Scale) -> String {
    let points = cut(roc, right);
    let mut path = String::new();
    for (i, &(fpr, tpr)) in points.iter().enumerate() {
        let straight = i > 0
            && points.get(i + 1).is_some_and(|&next| {
                let before = points[i - 1];
                (before.0 == fpr && next.0 == fpr) || (before.1 == tpr && next.1 == tpr)
            });
        if !straight {
            path.push_str(if i == 0 { "M" } else { "L" });
            path.push_str(&format!("{} {}", at(x.place(fpr)), at(y.place(tpr))));
        }
    }
    path
}

/// The points up to `right`, with the point of the curve on that line.
fn cut(roc: &[RocPoint], right: f64) -> Vec<(f64, f64)> {
    let all = roc.iter().map(|p| (p.false_positive_rate, p.true_positive_rate));
    let mut points: Vec<(f64, f64)> = all.filter(|p| p.0.is_finite() && p.1.is_finite()).collect();
    if let Some(end) = points.iter().position(|p| p.0 > right) {
        let beyond = points[end];
        points.truncate(end);
        if let Some(&last) = points.last() {
            let share = (right - last.0) / (beyond.0 - last.0);
            points.push((right, last.1 + share * (beyond.1 - last.1)));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roc(points: &[(f64, f64)]) -> Vec<RocPoint> {
        points
            .iter()
            .map(|&(false_positive_rate, true_positive_rate)| RocPoint {
                threshold: 0.0,
                false_positive_rate,
                true_positive_rate,
            })
            .collect()
    }

    #[test]
    fn an_enlarged_curve_ends_where_the_whole_one_crosses_the_edge() {
        let curve = roc(&[(0.0, 0.0), (0.0, 0.5), (0.2, 0.7), (1.0, 1.0)]);
        let points = cut(&curve, 0.1);
        assert_eq!(points.len(), 3);
        assert!((points[2].0 - 0.1).abs() < 1e-12 && (points[2].1 - 0.6).abs() < 1e-12);
        assert_eq!(cut(&curve, 1.0).len(), 4);
        assert!(cut(&[], 0.1).is_empty());
    }

    #[test]
    fn a_straight_run_costs_two_points() {
        let curve = roc(&[(0.0, 0.0), (0.0, 0.25), (0.0, 0.5), (0.0, 1.0), (0.5, 1.0), (1.0, 1.0)]);
        let scale = Scale::new((0.0, 1.0), (0.0, 10.0));
        assert_eq!(line(&curve, 1.0, scale, scale), "M0 0L0 10L10 10");
    }
}
