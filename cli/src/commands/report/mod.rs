//! `gradsieve report`: gradients, and the samples that they are of → a page to look at.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what the command line says |
//! | `plan` | the same, checked |
//! | `labels` | given and predicted labels, and what they are called |
//! | `wanted` | which samples are shown |
//! | `contents` | texts and rows of tables |
//! | `images` | pictures: of a directory, or of an array |
//! | `targets` | who helps and who harms the targets that are shown |
//!
//! What is found is what `outliers` and `influence` find; the page is the crate
//! `gradsieve-report`'s.

mod arguments;
mod contents;
mod images;
mod labels;
mod plan;
mod targets;
mod wanted;

use std::collections::BTreeSet;

pub use arguments::ReportArguments;
use contents::{contents, of};
use labels::Labels;
use plan::Plan;
use targets::Aimed;
use wanted::Wanted;

use super::outliers::{self, Calibration, Choice, Found, Samples, Scored};
use super::{CommandError, console, escaped};
use gradsieve_io::files::Destination;
use gradsieve_report::{Classes, Scoring, Shown, Stream, page, worst};

pub(super) const LONG_ABOUT: &str = "\
Show what is suspicious in one's own data: one HTML file, with the samples themselves.

Scores the samples as gradsieve outliers does, and writes a page that needs no network, fits a phone and follows the reader's light or dark \
setting: the most suspicious samples as pictures, texts or rows of a table, the scores' distributions with their thresholds, p-values over the order of the \
rows, samples by class, given against predicted labels, how far detectors agree, and with --target or --influence who helps and who harms targets. \
In the page one ticks what is to be dropped, or moves a threshold, and downloads the decision as a CSV file.

Without --detector several look at the samples: direction where --groups says what they are, loss where --loss does, self-influence, and the \
length of gradients. The first one named decides the order. Pictures become at most 256 pixels wide and high. \
The page has the same size for a thousand samples as for a million: --top are shown, and the 5000 most suspicious can be kept or dropped in it; \
gradsieve outliers -o writes the scores of all.";

/// Runs the command.
pub(super) fn run(arguments: ReportArguments) -> Result<(), CommandError> {
    let mut plan = Plan::new(arguments)?;
    let mut samples = Samples::open(&mut plan.search)?;
    let (name, count) = (samples.rows.name().to_owned(), samples.rows.count());
    let labels = samples.groups.as_ref().map(|groups| Labels::new(&plan, groups, &name)).transpose()?;
    // What is wrong with the samples' files is said before the gradients are read.
    let of_ids = |ids: &[gradsieve_io::files::Label]| {
        ids.iter().map(gradsieve_io::files::Label::text).collect::<Vec<String>>()
    };
    let names = samples.ids.as_deref().map(of_ids);
    let none = BTreeSet::new();
    let wanted = |rows| Wanted { rows, count, of: &name, ids: names.as_deref() };
    contents(&plan.see, &wanted(&none))?;
    let mut output = plan.output.create()?;
    let scored = samples.score(&plan.search)?;
    let ids = samples.ids.as_deref();
    let is_alone = scored.len() == 1;
    let found =
        scored.iter().map(|scored| Found::new(scored, plan.search.choice, &samples.rows, ids, is_alone));
    let found = found.collect::<Result<Vec<_>, _>>()?;
    samples.remark(&found);
    let aimed = plan.aim.as_ref().map(|aim| Aimed::new(aim, &plan.search, &samples.rows)).transpose()?;

    let scorings: Vec<Scoring<'_>> =
        scored.iter().zip(&found).map(|(scored, found)| scoring(scored, found)).collect();
    let order = scorings.first().map_or(Vec::new(), |first| worst(first.scores, plan.top));
    let beside = aimed.iter().flat_map(Aimed::rows);
    let rows: BTreeSet<usize> = order.iter().copied().chain(beside).collect();
    let seen = contents(&plan.see, &wanted(&rows))?;
    let content = |row: usize| of(&seen, row);

    let mut notes = vec![about(&plan, &samples, &scored)];
    notes.extend(aimed.as_ref().map(|aimed| aimed.note.clone()));
    let p = scorings.first().and_then(|first| first.p.clone());
    let text = page(&gradsieve_report::Report {
        title: &plan.title,
        notes,
        ids: names.as_deref(),
        is_numbered: true,
        predicted: labels.as_ref().and_then(|labels| labels.predicted.as_deref()),
        labels: labels.as_ref().map(|labels| Classes { of: &labels.given, names: labels.names.clone() }),
        losses: samples.losses.as_ref().map(|losses| losses.values()),
        stream: p.as_deref().map(|p| Stream { p, of: "row" }),
        facts: Vec::new(),
        shown: order.iter().map(|&row| Shown { row, content: content(row) }).collect(),
        targets: aimed.map_or(Vec::new(), |aimed| aimed.targets(content)),
        scorings,
    });
    output.write(text.as_bytes())?;
    output.finish()?;
    if plan.json {
        console::print_json(&outliers::Report::of(&found, count))
    } else if plan.output != Destination::Stdout {
        let flagged = scored.iter().zip(&found).map(|(scored, found)| {
            let count = found.marks(count).into_iter().filter(|&mark| mark).count();
            format!("{count} by {}", scored.detector.name())
        });
        let flagged = flagged.collect::<Vec<_>>().join(", ");
        console::print(format!(
            "{}: {} of {count} samples of {} shown, flagged: {flagged}",
            escaped::escaped(&plan.output),
            order.len(),
            escaped::escaped(&name)
        ))
    } else {
        Ok(())
    }
}

/// What a detector says, for the page.
fn scoring<'a>(scored: &'a Scored, found: &Found<'_>) -> Scoring<'a> {
    let scores = &scored.scores.values;
    let p = Calibration::fit(scores).map(|of| {
        let p = |&score: &f64| if score.is_finite() { of.p_value(score) } else { 0.0 };
        scores.iter().map(p).collect()
    });
    Scoring {
        name: scored.detector.name(),
        scores,
        flagged: found.marks(scores.len()),
        threshold: Some(found.threshold()),
        p,
    }
}

/// How the scores came about, for the page.
fn about(plan: &Plan, samples: &Samples, scored: &[Scored]) -> String {
    let rows = &samples.rows;
    let from = match rows.matrix() {
        Some(matrix) if rows.is_projected() => {
            format!("gradients of {} numbers, sketched into {}", matrix.cols(), rows.width())
        }
        Some(matrix) => format!("rows of {} numbers", matrix.cols()),
        None => format!("sketches of {} numbers", rows.width()),
    };
    let names = scored.iter().map(|scored| scored.detector.name()).collect::<Vec<_>>().join(", ");
    let which = match plan.search.choice {
        Choice::Contamination(share) => {
            format!("Flagged are the {:.1} % with the highest scores, however many are bad", 100.0 * share)
        }
        Choice::Top(count) => format!("Flagged are the {count} highest scores"),
        Choice::FalseAlarms(rate) => {
            format!(
                "Flagged is what lies above the score that about {:.2} % of clean samples would",
                100.0 * rate
            )
        }
    };
    format!(
        "{}: {} samples, {from}, scored by {names}. {which}. A high score says that a sample’s gradient is unlike the others: a wrong label, a broken input, \
         or a sample that is rare.",
        rows.name(),
        rows.count()
    )
}
