//! Samples by class, and given labels against those that a model predicts.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::report::{Classes, Report};
use crate::text::shortened;
use crate::wording;

/// Classes in the table, at most: those with most flagged samples.
const CLASSES: usize = 30;
/// Classes of a matrix, at most.
const MATRIX: usize = 16;
/// Pairs of labels in the list.
const PAIRS: usize = 12;
/// Characters of a name.
const NAME: usize = 40;

/// The section; nothing without labels.
pub(crate) fn section(report: &Report<'_>) -> Markup {
    let (Some(labels), Some(first)) = (&report.labels, report.first()) else { return html! {} };
    let lines = lines(report, labels, &first.flagged);
    html! {
        section class="card" {
            h2 { "By class" }
            p class="soft note" {
                "A class with many flagged samples has wrong labels, or samples that are harder or rarer than those of the others."
                @if lines.len() > CLASSES { " Of " (wording::counted(lines.len(), "class")) ", those with the most." }
            }
            div class="wide" {
                table class="classes" {
                    thead { tr {
                        th scope="col" { "class" }
                        th scope="col" { "samples" }
                        th scope="col" { "flagged" }
                        th scope="col" class="bar" { "share" }
                        @if report.predicted.is_some() { th scope="col" { "model disagrees" } }
                    } }
                    tbody {
                        @let most = lines.iter().take(CLASSES).map(Line::share).fold(0.0, f64::max);
                        @for line in lines.iter().take(CLASSES) {
                            tr {
                                td { (shortened(&line.name, NAME)) }
                                td { (wording::count(line.samples)) }
                                td { (wording::count(line.flagged)) }
                                td class="bar" { (bar(line.share(), most)) }
                                @if report.predicted.is_some() { td { (wording::count(line.differing)) } }
                            }
                        }
                    }
                }
            }
            @if report.predicted.is_some() { (confusion(report, labels, &first.flagged)) }
        }
    }
}

/// What is said of a class.
struct Line {
    name: String,
    samples: usize,
    flagged: usize,
    differing: usize,
}

impl Line {
    fn share(&self) -> f64 {
        self.flagged as f64 / self.samples.max(1) as f64
    }
}

/// A line for each class that there is, those with most flagged samples first.
fn lines(report: &Report<'_>, labels: &Classes<'_>, flagged: &[bool]) -> Vec<Line> {
    let mut all: BTreeMap<Option<u32>, Line> = BTreeMap::new();
    for row in 0..report.count() {
        let class = labels.of.get(row).copied().filter(|&class| labels.name(class).is_some());
        let name = || class.and_then(|class| labels.name(class)).unwrap_or("without a label").to_owned();
        let line =
            all.entry(class).or_insert_with(|| Line { name: name(), samples: 0, flagged: 0, differing: 0 });
        line.samples += 1;
        line.flagged += usize::from(flagged.get(row).copied().unwrap_or(false));
        line.differing += usize::from(report.differs(row));
    }
    let mut lines: Vec<Line> = all.into_values().collect();
    if lines.len() > CLASSES {
        lines.sort_by_key(|line| std::cmp::Reverse(line.flagged));
    }
    lines
}

fn bar(share: f64, most: f64) -> Markup {
    let width = if most > 0.0 { 100.0 * share / most } else { 0.0 };
    html! {
        span class="meter" { svg width="100%" height="10" aria-hidden="true" { rect class="flipped" width=(format!("{width:.1}%")) height="10" rx="2" {} } }
        span { (wording::percent(share)) }
    }
}

/// How often samples of one class are predicted as another.
fn confusion(report: &Report<'_>, labels: &Classes<'_>, flagged: &[bool]) -> Markup {
    let Some(predicted) = report.predicted else { return html! {} };
    // Of each pair: samples, and flagged ones.
    let mut pairs: BTreeMap<(u32, u32), (usize, usize)> = BTreeMap::new();
    for (row, (&given, &other)) in labels.of.iter().zip(predicted).enumerate() {
        if labels.name(given).is_some() && labels.name(other).is_some() {
            let (all, of_flagged) = pairs.entry((given, other)).or_default();
            (*all, *of_flagged) =
                (*all + 1, *of_flagged + usize::from(flagged.get(row).copied().unwrap_or(false)));
        }
    }
    let mut classes: Vec<u32> = pairs.keys().flat_map(|&(given, other)| [given, other]).collect();
    classes.sort_unstable();
    classes.dedup();
    let mut differing: Vec<_> = pairs.iter().filter(|((given, other), _)| given != other).collect();
    differing.sort_by_key(|(_, (all, of_flagged))| std::cmp::Reverse((*of_flagged, *all)));
    let name = |class: u32| shortened(labels.name(class).unwrap_or_default(), NAME);
    html! {
        h3 { "Given and predicted label" }
        p class="soft note" {
            "Of the samples with the label of a row, how many the model takes for the class of the column; behind it, how many of these are flagged."
        }
        @if classes.len() <= MATRIX {
            div class="wide" { (matrix(&classes, &pairs, &name)) }
        }
        @if !differing.is_empty() {
            ul class="pairs" {
                @for ((given, other), (all, of_flagged)) in differing.iter().take(PAIRS) {
                    li { b { (name(*given)) } " → " b { (name(*other)) } span class="soft" { (wording::count(*all)) ", flagged " (wording::count(*of_flagged)) } }
                }
            }
            @if differing.len() > PAIRS {
                p class="soft note" { "and " (wording::counted(differing.len() - PAIRS, "other pair")) "." }
            }
        }
    }
}

fn matrix(
    classes: &[u32],
    pairs: &BTreeMap<(u32, u32), (usize, usize)>,
    name: &dyn Fn(u32) -> String,
) -> Markup {
    let most = |is_same: bool| {
        let of_kind = pairs.iter().filter(|((given, other), _)| (given == other) == is_same);
        of_kind.map(|(_, &(all, _))| all).max().unwrap_or(0).max(1) as f64
    };
    let (most_same, most_differing) = (most(true), most(false));
    html! {
        table class="matrix" {
            thead { tr {
                th scope="col" class="soft" { "given ↓ predicted →" }
                @for &class in classes { th scope="col" { (name(class)) } }
            } }
            tbody {
                @for &given in classes {
                    tr {
                        th scope="row" { (name(given)) }
                        @for &other in classes {
                            @match pairs.get(&(given, other)) {
                                Some(&(all, of_flagged)) => {
                                    @let (colour, most) = if given == other { ("0,114,178", most_same) } else { ("226,110,20", most_differing) };
                                    td style={ "background:rgba(" (colour) "," (format!("{:.2}", 0.06 + 0.34 * (all as f64 / most).sqrt())) ")" } {
                                        (wording::count(all))
                                        @if of_flagged > 0 { small { (wording::count(of_flagged)) } }
                                    }
                                }
                                None => { td class="soft" { "·" } }
                            }
                        }
                    }
                }
            }
        }
    }
}
