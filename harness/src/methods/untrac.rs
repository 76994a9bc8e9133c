//! UnTrac: unlearn a part of the training data by ascent and see which target losses
//! rise; UnTrac-Inv: unlearn the targets and see which training losses rise.
//!
//! - UnTrac: score(S, v) = ℓ_v(θ_S′) − ℓ_v(θ), θ_S′ after an ascent on the mean loss of
//!   the part S: one ascent a part.
//! - UnTrac-Inv: score(S, V) = ℓ̄_S(θ_V′) − ℓ̄_S(θ), θ_V′ after an ascent on the mean
//!   loss of the targets V: one ascent for all parts.
//!
//! Positive is helpful: forgetting the one makes the other worse. Scale: nats. The source
//! ascends with Adam, whose steps do not vanish with the gradients of samples that are
//! fitted well. Source: Isonuma & Titov 2024, "Unlearning Traces the Influential Training
//! Data of Language Models".

use super::ascent::{Ascent, ascend};
use crate::data::Dataset;
use crate::model::{Mlp, ModelError};

/// The score of one part of the training data (by its samples' indices) for every target,
/// in the targets' order.
///
/// # Errors
/// As [`ascend`]; targets of another shape.
pub fn untrac(
    model: &Mlp<f64>,
    train: &Dataset,
    part: &[usize],
    targets: &Dataset,
    ascent: Ascent,
) -> Result<Vec<f64>, ModelError> {
    let after = ascend(model, train, part, ascent)?.losses(targets)?;
    Ok(after.iter().zip(model.losses(targets)?).map(|(after, before)| after - before).collect())
}

/// The score of every part of the training data for the targets at `indices` together, in
/// the parts' order.
///
/// # Errors
/// As [`ascend`]; a part that is empty or has an index past the end.
pub fn untrac_inverse(
    model: &Mlp<f64>,
    train: &Dataset,
    parts: &[Vec<usize>],
    targets: &Dataset,
    indices: &[usize],
    ascent: Ascent,
) -> Result<Vec<f64>, ModelError> {
    let refused = |found: usize| ModelError::Range {
        what: "a part's samples",
        found: found as f64,
        expected: "at least one, each below the number of samples",
    };
    let after = ascend(model, targets, indices, ascent)?.losses(train)?;
    let before = model.losses(train)?;
    let mean = |part: &Vec<usize>| {
        let mut sum = 0.0;
        for &i in part {
            let (Some(after), Some(before)) = (after.get(i), before.get(i)) else { return Err(refused(i)) };
            sum += after - before;
        }
        if part.is_empty() { Err(refused(0)) } else { Ok(sum / part.len() as f64) }
    };
    parts.iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::super::ascent::Rule;
    use super::super::ascent::tests::{gradient, learnt};
    use super::*;

    #[test]
    fn one_small_step_gives_dot_products_with_the_direction_of_the_step() {
        let (model, _, train, test) = learnt();
        let sum = |set: &Dataset, part: &[usize]| -> Vec<f64> {
            let rows: Vec<Vec<f64>> = part.iter().map(|&i| gradient(&model, set, i)).collect();
            (0..rows[0].len()).map(|c| rows.iter().map(|r| r[c]).sum::<f64>() / part.len() as f64).collect()
        };
        let dot = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
        let rate = 1e-7;
        let parts = [vec![0, 4, 9], vec![2]];
        for rule in [Rule::Gradient, Rule::Adam] {
            let ascent = Ascent { steps: 1, rate, rule };
            let along = |g: Vec<f64>| -> Vec<f64> {
                let step = |g: f64| if rule == Rule::Adam { g / (g.abs() + 1e-8) } else { g };
                g.into_iter().map(step).collect()
            };
            for part in &parts {
                let direction = along(sum(&train, part));
                for (j, score) in untrac(&model, &train, part, &test, ascent).unwrap().iter().enumerate() {
                    let expected = dot(&gradient(&model, &test, j), &direction);
                    assert!((score / rate - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{rule:?}");
                }
            }
            let direction = along(sum(&test, &[1, 5]));
            let scores = untrac_inverse(&model, &train, &parts, &test, &[1, 5], ascent).unwrap();
            for (part, score) in parts.iter().zip(scores) {
                let expected = dot(&sum(&train, part), &direction);
                assert!((score / rate - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{rule:?}");
            }
        }
        let ascent = Ascent { steps: 1, rate, rule: Rule::Adam };
        assert!(untrac_inverse(&model, &train, &[vec![]], &test, &[0], ascent).is_err());
        assert!(untrac_inverse(&model, &train, &[vec![30]], &test, &[0], ascent).is_err());
    }
}
