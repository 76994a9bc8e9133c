//! Forward-INF, by the mirrored influence hypothesis: unlearn the *target* by a few steps
//! of ascent, and see which training losses rise.
//!
//! score(z, v) = ℓ(z; θ′) − ℓ(z; θ), with θ′ after an ascent on ℓ_v. Positive is helpful:
//! what v needs and what z needs are the same weights. Scale: nats; with one small step
//! it is η·g_z·v. Source: Ko et al. 2024, "The Mirrored Influence Hypothesis".
//!
//! *Cost*: the ascent's backward passes, and two forward passes a training sample, of
//! which the one at θ can serve all targets.

use super::ascent::{Ascent, ascend};
use crate::data::Dataset;
use crate::model::{Mlp, ModelError};

/// The score of every training sample for the samples of `targets` at `indices` together,
/// in the training set's order.
///
/// # Errors
/// As [`ascend`]; a training set of another shape.
pub fn forward_inf(
    model: &Mlp<f64>,
    train: &Dataset,
    targets: &Dataset,
    indices: &[usize],
    ascent: Ascent,
) -> Result<Vec<f64>, ModelError> {
    let after = ascend(model, targets, indices, ascent)?.losses(train)?;
    Ok(after.iter().zip(model.losses(train)?).map(|(after, before)| after - before).collect())
}

#[cfg(test)]
mod tests {
    use super::super::ascent::Rule;
    use super::super::ascent::tests::{gradient, learnt};
    use super::*;

    #[test]
    fn one_small_step_gives_the_gradients_dot_product() {
        let (model, _, train, test) = learnt();
        let ascent = Ascent { steps: 1, rate: 1e-7, rule: Rule::Gradient };
        for j in 0..test.len() {
            let target = gradient(&model, &test, j);
            let scores = forward_inf(&model, &train, &test, &[j], ascent).unwrap();
            for (i, score) in scores.iter().enumerate() {
                let dot: f64 = gradient(&model, &train, i).iter().zip(&target).map(|(g, v)| g * v).sum();
                assert!((score / 1e-7 - dot).abs() < 1e-4 * (1.0 + dot.abs()), "{score} {dot}");
            }
        }
    }

    #[test]
    fn a_target_that_is_unlearnt_harms_itself_most() {
        let (model, _, train, _) = learnt();
        let ascent = Ascent { steps: 5, rate: 0.1, rule: Rule::Gradient };
        let hardest = (0..train.len())
            .max_by(|&a, &b| model.losses(&train).unwrap()[a].total_cmp(&model.losses(&train).unwrap()[b]))
            .unwrap();
        let scores = forward_inf(&model, &train, &train, &[hardest], ascent).unwrap();
        assert!(scores.iter().enumerate().all(|(i, s)| i == hardest || *s < scores[hardest]));
    }
}
