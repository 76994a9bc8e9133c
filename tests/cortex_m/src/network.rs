//! A small network: a hidden layer of rectifiers, a softmax, and a step for each sample.
//! What training costs that a sieve watches.

/// Weights and biases.
pub(crate) struct Network<const I: usize, const H: usize, const O: usize> {
    hidden: [[f32; I]; H],
    hidden_bias: [f32; H],
    output: [[f32; H]; O],
    output_bias: [f32; O],
}

/// What a sample's gradient is made of, and its loss.
pub(crate) struct Backward<const H: usize, const O: usize> {
    /// What the hidden layer gave.
    pub(crate) hidden: [f32; H],
    /// The loss gradient of the hidden layer's sums,
    pub(crate) hidden_delta: [f32; H],
    /// and of the output layer's.
    pub(crate) delta: [f32; O],
    pub(crate) loss: f32,
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
    /// With weights of such numbers.
    pub(crate) fn new(mut weight: impl FnMut() -> f32) -> Self {
        Self {
            hidden: core::array::from_fn(|_| core::array::from_fn(|_| weight())),
            hidden_bias: [0.0; H],
            output: core::array::from_fn(|_| core::array::from_fn(|_| weight())),
            output_bias: [0.0; O],
        }
    }

    /// Forward and backward, of the cross-entropy.
    pub(crate) fn backward(&self, x: &[f32; I], label: usize) -> Backward<H, O> {
        let mut hidden = [0.0; H];
        for ((hidden, weights), bias) in hidden.iter_mut().zip(&self.hidden).zip(&self.hidden_bias) {
            let sum = dot(weights, x) + bias;
            *hidden = if sum > 0.0 { sum } else { 0.0 };
        }
        let (mut delta, mut most) = ([0.0; O], f32::MIN);
        for ((logit, weights), bias) in delta.iter_mut().zip(&self.output).zip(&self.output_bias) {
            *logit = dot(weights, &hidden) + bias;
            most = if *logit > most { *logit } else { most };
        }
        let mut sum = 0.0;
        for logit in &mut delta {
            *logit = libm::expf(*logit - most);
            sum += *logit;
        }
        let scale = 1.0 / sum;
        delta.iter_mut().for_each(|p| *p *= scale);
        let loss = -libm::logf(delta[label]);
        delta[label] -= 1.0;
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
    pub(crate) fn step(&mut self, x: &[f32; I], back: &Backward<H, O>, rate: f32) {
        descend(&mut self.hidden, &mut self.hidden_bias, x, &back.hidden_delta, rate);
        descend(&mut self.output, &mut self.output_bias, &back.hidden, &back.delta, rate);
    }
}

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
