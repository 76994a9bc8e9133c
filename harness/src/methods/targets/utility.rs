//! Utility: the mean loss of a validation set, ℓ̄ = (1/m) Σ ℓ(z), in nats; v = (1/m) Σ
//! ∇ℓ(z). *Cost*: a gradient a sample.

use super::Objective;
use crate::data::Dataset;
use crate::model::{Mlp, ModelError, Scratch};

/// The mean loss of `set` and its gradient.
///
/// # Errors
/// A set that is not the model's shape.
pub fn utility(model: &Mlp<f64>, set: &Dataset) -> Result<Objective, ModelError> {
    let mut gradient = vec![0.0; model.parameters().len()];
    let mut scratch = Scratch::default();
    let share = 1.0 / set.len() as f64;
    let mut value = 0.0;
    for (x, label) in set.samples() {
        value += share * model.add_gradient(x, label, share, &mut scratch, &mut gradient)?;
    }
    Ok(Objective { value, gradient })
}

#[cfg(test)]
mod tests {
    use super::super::super::ascent::tests::learnt;
    use super::super::tests::assert_gradient;
    use super::*;

    #[test]
    fn its_gradient_is_that_of_the_mean_loss() {
        let (model, _, _, set) = learnt();
        let objective = utility(&model, &set).unwrap();
        let mean = |m: &Mlp<f64>| m.losses(&set).unwrap().iter().sum::<f64>() / set.len() as f64;
        assert_gradient(&objective, &model, 1e-7, mean);
    }
}
