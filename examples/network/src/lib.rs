//! A small network: a hidden layer of rectifiers, a softmax, and a step for each sample.
//! What the examples train, and what training costs that a sieve watches.
//!
//! No heap, and no library but `libm`: the same bits on every machine.
#![no_std]
#![forbid(unsafe_code)]

/// Weights and biases of I inputs, H hidden units and O outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network<const I: usize, const H: usize, const O: usize> {
    hidden: [[f32; I]; H],
    hidden_bias: [f32; H],
    output: [[f32; H]; O],
    output_bias: [f32; O],
}

/// What a sample's gradient is made of, beside its inputs, and its loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backward<const H: usize, const O: usize> {
    /// What the hidden layer gave.
    pub hidden: [f32; H],
    /// The loss gradient of the hidden layer's sums,
    pub hidden_delta: [f32; H],
    /// and of the output layer's.
    pub delta: [f32; O],
    /// The cross-entropy, −ln p of the label.
    pub loss: f32,
}

/// Four sums side by side.
fn dot<const N: usize>(x: &[f32; N], y: &[f32; N]) -> f32 {
    let mut sums = [0.0; 4];
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<4>(), y.as_chunks::<4>());
    for (x, y) in x.iter().zip(y) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    let rest: f32 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

impl<const I: usize, const H: usize, const O: usize> Network<I, H, O> {
    /// With weights of such numbers, the hidden layer's first, by rows; biases of 0.
    pub fn new(mut weight: impl FnMut() -> f32) -> Self {
        Self {
            hidden: core::array::from_fn(|_| core::array::from_fn(|_| weight())),
            hidden_bias: [0.0; H],
            output: core::array::from_fn(|_| core::array::from_fn(|_| weight())),
            output_bias: [0.0; O],
        }
    }

    /// What the hidden layer gives, and the sums of the output layer.
    #[inline]
    fn forward(&self, x: &[f32; I]) -> ([f32; H], [f32; O]) {
        let mut hidden = [0.0; H];
        for ((hidden, weights), bias) in hidden.iter_mut().zip(&self.hidden).zip(&self.hidden_bias) {
            let sum = dot(weights, x) + bias;
            *hidden = if sum > 0.0 { sum } else { 0.0 };
        }
        let mut logits = [0.0; O];
        for ((logit, weights), bias) in logits.iter_mut().zip(&self.output).zip(&self.output_bias) {
            *logit = dot(weights, &hidden) + bias;
        }
        (hidden, logits)
    }

    /// The class that it takes a sample for.
    pub fn predict(&self, x: &[f32; I]) -> usize {
        let (_, logits) = self.forward(x);
        let best = logits.iter().enumerate().max_by(|(_, one), (_, other)| one.total_cmp(other));
        best.map_or(0, |(class, _)| class)
    }

    /// Forward and backward, of the cross-entropy. `label` is below O.
    pub fn backward(&self, x: &[f32; I], label: usize) -> Backward<H, O> {
        let (hidden, mut delta) = self.forward(x);
        let most = delta.iter().fold(f32::MIN, |most, logit| if *logit > most { *logit } else { most });
        let mut sum = 0.0;
        for logit in &mut delta {
            *logit = libm::expf(*logit - most);
            sum += *logit;
        }
        let scale = 1.0 / sum;
        delta.iter_mut().for_each(|p| *p *= scale);
        let mut loss = 0.0;
        if let Some(p) = delta.get_mut(label) {
            loss = -libm::logf(if *p > LEAST { *p } else { LEAST });
            *p -= 1.0;
        }
        let mut hidden_delta = [0.0; H];
        for (weights, delta) in self.output.iter().zip(&delta) {
            for (sum, weight) in hidden_delta.iter_mut().zip(weights) {
                *sum += weight * delta;
            }
        }
        for (delta, hidden) in hidden_delta.iter_mut().zip(&hidden) {
            *delta = if *hidden > 0.0 { *delta } else { 0.0 };
        }
        Backward { hidden, hidden_delta, delta, loss }
    }

    /// A step down the gradient.
    pub fn step(&mut self, x: &[f32; I], back: &Backward<H, O>, rate: f32) {
        descend(&mut self.hidden, &mut self.hidden_bias, x, &back.hidden_delta, rate);
        descend(&mut self.output, &mut self.output_bias, &back.hidden, &back.delta, rate);
    }

    /// All weights and biases, in the order of the layers.
    pub fn numbers(&self) -> impl Iterator<Item = &f32> {
        let hidden = self.hidden.as_flattened().iter().chain(&self.hidden_bias);
        hidden.chain(self.output.as_flattened()).chain(&self.output_bias)
    }

    /// The same, to be written.
    pub fn numbers_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        let hidden = self.hidden.as_flattened_mut().iter_mut().chain(&mut self.hidden_bias);
        hidden.chain(self.output.as_flattened_mut()).chain(&mut self.output_bias)
    }
}

/// What a probability of 0 is taken for in a loss.
const LEAST: f32 = 1e-30;

/// A layer's step.
fn descend<const I: usize, const O: usize>(
    weights: &mut [[f32; I]; O],
    biases: &mut [f32; O],
    x: &[f32; I],
    delta: &[f32; O],
    rate: f32,
) {
    for ((weights, bias), delta) in weights.iter_mut().zip(biases).zip(delta) {
        let delta = rate * delta;
        for (weight, x) in weights.iter_mut().zip(x) {
            *weight -= delta * x;
        }
        *bias -= delta;
    }
}
