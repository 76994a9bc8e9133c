//! Shapley values of the samples of single steps, against what in-run Shapley says of
//! them.
//!
//! The utility of a part S of a step's batch is what the step would gain from it alone,
//! U(S) = ℓ̄(θ) − ℓ̄(θ − η Σ_{z∈S} g_z), with ℓ̄ the mean loss of the test samples; a
//! sample's value is its gain, averaged over the orders in which samples can join (by
//! Monte Carlo: each drawn order and its reverse, which cancels what is odd in the
//! place). Nats; positive is helpful.
//!
//! Beside the steps as they were, the same steps [`LARGE`] times as large: there the
//! second order shows. The figures are means over the steps: Spearman's correlation, and
//! the error ‖φ̂ − φ‖/‖φ‖, which ranks cannot hide.

use gradsieve::influence::InRunShapley;
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
use crate::model::{Curvature, Mlp, Scratch, Step, Trajectory};

/// How much larger the large steps are.
pub const LARGE: f64 = 8.0;

/// Steps that are looked at, evenly spaced.
const STEPS: usize = 8;

const FIRST: Whose<'_> = Whose { name: "first order", about: "η v·g" };
const SECOND: Whose<'_> = Whose { name: "second order", about: "η v·g − (η²/2) g·HΣg" };

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
        for second in [false, true] {
            let clock = std::time::Instant::now();
            let (mut ranks, mut errors) = (Vec::new(), Vec::new());
            for (&t, truth) in steps.iter().zip(&truth) {
                let values = expanded(task, &path, &path.steps()[t], times, second)?;
                ranks.push(spearman(&values, truth)?);
                errors.push(distance(&values, truth));
            }
            let seconds = clock.elapsed().as_secs_f64();
            let whose = if second { SECOND } else { FIRST };
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
    let start = mean(&model)?;
    let mut rng = generator(task.seed.wrapping_mul(1_000_003).wrapping_add(t as u64), Purpose::Permute);
    let mut order: Vec<usize> = (0..gradients.len()).collect();
    let mut values = vec![0.0; order.len()];
    for _ in 0..orders {
        order.shuffle(&mut rng);
        for _ in 0..2 {
            order.reverse();
            model.parameters_mut().copy_from_slice(&step.parameters);
            let mut before = start;
            for &z in &order {
                let moved = model.parameters_mut().iter_mut().zip(&gradients[z]);
                moved.for_each(|(w, g)| *w -= times * step.rate * g);
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
    let mut target = vec![0.0; p];
    for (x, label) in task.test.samples() {
        model.add_gradient(x, label, weight, &mut scratch, &mut target)?;
    }
    let mut curvature = vec![0.0; p];
    if second {
        let mut sum = vec![0.0; p];
        gradients.iter().for_each(|g| sum.iter_mut().zip(g).for_each(|(s, g)| *s += g));
        for (x, label) in task.test.samples() {
            model.add_product(Curvature::Hessian, x, label, weight, &sum, &mut scratch, &mut curvature)?;
        }
    }
    let layout = Layout::flat(p as u64).map_err(core("in-run Shapley"))?;
    let id = Exact::new(p).id(layout.id());
    let narrow = |row: &[f64]| row.iter().map(|&v| v as f32).collect::<Vec<f32>>();
    let rows: Vec<Vec<f32>> = gradients.iter().map(|row| narrow(row)).collect();
    let (target, curvature) = (narrow(&target), narrow(&curvature));
    let sketch = |values| Sketch { id, values, measures: summarize(values), group: 0, loss: None };
    let batch: Vec<_> = rows.iter().map(|row| sketch(row)).enumerate().collect();
    let mut values = vec![0.0; batch.len()];
    let curvature = second.then(|| sketch(&curvature));
    InRunShapley::new(&mut values)
        .observe_step(times * step.rate, &sketch(&target), curvature.as_ref(), &batch)
        .map_err(core("in-run Shapley"))?;
    Ok(values)
}
