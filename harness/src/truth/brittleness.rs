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
//! *Cost*: a run for each target, method and m.

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

/// Whom to remove first, for each target, and whose idea it was.
struct Ranking<'a> {
    whose: Whose<'a>,
    orders: Vec<Vec<usize>>,
    seconds: f64,
    bytes: usize,
}

pub(super) fn run(context: &Context<'_>, task: &Task, tally: &mut Tally) -> Result<(), TruthError> {
    let n = task.train.len();
    let path = Trajectory::record(&task.train, &task.config)?;
    let model = path.model();
    tally.accuracies.push(model.accuracy(&task.test)?);
    let predictions = model.predictions(&task.test)?;
    let targets: Vec<usize> =
        (0..task.test.len()).filter(|&j| predictions[j] == task.test.labels()[j]).collect();

    let whose = Whose { name: "random", about: "random samples: what chance gives" };
    let orders = random_orders(targets.len(), n, task.seed);
    let mut rankings = vec![Ranking { whose, orders, seconds: 0.0, bytes: 0 }];
    let evidence = Evidence { trajectory: Some(&path), ..context.evidence(task, &model) };
    context.each_method(|method| {
        let Some(score) = method.pairs else { return Ok(()) };
        let (scored, seconds) = timed(|| score(&evidence))?;
        let whose = Whose { name: method.name, about: method.about };
        let orders = targets.iter().map(|&j| order(&scored.scores[j * n..(j + 1) * n])).collect();
        rankings.push(Ranking { whose, orders, seconds, bytes: scored.bytes });
        Ok(())
    })?;

    for ranking in &rankings {
        let clock = std::time::Instant::now();
        // A job is one run, numbered so that another grid leaves those there are as they
        // are; its result is the target's margin.
        let key = format!("margins, targets {targets:?}, orders {:016x}", fingerprint(&ranking.orders));
        let mut ledger = context.ledger(&task.key(context.settings, &key))?;
        let stage = format!("{} {}", ranking.whose.name, task.seed);
        let grid = &context.settings.removed;
        let numbers: Vec<usize> =
            (0..targets.len()).flat_map(|t| grid.iter().map(move |m| t * n + m)).collect();
        let margins = run_jobs(&stage, &numbers, &mut ledger, context.watch, |number| {
            let (t, m) = (number / n, number % n);
            Ok(vec![margin(&path, task, targets[t], &ranking.orders[t][..m])?])
        })?;
        tally.truth_seconds += clock.elapsed().as_secs_f64();
        tally.retrainings += margins.len();
        for (at, m) in grid.iter().enumerate() {
            let of_grid = margins.iter().skip(at).step_by(grid.len()).flatten();
            let flips = of_grid.filter(|&&margin| margin.is_nan() || margin <= 0.0).count();
            let share = flips as f64 / targets.len().max(1) as f64;
            let samples = if *m == 1 { "sample".to_owned() } else { format!("{m} samples") };
            let title = format!("without the {samples} of highest score");
            tally.add(&title, MEASURE, &ranking.whose, share, ranking.seconds, ranking.bytes);
        }
    }
    Ok(())
}

/// By how much the logit of target `j`'s label is above all others in the run without
/// these samples: not positive if it is read wrong.
fn margin(path: &Trajectory, task: &Task, j: usize, removed: &[usize]) -> Result<f64, TruthError> {
    let mut weights = vec![1.0; task.train.len()];
    removed.iter().for_each(|&i| weights[i] = 0.0);
    let without = path.weighted(&task.train, &weights)?.rounded();
    let mut scratch = Scratch::default();
    let logits = without.logits(task.test.row(j).unwrap_or_default(), &mut scratch)?;
    let label = task.test.labels()[j] as usize;
    let others = logits.iter().enumerate().filter(|(class, _)| *class != label).map(|(_, &z)| z);
    let highest =
        others.fold(f32::NEG_INFINITY, |highest, z| if z > highest || z.is_nan() { z } else { highest });
    Ok(f64::from(logits[label]) - f64::from(highest))
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
