//! Influence by the run's derivative: v pulled back through every step, in f64 and
//! without any matrix (Hara, Nitanda & Maehara 2019, for SGD).
//!
//! To first order in the removed term, leaving z out of step s changes θ_T by Π_{k>s}(I −
//! η_k H_k)·η_s g_z(θ_s). So with u_T = v(θ_T) and u_s = (I − η_s H_s) u_{s+1}, where H_s
//! is the *sum* of the curvatures of the batch's samples at θ_s,
//!
//! score(z, v) = Σ_{s ∋ z} η_s · u_{s+1}·g_z(θ_s).
//!
//! Where the optimizer remembers something, a velocity or Adam's moments, what a removal
//! changes lives on in that, too, and a vector for each of them is carried back.
//!
//! Positive is helpful; the scale is the target's loss. With exact Hessians nothing but
//! the order of the removal is neglected; with Gauss–Newton matrices or empirical Fishers
//! Σ g gᵀ this is what data value embedding computes by another way: the oracle of its
//! tests. *Cost*: a product with the curvature of a batch for each step and target.

use super::super::error::TruthError;
use super::super::evidence::Evidence;
use super::scored::Scored;
use crate::model::{Curvature, Mlp, Moments, Optimizer, Scratch, Step};

pub(super) fn hessian(evidence: &Evidence<'_>) -> Result<Scored, TruthError> {
    pull_back(evidence, Some(Curvature::Hessian))
}

/// The scores with one of the two curvatures, or with empirical Fishers.
pub(super) fn pull_back(evidence: &Evidence<'_>, curvature: Option<Curvature>) -> Result<Scored, TruthError> {
    let path = evidence.path()?;
    let (n, m) = (evidence.train.len(), evidence.target_count());
    let mut model = path.end().clone();
    let p = model.parameters().len();
    let mut targets: Vec<Pulled> = Vec::with_capacity(m);
    match evidence.target.objective(&model, evidence.test)? {
        Some(objective) => targets.push(Pulled::new(objective.gradient)),
        None => {
            for (x, label) in evidence.test.samples() {
                let mut gradient = vec![0.0; p];
                model.add_gradient(x, label, 1.0, &mut Scratch::default(), &mut gradient)?;
                targets.push(Pulled::new(gradient));
            }
        }
    }
    let mut scores = vec![0.0; m * n];
    let steps = path.steps().get(path.first_step(evidence.removal)..).unwrap_or_default();
    for (t, step) in (0..path.steps().len()).zip(path.steps()).rev().take(steps.len()) {
        model.parameters_mut().copy_from_slice(&step.parameters);
        let gradients = gradients(&model, evidence, step)?;
        let form = Form::new(&path.optimizer(), path.weight_decay(), step, t + 1, path.moments_after(t));
        let form = form.with_mean(&gradients);
        let share = targets.len().div_ceil(std::thread::available_parallelism().map_or(1, usize::from));
        let work = |targets: &mut [Pulled], scores: &mut [f64]| -> Result<(), TruthError> {
            let mut scratch = Scratch::default();
            let (mut product, mut along) = (vec![0.0; p], vec![0.0; p]);
            for (target, scores) in targets.iter_mut().zip(scores.chunks_exact_mut(n)) {
                product.fill(0.0);
                target.pull(&form, &mut along);
                for (gradient, &i) in gradients.iter().zip(&step.batch) {
                    let dot = dot(gradient, &along);
                    scores[i] += form.weight * dot;
                    if curvature.is_none() {
                        product.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += dot * g);
                    }
                }
                if let Some(curvature) = curvature {
                    model.product_into(
                        curvature,
                        evidence.train,
                        &step.batch,
                        &along,
                        &mut scratch,
                        &mut product,
                    )?;
                }
                for ((u, h), b) in target.parameters.iter_mut().zip(&product).zip(&along) {
                    *u = form.kept * *u - form.weight * h - form.decay * b;
                }
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
    Ok(Scored { scores, bytes: 8 * p * m * path.optimizer().carried() })
}

/// A target on its way back: what its loss gains by a change of the parameters, and what
/// it loses by one of the optimizer's moments.
struct Pulled {
    parameters: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Pulled {
    fn new(parameters: Vec<f64>) -> Self {
        let none = vec![0.0; parameters.len()];
        Self { parameters, first: none.clone(), second: none }
    }

    /// Takes the moments back over a step; `along` becomes the vector that, times the
    /// form's weight, gradients are multiplied with.
    fn pull(&mut self, form: &Form, along: &mut [f64]) {
        let moments = self.first.iter_mut().zip(&mut self.second);
        for (j, ((along, &w), (u, s))) in along.iter_mut().zip(&self.parameters).zip(moments).enumerate() {
            match &form.rule {
                Rule::Plain => *along = w,
                &Rule::Decayed { rate } => *along = rate * w,
                &Rule::Momentum { rate, momentum, nesterov } => {
                    let p = *u + rate * if nesterov { momentum * w } else { w };
                    *along = if nesterov { p + rate * w } else { p };
                    *u = momentum * p;
                }
                Rule::Adam { beta1, beta2, to_first, to_second, mean } => {
                    let first = *u + to_first[j] * w;
                    let second = *s - to_second[j] * w;
                    *along = (1.0 - beta1) * first + 2.0 * (1.0 - beta2) * second * mean[j];
                    (*u, *s) = (beta1 * first, beta2 * second);
                }
            }
        }
    }
}

/// How a step is pulled back.
struct Form {
    rule: Rule,
    /// What a gradient weighs: 1/B, or η where `along` is the target itself.
    weight: f64,
    /// λ of the decay that is part of the gradient.
    decay: f64,
    /// 1 − ηλ of the decay that is not.
    kept: f64,
}

enum Rule {
    Plain,
    Decayed {
        rate: f64,
    },
    Momentum {
        rate: f64,
        momentum: f64,
        nesterov: bool,
    },
    Adam {
        beta1: f64,
        beta2: f64,
        /// ∂θ/∂m and ∂θ/∂v of the step, but for their signs.
        to_first: Vec<f64>,
        to_second: Vec<f64>,
        mean: Vec<f64>,
    },
}

impl Form {
    /// The form of step `number`, from 1, with the moments after it.
    fn new(optimizer: &Optimizer, decay: f64, step: &Step, number: usize, after: &Moments) -> Self {
        let (rate, share) = (step.learning_rate(), 1.0 / step.batch.len() as f64);
        let decoupled = matches!(optimizer, Optimizer::AdamW { .. });
        let (kept, decay) = if decoupled { (1.0 - rate * decay, 0.0) } else { (1.0, decay) };
        let rule = match *optimizer {
            Optimizer::Sgd if decay == 0.0 => {
                return Self { rule: Rule::Plain, weight: step.rate, decay, kept };
            }
            Optimizer::Sgd => Rule::Decayed { rate },
            Optimizer::Momentum { momentum } | Optimizer::Nesterov { momentum } => {
                let nesterov = matches!(optimizer, Optimizer::Nesterov { .. });
                Rule::Momentum { rate, momentum: momentum.into(), nesterov }
            }
            Optimizer::Adam { beta1, beta2, epsilon } | Optimizer::AdamW { beta1, beta2, epsilon } => {
                let [beta1, beta2, epsilon] = [beta1, beta2, epsilon].map(f64::from);
                let [one, two] = [beta1, beta2].map(|beta| 1.0 - libm::pow(beta, number as f64));
                let root = |v: f64| (v / two).sqrt();
                let to_first = after.second.iter().map(|&v| rate / one / (root(v) + epsilon)).collect();
                let to_second = after.first.iter().zip(&after.second).map(|(&m, &v)| {
                    let scale = 1.0 / (root(v) + epsilon);
                    if v > 0.0 { rate * m / one * scale * scale / (2.0 * root(v) * two) } else { 0.0 }
                });
                let to_second = to_second.collect();
                // Of the decay that is part of the gradient, too.
                let mean = step.parameters.iter().map(|w| decay * w).collect();
                Rule::Adam { beta1, beta2, to_first, to_second, mean }
            }
        };
        Self { rule, weight: share, decay, kept }
    }

    /// The same with the mean of the samples' gradients.
    fn with_mean(mut self, gradients: &[Vec<f64>]) -> Self {
        if let Rule::Adam { mean, .. } = &mut self.rule {
            for gradient in gradients {
                mean.iter_mut().zip(gradient).for_each(|(mean, g)| *mean += self.weight * g);
            }
        }
        self
    }
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
