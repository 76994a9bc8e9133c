//! A multi-layer perceptron: linear layers with ReLU between them and softmax
//! cross-entropy at the end. Without hidden layers it is softmax (logistic) regression.
//!
//! Forward z_l = W_l a_l + c_l, a_{l+1} = max(z_l, 0); backward δ_l = (W_{l+1}ᵀ δ_{l+1})
//! ⊙ [a_{l+1} > 0], and the gradient of one sample's loss is δ_l a_lᵀ for W_l and δ_l for
//! c_l. Cost: p multiplications forward, p for the gradient.
//!
//! One network computes in `f32` or in `f64` ([`Real`]); features are `f32` for both.

use super::arithmetic::axpy;
use super::error::{ModelError, check_length};
use super::layers::Layer;
use super::loss::largest;
use super::real::Real;
use crate::data::random::{Purpose, generator, normal};

/// A model: its layers and one flat vector of parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp<T = f32> {
    pub(super) layers: Vec<Layer>,
    pub(super) parameters: Vec<T>,
}

/// Memory for one forward and backward pass. It fits itself to the model on first use and
/// is then reused: later samples allocate nothing.
#[derive(Clone, Debug, Default)]
pub struct Scratch<T = f32> {
    /// The features.
    pub(super) input: Vec<T>,
    /// Outputs of each layer one after another: after ReLU for the hidden ones, logits
    /// for the last.
    pub(super) outputs: Vec<T>,
    /// δ of each layer, at the same places.
    pub(super) deltas: Vec<T>,
    /// Derivatives of the outputs and of the deltas along a direction, and the
    /// probabilities: empty but for products with second derivatives.
    pub(super) outputs_dot: Vec<T>,
    pub(super) deltas_dot: Vec<T>,
    pub(super) probabilities: Vec<T>,
}

/// One layer's share of a sample's gradient, as its two factors: ∂ℓ/∂W = δ aᵀ and ∂ℓ/∂c =
/// δ.
#[derive(Clone, Copy, Debug)]
pub struct LayerGradient<'a, T = f32> {
    /// The layer's number, 0 at the input.
    pub layer: usize,
    /// Offset of the layer's weights in the parameter vector (outputs × inputs,
    /// row-major).
    pub weights: usize,
    /// Offset of the layer's biases.
    pub bias: usize,
    /// a, what came into the layer: `inputs` values.
    pub activation: &'a [T],
    /// δ = ∂ℓ/∂z: `outputs` values.
    pub delta: &'a [T],
}

impl<T: Real> LayerGradient<'_, T> {
    /// Writes the layer's whole gradient at its place in `gradient`, a vector as long as
    /// the parameters. Each product is rounded once.
    ///
    /// # Errors
    /// A `gradient` that ends before the layer does.
    pub fn write_into(&self, gradient: &mut [T]) -> Result<(), ModelError> {
        let length = gradient.len();
        let end = self.bias + self.delta.len();
        let short = ModelError::Length { what: "gradient", found: length, expected: end };
        let part = gradient.get_mut(self.weights..end).ok_or(short)?;
        let (weights, bias) = part.split_at_mut(self.bias - self.weights);
        for (row, &d) in weights.chunks_exact_mut(self.activation.len()).zip(self.delta) {
            for (g, &a) in row.iter_mut().zip(self.activation) {
                *g = d * a;
            }
        }
        bias.copy_from_slice(self.delta);
        Ok(())
    }

    /// Adds `weight` times the layer's gradient to a sum over samples.
    pub(super) fn add_to(&self, weight: T, sum: &mut [T]) {
        self.add_weights_to(weight, sum);
        axpy(weight, self.delta, &mut sum[self.bias..self.bias + self.delta.len()]);
    }

    /// The same of the weights alone. A row whose δ is 0 adds nothing, as adding zeros to
    /// it would.
    pub(super) fn add_weights_to(&self, weight: T, sum: &mut [T]) {
        let rows = sum[self.weights..self.bias].chunks_exact_mut(self.activation.len());
        for (row, &d) in rows.zip(self.delta) {
            if d != T::default() {
                axpy(weight * d, self.activation, row);
            }
        }
    }
}

impl Mlp {
    /// A fresh model for `inputs` features: weights from N(0, 2/inputs of the layer) (He
    /// et al. 2015) by `seed`, biases 0. No hidden widths make it softmax regression.
    ///
    /// # Errors
    /// A width of 0; fewer than two classes.
    pub fn new(inputs: usize, hidden: &[usize], classes: usize, seed: u64) -> Result<Self, ModelError> {
        let layers = Layer::stack(inputs, hidden, classes)?;
        let mut rng = generator(seed, Purpose::Initialise);
        let mut parameters = vec![0.0_f32; layers.last().map_or(0, Layer::end)];
        for layer in &layers {
            let deviation = libm::sqrt(2.0 / layer.inputs as f64);
            for weight in &mut parameters[layer.weights..layer.bias] {
                *weight = (deviation * normal(&mut rng)) as f32;
            }
        }
        Ok(Self { layers, parameters })
    }

    /// The network in f64, its parameters widened, exactly.
    #[must_use]
    pub fn widened(&self) -> Mlp<f64> {
        let parameters = self.parameters.iter().map(|&w| f64::from(w)).collect();
        Mlp { layers: self.layers.clone(), parameters }
    }
}

impl Mlp<f64> {
    /// The network in f32, each parameter rounded once.
    #[must_use]
    pub fn rounded(&self) -> Mlp {
        let parameters = self.parameters.iter().map(|&w| w as f32).collect();
        Mlp { layers: self.layers.clone(), parameters }
    }
}

impl<T: Real> Mlp<T> {
    /// A model of the same shape with other parameters, such as a checkpoint's.
    ///
    /// # Errors
    /// Another number of parameters.
    pub fn with_parameters(&self, parameters: Vec<T>) -> Result<Self, ModelError> {
        check_length("parameters", parameters.len(), self.parameters.len())?;
        Ok(Self { layers: self.layers.clone(), parameters })
    }

    /// The layers, from the input to the logits.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// All p parameters in the order that [`Layer`] describes.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// The parameters, to change in place.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }

    /// The number of features of a sample.
    pub fn inputs(&self) -> usize {
        self.layers.first().map_or(0, |layer| layer.inputs)
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// The range of the last layer's weights and biases in the parameter vector.
    pub fn last_layer(&self) -> core::ops::Range<usize> {
        self.layers.last().map_or(0..0, |layer| layer.weights..layer.end())
    }

    /// The logits z of the last layer for the features `x`.
    ///
    /// # Errors
    /// Another number of features than [`inputs`](Self::inputs).
    pub fn logits<'s>(&self, x: &[f32], scratch: &'s mut Scratch<T>) -> Result<&'s [T], ModelError> {
        check_length("features", x.len(), self.inputs())?;
        scratch.fit(&self.layers, x);
        self.forward(&scratch.input, &mut scratch.outputs);
        Ok(&scratch.outputs[scratch.outputs.len() - self.classes()..])
    }

    /// The class with the largest logit, the lowest of equals.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn predict(&self, x: &[f32], scratch: &mut Scratch<T>) -> Result<u32, ModelError> {
        Ok(largest(self.logits(x, scratch)?) as u32)
    }

    /// The cross-entropy ℓ ≥ 0 of one sample, in nats.
    ///
    /// # Errors
    /// Another number of features; a label that is no class.
    pub fn loss(&self, x: &[f32], label: u32, scratch: &mut Scratch<T>) -> Result<f64, ModelError> {
        self.forward_and_loss(x, label, scratch)
    }

    /// Runs one sample forward and backward and shows each layer's factors to `visit`,
    /// from the last layer to the first. Returns the loss. Allocates nothing once
    /// `scratch` fits.
    ///
    /// # Errors
    /// Another number of features; a label that is no class (nothing is visited then).
    pub fn backward(
        &self,
        x: &[f32],
        label: u32,
        scratch: &mut Scratch<T>,
        visit: impl FnMut(LayerGradient<'_, T>),
    ) -> Result<f64, ModelError> {
        let loss = self.forward_and_loss(x, label, scratch)?;
        self.visit_layers(scratch, visit);
        Ok(loss)
    }

    /// Runs one sample forward and shows the factors of `scale` times its gradient, from
    /// the last layer to the first, where `scale` is a function of the label's
    /// probability p_y and of 1 − p_y, in f64. Returns the loss.
    ///
    /// - The gradient of the **margin** f = ln(p_y/(1 − p_y)), which is −∇ℓ/(1 − p_y):
    ///   `|_, rest| -1.0 / rest`.
    /// - The **pseudo-gradients** √p_c·∇(−ln p_c) whose outer products, summed over the
    ///   classes c as labels, are the generalised Gauss–Newton matrix: `|p, _| p.sqrt()`.
    ///
    /// # Errors
    /// As [`backward`](Self::backward).
    pub fn backward_scaled(
        &self,
        x: &[f32],
        label: u32,
        scale: impl Fn(f64, f64) -> f64,
        scratch: &mut Scratch<T>,
        visit: impl FnMut(LayerGradient<'_, T>),
    ) -> Result<f64, ModelError> {
        let loss = self.forward_and_loss(x, label, scratch)?;
        let begin = scratch.deltas.len() - self.classes();
        let delta = &mut scratch.deltas[begin..];
        let scale = scale(libm::exp(-loss), -delta[label as usize].to_f64());
        delta.iter_mut().for_each(|d| *d = T::from_f64(scale * d.to_f64()));
        self.visit_layers(scratch, visit);
        Ok(loss)
    }

    /// Pulls the last layer's δ back and shows each layer's factors.
    pub(super) fn visit_layers(&self, scratch: &mut Scratch<T>, mut visit: impl FnMut(LayerGradient<'_, T>)) {
        let Scratch { input, outputs, deltas, .. } = scratch;
        let mut end = outputs.len();
        for (number, layer) in self.layers.iter().enumerate().rev() {
            let begin = end - layer.outputs;
            let (before, delta) = deltas[..end].split_at_mut(begin);
            let activation = if number == 0 { &input[..] } else { &outputs[begin - layer.inputs..begin] };
            let Layer { weights, bias, .. } = *layer;
            visit(LayerGradient { layer: number, weights, bias, activation, delta });
            if number > 0 {
                let next = &mut before[begin - layer.inputs..];
                pull_back(&self.parameters[weights..bias], delta, activation, next);
            }
            end = begin;
        }
    }

    /// Writes the whole gradient of one sample's loss into `gradient` (p values, all
    /// overwritten). Returns the loss. The same bits as [`backward`](Self::backward)'s
    /// factors multiplied out.
    ///
    /// # Errors
    /// Another number of features; a label that is no class; a `gradient` of another
    /// length than p.
    pub fn gradient_into(
        &self,
        x: &[f32],
        label: u32,
        scratch: &mut Scratch<T>,
        gradient: &mut [T],
    ) -> Result<f64, ModelError> {
        check_length("gradient", gradient.len(), self.parameters.len())?;
        let mut outcome = Ok(());
        let loss = self.backward(x, label, scratch, |part| {
            if outcome.is_ok() {
                outcome = part.write_into(gradient);
            }
        })?;
        outcome.map(|()| loss)
    }

    /// Adds `weight`·∇ℓ of one sample to `sum`, p long; returns the loss.
    ///
    /// # Errors
    /// As [`loss`](Self::loss), or a `sum` of another length.
    pub fn add_gradient(
        &self,
        x: &[f32],
        label: u32,
        weight: T,
        scratch: &mut Scratch<T>,
        sum: &mut [T],
    ) -> Result<f64, ModelError> {
        check_length("gradient", sum.len(), self.parameters.len())?;
        self.backward(x, label, scratch, |part| part.add_to(weight, sum))
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
        scratch: &mut Scratch<T>,
        gradient: &mut [T],
    ) -> Result<f64, ModelError> {
        check_length("gradient by the features", gradient.len(), x.len())?;
        let loss = self.backward(x, label, scratch, |_| ())?;
        gradient.fill(T::default());
        if let Some(first) = self.layers.first() {
            let weights = &self.parameters[first.weights..first.bias];
            add_transposed(weights, &scratch.deltas[..first.outputs], gradient);
        }
        Ok(loss)
    }

    /// Writes only the last layer's gradient, weights and then biases, into `gradient`
    /// (as long as [`last_layer`](Self::last_layer)). Returns the loss. Costs a forward
    /// pass and that layer.
    ///
    /// # Errors
    /// Another number of features; a label that is no class; a `gradient` of another
    /// length.
    pub fn last_layer_gradient_into(
        &self,
        x: &[f32],
        label: u32,
        scratch: &mut Scratch<T>,
        gradient: &mut [T],
    ) -> Result<f64, ModelError> {
        check_length("gradient of the last layer", gradient.len(), self.last_layer().len())?;
        let loss = self.forward_and_loss(x, label, scratch)?;
        let Scratch { input, outputs, deltas, .. } = scratch;
        let begin = outputs.len() - self.classes();
        let activation = match self.layers.last() {
            Some(layer) if self.layers.len() > 1 => &outputs[begin - layer.inputs..begin],
            _ => &input[..],
        };
        let bias = gradient.len() - self.classes();
        let part = LayerGradient {
            layer: self.layers.len() - 1,
            weights: 0,
            bias,
            activation,
            delta: &deltas[begin..],
        };
        part.write_into(gradient)?;
        Ok(loss)
    }

    /// Leaves the outputs of all layers and the last layer's δ in `scratch`.
    pub(super) fn forward_and_loss(
        &self,
        x: &[f32],
        label: u32,
        scratch: &mut Scratch<T>,
    ) -> Result<f64, ModelError> {
        let classes = self.classes();
        if label as usize >= classes {
            return Err(ModelError::Label { label, classes });
        }
        self.logits(x, scratch)?;
        let begin = scratch.outputs.len() - classes;
        let Scratch { outputs, deltas, .. } = scratch;
        Ok(T::cross_entropy(&outputs[begin..], label as usize, &mut deltas[begin..]))
    }

    fn forward(&self, x: &[T], outputs: &mut [T]) {
        let mut begin = 0;
        for (number, layer) in self.layers.iter().enumerate() {
            let (before, after) = outputs.split_at_mut(begin);
            let input = if number == 0 { x } else { &before[begin - layer.inputs..] };
            let weights = self.parameters[layer.weights..layer.bias].chunks_exact(layer.inputs);
            let bias = &self.parameters[layer.bias..layer.end()];
            let hidden = number + 1 < self.layers.len();
            for ((z, row), &c) in after.iter_mut().zip(weights).zip(bias) {
                *z = T::dot(row, input);
                *z += c;
                // Not `max`: it would hide a NaN.
                if hidden && *z < T::default() {
                    *z = T::default();
                }
            }
            begin += layer.outputs;
        }
    }
}

/// δ ← (Wᵀ δ_next) ⊙ [a > 0], with W's rows in order.
fn pull_back<T: Real>(weights: &[T], delta: &[T], activation: &[T], next: &mut [T]) {
    next.fill(T::default());
    add_transposed(weights, delta, next);
    mask(activation, next);
}

/// `next` += Wᵀδ.
pub(super) fn add_transposed<T: Real>(weights: &[T], delta: &[T], next: &mut [T]) {
    for (row, &d) in weights.chunks_exact(next.len()).zip(delta) {
        axpy(d, row, next);
    }
}

/// Zeroes what belongs to a dead ReLU.
pub(super) fn mask<T: Real>(activation: &[T], values: &mut [T]) {
    for (value, &a) in values.iter_mut().zip(activation) {
        if a <= T::default() {
            *value = T::default();
        }
    }
}

impl<T: Real> Scratch<T> {
    fn fit(&mut self, layers: &[Layer], x: &[f32]) {
        self.input.clear();
        self.input.extend(x.iter().map(|&x| T::from_f32(x)));
        let size = layers.iter().map(|layer| layer.outputs).sum();
        self.outputs.resize(size, T::default());
        self.deltas.resize(size, T::default());
    }
}
