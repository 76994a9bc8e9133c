//! The figures of the experiment `breakdown` as comma-separated values: a row for each
//! kind and share of poison and each detector, a column for each length.
//!
//! Behind the shares of a kind stands the least one that costs the detector 0.05 of its
//! AUROC without poison.

use gradsieve_harness::truth::{BreakdownLine, CLEAN, DETECTORS, KINDS, Outcome, Settings, least_share};

/// The text of the file.
#[must_use]
pub fn breakdown(outcome: &Outcome) -> Vec<u8> {
    let Settings { poison, lengths, .. } = &outcome.settings;
    let mut rows = csv::Writer::from_writer(about(outcome).into_bytes());
    let header = ["kind", "poison", "detector", "none"].map(str::to_owned);
    let mut all = vec![header.into_iter().chain(lengths.iter().copied().map(factor)).collect::<Vec<_>>()];
    let lines = &outcome.breakdown;
    for kind in KINDS {
        for share in poison.iter().map(Some).chain([None]) {
            for detector in DETECTORS.iter().map(|form| form.name) {
                let of = |share: f64, kind: &str, length: f64| {
                    let is_it = |line: &&BreakdownLine| {
                        (line.detector, line.kind, line.share, line.length) == (detector, kind, share, length)
                    };
                    lines.iter().find(is_it).map(BreakdownLine::mean)
                };
                let Some(clean) = of(CLEAN, "", 0.0) else { continue };
                let mut row = vec![
                    kind.to_owned(),
                    share.map_or_else(|| "least".to_owned(), |&share| percent(share)),
                    detector.to_owned(),
                    figure(Some(clean)),
                ];
                row.extend(lengths.iter().map(|&length| match share {
                    Some(&share) => figure(of(share, kind, length)),
                    None => {
                        least_share(lines, detector, kind, length).map_or_else(|| "–".to_owned(), percent)
                    }
                }));
                all.push(row);
            }
        }
    }
    // Nothing can fail: the bytes go to memory, and rows are of one length.
    let _ = all.iter().try_for_each(|row| rows.write_record(row));
    rows.into_inner().unwrap_or_default()
}

/// What the figures hold for, in the lines that every file of figures begins with.
fn about(outcome: &Outcome) -> String {
    let Settings { train_samples, hidden, epochs, dim, seeds, flip, .. } = &outcome.settings;
    let layers: String = hidden.iter().map(|width| format!("{width}-")).collect();
    let spread = outcome.breakdown.iter().map(deviation).fold(0.0, f64::max);
    format!(
        "# regime: digits; {train_samples} samples of which {} % have a flipped label; 64-{layers}10 network, {epochs} epochs; \
         K = {}; poison of random classes at random places between the samples, its length in medians of theirs; \
         AUROC of the flipped labels, means over {seeds} seeds, whose deviation is at most {spread:.3}\n",
        100.0 * flip,
        dim.unwrap_or_default()
    )
}

fn deviation(line: &BreakdownLine) -> f64 {
    let (mean, n) = (line.mean(), line.auroc.len());
    let squares: f64 = line.auroc.iter().map(|figure| (figure - mean) * (figure - mean)).sum();
    if n > 1 { (squares / (n - 1) as f64).sqrt() } else { 0.0 }
}

/// A share as people read it.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{} %", 100.0 * share)
}

/// A factor as people read it.
#[must_use]
pub fn factor(factor: f64) -> String {
    if (0.01..1e4).contains(&factor) { factor.to_string() } else { format!("{factor:e}") }
}

fn figure(figure: Option<f64>) -> String {
    figure.filter(|figure| !figure.is_nan()).map_or_else(|| "–".to_owned(), |figure| format!("{figure:.3}"))
}
