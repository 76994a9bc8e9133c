//! The same network in f64: what truth is computed with, and where second derivatives
//! come from.
//!
//! A loss that changes in its sixth digit when a sample is left out cannot be told from
//! f32's rounding after a few hundred steps; in f64 it can. The layers and their order
//! are those of [`Mlp`].
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
//! *Cost*: p multiplications forward, p for a gradient, 4p for a product. A
//! [`DoubleScratch`] is reused, so no sample allocates.

use super::error::{ModelError, check_length};
use super::layers::Layer;
use super::mlp::Mlp;
use crate::data::Dataset;

/// A network with f64 parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct DoubleMlp {
    layers: Vec<Layer>,
    parameters: Vec<f64>,
}

/// Memory for the passes over one sample.
#[derive(Clone, Debug, Default)]
pub struct DoubleScratch {
    input: Vec<f64>,
    /// Outputs of each layer one after another: after ReLU for the hidden ones, logits
    /// for the last.
    outputs: Vec<f64>,
    deltas: Vec<f64>,
    /// Derivatives of the outputs and of the deltas along a direction.
    outputs_dot: Vec<f64>,
    deltas_dot: Vec<f64>,
    probabilities: Vec<f64>,
}

/// Which matrix of second derivatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curvature {
    /// The Hessian of the loss: exact, and indefinite where there are hidden layers.
    Hessian,
    /// The generalised Gauss–Newton matrix: positive semi-definite.
    GaussNewton,
}

impl DoubleMlp {
    /// The network with its parameters widened, exactly.
    pub fn new(model: &Mlp) -> Self {
        let parameters = model.parameters().iter().map(|&w| f64::from(w)).collect();
        Self { layers: model.layers().to_vec(), parameters }
    }

    /// The parameters in the order that [`Layer`] describes.
    pub fn parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// The parameters, to change in place.
    pub fn parameters_mut(&mut self) -> &mut [f64] {
        &mut self.parameters
    }

    /// The network in f32, each parameter rounded once.
    ///
    /// # Errors
    /// A `shape` with another number of parameters.
    pub fn rounded(&self, shape: &Mlp) -> Result<Mlp, ModelError> {
        shape.with_parameters(self.parameters.iter().map(|&w| w as f32).collect())
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// The cross-entropy of one sample in nats.
    ///
    /// # Errors
    /// Another number of features; a label that is no class.
    pub fn loss(&self, x: &[f32], label: u32, scratch: &mut DoubleScratch) -> Result<f64, ModelError> {
        self.check(x, label)?;
        Ok(self.forward(x, label as usize, scratch))
    }

    /// The loss of every sample of a set, in its order.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn losses(&self, set: &Dataset) -> Result<Vec<f64>, ModelError> {
        let mut scratch = DoubleScratch::default();
        set.samples().map(|(x, label)| self.loss(x, label, &mut scratch)).collect()
    }

    /// Adds `weight`·∇ℓ of one sample to `sum`, p long; returns the loss.
    ///
    /// # Errors
    /// As [`loss`](Self::loss), or a `sum` of another length.
    pub fn add_gradient(
        &self,
        x: &[f32],
        label: u32,
        weight: f64,
        scratch: &mut DoubleScratch,
        sum: &mut [f64],
    ) -> Result<f64, ModelError> {
        self.check(x, label)?;
        check_length("gradient", sum.len(), self.parameters.len())?;
        let loss = self.forward(x, label as usize, scratch);
        self.backward(scratch);
        let DoubleScratch { input, outputs, deltas, .. } = scratch;
        self.each_layer(|layer, begin, before| {
            let activation = before.map_or(&input[..], |from| &outputs[from..begin]);
            add_outer(weight, &deltas[begin..begin + layer.outputs], activation, layer, sum);
        });
        Ok(loss)
    }

    /// Writes ∇_x ℓ, the derivatives of one sample's loss by its features, into
    /// `gradient`, one a feature; returns the loss.
    ///
    /// # Errors
    /// As [`loss`](Self::loss), or a `gradient` of another length.
    pub fn input_gradient_into(
        &self,
        x: &[f32],
        label: u32,
        scratch: &mut DoubleScratch,
        gradient: &mut [f64],
    ) -> Result<f64, ModelError> {
        self.check(x, label)?;
        check_length("gradient by the features", gradient.len(), x.len())?;
        let loss = self.forward(x, label as usize, scratch);
        self.backward(scratch);
        gradient.fill(0.0);
        if let Some(first) = self.layers.first() {
            let weights = &self.parameters[first.weights..first.bias];
            add_transposed(weights, &scratch.deltas[..first.outputs], gradient);
        }
        Ok(loss)
    }

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
        scratch: &mut DoubleScratch,
        sum: &mut [f64],
    ) -> Result<(), ModelError> {
        self.check(x, label)?;
        check_length("product", sum.len(), self.parameters.len())?;
        check_length("direction", direction.len(), self.parameters.len())?;
        self.forward(x, label as usize, scratch);
        self.forward_dot(direction, scratch);
        let exact = curvature == Curvature::Hessian;
        if exact {
            self.backward(scratch);
        }
        self.backward_dot(exact.then_some(direction), scratch);
        let DoubleScratch { input, outputs, deltas, outputs_dot, deltas_dot, .. } = scratch;
        self.each_layer(|layer, begin, before| {
            let activation = before.map_or(&input[..], |from| &outputs[from..begin]);
            let here = begin..begin + layer.outputs;
            add_outer(weight, &deltas_dot[here.clone()], activation, layer, sum);
            if let (true, Some(from)) = (exact, before) {
                add_weights(weight, &deltas[here], &outputs_dot[from..begin], layer, sum);
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
        scratch: &mut DoubleScratch,
        product: &mut [f64],
    ) -> Result<(), ModelError> {
        product.fill(0.0);
        for &i in indices {
            let (x, label) = sample(set, i)?;
            self.add_product(curvature, x, label, 1.0, direction, scratch, product)?;
        }
        Ok(())
    }

    fn check(&self, x: &[f32], label: u32) -> Result<(), ModelError> {
        let (inputs, classes) = (self.layers.first().map_or(0, |layer| layer.inputs), self.classes());
        check_length("features", x.len(), inputs)?;
        if label as usize >= classes { Err(ModelError::Label { label, classes }) } else { Ok(()) }
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

    /// Leaves the outputs of all layers, the probabilities and the last layer's δ;
    /// returns the loss.
    fn forward(&self, x: &[f32], label: usize, scratch: &mut DoubleScratch) -> f64 {
        let size: usize = self.layers.iter().map(|layer| layer.outputs).sum();
        let DoubleScratch { input, outputs, deltas, probabilities, .. } = scratch;
        input.clear();
        input.extend(x.iter().map(|&x| f64::from(x)));
        outputs.resize(size, 0.0);
        deltas.resize(size, 0.0);
        self.each_layer(|layer, begin, before| {
            let (done, after) = outputs.split_at_mut(begin);
            let activation = before.map_or(&input[..], |from| &done[from..]);
            let rows = self.parameters[layer.weights..layer.bias].chunks_exact(layer.inputs);
            let bias = &self.parameters[layer.bias..layer.end()];
            let hidden = layer.end() < self.parameters.len();
            for ((z, row), c) in after.iter_mut().zip(rows).zip(bias) {
                *z = dot(row, activation) + c;
                if hidden && *z < 0.0 {
                    *z = 0.0;
                }
            }
        });
        let begin = size - self.classes();
        let (logits, delta) = (&outputs[begin..], &mut deltas[begin..]);
        let top = logits.iter().fold(f64::NEG_INFINITY, |top, &z| top.max(z));
        probabilities.clear();
        probabilities.extend(logits.iter().map(|&z| libm::exp(z - top)));
        let total: f64 = probabilities.iter().sum();
        probabilities.iter_mut().for_each(|p| *p /= total);
        delta.copy_from_slice(probabilities);
        // 1 − p_y as the sum of the others keeps its digits where p_y is close to 1.
        let others: f64 = probabilities.iter().enumerate().filter(|(c, _)| *c != label).map(|(_, p)| p).sum();
        delta[label] = -others;
        if others < 0.5 { -libm::log1p(-others) } else { top + libm::log(total) - logits[label] }
    }

    /// δ of every layer from that of the last.
    fn backward(&self, scratch: &mut DoubleScratch) {
        let DoubleScratch { outputs, deltas, .. } = scratch;
        self.each_layer_back(|layer, begin, from| {
            let (before, delta) = deltas.split_at_mut(begin);
            let next = &mut before[from..];
            next.fill(0.0);
            add_transposed(&self.parameters[layer.weights..layer.bias], &delta[..layer.outputs], next);
            mask(&outputs[from..begin], next);
        });
    }

    /// ȧ, ż and δ̇ of the last layer.
    fn forward_dot(&self, direction: &[f64], scratch: &mut DoubleScratch) {
        let DoubleScratch { input, outputs, outputs_dot, deltas_dot, probabilities, .. } = scratch;
        outputs_dot.resize(outputs.len(), 0.0);
        deltas_dot.resize(outputs.len(), 0.0);
        self.each_layer(|layer, begin, before| {
            let (done, after) = outputs_dot.split_at_mut(begin);
            let activation = before.map_or(&input[..], |from| &outputs[from..begin]);
            let rows = self.parameters[layer.weights..layer.bias].chunks_exact(layer.inputs);
            let moved = direction[layer.weights..layer.bias].chunks_exact(layer.inputs);
            let bias = &direction[layer.bias..layer.end()];
            for (((z, row), along), c) in after.iter_mut().zip(rows).zip(moved).zip(bias) {
                *z = before.map_or(0.0, |from| dot(row, &done[from..])) + dot(along, activation) + c;
            }
            if layer.end() < self.parameters.len() {
                mask(&outputs[begin..begin + layer.outputs], &mut after[..layer.outputs]);
            }
        });
        let begin = outputs.len() - self.classes();
        let logits_dot = &outputs_dot[begin..];
        let mean = dot(probabilities, logits_dot);
        for ((d, p), z) in deltas_dot[begin..].iter_mut().zip(probabilities).zip(logits_dot) {
            *d = *p * (z - mean);
        }
    }

    /// δ̇ of every layer; without a direction, the Gauss–Newton part alone.
    fn backward_dot(&self, direction: Option<&[f64]>, scratch: &mut DoubleScratch) {
        let DoubleScratch { outputs, deltas, deltas_dot, .. } = scratch;
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

/// Σ xᵢyᵢ in eight lanes.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (xs, x_rest) = x.as_chunks::<8>();
    let (ys, y_rest) = y.as_chunks::<8>();
    for (a, b) in xs.iter().zip(ys) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += a * b;
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

fn axpy(alpha: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}

/// `weight`·δ aᵀ to the layer's weights and `weight`·δ to its biases.
fn add_outer(weight: f64, delta: &[f64], activation: &[f64], layer: &Layer, sum: &mut [f64]) {
    add_weights(weight, delta, activation, layer, sum);
    axpy(weight, delta, &mut sum[layer.bias..layer.end()]);
}

fn add_weights(weight: f64, delta: &[f64], activation: &[f64], layer: &Layer, sum: &mut [f64]) {
    for (row, &d) in sum[layer.weights..layer.bias].chunks_exact_mut(layer.inputs).zip(delta) {
        if d != 0.0 {
            axpy(weight * d, activation, row);
        }
    }
}

/// `next` += Wᵀδ.
fn add_transposed(weights: &[f64], delta: &[f64], next: &mut [f64]) {
    for (row, &d) in weights.chunks_exact(next.len()).zip(delta) {
        axpy(d, row, next);
    }
}

/// Zeroes what belongs to a dead ReLU.
fn mask(activation: &[f64], values: &mut [f64]) {
    for (value, &a) in values.iter_mut().zip(activation) {
        if a <= 0.0 {
            *value = 0.0;
        }
    }
}
