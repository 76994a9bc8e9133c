//! How far a run's steps are from those that a form of a trajectory method takes for
//! granted, by the core's [`Fit`]. Parameters and gradients are not projected, whatever
//! the method sees.

use gradsieve::influence::{Fit, SgdForm, StepProducts, StepVectors};

use super::super::error::{TruthError, core};
use super::super::evidence::{Evidence, Quantity};
use super::dvemb::{betas, last_scale};
use crate::model::{Moments, Optimizer, Trajectory};

const WHAT: &str = "the fit of a form";

/// Plain SGD's form.
pub(super) fn sgd(evidence: &Evidence<'_>) -> Result<Option<f64>, TruthError> {
    of_family(evidence, &SgdForm::default())
}

/// The form of the optimizer that was used, or with sketches and Adam's the frozen one.
pub(super) fn own(evidence: &Evidence<'_>) -> Result<Option<f64>, TruthError> {
    let path = evidence.path()?;
    let weight_decay = path.weight_decay();
    let plain = SgdForm { weight_decay, ..SgdForm::default() };
    match path.optimizer() {
        Optimizer::Sgd => of_family(evidence, &plain),
        Optimizer::Momentum { momentum } => {
            of_family(evidence, &SgdForm { momentum: momentum.into(), ..plain })
        }
        Optimizer::Nesterov { momentum } => {
            of_family(evidence, &SgdForm { momentum: momentum.into(), nesterov: true, ..plain })
        }
        Optimizer::Adam { .. } | Optimizer::AdamW { .. } if evidence.dim.is_some() => frozen(evidence),
        Optimizer::Adam { .. } | Optimizer::AdamW { .. } => adam(evidence, false),
    }
}

/// Adam's with its last second moments for all steps.
pub(super) fn frozen(evidence: &Evidence<'_>) -> Result<Option<f64>, TruthError> {
    adam(evidence, true)
}

/// The numbers of the steps that the removal may change.
fn steps(evidence: &Evidence<'_>, path: &Trajectory) -> std::ops::Range<usize> {
    path.first_step(evidence.removal)..path.steps().len()
}

fn narrow(numbers: impl IntoIterator<Item = f64>) -> Vec<f32> {
    numbers.into_iter().map(|x| x as f32).collect()
}

/// What step `t` did.
fn change(path: &Trajectory, t: usize) -> Vec<f32> {
    let step = &path.steps()[t].parameters;
    let after = path.steps().get(t + 1).map_or(path.end().parameters(), |next| &next.parameters);
    narrow(after.iter().zip(step).map(|(after, before)| after - before))
}

/// What it saw: the mean gradient of its batch.
fn mean(evidence: &Evidence<'_>, path: &Trajectory, t: usize) -> Result<Vec<f32>, TruthError> {
    let batch = &path.steps()[t].batch;
    let whole = Evidence { dim: None, ..*evidence };
    let rows = whole.rows_of(&path.model_before(t), evidence.train, batch, Quantity::Loss)?;
    let mut sums = vec![0.0; rows.width()];
    for row in rows.values.chunks_exact(rows.width()) {
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    Ok(narrow(sums.into_iter().map(|sum| sum / batch.len() as f64)))
}

fn of_family(evidence: &Evidence<'_>, form: &SgdForm) -> Result<Option<f64>, TruthError> {
    let path = evidence.path()?;
    let steps = steps(evidence, path);
    let (mut fit, mut before) = (Fit::new(), None);
    if let Some(t) = steps.start.checked_sub(1).filter(|_| !steps.is_empty()) {
        before = Some((change(path, t), mean(evidence, path, t)?));
    }
    for t in steps {
        let step = &path.steps()[t];
        let (change, gradient) = (change(path, t), mean(evidence, path, t)?);
        let (change_before, gradient_before) =
            before.as_ref().map_or((&[][..], &[][..]), |(change, gradient)| (change, gradient));
        let parameters = narrow(step.parameters.iter().copied());
        let vectors = StepVectors {
            change: &change,
            gradient: &gradient,
            change_before,
            gradient_before,
            parameters: &parameters,
        };
        let products = StepProducts::of(&vectors).map_err(core(WHAT))?;
        let rate_before = t.checked_sub(1).map(|before| path.steps()[before].learning_rate());
        fit.observe_products(form, step.learning_rate(), rate_before, &products).map_err(core(WHAT))?;
        before = Some((change, gradient));
    }
    Ok(fit.residual())
}

/// Adam's step from the moments that were recorded behind it; `frozen`: with the last
/// second moments.
fn adam(evidence: &Evidence<'_>, frozen: bool) -> Result<Option<f64>, TruthError> {
    let path = evidence.path()?;
    let [beta1, beta2, epsilon] = betas(path)?;
    let decoupled = matches!(path.optimizer(), Optimizer::AdamW { .. });
    let last = last_scale(path)?;
    let mut fit = Fit::new();
    for t in steps(evidence, path) {
        let step = &path.steps()[t];
        let Moments { first, second } = path.moments_after(t);
        let [one, two] = [beta1, beta2].map(|beta| 1.0 - libm::pow(beta, t as f64 + 1.0));
        let decay = if decoupled { path.weight_decay() } else { 0.0 };
        let moved = first.iter().zip(second).zip(step.parameters.iter().zip(&last));
        let expected = narrow(moved.map(|((m, v), (theta, last))| {
            let scale = if frozen { *last } else { 1.0 / (libm::sqrt(v / two) + epsilon) };
            -step.learning_rate() * (m / one * scale + decay * theta)
        }));
        fit.observe(&change(path, t), &expected).map_err(core(WHAT))?;
    }
    Ok(fit.residual())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::blobs;
    use crate::model::TrainConfig;

    #[test]
    fn a_runs_own_form_fits_and_plain_sgds_does_not() {
        let train = blobs(40, 3, 5, 2.0, 1).unwrap();
        let config = TrainConfig {
            hidden: vec![6],
            epochs: 3,
            batch_size: 9,
            learning_rate: 0.02,
            weight_decay: 0.1,
            ..TrainConfig::default()
        };
        use Optimizer as O;
        for optimizer in [O::Sgd, O::MOMENTUM, O::NESTEROV, O::ADAMW] {
            let config = TrainConfig { optimizer, ..config.clone() };
            let path = Trajectory::record(&train, &config).unwrap();
            let model = path.model();
            for removal in [crate::model::Removal::LastEpoch, crate::model::Removal::AllEpochs] {
                let evidence = Evidence {
                    trajectory: Some(&path),
                    removal,
                    ..Evidence::new(&train, &train, &model, &config)
                };
                let [own, plain] = [own, sgd].map(|fit| fit(&evidence).unwrap().unwrap());
                assert!(own < 1e-5, "{optimizer:?}, {}: {own}", removal.name());
                // Of SGD's own steps it leaves out the decay alone.
                let least = if optimizer == O::Sgd { 0.01 } else { 0.5 };
                assert!(plain > least, "{optimizer:?}, {}: {plain}", removal.name());
                if optimizer == O::ADAMW {
                    let frozen = frozen(&evidence).unwrap().unwrap();
                    assert!(frozen > 1e-3 && frozen < plain, "{frozen}");
                }
            }
        }
    }
}
