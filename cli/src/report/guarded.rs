//! Training with a sieve in the loop, as it went: the p-value of every sample as it came,
//! alarms, test accuracy by epoch, what was left out and why.

use std::fmt::Write;

use maud::{Markup, html};

use super::suspects::{class_name, has_picture, portrait};
use crate::demo::{LoopOutcome, Outcome, Visit};
use gradsieve_report::axis::{Scale, at, tick_texts, ticks};
use gradsieve_report::frame::{Frame, Ticks};
use gradsieve_report::style::{dash, series_class};
use gradsieve_report::wording;

/// Visits that are drawn, at most: evenly spaced ones of all.
const DRAWN: usize = 4000;

/// The smallest p-value that is told apart, as −log₁₀ p.
const SMALLEST: f64 = 4.0;

/// The policy whose curve is the thickest.
const SIEVE: &str = "sieve";

/// The section, or nothing where there were too few samples for a stream.
pub(super) fn section(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.loops.is_empty() {
            section class="card" {
                h2 { "Training with a sieve in the loop" }
                p class="soft note" {
                    "Here nothing is trained twice. Before a step uses a sample, the sieve judges it by the samples "
                    "that came before; what it flags is left out of the step, and training goes on. The same network is trained "
                    "on the same samples in the same order with every sample, with the loss as the guard (what is above all but "
                    "that share of the last 500 losses), and without exactly the wrong labels, which is the ceiling. Each guard "
                    "was told the share to leave out, and nothing else."
                }
                @for of in &outcome.loops { (task(of)) }
            }
        }
    }
}

fn task(of: &LoopOutcome) -> Markup {
    html! {
        h3 {
            (of.data) ": " (wording::counted(of.train_samples, "sample")) ", "
            @if of.flips > 0 { (wording::counted(of.flips, "wrong label")) } @else { "no label known to be wrong" }
            ", " (wording::counted(of.epochs, "epoch"))
        }
        @if let Some(sentence) = result(of) { p { (sentence) } }
        div class="stream" { (stream(of)) }
        ul class="key" {
            li { (swatch("to-clean")) "right label" }
            @if of.flips > 0 { li { (swatch("to-flipped")) "wrong label" } }
            li { "above the dashed line, after the warm-up: left out" }
            @if !of.alarms.is_empty() { li { "▼ alarm: " (alarms(of)) } }
        }
        div class="panels" {
            (curves(of))
            div class="wide" { (policies(of)) (reasons(of)) }
        }
        (first(of))
    }
}

/// What the sieve was worth, in a sentence.
fn result(of: &LoopOutcome) -> Option<String> {
    let accuracy = |name: &str| of.policies.iter().find(|policy| policy.name == name).map(|p| p.accuracy);
    let sieve = accuracy(SIEVE)?;
    let mut sentence = format!("With the sieve the network ends at {}", wording::percent(sieve));
    for (name, words) in [("all", "with every sample at"), ("loss", "with the loss as the guard at")] {
        if let Some(other) = accuracy(name) {
            let _ = write!(sentence, ", {words} {}", wording::percent(other));
        }
    }
    if let Some(ceiling) = accuracy("ceiling").filter(|_| of.flips > 0) {
        let _ = write!(sentence, "; the ceiling is {}", wording::percent(ceiling));
    }
    Some(sentence + ".")
}

fn alarms(of: &LoopOutcome) -> String {
    let mut kinds: Vec<&str> = of.alarms.iter().map(|alarm| alarm.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    format!("{} ({})", wording::count(of.alarms.len()), kinds.join(", "))
}

fn swatch(class: &str) -> Markup {
    html! {
        svg width="13" height="13" viewBox="0 0 13 13" aria-hidden="true" {
            path class=(class) d="M6.5 6.5h0" stroke-width="7" stroke-linecap="round" {}
        }
    }
}

/// How high a p-value stands: −log₁₀ p.
fn height(p: f64) -> f64 {
    if p > 0.0 { (-p.log10()).clamp(0.0, SMALLEST) } else { SMALLEST }
}

/// The p-value of each sample as it came.
fn stream(of: &LoopOutcome) -> Markup {
    let (width, total) = (1060.0, 300.0);
    let (left, top, right, bottom) = (64.0, 20.0, width - 10.0, total - 44.0);
    let x = Scale::new((0.0, of.visits.len() as f64), (left, right));
    let y = Scale::new((0.0, SMALLEST), (bottom, top));
    let marks = |wrong: bool| marks(&of.visits, wrong, x, y);
    let epochs = ticks(0.0, of.epochs as f64, 10);
    html! {
        svg viewBox={ "0 0 " (width) " " (total) } role="img" font-size="13"
            aria-label={ "p-values of " (of.data) " over training" } {
            @for exponent in 0..=SMALLEST as i32 {
                @let place = at(y.place(f64::from(exponent)));
                path class="rule" d={ "M" (at(left)) " " (place) "H" (at(right)) } {}
                text class="soft" x=(at(left - 8.0)) y=(at(y.place(f64::from(exponent)) + 4.5)) text-anchor="end" {
                    @if f64::from(exponent) == SMALLEST { "≤ " } (wording::power_of_ten(-exponent))
                }
            }
            @for (epoch, label) in epochs.iter().zip(tick_texts(&epochs)) {
                @let place = at(x.place(epoch * of.train_samples as f64));
                path class="rule" d={ "M" (place) " " (at(bottom)) "v5" } {}
                text class="soft" x=(place) y=(at(bottom + 18.0)) text-anchor="middle" { (label) }
            }
            path class="to-clean" d=(marks(false)) stroke-width="2.4" stroke-linecap="round" stroke-opacity="0.45" fill="none" {}
            path class="to-flipped" d=(marks(true)) stroke-width="2.8" stroke-linecap="round" stroke-opacity="0.7" fill="none" {}
            path class="mark" d={ "M" (at(left)) " " (at(y.place(height(of.rate)))) "H" (at(right)) } stroke-width="1.5"
                stroke-dasharray="6 4" {}
            @for alarm in &of.alarms {
                @let place = x.place(alarm.index as f64);
                path class="dot" d={ "M" (at(place - 5.0)) " " (at(top - 12.0)) "h10l-5 9z" } {
                    title { (alarm.kind) ", visit " (wording::count(alarm.index)) }
                }
            }
            path class="axis" d={ "M" (at(left)) " " (at(top)) "V" (at(bottom)) "H" (at(right)) } fill="none" {}
            text class="ink" x=(at((left + right) / 2.0)) y=(at(bottom + 38.0)) text-anchor="middle" {
                "samples in the order in which they came; the numbers are epochs"
            }
        }
    }
}

/// Dots of those visits that are drawn: a path of strokes of no length.
fn marks(visits: &[Visit], wrong: bool, x: Scale, y: Scale) -> String {
    let every = visits.len().div_ceil(DRAWN).max(1);
    let mut path = String::new();
    for (at_visit, visit) in visits.iter().enumerate().step_by(every) {
        if visit.wrong == wrong {
            // Writing into a string cannot fail.
            let (x, y) = (x.place(at_visit as f64), y.place(height(visit.p)));
            let _ = write!(path, "M{} {}h0", at(x), at(y));
        }
    }
    path
}

/// Test accuracy after each epoch.
fn curves(of: &LoopOutcome) -> Markup {
    let frame = Frame { left: 56.0, top: 30.0, width: 368.0, height: 226.0 };
    let all = of.policies.iter().flat_map(|policy| &policy.accuracies).filter(|a| a.is_finite());
    let (low, high) = all.fold((1.0_f64, 0.0_f64), |(low, high), &a| (low.min(a), high.max(a)));
    let low = if low < high { low } else { high - 0.05 };
    // The first epochs may be far below: what comes later is what differs.
    let low = low.max(high - 0.4);
    let x = Scale::new((1.0, of.epochs as f64), (frame.left, frame.right()));
    let y = Scale::new((low, high + 0.01), (frame.bottom(), frame.top));
    let across = Ticks::round((1.0, of.epochs as f64), 6, x, 1.0).without_lines();
    let up = Ticks::round((100.0 * low, 100.0 * high + 1.0), 5, y, 100.0);
    html! {
        div {
            svg viewBox="0 0 440 300" role="img" aria-label={ "Test accuracy of " (of.data) " by epoch" } font-size="13" {
                text class="ink" x=(at(frame.left)) y="16" font-weight="600" { "Test accuracy after each epoch, in %" }
                (frame.axes(&across, &up))
                @for (i, policy) in of.policies.iter().enumerate() {
                    path class=(series_class(COLOURS[i % COLOURS.len()])) d=(line(&policy.accuracies, x, y)) fill="none" stroke-linejoin="round"
                        stroke-width=(thickness(policy.name)) stroke-dasharray=(dash(i)) {
                        title { (policy.name) ", " (wording::percent(policy.accuracy)) }
                    }
                }
                (frame.name_across("epoch"))
            }
            ul class="legend" {
                @for (i, policy) in of.policies.iter().enumerate() {
                    li {
                        svg width="44" height="12" viewBox="0 0 44 12" aria-hidden="true" {
                            path class=(series_class(COLOURS[i % COLOURS.len()])) d="M1 6h42" fill="none" stroke-width=(thickness(policy.name))
                                stroke-dasharray=(dash(i)) {}
                        }
                        span { (policy.name) }
                        b { (wording::percent(policy.accuracy)) }
                    }
                }
            }
        }
    }
}

/// Colours of policies, the ones furthest apart first.
const COLOURS: [usize; 8] = [0, 1, 6, 3, 4, 5, 2, 7];

fn thickness(policy: &str) -> &'static str {
    if policy == SIEVE { "3.2" } else { "1.9" }
}

fn line(accuracies: &[f64], x: Scale, y: Scale) -> String {
    let mut path = String::new();
    for (epoch, &accuracy) in accuracies.iter().enumerate().filter(|(_, a)| a.is_finite()) {
        let place = (at(x.place(epoch as f64 + 1.0)), at(y.place(accuracy)));
        // Writing into a string cannot fail.
        let _ = write!(path, "{}{} {}", if path.is_empty() { "M" } else { "L" }, place.0, place.1);
    }
    path
}

fn policies(of: &LoopOutcome) -> Markup {
    let last =
        |shares: &[f64]| shares.last().map_or_else(|| "–".to_owned(), |&share| wording::percent(share));
    html! {
        table class="stack" {
            thead { tr {
                th scope="col" { "guard" }
                th scope="col" { "test accuracy" }
                th scope="col" { "wrong labels left out" }
                th scope="col" { "right ones" }
            } }
            tbody {
                @for policy in &of.policies {
                    tr class=[(policy.name == SIEVE).then_some("best")] {
                        td { b { (policy.name) } small class="soft" { (policy.about) } }
                        td data-label="test accuracy" { (wording::percent(policy.accuracy)) }
                        td data-label="wrong left out" { @if of.flips > 0 { (last(&policy.wrong_left_out)) } @else { "–" } }
                        td data-label="right left out" { (last(&policy.right_left_out)) }
                    }
                }
            }
        }
        p class="soft note" { "What is left out is of the last epoch." }
    }
}

fn reasons(of: &LoopOutcome) -> Markup {
    html! {
        @if !of.left_out.is_empty() {
            table class="stack" {
                thead { tr {
                    th scope="col" { "why the sieve left out" }
                    th scope="col" { "wrong labels" }
                    th scope="col" { "right labels" }
                } }
                tbody {
                    @for left in &of.left_out {
                        tr {
                            td { b { (left.reason) } }
                            td data-label="wrong labels" { (wording::count(left.wrong)) }
                            td data-label="right labels" { (wording::count(left.right)) }
                        }
                    }
                }
            }
            p class="soft note" {
                "Visits over the whole of training; one may have several reasons. “none”: no part stood out by itself, and all "
                "together did."
            }
        }
    }
}

/// The samples that were left out first, if they are pictures.
fn first(of: &LoopOutcome) -> Markup {
    let name = |class: u32| class_name(&of.class_names, class);
    html! {
        @if !of.first.is_empty() && of.first.iter().all(|suspect| has_picture(of.picture, &suspect.features)) {
            p class="soft note" { "The first that the sieve left out, in the order in which they came:" }
            ul class="gallery" {
                @for suspect in &of.first {
                    li title={ "sample " (suspect.index) ", visit " (wording::count(suspect.visit)) ", p = " (wording::value(suspect.p)) } {
                        (portrait(suspect.index, &suspect.features, of.picture))
                        p {
                            "given " b { (name(suspect.given)) }
                            @if suspect.given != suspect.original { ", was " b { (name(suspect.original)) } }
                        }
                        p class="soft" { @if suspect.reasons.is_empty() { "no single reason" } @else { (suspect.reasons) } }
                        @if suspect.given == suspect.original { span class="clean" { "✓ label is right" } }
                        @else { b class="flipped" { "✗ label is wrong" } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_p_value_has_a_place_and_small_ones_stand_high() {
        assert_eq!([1.0, 0.1, 1e-9, 0.0, f64::NAN].map(height), [0.0, 1.0, 4.0, 4.0, 4.0]);
    }

    #[test]
    fn of_many_visits_so_many_are_drawn_as_can_be_told_apart() {
        let visit = |i: usize| Visit { p: 0.5, keeps: true, wrong: i.is_multiple_of(2) };
        let scale = Scale::new((0.0, 1.0), (0.0, 1.0));
        for (visits, drawn) in [(0, 0), (7, 7), (DRAWN, DRAWN), (DRAWN + 2, DRAWN / 2 + 1)] {
            let visits: Vec<Visit> = (0..visits).map(visit).collect();
            let count = |wrong| marks(&visits, wrong, scale, scale).matches('M').count();
            assert_eq!(count(true) + count(false), drawn);
        }
    }
}
