//! The most suspicious samples as they are, and the list of what to keep and to drop.
//!
//! The list has the rows at the top of the order, more of them than are shown. What it
//! says is decided in the page: so many of the first are dropped, but for those whose
//! tick was changed by hand.

use maud::{Markup, PreEscaped, html};
use serde::Serialize;

use crate::report::{Report, Shown, worst};
use crate::text::{shortened, visible};
use crate::wording;

/// Rows of the list, at most.
const LISTED: usize = 5000;
/// Bytes of their names, at most: else the list has their numbers alone.
const NAMES: usize = 1 << 19;
/// Characters of a name that is shown.
const NAME: usize = 60;

/// The list, as the page's script reads it.
#[derive(Serialize)]
struct List<'a> {
    /// What each row is called, the most suspicious first; none without names.
    ids: Option<Vec<&'a str>>,
    /// The number of each; none where numbers mean nothing.
    rows: Option<Vec<usize>>,
    /// The score of each; none if it is not finite.
    scores: Vec<Option<f64>>,
    /// How many of the first are flagged.
    flagged: usize,
    /// Rows in all.
    count: usize,
}

/// The section.
pub(crate) fn section(report: &Report<'_>) -> Markup {
    let Some(first) = report.first() else { return html! {} };
    let (count, shown) = (report.count(), report.shown.len());
    let listed = count.min(LISTED);
    let is_small = report.shown.iter().all(|shown| shown.content.is_small());
    html! {
        section class="card" {
            h2 { "The most suspicious samples" }
            p class="soft note" {
                @if shown == 1 { "The highest score" } @else { "The " (wording::count(shown)) " highest scores" }
                " by " (first.name) ", the most suspicious first. Look before you drop: what is odd may be rare, and worth keeping. "
                "Ticked samples go into the list as “drop”, all others as “keep”"
                @if listed < count { "; the list has the " (wording::count(listed)) " most suspicious" }
                "."
            }
            div class="decide card" {
                label for="most" { "Drop the" }
                input type="number" id="count" min="0" max=(listed) inputmode="numeric" aria-label="how many to drop";
                label for="most" { "most suspicious" }
                input type="range" id="most" min="0" max=(listed);
                output id="said" class="soft" for="count most" {}
                button type="button" id="download" { "Download keep-drop.csv" }
            }
            ul class=(if is_small { "gallery" } else { "texts" }) {
                @for shown in &report.shown { (card(report, shown)) }
            }
        }
        script type="application/json" id="list" { (PreEscaped(list(report, listed))) }
    }
}

fn card(report: &Report<'_>, shown: &Shown) -> Markup {
    let row = shown.row;
    let name = report.name(row);
    html! {
        li {
            (shown.content.markup(&name))
            p {
                @if let Some(label) = report.label(row) { b { (shortened(label, NAME)) } }
                @if let Some(predicted) = report.prediction(row) {
                    @if report.differs(row) { span class="flipped" { " → " b { (shortened(predicted, NAME)) } } }
                    @else { span class="soft" { " ✓" } }
                }
            }
            p class="soft" { "#" (shortened(&name, NAME)) }
            dl class="soft facts" {
                @for (name, value) in facts(report, row) { div { dt { (name) } dd { (number(value)) } } }
            }
            label { input type="checkbox" data-id=(visible(&name)) data-row=(row); " drop" }
        }
    }
}

/// What is known of a row: the score that decides first, then p, the loss and the others.
fn facts<'a>(report: &Report<'a>, row: usize) -> Vec<(&'a str, f64)> {
    let (mut facts, mut others) = (Vec::new(), Vec::new());
    for (place, scoring) in report.scorings.iter().enumerate() {
        let score = scoring.scores.get(row).map(|&score| (scoring.name, score));
        if place == 0 {
            facts.extend(score);
            facts.extend(scoring.p.as_ref().and_then(|p| p.get(row)).map(|&p| ("p", p)));
        } else if scoring.name != "loss" {
            others.extend(score);
        }
    }
    let is_scored = report.first().is_some_and(|first| first.name == "loss");
    let loss = report.losses.filter(|_| !is_scored).and_then(|losses| losses.get(row));
    facts.extend(loss.map(|&loss| ("loss", loss)));
    let told = report.facts.iter().filter_map(|fact| Some((fact.name, *fact.values.get(row)?)));
    facts.extend(told);
    facts.extend(others);
    facts.retain(|(_, value)| !value.is_nan());
    facts
}

/// A number as it is shown: counts without decimals.
fn number(value: f64) -> String {
    let is_count = value.fract() == 0.0 && (0.0..1e9).contains(&value);
    if is_count { wording::count(value as usize) } else { wording::value(value) }
}

/// JSON that cannot end the element it stands in.
fn list(report: &Report<'_>, listed: usize) -> String {
    let Some(first) = report.first() else { return String::new() };
    let order = worst(first.scores, listed);
    let ids =
        report.ids.map(|ids| order.iter().filter_map(|&row| ids.get(row)).map(String::as_str).collect());
    let ids = ids.filter(|ids: &Vec<&str>| ids.iter().map(|id| id.len()).sum::<usize>() <= NAMES);
    let finite = |row: &usize| Some(first.scores[*row]).filter(|score| score.is_finite());
    let list = List {
        rows: (report.is_numbered || ids.is_none()).then(|| order.clone()),
        scores: order.iter().map(finite).collect(),
        flagged: first.flags().min(listed),
        count: report.count(),
        ids,
    };
    // Numbers, texts and nothing else: this cannot fail.
    serde_json::to_string(&list).unwrap_or_default().replace('<', "\\u003c")
}
