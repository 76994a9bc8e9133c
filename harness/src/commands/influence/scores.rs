//! Influence of all pairs, and what is said of it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::curvature::Convergence;
use super::{InfluenceArguments, Method};
use crate::commands::{CommandError, console};

/// Influence of all pairs, row after row, and which samples have none.
pub(super) struct Scores {
    pub(super) values: Vec<f64>,
    pub(super) non_finite_train: Vec<bool>,
    pub(super) non_finite_target: Vec<bool>,
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    method: Method,
    train_rows: usize,
    target_rows: usize,
    non_finite_train: Vec<usize>,
    non_finite_target: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    solver: Option<Convergence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    targets: Option<Vec<Target>>,
}

/// Who helps and who harms one target, most first.
#[derive(Debug, Serialize)]
struct Target {
    index: usize,
    proponents: Vec<Sample>,
    opponents: Vec<Sample>,
}

/// A training sample.
#[derive(Clone, Copy, Debug, Serialize)]
struct Sample {
    index: usize,
    influence: f64,
}

impl Scores {
    /// Adds to the influence of a training sample on a target.
    pub(super) fn add(&mut self, train: usize, target: usize, part: f64) {
        let columns = self.non_finite_target.len();
        self.values[train * columns + target] += part;
    }

    /// Multiplies each training sample's influence by a factor.
    pub(super) fn scale_rows(&mut self, factors: &[f64]) {
        let columns = self.non_finite_target.len();
        for (row, factor) in self.values.chunks_exact_mut(columns).zip(factors) {
            row.iter_mut().for_each(|value| *value *= factor);
        }
    }

    /// One column, the largest over subtasks of the mean over each one's finite targets; nothing if a subtask has none.
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

    /// The indices of the training samples and of the targets that are not finite.
    pub(super) fn non_finite(&self) -> [Vec<usize>; 2] {
        [&self.non_finite_train, &self.non_finite_target]
            .map(|flags| (0..flags.len()).filter(|&index| flags[index]).collect())
    }

    /// Puts NaN where a sample or a target is not finite.
    pub(super) fn spoil(&mut self) {
        let targets = self.non_finite_target.len();
        for (row, &spoilt) in self.values.chunks_exact_mut(targets).zip(&self.non_finite_train) {
            for (value, &target_spoilt) in row.iter_mut().zip(&self.non_finite_target) {
                if spoilt || target_spoilt {
                    *value = f64::NAN;
                }
            }
        }
    }

    pub(super) fn report(
        &self,
        arguments: &InfluenceArguments,
        target_rows: usize,
        solver: Option<Convergence>,
    ) -> Report {
        let [non_finite_train, non_finite_target] = self.non_finite();
        let columns = self.non_finite_target.len();
        let targets = arguments.top.map(|top| (0..columns).map(|target| self.target(target, top)).collect());
        let (method, train_rows) = (arguments.method, self.non_finite_train.len());
        Report { method, train_rows, target_rows, non_finite_train, non_finite_target, solver, targets }
    }

    fn target(&self, index: usize, top: usize) -> Target {
        let columns = self.non_finite_target.len();
        let influences = self.values.iter().skip(index).step_by(columns).enumerate();
        let mut samples: Vec<Sample> =
            influences.map(|(index, &influence)| Sample { index, influence }).collect();
        // Equal ones by index. NaN is neither above nor below zero.
        samples.sort_by(|a, b| b.influence.total_cmp(&a.influence));
        let proponents = samples.iter().filter(|sample| sample.influence > 0.0).take(top).copied().collect();
        samples.sort_by(|a, b| a.influence.total_cmp(&b.influence).then(a.index.cmp(&b.index)));
        let opponents = samples.iter().filter(|sample| sample.influence < 0.0).take(top).copied().collect();
        Target { index, proponents, opponents }
    }
}

/// For people.
pub(super) fn print(arguments: &InfluenceArguments, report: &Report) -> Result<(), CommandError> {
    if let Some(output) = &arguments.output {
        console::print(format!(
            "{output}: {} influence of {} training samples (rows) on {} targets (columns)",
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
            table.add_row([vec![target.index.to_string()], helpful, harmful].concat());
        }
    }
    console::print(table)
}

fn cells(sample: Option<&Sample>) -> Vec<String> {
    sample.map_or_else(
        || vec![String::new(), String::new()],
        |sample| vec![sample.index.to_string(), console::significant(sample.influence)],
    )
}
