//! The page: headline, key figures, the parts in order, and how to read them.

use gradsieve_report::{document, wording};
use maud::{Markup, html};

use super::{accuracy, distributions, guarded, roc, suspects, table};
use crate::demo::{DetectorOutcome, Outcome};

/// The report as one HTML file.
#[must_use]
pub fn page(outcome: &Outcome) -> String {
    let body = html! {
        main {
            (headline(outcome))
            (figures(outcome))
            (table::section(outcome))
            (roc::section(outcome))
            (accuracy::section(outcome))
            (distributions::section(outcome))
            (suspects::section(outcome))
            (guarded::section(outcome))
            (run(outcome))
        }
    };
    document(&format!("gradsieve: {}", outcome.data), "", &html! {}, &body)
}

fn headline(outcome: &Outcome) -> Markup {
    let samples = wording::counted(outcome.train_samples, "training sample");
    html! {
        header {
            p class="brand soft" { "gradsieve · which training samples are harmful" }
            h1 { (headline_sentence(outcome)) }
            p class="soft" {
                "A " (outcome.model) " network was trained on " (samples) " of “" (outcome.data) "”"
                @if outcome.flips > 0 {
                    ", of which " (wording::count(outcome.flips)) " had been given a wrong label on purpose"
                }
                ", until it was right about " (wording::percent(outcome.accuracy_train))
                " of the labels as given. Each sample’s gradient of " (wording::counted(outcome.parameters, "number"))
                " was then sketched into " (wording::count(outcome.dim))
                " and scored. No detector was told which labels are wrong."
                @if let Some(sentence) = against_loss(outcome) { " " (sentence) }
            }
            @if !outcome.non_finite.is_empty() {
                p class="flipped" {
                    (wording::counted(outcome.non_finite.len(), "gradient"))
                    @if outcome.non_finite.len() == 1 { " was" } @else { " were" }
                    " not finite and flagged whatever the detector says: sample "
                    (some_of(&outcome.non_finite)) "."
                }
            }
        }
    }
}

fn headline_sentence(outcome: &Outcome) -> String {
    let Some(best) = outcome.best() else {
        return "No detector ran".to_owned();
    };
    if outcome.flips == 0 {
        return format!(
            "No label was flipped: what {} finds suspicious in {}",
            best.name,
            wording::counted(outcome.train_samples, "sample")
        );
    }
    let (before, after) = (outcome.accuracy_before, best.accuracy_after);
    let direction = if after > before {
        "rises"
    } else if after < before {
        "falls"
    } else {
        "stays"
    };
    let found = wording::count(best.found);
    let change = if direction == "stays" {
        format!("stays at {}", wording::percent(before))
    } else {
        format!("{direction} from {} to {}", wording::percent(before), wording::percent(after))
    };
    let mut letters = best.name.chars();
    let first = letters.next().unwrap_or('?');
    format!(
        "{}{} finds {found} of {} among the {} it flags; without the flagged, test accuracy {change}",
        first.to_uppercase(),
        letters.as_str(),
        wording::counted(outcome.flips, "wrong label"),
        wording::count(outcome.budget),
    )
}

/// How the best detector does beside the plain loss, which needs no gradient at all.
fn against_loss(outcome: &Outcome) -> Option<String> {
    let best = outcome.best()?;
    let loss = outcome.detectors.iter().find(|d| d.name == "loss")?;
    let (Some(area), Some(baseline)) = (best.auroc, loss.auroc) else {
        return None;
    };
    Some(if best.name == loss.name {
        format!(
            "The plain loss, which needs no gradient, is ahead of every detector here (AUROC {}).",
            wording::measure(Some(baseline))
        )
    } else {
        format!(
            "The plain loss, which needs no gradient, has an AUROC of {}; {} has {}.",
            wording::measure(Some(baseline)),
            best.name,
            wording::measure(Some(area))
        )
    })
}

fn some_of(indices: &[usize]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = indices.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = indices.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {} more", wording::count(more)) } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

fn figures(outcome: &Outcome) -> Markup {
    html! {
        div class="figures" {
            @if let Some(best) = outcome.best() { (figures_of_best(outcome, best)) }
            (figure(
                wording::count(outcome.gradients_per_second.max(0.0).round() as usize),
                "gradients a second, computed and sketched, on one thread",
            ))
        }
    }
}

fn figures_of_best(outcome: &Outcome, best: &DetectorOutcome) -> Markup {
    let before = wording::percent(outcome.accuracy_before);
    let mut accuracy = format!("test accuracy without the flagged; {before} with them");
    if outcome.flips > 0 {
        accuracy.push_str(", ceiling ");
        accuracy.push_str(&wording::percent(outcome.accuracy_ceiling));
    }
    html! {
        @if best.auroc.is_some() {
            (figure(wording::measure(best.auroc), &format!("AUROC of {}; 1 is perfect, 0.5 is guessing", best.name)))
            (figure(
                format!("{} / {}", wording::count(best.found), wording::count(outcome.flips)),
                "flipped labels among the flagged",
            ))
        }
        (figure(wording::percent(best.accuracy_after), &accuracy))
        (figure(wording::bytes(best.bytes), &format!("of state for {}", best.name)))
    }
}

fn figure(value: String, meaning: &str) -> Markup {
    html! { div class="card" { b { (value) } span class="soft" { (meaning) } } }
}

fn run(outcome: &Outcome) -> Markup {
    html! {
        footer class="soft" {
            p {
                "Data: " (outcome.data) ", " (wording::count(outcome.train_samples)) " training and "
                (wording::counted(outcome.test_samples, "test sample")) ". Model: " (outcome.model) ", "
                (wording::counted(outcome.parameters, "parameter")) ". Sketch: " (wording::counted(outcome.dim, "number"))
                " a sample. Seed: " (outcome.seed) ". Gradients and sketches took "
                (wording::seconds(outcome.gradient_seconds)) ", everything " (wording::seconds(outcome.seconds)) "."
            }
        }
    }
}
