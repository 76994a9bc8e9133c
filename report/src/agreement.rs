//! How far detectors agree: which share of what one flags another one flags, too, and how
//! alike their orders are.

use maud::{Markup, html};

use crate::report::{Report, Scoring, worst};
use crate::wording;

/// The section; nothing of one detector.
pub(crate) fn section(report: &Report<'_>) -> Markup {
    let scorings = &report.scorings;
    if scorings.len() < 2 {
        return html! {};
    }
    let ranks: Vec<Vec<f64>> = scorings.iter().map(|scoring| ranks(scoring.scores)).collect();
    let times = times(scorings);
    html! {
        section class="card" {
            h2 { "How far the detectors agree" }
            p class="soft note" {
                "First which share of what the detector of the row flags is flagged by that of the column, too; below it the rank correlation of all "
                "scores. Samples that several detectors flag deserve the first look:"
                @for (detectors, &samples) in times.iter().enumerate().skip(1).rev().filter(|(_, samples)| **samples > 0) {
                    " " (wording::count(samples)) " by " (detectors) @if detectors == scorings.len() && detectors > 1 { " (all)" }
                    @if detectors > 1 && times[1..detectors].iter().any(|&fewer| fewer > 0) { "," }
                }
                "."
            }
            div class="wide" {
                table class="matrix" {
                    thead { tr {
                        th scope="col" class="soft" { "flagged by" }
                        @for scoring in scorings { th scope="col" { (scoring.name) } }
                    } }
                    tbody {
                        @for (i, one) in scorings.iter().enumerate() {
                            tr {
                                th scope="row" { (one.name) " " small class="soft" { (wording::count(one.flags())) } }
                                @for (j, other) in scorings.iter().enumerate() {
                                    @if i == j { td class="soft" { "·" } } @else {
                                        @let share = shared(one, other);
                                        td style={ "background:rgba(0,114,178," (format!("{:.2}", 0.4 * share.unwrap_or(0.0))) ")" } {
                                            (share.map_or_else(|| "–".to_owned(), |share| format!("{:.0}\u{a0}%", 100.0 * share)))
                                            small { (correlation(&ranks[i], &ranks[j]).map_or_else(|| "–".to_owned(), |r| wording::minus(&format!("{r:.2}")))) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How many samples are flagged by so many detectors.
fn times(scorings: &[Scoring<'_>]) -> Vec<usize> {
    let mut times = vec![0; scorings.len() + 1];
    let rows = scorings.first().map_or(0, |first| first.scores.len());
    for row in 0..rows {
        times[scorings.iter().filter(|scoring| scoring.flagged.get(row) == Some(&true)).count()] += 1;
    }
    times
}

/// Which share of what `one` flags `other` flags, too; none if that is nothing.
fn shared(one: &Scoring<'_>, other: &Scoring<'_>) -> Option<f64> {
    let all = one.flags();
    let both = one.flagged.iter().zip(&other.flagged).filter(|&(&one, &other)| one && other).count();
    (all > 0).then(|| both as f64 / all as f64)
}

/// The rank of each score, that of equal ones the mean of theirs.
fn ranks(scores: &[f64]) -> Vec<f64> {
    let mut ranks = vec![0.0; scores.len()];
    let order = worst(scores, scores.len());
    let key = |row: usize| if scores[row].is_finite() { scores[row] } else { f64::INFINITY };
    let mut first = 0;
    for equal in order.chunk_by(|&one, &other| key(one) == key(other)) {
        let mean = first as f64 + (equal.len() - 1) as f64 / 2.0;
        equal.iter().for_each(|&row| ranks[row] = mean);
        first += equal.len();
    }
    ranks
}

/// Pearson's correlation; none where one does not vary.
fn correlation(one: &[f64], other: &[f64]) -> Option<f64> {
    let middle = one.len().saturating_sub(1) as f64 / 2.0;
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - middle) * (b - middle)).sum::<f64>();
    let scale = (sum(one, one) * sum(other, other)).sqrt();
    (scale > 0.0).then(|| sum(one, other) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_are_those_of_ranks() {
        let scores = [1.0, 2.0, 3.0, f64::INFINITY];
        let reversed = [9.0, 3.0, 0.5, -1.0];
        assert_eq!(correlation(&ranks(&scores), &ranks(&scores)), Some(1.0));
        assert_eq!(correlation(&ranks(&scores), &ranks(&reversed)), Some(-1.0));
        assert_eq!(correlation(&ranks(&scores), &ranks(&[7.0; 4])), None);
        assert_eq!(ranks(&[2.0, 1.0, 2.0]), [0.5, 2.0, 0.5]);
    }

    #[test]
    fn shares_are_of_what_the_row_flags() {
        let scoring = |flagged: [bool; 3]| Scoring {
            name: "l2",
            scores: &[0.0; 3],
            flagged: flagged.to_vec(),
            threshold: None,
            p: None,
        };
        let (one, other) = (scoring([true, true, false]), scoring([false, true, false]));
        assert_eq!((shared(&one, &other), shared(&other, &one)), (Some(0.5), Some(1.0)));
        assert_eq!(shared(&scoring([false; 3]), &one), None);
        assert_eq!(times(&[one, other]), [1, 1, 1]);
    }
}
