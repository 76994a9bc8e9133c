//! Figures as they come, seed by seed.

use serde::Serialize;

use super::judged::{FIGURES, Figures};
use super::regimes::StreamPlan;

/// The name of streams without corruption.
pub const CLEAN_STREAM: &str = "clean";

/// One scorer on the streams of one task, model and kind of corruption.
#[derive(Clone, Debug, Serialize)]
pub struct StreamLine {
    /// The task's name.
    pub task: &'static str,
    /// The regime's name.
    pub regime: &'static str,
    /// The corruption's name, or `clean`.
    pub corruption: &'static str,
    /// The scorer's name.
    pub scorer: &'static str,
    /// For each seed a figure for each of [`StreamLine::MEASURES`]; NaN where there is
    /// none.
    pub figures: Vec<[f64; FIGURES]>,
}

impl StreamLine {
    /// What the figures of a seed are.
    pub const MEASURES: [&str; FIGURES] = Figures::NAMES;

    /// The mean of figure `at` over lines and seeds that have one; NaN if none has.
    #[must_use]
    pub fn mean<'l>(lines: impl Iterator<Item = &'l Self>, at: usize) -> f64 {
        mean(lines.flat_map(|line| &line.figures).filter_map(|figures| figures.get(at).copied()))
    }
}

/// Adds the figures of one seed.
pub(super) fn add(
    lines: &mut Vec<StreamLine>,
    plan: &StreamPlan<'_>,
    scorer: &'static str,
    figures: [f64; FIGURES],
) {
    let (task, regime) = (plan.task.name, plan.regime.name());
    let corruption = plan.corruption.map_or(CLEAN_STREAM, |corruption| corruption.name);
    let is_it = |line: &&mut StreamLine| {
        (line.task, line.regime, line.corruption, line.scorer) == (task, regime, corruption, scorer)
    };
    match lines.iter_mut().find(is_it) {
        Some(line) => line.figures.push(figures),
        None => lines.push(StreamLine { task, regime, corruption, scorer, figures: vec![figures] }),
    }
}

/// One policy on one task with one share of wrong labels.
#[derive(Clone, Debug, Serialize)]
pub struct LoopLine {
    /// The task's name.
    pub task: &'static str,
    /// The share of labels that are wrong.
    pub wrong: f64,
    /// The policy's name.
    pub policy: &'static str,
    /// For each seed a figure for each of [`LoopLine::MEASURES`].
    pub figures: Vec<[f64; 3]>,
}

impl LoopLine {
    /// What the figures of a seed are: the test accuracy after training, and the shares
    /// of wrong and of right labels that the last epoch left out.
    pub const MEASURES: [&str; 3] = ["accuracy", "wrong left out", "right left out"];

    /// The mean of figure `at` over the seeds.
    #[must_use]
    pub fn mean(&self, at: usize) -> f64 {
        mean(self.figures.iter().filter_map(|figures| figures.get(at).copied()))
    }
}

/// Adds the figures of one seed.
pub(super) fn add_to_loop(
    lines: &mut Vec<LoopLine>,
    task: &'static str,
    wrong: f64,
    policy: &'static str,
    figures: [f64; 3],
) {
    let is_it = |line: &&mut LoopLine| (line.task, line.wrong, line.policy) == (task, wrong, policy);
    match lines.iter_mut().find(is_it) {
        Some(line) => line.figures.push(figures),
        None => lines.push(LoopLine { task, wrong, policy, figures: vec![figures] }),
    }
}

/// The mean of the numbers that are some; NaN if there is none.
pub(super) fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let numbers: Vec<f64> = numbers.filter(|number| !number.is_nan()).collect();
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_over_the_figures_that_there_are() {
        assert_eq!(mean([1.0, f64::NAN, 2.0].into_iter()), 1.5);
        assert!(mean([f64::NAN].into_iter()).is_nan());
    }
}
