//! The most suspicious samples: as pictures, as a scatter plot of two features, or as a
//! table.
//!
//! A picture is one path for each of sixteen greys, runs of equal pixels merged, in the
//! colour of the text: crisp at any size, and light on dark where the page is dark.

use std::fmt::Write;

use maud::{Markup, html};

use crate::demo::{Outcome, Suspect};
use gradsieve_report::axis::{Scale, at};
use gradsieve_report::frame::{Frame, Ticks};
use gradsieve_report::style::series_class;
use gradsieve_report::wording;

/// Steps of grey in a picture.
const GREYS: usize = 16;
/// Features that a table shows of each sample.
const FEATURES: usize = 6;

/// Colours of classes, the ones furthest apart first.
const CLASS_COLOURS: [usize; 8] = [6, 1, 3, 4, 0, 5, 2, 7];

/// The section, or nothing where no sample is suspicious.
pub(super) fn section(outcome: &Outcome) -> Markup {
    let suspects = &outcome.suspects;
    let wrong = suspects.iter().filter(|s| is_flipped(outcome, s)).count();
    html! {
        @if let (Some(best), false) = (outcome.best(), suspects.is_empty()) {
            section class="card" {
                h2 { "The most suspicious samples" }
                p class="soft note" {
                    @if suspects.len() == 1 { "The highest score" }
                    @else { "The " (wording::count(suspects.len())) " highest scores" }
                    " by " (best.name) ", the most suspicious first. "
                    @if outcome.flips > 0 {
                        (wording::count(wrong)) " of them carry a flipped label. "
                    }
                    "“Model” is what a model predicts that was trained without the flagged samples."
                }
                @if suspects.iter().all(|s| has_picture(outcome.picture, &s.features)) {
                    (gallery(outcome))
                } @else {
                    @if suspects.iter().all(|s| s.features.len() == 2) { (scatter(outcome)) }
                    (table(outcome))
                }
            }
        }
    }
}

/// Whether the label of this sample really was flipped.
pub(super) fn is_flipped(outcome: &Outcome, suspect: &Suspect) -> bool {
    outcome.truth.get(suspect.index).copied().unwrap_or(suspect.given != suspect.original)
}

/// The name of a class, or its number where it has none.
pub(super) fn class_name(names: &[String], class: u32) -> String {
    names.get(class as usize).cloned().unwrap_or_else(|| class.to_string())
}

/// Whether features are the pixels of a picture of this width and height.
pub(super) fn has_picture(picture: Option<(usize, usize)>, features: &[f32]) -> bool {
    picture.is_some_and(|(width, height)| {
        width > 0 && width.checked_mul(height).is_some_and(|pixels| pixels > 0 && pixels == features.len())
    })
}

/// The picture of a sample, in a gallery.
pub(super) fn portrait(index: usize, features: &[f32], picture: Option<(usize, usize)>) -> Markup {
    let (width, height) = picture.unwrap_or((1, 1));
    html! {
        svg class="edge" viewBox={ "0 0 " (width) " " (height) } role="img"
            aria-label={ "sample " (index) } shape-rendering="crispEdges" {
            (pixels(features, width, "ink"))
        }
    }
}

fn gallery(outcome: &Outcome) -> Markup {
    let names = &outcome.class_names;
    html! {
        ul class="gallery" {
            @for suspect in &outcome.suspects {
                li title={ "sample " (suspect.index) ", score " (wording::value(suspect.score)) } {
                    (portrait(suspect.index, &suspect.features, outcome.picture))
                    p {
                        "given " b { (class_name(names, suspect.given)) }
                        @if is_flipped(outcome, suspect) { ", was " b { (class_name(names, suspect.original)) } }
                    }
                    p { "model " b { (class_name(names, suspect.predicted)) } }
                    (verdict(outcome, suspect))
                }
            }
        }
    }
}

fn verdict(outcome: &Outcome, suspect: &Suspect) -> Markup {
    html! {
        @if is_flipped(outcome, suspect) { b class="flipped" { "✗ flipped" } }
        @else { span class="clean" { "✓ not flipped" } }
    }
}

/// The paths of one picture, a pixel one unit wide. Values outside 0 to 1 count as the
/// nearer of them.
pub(super) fn pixels(features: &[f32], width: usize, class: &str) -> Markup {
    let mut paths: [String; GREYS + 1] = Default::default();
    for (y, row) in features.chunks(width.max(1)).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| grey(*a) == grey(*b)) {
            // Writing into a string cannot fail.
            let _ = write!(paths[grey(run[0])], "M{x} {y}h{}v1h-{}z", run.len(), run.len());
            x += run.len();
        }
    }
    html! {
        @for (grey, path) in paths.iter().enumerate().skip(1).filter(|(_, path)| !path.is_empty()) {
            path class=(class) fill-opacity=(format!("{:.3}", grey as f64 / GREYS as f64)) d=(path) {}
        }
    }
}

fn grey(pixel: f32) -> usize {
    // NaN becomes 0.
    ((pixel.clamp(0.0, 1.0) * GREYS as f32).round() as usize).min(GREYS)
}

fn table(outcome: &Outcome) -> Markup {
    let features = outcome.suspects.iter().map(|s| s.features.len()).max().unwrap_or(0);
    html! {
        div class="wide" {
            table class="stack" {
                thead { tr {
                    th scope="col" { "sample" }
                    th scope="col" { "score" }
                    th scope="col" class="text" { "given" }
                    th scope="col" class="text" { "model" }
                    th scope="col" class="text" { "before flipping" }
                    th scope="col" class="text" { "truth" }
                    th scope="col" class="text" { "features" @if features > FEATURES { " (the first " (FEATURES) " of " (wording::count(features)) ")" } }
                } }
                tbody {
                    @for suspect in &outcome.suspects {
                        tr {
                            td data-label="sample" { b { (wording::count(suspect.index)) } }
                            td data-label="score" { (wording::value(suspect.score)) }
                            td data-label="given" class="text" { (class_name(&outcome.class_names, suspect.given)) }
                            td data-label="model" class="text" { (class_name(&outcome.class_names, suspect.predicted)) }
                            td data-label="before flipping" class="text" { (class_name(&outcome.class_names, suspect.original)) }
                            td data-label="truth" class="text" { (verdict(outcome, suspect)) }
                            td data-label="features" class="text" { (feature_text(&suspect.features)) }
                        }
                    }
                }
            }
        }
    }
}

fn feature_text(features: &[f32]) -> String {
    let shown: Vec<String> = features.iter().take(FEATURES).map(|&x| wording::value(f64::from(x))).collect();
    let more = if features.len() > FEATURES { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// Two features as places: the colour of a ring is the label as given, a dot in it says
/// flipped.
fn scatter(outcome: &Outcome) -> Markup {
    let points: Vec<(&Suspect, f64, f64)> = outcome
        .suspects
        .iter()
        .map(|s| (s, f64::from(s.features[0]), f64::from(s.features[1])))
        .filter(|p| p.1.is_finite() && p.2.is_finite())
        .collect();
    let frame = Frame { left: 80.0, top: 12.0, width: 348.0, height: 294.0 };
    let (from_x, from_y) = (range(points.iter().map(|p| p.1)), range(points.iter().map(|p| p.2)));
    let x = Scale::new(from_x, (frame.left, frame.right()));
    let y = Scale::new(from_y, (frame.bottom(), frame.top));
    let (across, up) = (Ticks::round(from_x, 5, x, 1.0), Ticks::round(from_y, 5, y, 1.0));
    let mut classes: Vec<u32> = outcome.suspects.iter().map(|s| s.given).collect();
    classes.sort_unstable();
    classes.dedup();
    html! {
        div class="panels one" {
            svg viewBox="0 0 440 352" role="img" aria-label="The most suspicious samples by their two features" font-size="13" {
                (frame.axes(&across, &up))
                @for (suspect, px, py) in points {
                    (point(outcome, suspect, (x.place(px), y.place(py))))
                }
                (frame.name_across("first feature"))
                (frame.name_up("second feature"))
            }
        }
        ul class="key" {
            @for class in classes {
                li {
                    svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true" {
                        (ring(class, (7.0, 7.0), false))
                    }
                    "given " (class_name(&outcome.class_names, class))
                }
            }
            li class="soft" { "with a dot in it: really flipped" }
        }
    }
}

fn point(outcome: &Outcome, suspect: &Suspect, place: (f64, f64)) -> Markup {
    html! {
        g {
            title {
                "sample " (suspect.index) ": given " (class_name(&outcome.class_names, suspect.given))
                ", score " (wording::value(suspect.score))
            }
            (ring(suspect.given, place, is_flipped(outcome, suspect)))
        }
    }
}

fn ring(class: u32, (x, y): (f64, f64), flipped: bool) -> Markup {
    html! {
        circle class={ "paper " (series_class(CLASS_COLOURS[class as usize % CLASS_COLOURS.len()])) } cx=(at(x)) cy=(at(y)) r="5.2" stroke-width="2" {}
        @if flipped { circle class="dot" cx=(at(x)) cy=(at(y)) r="2.4" {} }
    }
}

/// The range of the values with a margin; never empty.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    let margin = if high > low { (high - low) * 0.06 } else { 0.5 };
    (low - margin, high + margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_merges_equal_pixels_and_leaves_out_empty_ones() {
        let text = pixels(&[0.0, 1.0, 1.0, 0.5, f32::NAN, 7.0], 3, "ink").into_string();
        assert_eq!(text.matches("<path").count(), 2);
        assert!(text.contains("M1 0h2v1h-2zM2 1h1v1h-1z"), "{text}");
        assert!(text.contains("fill-opacity=\"0.500\" d=\"M0 1h1v1h-1z\""), "{text}");
    }
}
