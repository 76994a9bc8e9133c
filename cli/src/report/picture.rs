//! The README's picture: ROC curves, a table of the areas under them, and eight
//! suspicious samples.
//!
//! It stands on its own white ground, so it reads the same on a light and on a dark page,
//! and it uses nothing but plain SVG: a style sheet of classes, no variables, no HTML.

use maud::{Markup, PreEscaped, html};

use super::roc::{curves, is_best, sample_line};
use super::suspects::{class_name, has_picture, is_flipped, pixels};
use crate::demo::{Outcome, Suspect};
use gradsieve_report::axis::at;
use gradsieve_report::frame::Frame;
use gradsieve_report::style::{self, FONT};
use gradsieve_report::wording;

const SIZE: (f64, f64) = (900.0, 420.0);
/// Detectors in the picture; the page has all.
const DETECTORS: usize = 8;
const SUSPECTS: usize = 8;
const LEFT: f64 = 462.0;
const RIGHT: f64 = 876.0;

/// The picture, an SVG file of 900×420.
#[must_use]
pub fn picture(outcome: &Outcome) -> String {
    let (width, height) = SIZE;
    let shown = highest(outcome);
    let frame = Frame { left: 70.0, top: 48.0, width: 336.0, height: 310.0 };
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } font-family=(FONT) font-size="13" role="img"
            aria-label={ "ROC curves and the most suspicious samples of " (outcome.data) } {
            style { (PreEscaped(style::classes(&style::LIGHT))) }
            rect class="paper rule" x="0.5" y="0.5" width=(width - 1.0) height=(height - 1.0) rx="12" {}
            text class="ink" x=(at(frame.left)) y="30" font-size="14" font-weight="600" { (title(outcome)) }
            (curves(outcome, &shown, frame, 1.0))
            @if outcome.flips == 0 {
                text class="soft" x=(at(frame.left + 24.0)) y=(at(frame.top + 36.0)) { "no curve without flipped labels" }
            }
            (table(outcome, &shown))
            (strip(outcome))
        }
    }
    .into_string()
}

fn title(outcome: &Outcome) -> String {
    if outcome.flips == 0 {
        return "No label was flipped".to_owned();
    }
    format!(
        "Finding {} among {}",
        wording::counted(outcome.flips, "wrong label"),
        wording::counted(outcome.train_samples, "sample")
    )
}

/// The detectors with the largest areas, in the order of the table.
fn highest(outcome: &Outcome) -> Vec<usize> {
    let area = |i: &usize| outcome.detectors[*i].auroc.unwrap_or(f64::NEG_INFINITY);
    let mut order: Vec<usize> = (0..outcome.detectors.len()).collect();
    order.sort_by(|i, j| area(j).total_cmp(&area(i)));
    order.truncate(DETECTORS);
    order.sort_unstable();
    order
}

fn table(outcome: &Outcome, shown: &[usize]) -> Markup {
    let row = |i: usize| 74.0 + 23.0 * i as f64;
    html! {
        g class="soft" font-size="12" {
            text x=(at(LEFT + 46.0)) y="50" { "detector" }
            text x=(at(RIGHT - 182.0)) y="50" text-anchor="end" { "AUROC" }
            text x=(at(RIGHT - 106.0)) y="50" text-anchor="end" { "found" }
            text x=(at(RIGHT)) y="50" text-anchor="end" { "accuracy after" }
        }
        path class="rule" d={ "M" (at(LEFT)) " 57.5H" (at(RIGHT)) } {}
        @for (line, &i) in shown.iter().enumerate() {
            @let detector = &outcome.detectors[i];
            @let best = is_best(outcome, i);
            (sample_line(i, best, (LEFT, row(line) - 4.5), 38.0))
            g class="ink" font-weight=(if best { "700" } else { "400" }) {
                text x=(at(LEFT + 46.0)) y=(at(row(line))) { (short(detector.name)) }
                text x=(at(RIGHT - 182.0)) y=(at(row(line))) text-anchor="end" { (wording::measure(detector.auroc)) }
                text x=(at(RIGHT - 106.0)) y=(at(row(line))) text-anchor="end" { (found(outcome, detector.found)) }
                text x=(at(RIGHT)) y=(at(row(line))) text-anchor="end" { (wording::percent(detector.accuracy_after)) }
            }
        }
        @let y = row(shown.len()) - 2.0;
        path class="rule" d={ "M" (at(LEFT)) " " (at(y - 13.5)) "H" (at(RIGHT)) } {}
        text class="soft" x=(at(LEFT)) y=(at(y + 4.0)) font-size="12" {
            "accuracy before " (wording::percent(outcome.accuracy_before))
            @if outcome.flips > 0 { " · without exactly the flips " (wording::percent(outcome.accuracy_ceiling)) }
        }
    }
}

fn found(outcome: &Outcome, found: usize) -> String {
    if outcome.flips == 0 { "–".to_owned() } else { format!("{found}/{}", outcome.flips) }
}

/// A name that keeps inside its column.
fn short(name: &str) -> String {
    const LENGTH: usize = 18;
    if name.chars().count() <= LENGTH {
        return name.to_owned();
    }
    name.chars().take(LENGTH - 1).chain(['…']).collect()
}

fn strip(outcome: &Outcome) -> Markup {
    let shown: Vec<&Suspect> = outcome.suspects.iter().take(SUSPECTS).collect();
    let step = (RIGHT - LEFT) / SUSPECTS as f64;
    html! {
        @if let (Some(best), false) = (outcome.best(), shown.is_empty()) {
            @if shown.iter().all(|s| has_picture(outcome.picture, &s.features)) {
                text class="ink" x=(at(LEFT)) y="303" font-weight="600" { "Most suspicious, by " (short(best.name)) }
                @for (i, suspect) in shown.into_iter().enumerate() {
                    (tile(outcome, suspect, LEFT + i as f64 * step, step))
                }
            }
        }
    }
}

fn tile(outcome: &Outcome, suspect: &Suspect, x: f64, step: f64) -> Markup {
    const SIDE: f64 = 46.0;
    let (width, height) = outcome.picture.unwrap_or((1, 1));
    let flipped = is_flipped(outcome, suspect);
    let middle = at(x + SIDE / 2.0);
    // A caption may be as wide as the tile's share of the strip.
    let letters = ((step - 2.0) / 6.2) as usize;
    let caption = |text: String| -> String {
        if text.chars().count() <= letters {
            text
        } else {
            text.chars().take(letters - 1).chain(['…']).collect()
        }
    };
    html! {
        svg x=(at(x)) y="314" width=(SIDE) height=(SIDE) viewBox={ "0 0 " (width) " " (height) } shape-rendering="crispEdges" {
            (pixels(&suspect.features, width, "ink"))
        }
        rect class="rule" x=(at(x - 0.5)) y="313.5" width=(SIDE + 1.0) height=(SIDE + 1.0) rx="3" fill="none" {}
        text class="soft" x=(middle) y="378" text-anchor="middle" font-size="12" {
            (caption(format!("given {}", class_name(&outcome.class_names, suspect.given))))
        }
        @if outcome.flips > 0 {
            text class=(if flipped { "flipped" } else { "clean" }) x=(middle) y="395" text-anchor="middle"
                font-size="12" font-weight="600" {
                (caption(if flipped { format!("was {}", class_name(&outcome.class_names, suspect.original)) } else { "right".to_owned() }))
            }
        }
    }
}
