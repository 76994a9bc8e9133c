//! A few steps *up* the mean loss of some samples: what unlearning them means to
//! Forward-INF and UnTrac.
//!
//! Gradient ascent θ ← θ + η ∇ℓ̄, or Adam's direction (Kingma & Ba 2015, β = 0.9 and
//! 0.999, ε = 10⁻⁸, bias corrected), in which every coordinate moves by about η a step
//! however small its gradient is.

use crate::data::Dataset;
use crate::model::{Mlp, ModelError, Scratch};

/// Which rule turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Along the gradient.
    Gradient,
    /// Adam's.
    Adam,
}

/// Settings of an ascent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ascent {
    /// How many steps.
    pub steps: usize,
    /// η of the mean loss.
    pub rate: f64,
    /// The rule.
    pub rule: Rule,
}

/// The model after an ascent on the mean loss of the samples at `indices`.
///
/// # Errors
/// No index, or one past the end; a set that is not the model's shape.
pub fn ascend(
    model: &Mlp<f64>,
    set: &Dataset,
    indices: &[usize],
    ascent: Ascent,
) -> Result<Mlp<f64>, ModelError> {
    if indices.is_empty() {
        return Err(ModelError::Range { what: "samples to unlearn", found: 0.0, expected: "at least 1" });
    }
    let mut model = model.clone();
    let p = model.parameters().len();
    let mut scratch = Scratch::default();
    let (mut gradient, mut first, mut second) = (vec![0.0; p], vec![0.0; p], vec![0.0; p]);
    let (mut power1, mut power2) = (1.0, 1.0);
    for _ in 0..ascent.steps {
        gradient.fill(0.0);
        for &i in indices {
            let (Some(x), Some(&label)) = (set.row(i), set.labels().get(i)) else {
                let expected = "an index below the number of samples";
                return Err(ModelError::Range { what: "index of a sample", found: i as f64, expected });
            };
            model.add_gradient(x, label, 1.0 / indices.len() as f64, &mut scratch, &mut gradient)?;
        }
        if ascent.rule == Rule::Adam {
            power1 *= 0.9;
            power2 *= 0.999;
            for ((g, m), v) in gradient.iter_mut().zip(&mut first).zip(&mut second) {
                *m = 0.9 * *m + 0.1 * *g;
                *v = 0.999 * *v + 0.001 * *g * *g;
                *g = (*m / (1.0 - power1)) / (libm::sqrt(*v / (1.0 - power2)) + 1e-8);
            }
        }
        model.parameters_mut().iter_mut().zip(&gradient).for_each(|(w, g)| *w += ascent.rate * g);
    }
    Ok(model)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::data::blobs;
    use crate::model::{Mlp, TrainConfig, train};

    /// A model that has learnt a little, and samples.
    pub(crate) fn learnt() -> (Mlp<f64>, Mlp, Dataset, Dataset) {
        let train_set = blobs(30, 3, 4, 2.0, 5).unwrap();
        let test_set = blobs(6, 3, 4, 2.0, 6).unwrap();
        let config = TrainConfig { hidden: vec![5], epochs: 4, batch_size: 10, ..TrainConfig::default() };
        let model = train(&train_set, &config, |_| {}).unwrap().model;
        (model.widened(), model, train_set, test_set)
    }

    pub(crate) fn gradient(model: &Mlp<f64>, set: &Dataset, i: usize) -> Vec<f64> {
        let mut sum = vec![0.0; model.parameters().len()];
        let (x, label) = (set.row(i).unwrap(), set.labels()[i]);
        model.add_gradient(x, label, 1.0, &mut Scratch::default(), &mut sum).unwrap();
        sum
    }

    #[test]
    fn one_step_goes_along_the_gradient_or_by_its_signs() {
        let (model, _, set, _) = learnt();
        let gradient = gradient(&model, &set, 3);
        for (rule, step) in [
            (Rule::Gradient, &(|g: f64| 0.01 * g) as &dyn Fn(f64) -> f64),
            (Rule::Adam, &|g: f64| 0.01 * g / (g.abs() + 1e-8)),
        ] {
            let moved = ascend(&model, &set, &[3], Ascent { steps: 1, rate: 0.01, rule }).unwrap();
            for ((a, b), g) in moved.parameters().iter().zip(model.parameters()).zip(&gradient) {
                assert!((a - b - step(*g)).abs() < 1e-12, "{rule:?} {} {}", a - b, step(*g));
            }
        }
        let still = Ascent { steps: 0, rate: 1.0, rule: Rule::Adam };
        assert_eq!(ascend(&model, &set, &[3], still).unwrap(), model);
        assert!(ascend(&model, &set, &[], still).is_err());
        assert!(ascend(&model, &set, &[99], Ascent { steps: 1, ..still }).is_err());
    }
}
