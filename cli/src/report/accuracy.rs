//! Test accuracy before, after each detector's flags are left out, and the ceiling.
//!
//! One row a detector: a line from the accuracy before to the accuracy after. Rows are
//! HTML and only the tracks are SVG, in percent of their width: names wrap, and a phone
//! shows the same text sizes.

use maud::{Markup, html};

use super::roc::is_best;
use crate::demo::Outcome;
use gradsieve_report::axis::{Scale, at, tick_texts, ticks};
use gradsieve_report::wording;

const MIDDLE: &str = "14";
const HEIGHT: &str = "28";

/// The section.
pub(super) fn section(outcome: &Outcome) -> Markup {
    let before = outcome.accuracy_before;
    let track = Track::new(outcome);
    html! {
        section class="card" {
            h2 { "What leaving out the flagged does to the model" }
            p class="soft note" {
                "Test accuracy of a new model, trained without the " (wording::counted(outcome.budget, "sample"))
                " that a detector flags. The dashed line through the hollow dot at the top is where it began, with every "
                "label as given"
                @if outcome.flips > 0 { "; the one at the bottom is the ceiling, with exactly the flipped samples left out" }
                ". A detector that throws away good samples can end below the start."
            }
            div class="bars" {
                (row("nothing left out", before, false, &track, Dot::Hollow, String::new()))
                @for (i, detector) in outcome.detectors.iter().enumerate() {
                    @let after = detector.accuracy_after;
                    (row(detector.name, after, is_best(outcome, i), &track, Dot::Full, regained_note(outcome, after)))
                }
                @if let Some(ceiling) = track.ceiling {
                    (row("exactly the flips", ceiling, false, &track, Dot::Hollow, "ceiling".to_owned()))
                }
                (scale(&track))
            }
        }
    }
}

/// The share of the accuracy lost to the flips that comes back, if any was lost.
pub(super) fn regained(outcome: &Outcome, after: f64) -> Option<f64> {
    let lost = outcome.accuracy_ceiling - outcome.accuracy_before;
    let share = (after - outcome.accuracy_before) / lost;
    (lost > 0.0 && share.is_finite()).then_some(share)
}

fn regained_note(outcome: &Outcome, after: f64) -> String {
    match regained(outcome, after) {
        Some(share) if share < 0.0 => "worse than before".to_owned(),
        Some(share) => format!("{:.0}\u{a0}% regained", share * 100.0),
        None => String::new(),
    }
}

#[derive(Clone, Copy)]
enum Dot {
    Hollow,
    Full,
}

/// Places on a track, in percent of its width.
struct Track {
    scale: Scale,
    ticks: Vec<f64>,
    before: f64,
    /// None without flips: there is nothing to leave out.
    ceiling: Option<f64>,
}

impl Track {
    fn new(outcome: &Outcome) -> Self {
        let before = outcome.accuracy_before;
        let ceiling = (outcome.flips > 0).then_some(outcome.accuracy_ceiling);
        let all = outcome.detectors.iter().map(|d| d.accuracy_after).chain([before]).chain(ceiling);
        let (low, high) = all
            .filter(|a| a.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), a| (low.min(a), high.max(a)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let margin = ((high - low) * 0.08).max(0.004);
        let range = (low - margin, high + margin);
        let ticks = ticks(range.0 * 100.0, range.1 * 100.0, 6);
        Self { scale: Scale::new(range, (0.0, 100.0)), ticks, before, ceiling }
    }

    fn place(&self, accuracy: f64) -> String {
        format!("{}%", at(self.scale.place(accuracy)))
    }
}

fn row(name: &str, accuracy: f64, best: bool, track: &Track, dot: Dot, note: String) -> Markup {
    html! {
        div class="row" {
            span { @if best { b { (name) } } @else { (name) } }
            svg height=(HEIGHT) role="img" aria-label={ (name) ": " (wording::percent(accuracy)) } {
                @for tick in &track.ticks {
                    (upright(&track.place(tick / 100.0), "rule", "none"))
                }
                @for reference in [track.before].into_iter().chain(track.ceiling).filter(|a| a.is_finite()) {
                    (upright(&track.place(reference), "axis", "4 3"))
                }
                @if accuracy.is_finite() {
                    @let place = track.place(accuracy);
                    @match dot {
                        Dot::Full => {
                            @if track.before.is_finite() {
                                line class=(if accuracy < track.before { "to-flipped" } else { "to-clean" })
                                    x1=(track.place(track.before)) x2=(place) y1=(MIDDLE) y2=(MIDDLE)
                                    stroke-width=(if best { "7" } else { "4" }) {}
                            }
                            circle class="dot" cx=(place) cy=(MIDDLE) r=(if best { "6.5" } else { "5" }) {}
                        }
                        Dot::Hollow => { circle class="hollow" cx=(place) cy=(MIDDLE) r="5" stroke-width="2" {} }
                    }
                }
            }
            span { b { (wording::percent(accuracy)) } @if !note.is_empty() { span class="soft" { " · " (note) } } }
        }
    }
}

fn upright(place: &str, class: &str, dash: &str) -> Markup {
    html! { line class=(class) x1=(place) x2=(place) y1="0" y2=(HEIGHT) stroke-dasharray=(dash) {} }
}

fn scale(track: &Track) -> Markup {
    html! {
        div class="row scale" {
            span {}
            svg height="20" font-size="12" aria-hidden="true" {
                @for (tick, label) in track.ticks.iter().zip(tick_texts(&track.ticks)) {
                    text class="soft" x=(track.place(tick / 100.0)) y="14" text-anchor="middle" {
                        (label) " %"
                    }
                }
            }
            span {}
        }
    }
}
