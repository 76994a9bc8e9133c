//! Figures as they come, seed by seed.

use serde::Serialize;

use super::detectors::Form;
use super::poison::{KINDS, Poison};

/// The share of no poison.
pub const CLEAN: f64 = 0.0;

/// The AUROC that a detector has to lose to count as broken.
const LOSS: f64 = 0.05;

/// One detector against one kind, share and length of poison.
#[derive(Clone, Debug, Serialize)]
pub struct BreakdownLine {
    /// The detector's name.
    pub detector: &'static str,
    /// The kind of hostile gradients; empty without any.
    pub kind: &'static str,
    /// Hostile gradients for each honest one.
    pub share: f64,
    /// How many they are.
    pub rows: usize,
    /// How many times as long as the median of the honest ones they are.
    pub length: f64,
    /// AUROC of the flipped labels among the honest samples, a figure a seed; NaN if the
    /// detector refused.
    pub auroc: Vec<f64>,
}

impl BreakdownLine {
    /// The mean over the seeds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.auroc.iter().sum::<f64>() / self.auroc.len() as f64
    }
}

/// The least share of poison of a kind and length that costs a detector 0.05 of the AUROC
/// that it has without; none if no share that was tried does.
#[must_use]
pub fn least_share(lines: &[BreakdownLine], detector: &str, kind: &str, length: f64) -> Option<f64> {
    let of_detector = || lines.iter().filter(|line| line.detector == detector);
    let clean = of_detector().find(|line| line.share == CLEAN)?.mean();
    let is_lost = |line: &&BreakdownLine| line.mean().is_nan() || line.mean() <= clean - LOSS;
    let same = of_detector().filter(|line| line.kind == kind && line.length == length && line.share > CLEAN);
    same.filter(is_lost).map(|line| line.share).min_by(f64::total_cmp)
}

/// Whose figures they are.
pub(super) struct Found<'a> {
    pub(super) form: &'a Form,
    pub(super) poison: Poison,
    pub(super) rows: usize,
}

impl Found<'_> {
    /// Adds the figure of one seed.
    pub(super) fn add_to(&self, lines: &mut Vec<BreakdownLine>, figure: f64) {
        let Poison { kind, share, length } = self.poison;
        let (detector, kind) = (self.form.name, if share == CLEAN { "" } else { KINDS[kind] });
        let is_it = |line: &&mut BreakdownLine| {
            (line.detector, line.kind, line.share, line.length) == (detector, kind, share, length)
        };
        match lines.iter_mut().find(is_it) {
            Some(line) => line.auroc.push(figure),
            None => {
                let rows = self.rows;
                lines.push(BreakdownLine { detector, kind, share, rows, length, auroc: vec![figure] });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_share_is_the_first_that_costs_a_twentieth_and_a_refusal_does() {
        let line = |share: f64, auroc: f64| {
            let kind = if share == CLEAN { "" } else { "k" };
            BreakdownLine { detector: "d", kind, share, rows: 1, length: 3.0, auroc: vec![auroc] }
        };
        let lines = [line(CLEAN, 0.9), line(0.2, 0.1), line(0.01, 0.86), line(0.05, 0.84)];
        assert_eq!(least_share(&lines, "d", "k", 3.0), Some(0.05));
        assert_eq!(least_share(&lines[..1], "d", "k", 3.0), None);
        assert_eq!(least_share(&[line(CLEAN, 0.9), line(0.01, f64::NAN)], "d", "k", 3.0), Some(0.01));
    }
}
