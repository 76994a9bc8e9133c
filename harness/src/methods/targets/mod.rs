//! What a target may be besides one sample's loss: the utility of a model, its fairness
//! between groups, its robustness to adversarial inputs.
//!
//! Each is a number that is better when it is smaller, with its gradient v by the
//! parameters. A gradient like any other: any method of influence takes it as its target,
//! and a positive influence is that of a sample without which the number would rise.
//! Source of the three kinds: "Revisit, Extend, and Enhance Hessian-Free Influence
//! Functions", 2024, arXiv 2405.17490.

mod fairness;
mod robustness;
mod utility;

pub use fairness::{Criterion, fairness};
pub use robustness::{Attack, adversarial, robustness};
pub use utility::utility;

/// A number to make small, and its gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// The number.
    pub value: f64,
    /// Its derivatives by the parameters, p of them.
    pub gradient: Vec<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Mlp;

    /// Compares an objective's gradient with central differences of `value`.
    pub(super) fn assert_gradient(
        objective: &Objective,
        model: &Mlp<f64>,
        tolerance: f64,
        value: impl Fn(&Mlp<f64>) -> f64,
    ) {
        const STEP: f64 = 1e-6;
        let largest = objective.gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
        assert!(largest > 0.0);
        assert!((objective.value - value(model)).abs() < 1e-12);
        for (i, gradient) in objective.gradient.iter().enumerate() {
            let moved = |by: f64| {
                let mut model = model.clone();
                model.parameters_mut()[i] += by;
                value(&model)
            };
            let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            assert!((gradient - difference).abs() < tolerance * largest, "{i}: {gradient} {difference}");
        }
    }
}
