//! Scores against losses: what both, and what only one of them finds suspicious.

use maud::{Markup, html};

use crate::axis::{Scale, at};
use crate::distribution::{self, Spread};
use crate::frame::{Frame, Ticks};
use crate::report::{Report, worst};

/// Points that are drawn, at most: the most suspicious, and evenly spaced ones of the
/// others.
const DRAWN: usize = 2000;

/// The section; nothing without losses.
pub(crate) fn section(report: &Report<'_>) -> Markup {
    let (Some(losses), Some(first)) = (report.losses, report.first()) else { return html! {} };
    if first.name == "loss" {
        return html! {};
    }
    let (Some(x), Some(y)) = (Spread::of(losses), Spread::of(first.scores)) else { return html! {} };
    let frame = Frame { left: 62.0, top: 14.0, width: 466.0, height: 300.0 };
    let across = Scale::new(x.range(), (frame.left + 6.0, frame.right() - 6.0));
    let up = Scale::new(y.range(), (frame.bottom() - 6.0, frame.top + 6.0));
    let points = |flagged: bool| {
        let mut path = String::new();
        for row in drawn(first.scores) {
            let is_finite = losses[row].is_finite() && first.scores[row].is_finite();
            if is_finite && first.flagged.get(row).copied().unwrap_or(false) == flagged {
                let place = (across.place(x.axis(losses[row])), up.place(y.axis(first.scores[row])));
                path += &format!("M{} {}h0", at(place.0), at(place.1));
            }
        }
        path
    };
    let ticks = |spread: &Spread, scale, ends: (f64, f64)| Ticks {
        labels: spread.labels(scale, ends),
        is_ruled: true,
    };
    html! {
        section class="card" {
            h2 { "Scores against losses" }
            p class="soft note" {
                "High in the picture and far to the right: both find the sample suspicious. High and to the left: its gradient is odd "
                "though the model is at ease with its label, as with a wrong label that was learnt by heart, or a broken input."
            }
            ul class="key" {
                li { (distribution::swatch("clean")) "not flagged" }
                li { (distribution::swatch("flipped")) "flagged" }
            }
            div class="panels one" {
                svg viewBox="0 0 540 366" role="img" font-size="13" aria-label={ "Scores of " (first.name) " against losses" } {
                    (frame.axes(&ticks(&x, across, (frame.left, frame.right() - 4.0)), &ticks(&y, up, (frame.top, frame.bottom()))))
                    path class="to-clean" d=(points(false)) stroke-width="5" stroke-linecap="round" stroke-opacity="0.4" fill="none" {}
                    path class="to-flipped" d=(points(true)) stroke-width="6" stroke-linecap="round" stroke-opacity="0.7" fill="none" {}
                    (frame.name_across(&format!("loss{}", x.remark())))
                    (frame.name_up(&format!("{}{}", first.name, y.remark())))
                }
            }
        }
    }
}

/// The rows that are drawn.
fn drawn(scores: &[f64]) -> Vec<usize> {
    let order = worst(scores, scores.len());
    let (first, others) = order.split_at(order.len().min(DRAWN / 2));
    let every = others.len().div_ceil(DRAWN / 2).max(1);
    // The most suspicious last, above the others.
    others.iter().step_by(every).chain(first.iter().rev()).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_points_the_most_suspicious_are_drawn_and_some_of_the_others() {
        let scores: Vec<f64> = (0..100_000).map(f64::from).collect();
        let rows = drawn(&scores);
        assert!(rows.len() <= DRAWN && rows.contains(&99_000) && rows.iter().min() < Some(&200));
        assert_eq!(drawn(&[1.0, 3.0, 2.0]), [0, 2, 1]);
    }
}
