//! The linear datamodelling score (Ilyas et al. 2022; Park et al. 2023): do summed scores
//! foretell what training on a random half of the samples gives?
//!
//! For each of the subsets S, half of the training samples, models are trained afresh,
//! and a target's truth is minus its mean loss over them; its prediction is Σ_{z ∈ S}
//! score(z, v). The figure is Spearman's correlation over the subsets, mean over the
//! targets.
//!
//! The models of a subset differ by their seeds, so the truth has noise. With r the mean
//! correlation of the truths from two halves of the models, no prediction can be expected
//! to reach more than about √(2r/(1 + r)), which is shown as the ceiling.

use rand::seq::SliceRandom;

use super::context::Context;
use super::correlation::spearmans;
use super::error::TruthError;
use super::evidence::Evidence;
use super::jobs::run_jobs;
use super::tally::{Tally, timed, transposed};
use super::task::Task;
use crate::data::random::{Purpose, generator};
use crate::model::{TrainConfig, Trajectory, train};

const TITLE: &str = "training on random halves";
const MEASURE: &str = "LDS: Spearman over subsets, mean over targets";

pub(super) fn run(context: &Context<'_>, task: &Task, tally: &mut Tally) -> Result<(), TruthError> {
    let (n, m) = (task.train.len(), task.test.len());
    let (subsets, repeats) = (context.settings.subsets, context.settings.repeats);
    let halves = halves(n, subsets, task.seed);
    let clock = std::time::Instant::now();
    let mut ledger = context.ledger(&task.key(context.settings, "halves, one loss a model and target"))?;
    // A job is one model, numbered so that more subsets or more models for each leave
    // those there are as they are.
    let stage = format!("halves {}", task.seed);
    let numbers: Vec<usize> = (0..repeats).flat_map(|r| (0..subsets).map(move |s| r * HALVES + s)).collect();
    let all = run_jobs(&stage, &numbers, &mut ledger, context.watch, |number| {
        let seed = task.seed.wrapping_mul(1_000_003).wrapping_add(number as u64 + 1);
        let half = task.train.subset(&halves[number % HALVES])?;
        let config = TrainConfig { seed, ..task.config.clone() };
        Ok(train(&half, &config, |_| {})?.model.losses(&task.test)?)
    })?;
    let all: Vec<&[Vec<f64>]> = all.chunks_exact(subsets).collect();
    tally.truth_seconds += clock.elapsed().as_secs_f64();
    tally.retrainings += subsets * repeats;

    let truth = truth(&all, 0, 1);
    if repeats > 1 {
        let between = spearmans(&self::truth(&all, 0, 2), &self::truth(&all, 1, 2), subsets)?;
        let r = (between.iter().sum::<f64>() / m as f64).max(0.0);
        tally.ceiling(TITLE, MEASURE, libm::sqrt(2.0 * r / (1.0 + r)));
    }
    let path = Trajectory::record(&task.train, &task.config)?;
    let model = path.model();
    tally.accuracies.push(model.accuracy(&task.test)?);
    let fitted = context.fitted(task, &model)?;
    let evidence = Evidence { trajectory: Some(&path), ..context.evidence(task, &model, fitted.as_ref()) };
    context.each_method(&evidence, |method, whose, evidence| {
        let Some(score) = method.pairs else { return Ok(()) };
        let (scored, seconds) = timed(|| score(evidence))?;
        let mut predicted = Vec::with_capacity(m * subsets);
        for scores in scored.scores.chunks_exact(n) {
            predicted.extend(halves.iter().map(|half| half.iter().map(|&i| scores[i]).sum::<f64>()));
        }
        let figures = spearmans(&predicted, &truth, subsets)?;
        tally.add_mean(TITLE, MEASURE, whose, &figures, seconds, scored.bytes);
        Ok(())
    })
}

/// The most subsets there can be: numbers of models in the ledger go by it.
const HALVES: usize = 100_000;

/// The random halves, each in rising order.
fn halves(samples: usize, subsets: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = generator(seed, Purpose::Subset);
    let draw = |_| {
        let mut all: Vec<usize> = (0..samples).collect();
        all.shuffle(&mut rng);
        all.truncate(samples / 2);
        all.sort_unstable();
        all
    };
    (0..subsets).map(draw).collect()
}

/// Minus the mean losses of every `stride`-th repeat from `first` on, target by target.
fn truth(all: &[&[Vec<f64>]], first: usize, stride: usize) -> Vec<f64> {
    let mut mean: Vec<f64> = Vec::new();
    for losses in all.iter().skip(first).step_by(stride) {
        let losses = transposed(losses);
        mean.resize(losses.len(), 0.0);
        mean.iter_mut().zip(losses).for_each(|(mean, loss)| *mean -= loss);
    }
    mean
}
