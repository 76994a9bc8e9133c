//! One row a detector, and what each column means.

use maud::{Markup, html};

use super::accuracy::regained;
use super::roc::is_best;
use crate::demo::{DetectorOutcome, Outcome};
use gradsieve_report::wording;

/// The section.
pub(super) fn section(outcome: &Outcome) -> Markup {
    html! {
        section class="card" {
            h2 { "The detectors" }
            @if outcome.detectors.is_empty() {
                p class="soft" { "No detector ran." }
            } @else {
                div class="wide" {
                    table class="stack detectors" {
                        thead { tr {
                            th scope="col" { "detector" }
                            th scope="col" { "AUROC" }
                            th scope="col" { "average precision" }
                            th scope="col" { "flips found" }
                            th scope="col" { "test accuracy after" }
                            th scope="col" { "lost accuracy regained" }
                            th scope="col" { "state" }
                            th scope="col" { "time" }
                        } }
                        tbody {
                            @for (i, detector) in outcome.detectors.iter().enumerate() {
                                (row(outcome, detector, is_best(outcome, i)))
                            }
                        }
                    }
                }
                (columns(outcome))
            }
        }
    }
}

fn row(outcome: &Outcome, detector: &DetectorOutcome, best: bool) -> Markup {
    let share = regained(outcome, detector.accuracy_after);
    html! {
        tr class=[best.then_some("best")] {
            td { b { (detector.name) } small class="soft" { (detector.about) } }
            td data-label="AUROC" { (wording::measure(detector.auroc)) }
            td data-label="average precision" { (wording::measure(detector.average_precision)) }
            td data-label="flips found" {
                @if outcome.flips > 0 { (wording::count(detector.found)) "\u{a0}of\u{a0}" (wording::count(outcome.flips)) }
                @else { "–" }
            }
            td data-label="test accuracy after" { (wording::percent(detector.accuracy_after)) }
            td data-label="regained" {
                @match share {
                    Some(share) => { (wording::minus(&format!("{:.0}\u{a0}%", share * 100.0))) }
                    None => { "–" }
                }
            }
            td data-label="state" { (wording::bytes(detector.bytes)) }
            td data-label="time" { (wording::seconds(detector.seconds)) }
        }
    }
}

fn columns(outcome: &Outcome) -> Markup {
    let (flips, budget, samples) = (outcome.flips, outcome.budget, outcome.train_samples);
    let chance = if samples > 0 { flips as f64 / samples as f64 } else { 0.0 };
    html! {
        dl {
            div { dt { "The score" } dd class="soft" {
                "Every detector gives each training sample one number; a larger one is more suspicious. Only the order counts: "
                "scores of different detectors have different units."
            } }
            div { dt { "AUROC" } dd class="soft" {
                "The chance that a flipped sample scores above a clean one. 1 is perfect, 0.5 is guessing; it does not depend on a "
                "threshold."
            } }
            div { dt { "Average precision" } dd class="soft" {
                "Going down from the highest score: which share of what was passed so far is really flipped, averaged over the flips."
                @if flips > 0 { " Guessing gives " (wording::measure(Some(chance))) " here." }
            } }
            div { dt { "Flips found" } dd class="soft" {
                "Flipped samples among the " (wording::count(budget)) " with the highest scores, which are the flagged."
            } }
            div { dt { "Test accuracy after" } dd class="soft" {
                "Of a new model, trained without the flagged samples, on test samples whose labels are all as they came. It began at "
                (wording::percent(outcome.accuracy_before))
                @if flips > 0 { "; leaving out exactly the flips gives " (wording::percent(outcome.accuracy_ceiling)) }
                "."
            } }
            div { dt { "Lost accuracy regained" } dd class="soft" {
                "Which part of the difference between those two the detector wins back."
            } }
            div { dt { "State" } dd class="soft" {
                "Memory that the detector needs on a device, the sketches it looks at not counted."
            } }
            div { dt { "Time" } dd class="soft" {
                "To observe, fit and score all " (wording::counted(samples, "sample")) ", on one thread, once the gradients are sketched."
            } }
        }
    }
}
