//! Products with the second derivatives of the loss, in f64 and exact: the Hessian and
//! the generalised Gauss–Newton matrix.
//!
//! With a_0 = x, z_l = W_l a_l + c_l, a_{l+1} = max(z_l, 0), p = softmax(z_L), δ_L = p −
//! 1_y, and a dot for the derivative along a direction (V_l, v_l) of the parameters
//! (Pearlmutter 1994, forward over reverse):
//!
//! - forward ż_l = W_l ȧ_l + V_l a_l + v_l, ȧ_{l+1} = ż_l ⊙ 1(z_l > 0), ȧ_0 = 0;
//! - δ̇_L = p ⊙ (ż_L − p·ż_L), and backward δ̇_l = (W_{l+1}ᵀ δ̇_{l+1} + V_{l+1}ᵀ δ_{l+1})
//!   ⊙ 1(z_l > 0);
//! - the **Hessian** times the direction is δ̇_l a_lᵀ + δ_l ȧ_lᵀ for W_l and δ̇_l for
//!   c_l.
//!
//! The **generalised Gauss–Newton** matrix JᵀΛJ, with Λ = diag p − ppᵀ, is what remains
//! without the second derivatives of the network: δ̇_L goes back through Wᵀ alone, and
//! the product is δ̇_l a_lᵀ. It is positive semi-definite; without hidden layers both are
//! one. Where a hidden sum is exactly 0 the one-sided derivative of the dead side is
//! meant, as in the gradient.
//!
//! *Cost*: 4p multiplications a product. The scratch is reused, so no sample allocates.

use super::error::{ModelError, check_length};
use super::layers::Layer;
use super::loss::softmax;
use super::mlp::{LayerGradient, Mlp, Scratch, add_transposed, mask};
use super::real::Real as _;
use crate::data::Dataset;

/// Which matrix of second derivatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curvature {
    /// The Hessian of the loss: exact, and indefinite where there are hidden layers.
    Hessian,
    /// The generalised Gauss–Newton matrix: positive semi-definite.
    GaussNewton,
}

impl Mlp<f64> {
    /// Adds `weight` times the curvature of one sample's loss times `direction` to `sum`,
    /// both p long.
    ///
    /// # Errors
    /// As [`add_gradient`](Self::add_gradient), or a `direction` of another length.
    #[allow(
        clippy::too_many_arguments,
        reason = "a sample, its weight, a direction and where the product goes"
    )]
    pub fn add_product(
        &self,
        curvature: Curvature,
        x: &[f32],
        label: u32,
        weight: f64,
        direction: &[f64],
        scratch: &mut Scratch<f64>,
        sum: &mut [f64],
    ) -> Result<(), ModelError> {
        check_length("product", sum.len(), self.parameters.len())?;
        check_length("direction", direction.len(), self.parameters.len())?;
        let exact = curvature == Curvature::Hessian;
        if exact {
            self.backward(x, label, scratch, |_| ())?;
        } else {
            self.loss(x, label, scratch)?;
        }
        self.forward_dot(direction, scratch);
        self.backward_dot(exact.then_some(direction), scratch);
        let Scratch { input, outputs, deltas, outputs_dot, deltas_dot, .. } = scratch;
        self.each_layer(|layer, begin, before| {
            let activation = before.map_or(&input[..], |from| &outputs[from..begin]);
            let here = begin..begin + layer.outputs;
            let Layer { weights, bias, .. } = *layer;
            let share = |delta, activation| LayerGradient { layer: 0, weights, bias, activation, delta };
            share(&deltas_dot[here.clone()], activation).add_to(weight, sum);
            if let (true, Some(from)) = (exact, before) {
                share(&deltas[here], &outputs_dot[from..begin]).add_weights_to(weight, sum);
            }
        });
        Ok(())
    }

    /// Σ over the samples at `indices` of the curvature times `direction`, into `product`
    /// (p values, overwritten).
    ///
    /// # Errors
    /// An index past the end, and as [`add_product`](Self::add_product).
    pub fn product_into(
        &self,
        curvature: Curvature,
        set: &Dataset,
        indices: &[usize],
        direction: &[f64],
        scratch: &mut Scratch<f64>,
        product: &mut [f64],
    ) -> Result<(), ModelError> {
        product.fill(0.0);
        for &i in indices {
            let (x, label) = sample(set, i)?;
            self.add_product(curvature, x, label, 1.0, direction, scratch, product)?;
        }
        Ok(())
    }

    /// Calls `act` for each layer with the place of its outputs and, but for the first,
    /// of its inputs.
    fn each_layer(&self, mut act: impl FnMut(&Layer, usize, Option<usize>)) {
        let mut begin = 0;
        for (number, layer) in self.layers.iter().enumerate() {
            act(layer, begin, (number > 0).then(|| begin - layer.inputs));
            begin += layer.outputs;
        }
    }

    /// ȧ, ż and δ̇ of the last layer.
    fn forward_dot(&self, direction: &[f64], scratch: &mut Scratch<f64>) {
        let Scratch { input, outputs, outputs_dot, deltas_dot, probabilities, .. } = scratch;
        outputs_dot.resize(outputs.len(), 0.0);
        deltas_dot.resize(outputs.len(), 0.0);
        self.each_layer(|layer, begin, before| {
            let (done, after) = outputs_dot.split_at_mut(begin);
            let activation = before.map_or(&input[..], |from| &outputs[from..begin]);
            let rows = self.parameters[layer.weights..layer.bias].chunks_exact(layer.inputs);
            let moved = direction[layer.weights..layer.bias].chunks_exact(layer.inputs);
            let bias = &direction[layer.bias..layer.end()];
            for (((z, row), along), c) in after.iter_mut().zip(rows).zip(moved).zip(bias) {
                *z =
                    before.map_or(0.0, |from| f64::dot(row, &done[from..])) + f64::dot(along, activation) + c;
            }
            if layer.end() < self.parameters.len() {
                mask(&outputs[begin..begin + layer.outputs], &mut after[..layer.outputs]);
            }
        });
        let begin = outputs.len() - self.classes();
        let logits_dot = &outputs_dot[begin..];
        probabilities.resize(logits_dot.len(), 0.0);
        softmax(&outputs[begin..], probabilities);
        let mean = f64::dot(probabilities, logits_dot);
        for ((d, p), z) in deltas_dot[begin..].iter_mut().zip(&*probabilities).zip(logits_dot) {
            *d = *p * (z - mean);
        }
    }

    /// δ̇ of every layer; without a direction, the Gauss–Newton part alone.
    fn backward_dot(&self, direction: Option<&[f64]>, scratch: &mut Scratch<f64>) {
        let Scratch { outputs, deltas, deltas_dot, .. } = scratch;
        self.each_layer_back(|layer, begin, from| {
            let (before, delta_dot) = deltas_dot.split_at_mut(begin);
            let next = &mut before[from..];
            next.fill(0.0);
            add_transposed(&self.parameters[layer.weights..layer.bias], &delta_dot[..layer.outputs], next);
            if let Some(direction) = direction {
                let delta = &deltas[begin..begin + layer.outputs];
                add_transposed(&direction[layer.weights..layer.bias], delta, next);
            }
            mask(&outputs[from..begin], next);
        });
    }

    /// Calls `act` from the last layer to the second with the places of its outputs and
    /// of its inputs.
    fn each_layer_back(&self, mut act: impl FnMut(&Layer, usize, usize)) {
        let mut end: usize = self.layers.iter().map(|layer| layer.outputs).sum();
        for layer in self.layers.iter().skip(1).rev() {
            let begin = end - layer.outputs;
            act(layer, begin, begin - layer.inputs);
            end = begin;
        }
    }
}

/// The sample at `i`.
pub(super) fn sample(set: &Dataset, i: usize) -> Result<(&[f32], u32), ModelError> {
    match (set.row(i), set.labels().get(i)) {
        (Some(x), Some(&label)) => Ok((x, label)),
        _ => Err(ModelError::Range {
            what: "index of a sample",
            found: i as f64,
            expected: "an index below the number of samples",
        }),
    }
}
