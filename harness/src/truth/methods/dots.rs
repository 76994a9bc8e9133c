//! Dot products of gradients, at the end or along the path.

use gradsieve::influence::{TracIn, grad_cos, grad_dot};

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Quantity};
use super::scored::{Scored, all_pairs};

type Outcome = Result<Scored, TruthError>;

pub(super) fn loss(evidence: &Evidence<'_>) -> Outcome {
    Ok(Scored { scores: evidence.model.losses(evidence.train)?, bytes: 0 })
}

pub(super) fn dot(evidence: &Evidence<'_>) -> Outcome {
    at_the_end(evidence, grad_dot)
}

pub(super) fn cosine(evidence: &Evidence<'_>) -> Outcome {
    at_the_end(evidence, grad_cos)
}

fn at_the_end(
    evidence: &Evidence<'_>,
    score: fn(&gradsieve::Sketch<'_>, &gradsieve::Sketch<'_>) -> Result<f64, gradsieve::Error>,
) -> Outcome {
    let train = evidence.rows(evidence.model, evidence.train, Quantity::Loss)?;
    let test = evidence.target_rows(evidence.model)?;
    let mut scores = Vec::with_capacity(train.len() * test.len());
    for target in test.sketches() {
        for sketch in train.sketches() {
            scores.push(score(&sketch, &target).map_err(core("a dot product"))?);
        }
    }
    Ok(Scored { scores, bytes: 0 })
}

pub(super) fn dot_own(evidence: &Evidence<'_>) -> Outcome {
    let train = evidence.rows(evidence.model, evidence.train, Quantity::Loss)?;
    Ok(Scored { scores: train.measures.iter().map(|measures| measures.l2_squared).collect(), bytes: 0 })
}

/// The last step of each epoch, with the rate η of that step: the checkpoints.
pub(super) fn checkpoints(evidence: &Evidence<'_>) -> Result<Vec<(usize, f64)>, TruthError> {
    let steps = evidence.path()?.steps();
    let last = |&(t, step): &(usize, &crate::model::Step)| {
        steps.get(t + 1).is_none_or(|next| next.epoch != step.epoch)
    };
    // Every sample is in one batch an epoch; the rate of a whole batch stands for it.
    let rate = |epoch| steps.iter().find(|step| step.epoch == epoch).map_or(0.0, |step| step.rate);
    Ok(steps.iter().enumerate().filter(last).map(|(t, step)| (t + 1, rate(step.epoch))).collect())
}

pub(super) fn tracin(evidence: &Evidence<'_>) -> Outcome {
    let mut sums = vec![TracIn::new(); evidence.train.len() * evidence.target_count()];
    for (t, rate) in checkpoints(evidence)? {
        let model = evidence.path()?.model_before(t);
        let train = evidence.rows(&model, evidence.train, Quantity::Loss)?;
        let test = evidence.target_rows(&model)?;
        for (target, sums) in test.sketches().zip(sums.chunks_exact_mut(train.len())) {
            for (sketch, sum) in train.sketches().zip(sums) {
                sum.observe(rate, &sketch, &target).map_err(core("TracIn"))?;
            }
        }
    }
    let bytes = size_of_val(&sums[..]);
    Ok(Scored { scores: sums.iter().map(TracIn::score).collect(), bytes })
}

pub(super) fn tracin_own(evidence: &Evidence<'_>) -> Outcome {
    let mut sums = vec![TracIn::new(); evidence.train.len()];
    for (t, rate) in checkpoints(evidence)? {
        let model = evidence.path()?.model_before(t);
        let train = evidence.rows(&model, evidence.train, Quantity::Loss)?;
        for (sketch, sum) in train.sketches().zip(&mut sums) {
            sum.observe_self(rate, &sketch).map_err(core("TracIn"))?;
        }
    }
    let bytes = size_of_val(&sums[..]);
    Ok(Scored { scores: sums.iter().map(TracIn::score).collect(), bytes })
}

/// Σ over the steps of the removal that hold z of η_t g_z(θ_t)·v(θ_T): data value
/// embedding without curvature.
pub(super) fn first_order(evidence: &Evidence<'_>) -> Outcome {
    let path = evidence.path()?;
    let n = evidence.train.len();
    let test = evidence.target_rows(evidence.model)?;
    let targets: Vec<_> = test.sketches().collect();
    let mut sums = vec![TracIn::new(); n * targets.len()];
    for (t, step) in path.steps().iter().enumerate().skip(path.first_step(evidence.removal)) {
        let model = path.model_before(t);
        let batch = evidence.rows_of(&model, evidence.train, &step.batch, Quantity::Loss)?;
        for (sketch, &i) in batch.sketches().zip(&step.batch) {
            for (j, target) in targets.iter().enumerate() {
                sums[j * n + i].observe(step.rate, &sketch, target).map_err(core("first order"))?;
            }
        }
    }
    let scores = all_pairs(targets.len(), n, |j, i| Ok::<_, TruthError>(sums[j * n + i].score()))?;
    Ok(Scored { scores, bytes: size_of_val(&sums[..]) })
}
