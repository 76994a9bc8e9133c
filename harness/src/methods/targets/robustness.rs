//! Adversarial robustness: the mean loss of inputs that were changed, within bounds, to
//! raise it: (1/m) Σ ℓ(x′, y), v = (1/m) Σ ∇ℓ(x′, y).
//!
//! x′ is found by signs of the input's gradient: x ← clip(x + α sign ∇_x ℓ), within ε of
//! where it began and within the features' range; one step of α = ε (FGSM: Goodfellow et
//! al. 2015, arXiv 1412.6572), or more of α = 2.5 ε/steps (PGD without a random start:
//! Madry et al. 2018, arXiv 1706.06083). v holds x′ fixed: where x′ is the worst input,
//! that is the gradient of the worst loss (Danskin).
//!
//! *Cost*: a backward pass a step and sample, and one for v.

use super::{Objective, utility};
use crate::data::Dataset;
use crate::model::{Mlp, ModelError, Scratch};

/// How inputs are changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attack {
    /// The most that a feature is changed by.
    pub epsilon: f32,
    /// Steps.
    pub steps: usize,
    /// The least and the largest value that a feature may have.
    pub range: (f32, f32),
}

impl Attack {
    fn check(&self) -> Result<(), ModelError> {
        let refuse = |what, found, expected| Err(ModelError::Range { what, found, expected });
        if !(self.epsilon >= 0.0 && self.epsilon.is_finite()) {
            return refuse("bound of an attack", self.epsilon.into(), "a number that is not negative");
        }
        if self.steps == 0 {
            return refuse("steps of an attack", 0.0, "at least 1");
        }
        let (least, most) = self.range;
        if least <= most {
            Ok(())
        } else {
            refuse("least feature of an attack", least.into(), "at most the largest")
        }
    }
}

/// The samples of `set` with the inputs that `attack` makes of theirs against `model`.
///
/// # Errors
/// A negative or infinite bound, no step, an empty range; a set that is not the model's
/// shape.
pub fn adversarial(model: &Mlp<f64>, set: &Dataset, attack: Attack) -> Result<Dataset, ModelError> {
    attack.check()?;
    let step = if attack.steps == 1 { attack.epsilon } else { 2.5 * attack.epsilon / attack.steps as f32 };
    let mut scratch = Scratch::default();
    let mut gradient = vec![0.0; set.dim()];
    let mut features = Vec::with_capacity(set.features().len());
    for (x, label) in set.samples() {
        let mut moved = x.to_vec();
        for _ in 0..attack.steps {
            model.input_gradient_into(&moved, label, &mut scratch, &mut gradient)?;
            for ((to, &from), &g) in moved.iter_mut().zip(x).zip(&gradient) {
                let sign = f32::from(i8::from(g > 0.0) - i8::from(g < 0.0));
                let within = (*to + step * sign).max(from - attack.epsilon).min(from + attack.epsilon);
                *to = within.max(attack.range.0).min(attack.range.1);
            }
        }
        features.extend(moved);
    }
    set.clone().with_features(features).map_err(|_| ModelError::Range {
        what: "range of an attack",
        found: attack.range.1.into(),
        expected: "finite numbers",
    })
}

/// The mean loss under `attack` and its gradient.
///
/// # Errors
/// As [`adversarial`].
pub fn robustness(model: &Mlp<f64>, set: &Dataset, attack: Attack) -> Result<Objective, ModelError> {
    utility(model, &adversarial(model, set, attack)?)
}

#[cfg(test)]
mod tests {
    use super::super::super::ascent::tests::learnt;
    use super::super::tests::assert_gradient;
    use super::*;
    use crate::data::blobs;
    use crate::model::{TrainConfig, Trajectory};

    const WIDE: (f32, f32) = (-100.0, 100.0);

    fn mean(model: &Mlp<f64>, set: &Dataset) -> f64 {
        model.losses(set).unwrap().iter().sum::<f64>() / set.len() as f64
    }

    #[test]
    fn its_gradient_is_that_of_the_loss_at_the_changed_inputs() {
        let (model, _, _, set) = learnt();
        let attack = Attack { epsilon: 0.2, steps: 5, range: WIDE };
        let changed = adversarial(&model, &set, attack).unwrap();
        assert_gradient(&robustness(&model, &set, attack).unwrap(), &model, 1e-7, |m| mean(m, &changed));
    }

    #[test]
    fn of_two_classes_without_a_hidden_layer_it_is_the_gradient_of_the_worst_loss() {
        let set = blobs(30, 2, 4, 2.0, 5).unwrap();
        let config = TrainConfig { hidden: vec![], epochs: 3, batch_size: 10, ..TrainConfig::default() };
        let model = Trajectory::record(&set, &config).unwrap().end().clone();
        let attack = Attack { epsilon: 0.125, steps: 1, range: WIDE };
        let objective = robustness(&model, &set, attack).unwrap();
        // The worst inputs lie in a corner of the box, and the same one for a model that
        // is a little different.
        assert_gradient(&objective, &model, 1e-6, |m| robustness(m, &set, attack).unwrap().value);
        let w = model.parameters();
        let worst = set.samples().map(|(x, label)| {
            let along = |c: usize| {
                w[4 * c..4 * c + 4].iter().zip(x).map(|(w, &x)| w * f64::from(x)).sum::<f64>() + w[8 + c]
            };
            let reach: f64 = (0..4).map(|k| (w[k] - w[4 + k]).abs()).sum::<f64>() * 0.125;
            let margin = along(label as usize) - along(1 - label as usize) - reach;
            (-margin).exp().ln_1p()
        });
        let worst = worst.sum::<f64>() / set.len() as f64;
        assert!((objective.value - worst).abs() < 1e-6 * worst, "{} {worst}", objective.value);
    }

    #[test]
    fn changed_inputs_stay_within_their_bounds_and_more_steps_find_worse_ones() {
        let (model, _, _, set) = learnt();
        let range = (-1.0, 1.5);
        let inside = set.features().iter().map(|x| x.clamp(range.0, range.1)).collect();
        let set = set.with_features(inside).unwrap();
        let of = |steps, epsilon| adversarial(&model, &set, Attack { epsilon, steps, range }).unwrap();
        for steps in [1, 10] {
            let changed = of(steps, 0.3);
            for (a, b) in changed.features().iter().zip(set.features()) {
                assert!((a - b).abs() <= 0.3 + 1e-6 && (range.0..=range.1).contains(a));
            }
        }
        let clean = mean(&model, &set);
        let (one, ten) = (mean(&model, &of(1, 0.3)), mean(&model, &of(10, 0.3)));
        assert!(one > clean && ten >= 0.99 * one, "{clean} {one} {ten}");
        assert_eq!(of(3, 0.0), set);
    }

    #[test]
    fn attacks_that_make_no_sense_are_refused() {
        let (model, _, _, set) = learnt();
        let usual = Attack { epsilon: 0.1, steps: 1, range: (0.0, 1.0) };
        for attack in [
            Attack { epsilon: -0.1, ..usual },
            Attack { epsilon: f32::NAN, ..usual },
            Attack { steps: 0, ..usual },
            Attack { range: (1.0, 0.0), ..usual },
            Attack { range: (f32::INFINITY, f32::INFINITY), ..usual },
        ] {
            assert!(robustness(&model, &set, attack).is_err(), "{attack:?}");
        }
    }
}
