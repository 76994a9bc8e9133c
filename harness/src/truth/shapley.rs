//! Shapley values of the samples of single steps, against what in-run Shapley says of
//! them.
//!
//! The utility of a part S of a step's batch is what the step would gain from it alone,
//! with SGD U(S) = ℓ̄(θ) − ℓ̄(θ − η Σ_{z∈S} g_z), with ℓ̄ the mean loss of the test
//! samples; a sample's value is its gain, averaged over the orders in which samples can
//! join (by Monte Carlo: each drawn order and its reverse, which cancels what is odd in
//! the place). Another optimizer steps on (1/B) Σ_{z∈S} g_z from the moments that it had.
//! Nats; positive is helpful.
//!
//! Beside the steps as they were, the same steps [`LARGE`] times as large: there the
//! second order shows. The figures are means over the steps: Spearman's correlation, and
//! the error ‖φ̂ − φ‖/‖φ‖, which ranks cannot hide.

use gradsieve::influence::{AdamSlopes, AdamStep, InRunShapley};
use gradsieve::{Exact, Layout, Projector, Sketch};
use gradsieve_kernels::summarize;
use rand::seq::SliceRandom;

use super::context::Context;
use super::error::{TruthError, core};
use super::jobs::run_jobs;
use super::tally::{Tally, Whose};
use super::task::Task;
use crate::data::random::{Purpose, generator};
use crate::measures::spearman;
use crate::model::{Curvature, Mlp, Optimizer, Scratch, Step, Trajectory};

/// How much larger the large steps are.
pub const LARGE: f64 = 8.0;

/// Steps that are looked at, evenly spaced.
const STEPS: usize = 8;

const FIRST: Whose<'_> = Whose { name: "first order", about: "η v·g" };
const SECOND: Whose<'_> = Whose { name: "second order", about: "η v·g − (η²/2) g·HΣg" };
const OWN_FIRST: Whose<'_> =
    Whose { name: "first order, own slopes", about: "(σ∘v)·g/B, σ the optimizer's slope in each entry" };
const OWN_SECOND: Whose<'_> =
    Whose { name: "second order, own slopes", about: "the same, and the loss's curvature along the step" };

pub(super) fn run(context: &Context<'_>, task: &Task, tally: &mut Tally) -> Result<(), TruthError> {
    let path = Trajectory::record(&task.train, &task.config)?;
    tally.accuracies.push(path.model().accuracy(&task.test)?);
    let orders = context.settings.orders;
    let steps: Vec<usize> = (0..STEPS).map(|i| i * path.steps().len() / STEPS).collect();
    for (title, times) in [("steps as they were", 1.0), ("steps eight times as large", LARGE)] {
        let key = task.key(context.settings, &format!("shapley, rate times {times}, {orders} orders"));
        let mut ledger = context.ledger(&key)?;
        let stage = format!("orders {}", task.seed);
        let clock = std::time::Instant::now();
        let truth = run_jobs(&stage, &steps, &mut ledger, context.watch, |t| {
            by_orders(task, &path, t, times, orders)
        })?;
        tally.truth_seconds += clock.elapsed().as_secs_f64();
        tally.retrainings += truth.len();
        let own = task.config.optimizer != Optimizer::Sgd || task.config.weight_decay != 0.0;
        let forms = [(false, false), (false, true), (true, false), (true, true)];
        for (own, second) in forms.into_iter().filter(|(of_own, _)| own || !of_own) {
            let clock = std::time::Instant::now();
            let (mut ranks, mut errors) = (Vec::new(), Vec::new());
            for (&t, truth) in steps.iter().zip(&truth) {
                let values = if own {
                    by_slopes(task, &path, t, times, second)?
                } else {
                    expanded(task, &path, &path.steps()[t], times, second)?
                };
                ranks.push(spearman(&values, truth)?);
                errors.push(distance(&values, truth));
            }
            let seconds = clock.elapsed().as_secs_f64();
            let whose = match (own, second) {
                (false, false) => FIRST,
                (false, true) => SECOND,
                (true, false) => OWN_FIRST,
                (true, true) => OWN_SECOND,
            };
            tally.add_mean(title, "Spearman, mean over steps", &whose, &ranks, seconds, 0);
            tally.add_mean(title, "relative error, mean over steps", &whose, &errors, seconds, 0);
        }
    }
    Ok(())
}

fn distance(found: &[f64], truth: &[f64]) -> f64 {
    let squares = |x: &mut dyn Iterator<Item = f64>| x.map(|v| v * v).sum::<f64>();
    let wrong = squares(&mut found.iter().zip(truth).map(|(f, t)| f - t));
    libm::sqrt(wrong / squares(&mut truth.iter().copied()))
}

/// The values of step `t`'s samples, in the batch's order, over `orders` orders and their
/// reverses.
fn by_orders(
    task: &Task,
    path: &Trajectory,
    t: usize,
    times: f64,
    orders: usize,
) -> Result<Vec<f64>, TruthError> {
    let step = &path.steps()[t];
    let mut model = path.end().clone();
    let gradients = gradients(task, &mut model, step)?;
    let mean = |model: &Mlp<f64>| -> Result<f64, TruthError> {
        Ok(model.losses(&task.test)?.iter().sum::<f64>() / task.test.len() as f64)
    };
    let plain = path.optimizer() == Optimizer::Sgd && path.weight_decay() == 0.0;
    let mut sum = vec![0.0; step.parameters.len()];
    if !plain {
        model.parameters_mut().copy_from_slice(&path.stepped(t, &sum, times));
    }
    let start = mean(&model)?;
    let mut rng = generator(task.seed.wrapping_mul(1_000_003).wrapping_add(t as u64), Purpose::Permute);
    let mut order: Vec<usize> = (0..gradients.len()).collect();
    let mut values = vec![0.0; order.len()];
    for _ in 0..orders {
        order.shuffle(&mut rng);
        for _ in 0..2 {
            order.reverse();
            model.parameters_mut().copy_from_slice(&step.parameters);
            sum.fill(0.0);
            let mut before = start;
            for &z in &order {
                if plain {
                    let moved = model.parameters_mut().iter_mut().zip(&gradients[z]);
                    moved.for_each(|(w, g)| *w -= times * step.rate * g);
                } else {
                    let share = 1.0 / step.batch.len() as f64;
                    sum.iter_mut().zip(&gradients[z]).for_each(|(sum, g)| *sum += share * g);
                    model.parameters_mut().copy_from_slice(&path.stepped(t, &sum, times));
                }
                let after = mean(&model)?;
                values[z] += (before - after) / (2 * orders) as f64;
                before = after;
            }
        }
    }
    Ok(values)
}

/// The gradients of a step's samples at `model`, which becomes the one before the step.
fn gradients(task: &Task, model: &mut Mlp<f64>, step: &Step) -> Result<Vec<Vec<f64>>, TruthError> {
    model.parameters_mut().copy_from_slice(&step.parameters);
    let mut scratch = Scratch::default();
    let mut rows = Vec::with_capacity(step.batch.len());
    for &i in &step.batch {
        let mut gradient = vec![0.0; step.parameters.len()];
        if let (Some(x), Some(&label)) = (task.train.row(i), task.train.labels().get(i)) {
            model.add_gradient(x, label, 1.0, &mut scratch, &mut gradient)?;
        }
        rows.push(gradient);
    }
    Ok(rows)
}

/// In-run Shapley by the core: the values of the utility expanded to first or second
/// order.
fn expanded(
    task: &Task,
    path: &Trajectory,
    step: &Step,
    times: f64,
    second: bool,
) -> Result<Vec<f64>, TruthError> {
    let mut model = path.end().clone();
    let gradients = gradients(task, &mut model, step)?;
    let p = step.parameters.len();
    let weight = 1.0 / task.test.len() as f64;
    let mut scratch = Scratch::default();
    let target = validation(task, &model)?;
    let mut curvature = vec![0.0; p];
    if second {
        let mut sum = vec![0.0; p];
        gradients.iter().for_each(|g| sum.iter_mut().zip(g).for_each(|(s, g)| *s += g));
        for (x, label) in task.test.samples() {
            model.add_product(Curvature::Hessian, x, label, weight, &sum, &mut scratch, &mut curvature)?;
        }
    }
    let rows: Vec<Vec<f32>> = gradients.iter().map(|row| narrow(row)).collect();
    let (target, curvature) = (narrow(&target), narrow(&curvature));
    values(times * step.rate, &target, second.then_some(&curvature[..]), &rows)
}

/// The gradient of the test samples' mean loss.
fn validation(task: &Task, model: &Mlp<f64>) -> Result<Vec<f64>, TruthError> {
    let weight = 1.0 / task.test.len() as f64;
    let mut target = vec![0.0; model.parameters().len()];
    for (x, label) in task.test.samples() {
        model.add_gradient(x, label, weight, &mut Scratch::default(), &mut target)?;
    }
    Ok(target)
}

fn narrow(row: &[f64]) -> Vec<f32> {
    row.iter().map(|&v| v as f32).collect()
}

/// The core's values of a step.
fn values(
    learning_rate: f64,
    target: &[f32],
    curvature: Option<&[f32]>,
    rows: &[Vec<f32>],
) -> Result<Vec<f64>, TruthError> {
    let p = target.len();
    let layout = Layout::flat(p as u64).map_err(core("in-run Shapley"))?;
    let id = Exact::new(p).id(layout.id());
    let sketch = |values| Sketch { id, values, measures: summarize(values), group: 0, loss: None };
    let batch: Vec<_> = rows.iter().map(|row| sketch(row)).enumerate().collect();
    let mut values = vec![0.0; batch.len()];
    let curvature = curvature.map(sketch);
    InRunShapley::new(&mut values)
        .observe_step(learning_rate, &sketch(target), curvature.as_ref(), &batch)
        .map_err(core("in-run Shapley"))?;
    Ok(values)
}

/// In-run Shapley by the core with the optimizer's own slopes, to first or second order
/// of the loss.
fn by_slopes(
    task: &Task,
    path: &Trajectory,
    t: usize,
    times: f64,
    second: bool,
) -> Result<Vec<f64>, TruthError> {
    let step = &path.steps()[t];
    let mut model = path.end().clone();
    let gradients = gradients(task, &mut model, step)?;
    let share = 1.0 / step.batch.len() as f64;
    let mut mean = vec![0.0; step.parameters.len()];
    gradients.iter().for_each(|row| mean.iter_mut().zip(row).for_each(|(mean, g)| *mean += share * g));
    let mut variance = vec![0.0; mean.len()];
    for row in &gradients {
        let entries = variance.iter_mut().zip(row.iter().zip(&mean));
        entries.for_each(|(sum, (g, mean))| *sum += (g - mean) * (g - mean));
    }
    let pairs = (gradients.len() * gradients.len().saturating_sub(1)).max(1) as f64;
    variance.iter_mut().for_each(|sum| *sum /= pairs);
    let seen = [&mean[..], &variance].map(narrow);
    let mut target = narrow(&validation(task, &model)?);
    precondition(path, t, times, &seen, &mut target)?;
    let mut curvature = vec![0.0; mean.len()];
    if second {
        // Half-way from where the step ends without gradients to where it ends with them.
        let ends = [path.stepped(t, &vec![0.0; mean.len()], times), path.stepped(t, &mean, times)];
        let middle = ends[0].iter().zip(&ends[1]).zip(&step.parameters);
        let along: Vec<f64> = middle.map(|((without, with), w)| w - (without + with) / 2.0).collect();
        let mut scratch = Scratch::default();
        let weight = 1.0 / task.test.len() as f64;
        for (x, label) in task.test.samples() {
            model.add_product(Curvature::Hessian, x, label, weight, &along, &mut scratch, &mut curvature)?;
        }
    }
    let mut curvature = narrow(&curvature);
    precondition(path, t, times, &seen, &mut curvature)?;
    // The core takes half of the learning rate's square for its weight.
    curvature.iter_mut().for_each(|w| *w *= 2.0 / share as f32);
    let rows: Vec<Vec<f32>> = gradients.iter().map(|row| narrow(row)).collect();
    values(share, &target, second.then_some(&curvature[..]), &rows)
}

/// Multiplies by the slopes of step `t`, which saw a mean gradient of some variance.
fn precondition(
    path: &Trajectory,
    t: usize,
    times: f64,
    [mean, variance]: &[Vec<f32>; 2],
    target: &mut [f32],
) -> Result<(), TruthError> {
    let step = &path.steps()[t];
    let learning_rate = times * step.learning_rate();
    let slope = match path.optimizer() {
        Optimizer::Sgd | Optimizer::Momentum { .. } => learning_rate,
        Optimizer::Nesterov { momentum } => learning_rate * (1.0 + f64::from(momentum)),
        Optimizer::Adam { beta1, beta2, epsilon } | Optimizer::AdamW { beta1, beta2, epsilon } => {
            let [beta1, beta2, epsilon] = [beta1, beta2, epsilon].map(f64::from);
            let adam = AdamSlopes { learning_rate, number: t as u64 + 1, beta1, beta2, epsilon };
            let (first, second) = (narrow(&step.moments.first), narrow(&step.moments.second));
            let seen = AdamStep { mean, variance, first: &first, second: &second };
            return adam.precondition(&seen, target).map_err(core("Adam's slopes"));
        }
    };
    target.iter_mut().for_each(|target| *target *= slope as f32);
    Ok(())
}
