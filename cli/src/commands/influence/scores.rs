//! Influence of all pairs, and what is said of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Method;
use super::best::{RankedSample, RankedTarget};
use super::named::{NamedSample, NamedTarget, called};
use super::quality::Quality;
use super::sink::{Sink, flagged};
use crate::commands::escaped::escaped;
use crate::commands::{CommandError, console};
use gradsieve_io::files::Destination;

/// Influence of all pairs, row after row, and which samples have none.
pub(super) struct Scores {
    pub(super) values: Vec<f64>,
    pub(super) non_finite_train: Vec<bool>,
    pub(super) non_finite_target: Vec<bool>,
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    pub(super) method: Method,
    pub(super) train_rows: usize,
    pub(super) target_rows: usize,
    pub(super) non_finite_train: Vec<usize>,
    pub(super) non_finite_target: Vec<usize>,
    /// Those that are finite and too large for `f32`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) out_of_range_train: Vec<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) out_of_range_target: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) solver: Option<Quality>,
    /// Whether --accept-inexact was needed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) inexact: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) targets: Option<Vec<NamedTarget<'a>>>,
}

impl Scores {
    /// Multiplies each training sample's influence by a factor.
    pub(super) fn scale_rows(&mut self, factors: &[f64]) {
        let columns = self.non_finite_target.len();
        for (row, factor) in self.values.chunks_exact_mut(columns).zip(factors) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
    }

    /// One column, the largest over subtasks of the mean over each one's finite targets;
    /// nothing if a subtask has none.
    pub(super) fn largest_of_subtasks(self, subtask_of: &[u32]) -> Result<Self, u32> {
        let mut subtasks: BTreeMap<u32, Vec<usize>> =
            subtask_of.iter().map(|&subtask| (subtask, Vec::new())).collect();
        for (target, subtask) in subtask_of.iter().enumerate() {
            if !self.non_finite_target[target] {
                subtasks.entry(*subtask).or_default().push(target);
            }
        }
        if let Some((&subtask, _)) = subtasks.iter().find(|(_, targets)| targets.is_empty()) {
            return Err(subtask);
        }
        let largest = |row: &[f64]| {
            let mean = |targets: &Vec<usize>| {
                targets.iter().map(|&target| row[target]).sum::<f64>() / targets.len() as f64
            };
            subtasks.values().map(mean).fold(f64::NEG_INFINITY, f64::max)
        };
        let values = self.values.chunks_exact(self.non_finite_target.len()).map(largest).collect();
        Ok(Self { values, non_finite_target: vec![false], ..self })
    }

    /// Puts NaN where a sample or a target is not finite.
    pub(super) fn mark_non_finite(&mut self) {
        let targets = self.non_finite_target.len();
        for (row, &non_finite) in self.values.chunks_exact_mut(targets).zip(&self.non_finite_train) {
            for (value, &target_non_finite) in row.iter_mut().zip(&self.non_finite_target) {
                if non_finite || target_non_finite {
                    *value = f64::NAN;
                }
            }
        }
    }

    /// The `top` best of each target.
    pub(super) fn targets(&self, top: usize) -> Vec<RankedTarget> {
        (0..self.non_finite_target.len()).map(|target| self.target(target, top)).collect()
    }

    fn target(&self, index: usize, top: usize) -> RankedTarget {
        let columns = self.non_finite_target.len();
        let influences = self.values.iter().skip(index).step_by(columns).enumerate();
        let mut samples: Vec<RankedSample> =
            influences.map(|(index, &influence)| RankedSample { index, influence }).collect();
        // Equal ones by index. NaN is neither above nor below zero.
        samples.sort_by(|a, b| b.influence.total_cmp(&a.influence));
        let proponents = samples.iter().filter(|sample| sample.influence > 0.0).take(top).copied().collect();
        samples.sort_by(|a, b| a.influence.total_cmp(&b.influence).then(a.index.cmp(&b.index)));
        let opponents = samples.iter().filter(|sample| sample.influence < 0.0).take(top).copied().collect();
        RankedTarget { index, proponents, opponents }
    }
}

impl Sink for Scores {
    fn take(
        &mut self,
        trains: &[usize],
        targets: &[usize],
        parts: &dyn Fn(usize, usize, &mut [f64]),
    ) -> Result<(), CommandError> {
        let columns = self.non_finite_target.len();
        for (i, &train) in trains.iter().enumerate() {
            let row = &mut self.values[train * columns..][..columns];
            for (j, &target) in targets.iter().enumerate() {
                let mut part = [0.0];
                parts(i, j, &mut part);
                row[target] += part[0];
            }
        }
        Ok(())
    }

    fn non_finite_train(&mut self, train: usize) {
        self.non_finite_train[train] = true;
    }

    fn non_finite_target(&mut self, target: usize) {
        self.non_finite_target[target] = true;
    }

    fn non_finite(&self) -> [Vec<usize>; 2] {
        [flagged(&self.non_finite_train), flagged(&self.non_finite_target)]
    }
}

/// For people.
pub(super) fn print(output: Option<&Destination>, report: &Report<'_>) -> Result<(), CommandError> {
    if let Some(output) = output {
        console::print(format!(
            "{}: {} influence of {} training samples (rows) on {} targets (columns)",
            escaped(output),
            report.method.name(),
            report.train_rows,
            report.target_rows
        ))?;
    }
    let Some(targets) = &report.targets else { return Ok(()) };
    let mut table = console::table(&["target", "helpful sample", "influence", "harmful sample", "influence"]);
    for target in targets {
        for rank in 0..target.proponents.len().max(target.opponents.len()) {
            let [helpful, harmful] =
                [&target.proponents, &target.opponents].map(|samples| cells(samples.get(rank)));
            table.add_row([vec![called(target.index, target.id)], helpful, harmful].concat());
        }
    }
    console::print(table)
}

fn cells(sample: Option<&NamedSample<'_>>) -> Vec<String> {
    sample.map_or_else(
        || vec![String::new(), String::new()],
        |sample| vec![called(sample.index, sample.id), console::significant(sample.influence)],
    )
}
