//! SGD-influence: v pulled back through every step, in f64 and without any matrix (Hara,
//! Nitanda & Maehara 2019).
//!
//! To first order in the removed term, leaving z out of step s changes θ_T by Π_{k>s}(I −
//! η_k H_k)·η_s g_z(θ_s). So with u_T = v(θ_T) and u_s = (I − η_s H_s) u_{s+1}, where H_s
//! is the *sum* of the curvatures of the batch's samples at θ_s,
//!
//! score(z, v) = Σ_{s ∋ z} η_s · u_{s+1}·g_z(θ_s).
//!
//! Positive is helpful; the scale is the target's loss. With exact Hessians nothing but
//! the order of the removal is neglected; with Gauss–Newton matrices or empirical Fishers
//! Σ g gᵀ this is what data value embedding computes by another way, for each target
//! instead of for all at once: the oracle of its tests. *Cost*: a product with the
//! curvature of a batch for each step and target.

use super::super::error::TruthError;
use super::super::evidence::Evidence;
use super::scored::Scored;
use crate::model::{Curvature, Mlp, Scratch, Step};

pub(super) fn hessian(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    pull_back(evidence, Some(Curvature::Hessian))
}

/// The scores with one of the two curvatures, or with empirical Fishers.
pub(super) fn pull_back(evidence: &Evidence<'_>, curvature: Option<Curvature>) -> Result<Scored, TruthError> {
    let path = evidence.path()?;
    let (n, m) = (evidence.train.len(), evidence.target_count());
    let mut model = path.end().clone();
    let p = model.parameters().len();
    let mut targets: Vec<Vec<f64>> = Vec::with_capacity(m);
    match evidence.target.objective(&model, evidence.test)? {
        Some(objective) => targets.push(objective.gradient),
        None => {
            for (x, label) in evidence.test.samples() {
                let mut gradient = vec![0.0; p];
                model.add_gradient(x, label, 1.0, &mut Scratch::default(), &mut gradient)?;
                targets.push(gradient);
            }
        }
    }
    let mut scores = vec![0.0; m * n];
    let steps = path.steps().get(path.first_step(evidence.removal)..).unwrap_or_default();
    for step in steps.iter().rev() {
        model.parameters_mut().copy_from_slice(&step.parameters);
        let gradients = gradients(&model, evidence, step)?;
        let share = targets.len().div_ceil(std::thread::available_parallelism().map_or(1, usize::from));
        let work = |targets: &mut [Vec<f64>], scores: &mut [f64]| -> Result<(), TruthError> {
            let mut scratch = Scratch::default();
            let mut product = vec![0.0; p];
            for (target, scores) in targets.iter_mut().zip(scores.chunks_exact_mut(n)) {
                product.fill(0.0);
                for (gradient, &i) in gradients.iter().zip(&step.batch) {
                    let dot = dot(gradient, target);
                    scores[i] += step.rate * dot;
                    if curvature.is_none() {
                        product.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += dot * g);
                    }
                }
                if let Some(curvature) = curvature {
                    model.product_into(
                        curvature,
                        evidence.train,
                        &step.batch,
                        target,
                        &mut scratch,
                        &mut product,
                    )?;
                }
                target.iter_mut().zip(&product).for_each(|(u, h)| *u -= step.rate * h);
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let parts = targets.chunks_mut(share).zip(scores.chunks_mut(share * n));
            let workers: Vec<_> =
                parts.map(|(targets, scores)| scope.spawn(|| work(targets, scores))).collect();
            workers.into_iter().try_for_each(|worker| match worker.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
    }
    Ok(Scored { scores, bytes: 8 * p * m })
}

/// The gradients of a step's samples.
fn gradients(model: &Mlp<f64>, evidence: &Evidence<'_>, step: &Step) -> Result<Vec<Vec<f64>>, TruthError> {
    let mut scratch = Scratch::default();
    let mut rows = Vec::with_capacity(step.batch.len());
    for &i in &step.batch {
        let mut gradient = vec![0.0; step.parameters.len()];
        if let (Some(x), Some(&label)) = (evidence.train.row(i), evidence.train.labels().get(i)) {
            model.add_gradient(x, label, 1.0, &mut scratch, &mut gradient)?;
        }
        rows.push(gradient);
    }
    Ok(rows)
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}
