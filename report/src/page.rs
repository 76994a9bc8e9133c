//! The page: headline, key figures, and the parts in order.

use maud::{Markup, PreEscaped, html};

use crate::distribution::{Distribution, swatch, threshold_swatch};
use crate::document::document;
use crate::report::{Report, Scoring};
use crate::text::shortened;
use crate::{agreement, classes, losses, samples, stream, targets, wording};

/// What this page has beside the sheet that all share.
const SHEET: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("script.js");
/// What it has beside styles: pictures and a script, both within it.
const ALLOWED: &str = "; img-src data:; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// Characters of the title, and of a note.
const TITLE: usize = 200;
const NOTE: usize = 2000;

/// The report as one HTML file.
#[must_use]
pub fn page(report: &Report<'_>) -> String {
    let head = html! {
        meta name="referrer" content="no-referrer";
        style { (PreEscaped(SHEET)) }
    };
    let body = html! {
        main {
            (headline(report))
            (figures(report))
            (samples::section(report))
            (targets::section(report))
            (distributions(report))
            @if let Some(stream) = &report.stream { (stream::section(stream)) }
            (losses::section(report))
            (classes::section(report))
            (agreement::section(report))
        }
        @if report.first().is_some() { script { (PreEscaped(SCRIPT)) } }
    };
    document(&shortened(report.title, TITLE), ALLOWED, &head, &body)
}

fn headline(report: &Report<'_>) -> Markup {
    html! {
        header {
            p class="brand soft" { "gradsieve · which training samples are harmful" }
            h1 { (shortened(report.title, TITLE)) }
            @for note in &report.notes { p class="soft" { (shortened(note, NOTE)) } }
        }
    }
}

fn figures(report: &Report<'_>) -> Markup {
    let Some(first) = report.first() else { return html! { p { "No detector ran." } } };
    let count = report.count();
    let flags = first.flags();
    let without_score = first.scores.iter().filter(|score| !score.is_finite()).count();
    let differing = (0..count).filter(|&row| report.differs(row)).count();
    let threshold = first.threshold.filter(|threshold| threshold.is_finite());
    html! {
        div class="figures" {
            (figure(wording::count(count), "samples"))
            (figure(wording::count(flags), &format!("flagged by {}, {}", first.name, wording::percent(flags as f64 / count.max(1) as f64))))
            @if let Some(threshold) = threshold {
                (figure(wording::value(threshold), &format!("is the score of {} that they lie above", first.name)))
            }
            @if report.predicted.is_some() {
                (figure(wording::count(differing), "samples that the model calls something else"))
            }
            @if without_score > 0 {
                (figure(wording::count(without_score), "without a finite score: all flagged"))
            }
        }
    }
}

fn figure(value: String, meaning: &str) -> Markup {
    html! { div class="card" { b { (value) } span class="soft" { (meaning) } } }
}

fn distributions(report: &Report<'_>) -> Markup {
    let differing: Option<Vec<bool>> =
        report.predicted.map(|_| (0..report.count()).map(|row| report.differs(row)).collect());
    html! {
        @if report.first().is_some() {
            section class="card" {
                h2 { "How the scores are spread" }
                p class="soft note" {
                    "The further to the right, the more suspicious. "
                    @if differing.is_some() {
                        "Upward: samples whose label the model agrees with; downward: those that it calls something else; each bar is a share of its own kind. "
                    }
                    "Right of the dashed line lie the flagged. A score alone is no proof: a long tail to the right is usual, a second hill is not."
                }
                ul class="key" {
                    @if differing.is_some() {
                        li { (swatch("clean")) "model agrees" }
                        li { (swatch("flipped")) "model disagrees" }
                    }
                    li { (threshold_swatch()) "where the flagged begin" }
                }
                div class="small" {
                    @for scoring in &report.scorings { (panel(scoring, differing.as_deref())) }
                }
            }
        }
    }
}

fn panel(scoring: &Scoring<'_>, below: Option<&[bool]>) -> Markup {
    let &Scoring { name, scores, threshold, .. } = scoring;
    html! {
        div {
            header {
                h3 { (name) }
                span class="soft" { (wording::count(scoring.flags())) " flagged" }
            }
            (Distribution { name, scores, below, threshold }.drawing())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Classes, Ranked, Shown, Stream, Target, worst};
    use crate::{Content, Picture, Pixels};

    /// A report on so many rows, with everything that there is.
    fn everything(rows: usize) -> String {
        let scores: Vec<f64> = (0..rows).map(|row| (row % 977) as f64 / 100.0).collect();
        let ids: Vec<String> =
            (0..rows).map(|row| format!("</script><script>alert({row})</script>\u{202e}")).collect();
        let of: Vec<u32> = (0..rows).map(|row| (row % 300) as u32).collect();
        let predicted: Vec<u32> = (0..rows).map(|row| (row % 7) as u32).collect();
        let flagged: Vec<bool> = scores.iter().map(|&score| score > 9.7).collect();
        let scoring =
            |name| Scoring { name, scores: &scores, flagged: flagged.clone(), threshold: Some(9.7), p: None };
        let picture = || Content::Picture(Picture::from_array(Pixels::Bytes(&[7; 64]), &[8, 8]).unwrap());
        let ranked = |row| Ranked { row, influence: 0.5, content: picture() };
        page(&Report {
            title: "<u>&\u{1b}[31m",
            notes: vec!["<i>".to_owned()],
            ids: Some(&ids),
            is_numbered: true,
            scorings: vec![scoring("direction"), scoring("l2")],
            labels: Some(Classes { of: &of, names: (0..300).map(|class| format!("<c{class}>")).collect() }),
            predicted: Some(&predicted),
            losses: Some(&scores),
            stream: Some(Stream { p: &scores, of: "row" }),
            facts: Vec::new(),
            shown: worst(&scores, 50)
                .into_iter()
                .map(|row| Shown { row, content: Content::Text("<script>alert(1)</script>".repeat(1000)) })
                .collect(),
            targets: vec![Target {
                name: "<t>".to_owned(),
                content: picture(),
                helpful: vec![ranked(1)],
                harmful: vec![ranked(2)],
            }],
        })
    }

    #[test]
    fn nothing_of_what_is_told_becomes_part_of_the_page() {
        let text = everything(60);
        for tag in ["<script>alert", "<u>", "<i>", "<c1>", "<t>", "\u{202e}ypn", "\u{1b}"] {
            assert!(!text.contains(tag), "{tag:?}");
        }
        // Its own script, and its own list.
        assert_eq!((text.matches("<script").count(), text.matches("</script>").count()), (2, 2));
    }

    #[test]
    fn the_page_fetches_nothing() {
        let text = everything(60);
        assert!(text.contains("default-src 'none'"));
        for outside in ["http:", "https:", "src=\"/", "href=", "url(", "@import", "fetch("] {
            assert!(!text.contains(outside), "{outside}");
        }
    }

    #[test]
    fn the_page_does_not_grow_with_the_samples() {
        let (some, many) = (everything(10_000).len(), everything(200_000).len());
        assert!(many < some + some / 4 && many < 2 << 20, "{some} {many}");
    }

    #[test]
    fn a_report_on_nothing_is_a_page() {
        let text = page(&Report { title: "none", ..Report::default() });
        assert!(text.contains("No detector ran"));
        let scoring = |scores| Scoring { name: "l2", scores, flagged: Vec::new(), threshold: None, p: None };
        for scores in [&[][..], &[1.0], &[f64::NAN], &[3.0; 40], &[f64::INFINITY; 40], &[f64::MIN, f64::MAX]]
        {
            let scorings = vec![scoring(scores), scoring(scores)];
            let losses = Some(scores);
            let stream = Some(Stream { p: scores, of: "row" });
            let text = page(&Report { title: "few", scorings, losses, stream, ..Report::default() });
            assert!(!text.contains("NaN") && !text.contains("inf "), "{scores:?}");
        }
    }
}
