//! Brittleness (Ilyas et al. 2022, arXiv 2202.00622; Park et al. 2023, arXiv 2303.14186):
//! of the test samples that the model reads right, how many does it read wrong once the m
//! training samples of highest score for that very test sample are gone?
//!
//! Each such test sample is a target; for each target, method and m, the same run again
//! from its beginning, batch by batch, without the gradients of those m samples (sum
//! form: nothing else is rescaled). The figure is the share of targets whose prediction
//! is no longer their label: larger is better, and the first line, m random samples, is
//! what chance gives. Samples of equal score are taken in their order.
//!
//! Beside it stands by how much the target's loss rises, mean over the targets. Against
//! the same number of random samples it says what a method's choice is worth, also where
//! no prediction flips.
//!
//! Last comes one choice for all: without the m samples whose scores have the largest sum
//! over all test samples, by how much does the mean test loss rise? With m a hundredth of
//! the samples that is what counterfactual evaluations of data attribution ask (*QLD*).
//! Chance is the mean of ten draws.
//!
//! *Cost*: a run for each target, method and m; one for each method and m for the last,
//! and ten for chance.

use rand::seq::SliceRandom;

use super::context::Context;
use super::error::TruthError;
use super::evidence::Evidence;
use super::jobs::run_jobs;
use super::tally::{Tally, Whose, timed};
use super::task::Task;
use crate::data::random::{Purpose, generator};
use crate::model::{Scratch, Trajectory};

const MEASURE: &str = "share of test predictions that flip";
const RISE: &str = "rise of the target's loss, nats";
const RISE_OF_ALL: &str = "rise of the mean test loss, nats";

/// Draws whose mean is what chance gives, where one choice is made for all targets.
const DRAWS: usize = 10;

/// Whom to remove first, for each target and for all, and whose idea it was.
struct Ranking {
    name: String,
    about: &'static str,
    orders: Vec<Vec<usize>>,
    /// Orders for all test samples together: one, or draws.
    in_sum: Vec<Vec<usize>>,
    seconds: f64,
    bytes: usize,
}

pub(super) fn run(context: &Context<'_>, task: &Task, tally: &mut Tally) -> Result<(), TruthError> {
    let n = task.train.len();
    let path = Trajectory::record(&task.train, &task.config)?;
    let model = path.model();
    tally.accuracies.push(model.accuracy(&task.test)?);
    let losses = model.losses(&task.test)?;
    let predictions = model.predictions(&task.test)?;
    let targets: Vec<usize> =
        (0..task.test.len()).filter(|&j| predictions[j] == task.test.labels()[j]).collect();

    let (name, about) = ("random".to_owned(), "random samples: what chance gives");
    let mut orders = random_orders(targets.len() + DRAWS, n, task.seed);
    let in_sum = orders.split_off(targets.len());
    let mut rankings = vec![Ranking { name, about, orders, in_sum, seconds: 0.0, bytes: 0 }];
    let fitted = context.fitted(task, &model)?;
    let evidence = Evidence { trajectory: Some(&path), ..context.evidence(task, &model, fitted.as_ref()) };
    context.each_method(&evidence, |method, whose, evidence| {
        let Some(score) = method.pairs else { return Ok(()) };
        let (scored, seconds) = timed(|| score(evidence))?;
        let (name, about) = (whose.name.to_owned(), whose.about);
        let orders = targets.iter().map(|&j| order(&scored.scores[j * n..(j + 1) * n])).collect();
        let mut sums = vec![0.0; n];
        for scores in scored.scores.chunks_exact(n) {
            sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += score);
        }
        let in_sum = vec![order(&sums)];
        rankings.push(Ranking { name, about, orders, in_sum, seconds, bytes: scored.bytes });
        Ok(())
    })?;

    for ranking in &rankings {
        let clock = std::time::Instant::now();
        // A job is one run, numbered so that another grid leaves those there are as they
        // are; its result is the target's margin and loss.
        let key =
            format!("margins and losses, targets {targets:?}, orders {:016x}", fingerprint(&ranking.orders));
        let mut ledger = context.ledger(&task.key(context.settings, &key))?;
        let stage = format!("{} {}", ranking.name, task.seed);
        let grid = &context.settings.removed;
        let numbers: Vec<usize> =
            (0..targets.len()).flat_map(|t| grid.iter().map(move |m| t * n + m)).collect();
        let found = run_jobs(&stage, &numbers, &mut ledger, context.watch, |number| {
            let (t, m) = (number / n, number % n);
            without(&path, task, targets[t], &ranking.orders[t][..m])
        })?;
        tally.truth_seconds += clock.elapsed().as_secs_f64();
        tally.retrainings += found.len();
        for (at, m) in grid.iter().enumerate() {
            let of_grid = || found.iter().skip(at).step_by(grid.len());
            let flips = of_grid()
                .filter_map(|of| of.first())
                .map(|&margin| if margin.is_nan() || margin <= 0.0 { 1.0 } else { 0.0 });
            let rises = of_grid().zip(&targets).filter_map(|(of, &j)| Some(of.get(1)? - losses[j]));
            let title = format!("without the {} of highest score", samples(*m));
            let whose = Whose { name: &ranking.name, about: ranking.about };
            for (measure, figures) in [(MEASURE, flips.collect()), (RISE, rises.collect::<Vec<f64>>())] {
                tally.add_mean(&title, measure, &whose, &figures, ranking.seconds, ranking.bytes);
            }
        }
        retrain_in_sum(context, task, &path, ranking, &losses, tally)?;
    }
    Ok(())
}

/// Retrains without those whose scores have the largest sum, and looks at all test
/// losses.
fn retrain_in_sum(
    context: &Context<'_>,
    task: &Task,
    path: &Trajectory,
    ranking: &Ranking,
    losses: &[f64],
    tally: &mut Tally,
) -> Result<(), TruthError> {
    let (n, grid, orders) = (task.train.len(), &context.settings.removed, &ranking.in_sum);
    let clock = std::time::Instant::now();
    let key = format!("test losses, orders {:016x}", fingerprint(orders));
    let mut ledger = context.ledger(&task.key(context.settings, &key))?;
    let stage = format!("{} {} in sum", ranking.name, task.seed);
    let numbers: Vec<usize> =
        grid.iter().flat_map(|m| (0..orders.len()).map(move |draw| draw * n + m)).collect();
    let found = run_jobs(&stage, &numbers, &mut ledger, context.watch, |number| {
        let without = path.weighted(&task.train, &weights(n, &orders[number / n][..number % n]))?;
        Ok(without.rounded().losses(&task.test)?)
    })?;
    tally.truth_seconds += clock.elapsed().as_secs_f64();
    tally.retrainings += found.len();
    for (m, draws) in grid.iter().zip(found.chunks_exact(orders.len())) {
        let mean = |j: usize| draws.iter().map(|losses| losses[j]).sum::<f64>() / draws.len() as f64;
        let rises: Vec<f64> = losses.iter().enumerate().map(|(j, loss)| mean(j) - loss).collect();
        let title = format!("without the {} of highest score in sum", samples(*m));
        let whose = Whose { name: &ranking.name, about: ranking.about };
        tally.add_mean(&title, RISE_OF_ALL, &whose, &rises, ranking.seconds, ranking.bytes);
    }
    Ok(())
}

/// So many samples, in words.
fn samples(count: usize) -> String {
    if count == 1 { "sample".to_owned() } else { format!("{count} samples") }
}

/// A weight for each of `n` samples: none for those that are removed.
fn weights(n: usize, removed: &[usize]) -> Vec<f64> {
    let mut weights = vec![1.0; n];
    removed.iter().for_each(|&i| weights[i] = 0.0);
    weights
}

/// By how much the logit of target `j`'s label is above all others in the run without
/// these samples, not positive if it is read wrong; and its loss there.
fn without(path: &Trajectory, task: &Task, j: usize, removed: &[usize]) -> Result<Vec<f64>, TruthError> {
    let without = path.weighted(&task.train, &weights(task.train.len(), removed))?.rounded();
    let mut scratch = Scratch::default();
    let (x, label) = (task.test.row(j).unwrap_or_default(), task.test.labels()[j]);
    let loss = without.loss(x, label, &mut scratch)?;
    let logits = without.logits(x, &mut scratch)?;
    let label = label as usize;
    let others = logits.iter().enumerate().filter(|(class, _)| *class != label).map(|(_, &z)| z);
    let highest =
        others.fold(f32::NEG_INFINITY, |highest, z| if z > highest || z.is_nan() { z } else { highest });
    Ok(vec![f64::from(logits[label]) - f64::from(highest), loss])
}

/// The samples by falling score, those of equal score in their order; one that is not a
/// number comes last.
fn order(scores: &[f64]) -> Vec<usize> {
    let rank = |i: usize| if scores[i].is_nan() { f64::NEG_INFINITY } else { scores[i] };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| rank(b).total_cmp(&rank(a)));
    order
}

fn random_orders(targets: usize, samples: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = generator(seed, Purpose::Subset);
    let draw = |_| {
        let mut all: Vec<usize> = (0..samples).collect();
        all.shuffle(&mut rng);
        all
    };
    (0..targets).map(draw).collect()
}

/// FNV-1a of the orders, 64 bits: a run whose scores have changed finds no results of
/// other removals.
fn fingerprint(orders: &[Vec<usize>]) -> u64 {
    let bytes = orders.iter().flatten().flat_map(|&i| (i as u64).to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_go_by_falling_score_and_what_is_not_a_number_goes_last() {
        assert_eq!(order(&[0.5, f64::NAN, 2.0, 0.5, -1.0]), [2, 0, 3, 4, 1]);
        assert!(order(&[]).is_empty());
    }

    #[test]
    fn a_fingerprint_sees_every_place() {
        let orders = random_orders(3, 5, 0);
        let mut other = orders.clone();
        other[2].swap(3, 4);
        assert_ne!(fingerprint(&orders), fingerprint(&other));
        assert_eq!(fingerprint(&orders), fingerprint(&random_orders(3, 5, 0)));
    }
}
