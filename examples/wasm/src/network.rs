//! A network of one hidden layer: its forward and its backward pass, sample by sample.

use gradsieve::{Error, Layer, Layout, Projector, Sketch, Sketcher};
use gradsieve_kernels::hash;

pub const INPUTS: usize = 16;
pub const HIDDEN: usize = 16;
pub const CLASSES: usize = 4;

const FIRST: Layer = Layer::new(0, HIDDEN as u64, INPUTS as u64);
const FIRST_BIAS: Layer = Layer::new(256, HIDDEN as u64, 1);
const SECOND: Layer = Layer::new(272, CLASSES as u64, HIDDEN as u64);
const SECOND_BIAS: Layer = Layer::new(336, CLASSES as u64, 1);

/// Where the layers stand in the gradient.
pub fn layout() -> Result<Layout, Error> {
    Layout::new(&[FIRST, FIRST_BIAS, SECOND, SECOND_BIAS])
}

#[derive(Clone, Copy)]
pub struct Network {
    first: [[f32; INPUTS]; HIDDEN],
    first_bias: [f32; HIDDEN],
    second: [[f32; HIDDEN]; CLASSES],
    second_bias: [f32; CLASSES],
}

/// What a backward pass leaves: all that a gradient consists of, never multiplied out.
pub struct Backward {
    inputs: [f32; INPUTS],
    hidden: [f32; HIDDEN],
    hidden_deltas: [f32; HIDDEN],
    deltas: [f32; CLASSES],
    pub loss: f32,
}

fn dot(weights: &[f32], x: &[f32]) -> f32 {
    weights.iter().zip(x).map(|(w, x)| w * x).sum()
}

impl Network {
    pub fn new(seed: u64) -> Self {
        let weight = |at: usize| {
            ((hash::word(hash::key(seed, 4), at as u64) >> 40) as f32 / (1 << 23) as f32 - 1.0) * 0.4
        };
        Self {
            first: core::array::from_fn(|row| core::array::from_fn(|j| weight(row * INPUTS + j))),
            first_bias: [0.0; HIDDEN],
            second: core::array::from_fn(|row| core::array::from_fn(|j| weight(1000 + row * HIDDEN + j))),
            second_bias: [0.0; CLASSES],
        }
    }

    fn hidden(&self, x: &[f32; INPUTS]) -> [f32; HIDDEN] {
        let sum = |(row, bias): (&[f32; INPUTS], &f32)| (dot(row, x) + bias).max(0.0);
        let mut sums = self.first.iter().zip(&self.first_bias).map(sum);
        core::array::from_fn(|_| sums.next().unwrap_or(0.0))
    }

    fn logits(&self, hidden: &[f32; HIDDEN]) -> [f32; CLASSES] {
        let mut sums = self.second.iter().zip(&self.second_bias).map(|(row, bias)| dot(row, hidden) + bias);
        core::array::from_fn(|_| sums.next().unwrap_or(0.0))
    }

    /// The class that it takes a sample for.
    pub fn predict(&self, x: &[f32; INPUTS]) -> usize {
        let logits = self.logits(&self.hidden(x));
        let best = logits.iter().enumerate().max_by(|(_, one), (_, other)| one.total_cmp(other));
        best.map_or(0, |(class, _)| class)
    }

    pub fn backward(&self, x: &[f32; INPUTS], label: usize) -> Backward {
        let hidden = self.hidden(x);
        let logits = self.logits(&hidden);
        let most = logits.iter().fold(f32::MIN, |most, x| most.max(*x));
        let exponentials = logits.map(|logit| libm::expf(logit - most));
        let sum: f32 = exponentials.iter().sum();
        let mut deltas = exponentials.map(|x| x / sum);
        let mut loss = 0.0;
        if let Some(delta) = deltas.get_mut(label) {
            loss = -libm::logf(delta.max(1e-30));
            *delta -= 1.0;
        }
        let mut hidden_deltas = [0.0; HIDDEN];
        for (row, delta) in self.second.iter().zip(&deltas) {
            hidden_deltas.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight * delta);
        }
        for (delta, value) in hidden_deltas.iter_mut().zip(&hidden) {
            *delta = if *value > 0.0 { *delta } else { 0.0 };
        }
        Backward { inputs: *x, hidden, hidden_deltas, deltas, loss }
    }

    pub fn step(&mut self, pass: &Backward, rate: f32) {
        let first = self.first.iter_mut().zip(&mut self.first_bias).zip(&pass.hidden_deltas);
        for ((row, bias), delta) in first {
            row.iter_mut().zip(&pass.inputs).for_each(|(weight, x)| *weight -= rate * delta * x);
            *bias -= rate * delta;
        }
        let second = self.second.iter_mut().zip(&mut self.second_bias).zip(&pass.deltas);
        for ((row, bias), delta) in second {
            row.iter_mut().zip(&pass.hidden).for_each(|(weight, x)| *weight -= rate * delta * x);
            *bias -= rate * delta;
        }
    }
}

impl Backward {
    /// The sketch of the gradient, from the factors of its layers.
    pub fn sketch<'s, P: Projector, B: gradsieve::Buffer<f32>>(
        &self,
        sketcher: &'s mut Sketcher<P, B>,
    ) -> Result<Sketch<'s>, Error> {
        sketcher.outer(&FIRST, &self.inputs, &self.hidden_deltas)?;
        sketcher.segment(FIRST_BIAS.offset, &self.hidden_deltas)?;
        sketcher.outer(&SECOND, &self.hidden, &self.deltas)?;
        sketcher.segment(SECOND_BIAS.offset, &self.deltas)?;
        sketcher.finish()
    }
}
