//! A training loop of candle that a sieve watches.
//!
//! `cargo run --release --features candle --bin candle`
//!
//! candle keeps the gradients of variables alone. So a variable of zeros is added to what
//! comes out of a layer: its gradient is the layer's δ.

use candle_core::{D, DType, Device, Tensor, Var};
use gradsieve_frameworks::{CLASSES, Choose, Factors, HIDDEN, INPUTS, Network, RATE, compare, weights};

const DEVICE: Device = Device::Cpu;

struct Mlp {
    weights: [Var; 2],
    biases: [Var; 2],
}

impl Mlp {
    fn new(seed: u64) -> anyhow::Result<Self> {
        let [hidden, output] = weights(seed);
        let variable = |values, outputs, inputs| Var::from_vec(values, (outputs, inputs), &DEVICE);
        let zeros = |outputs| Var::zeros(outputs, DType::F32, &DEVICE);
        Ok(Self {
            weights: [variable(hidden, HIDDEN, INPUTS)?, variable(output, CLASSES, HIDDEN)?],
            biases: [zeros(HIDDEN)?, zeros(CLASSES)?],
        })
    }

    /// What comes out of a layer.
    fn layer(&self, index: usize, inputs: &Tensor) -> candle_core::Result<Tensor> {
        inputs.matmul(&self.weights[index].t()?)?.broadcast_add(&self.biases[index])
    }

    /// A step of a layer: the samples' gradients δ aᵀ, each as often as it counts.
    fn descend(
        &self,
        index: usize,
        inputs: &Tensor,
        delta: &Tensor,
        counts: &Tensor,
    ) -> candle_core::Result<()> {
        let delta = (delta.broadcast_mul(counts)? * (RATE / counts.dim(0)? as f64))?;
        let (weights, bias) = (&self.weights[index], &self.biases[index]);
        weights.set(&(weights.as_tensor() - delta.t()?.matmul(inputs)?)?)?;
        bias.set(&(bias.as_tensor() - delta.sum(0)?)?)
    }
}

fn rows(inputs: &[f32]) -> candle_core::Result<Tensor> {
    Tensor::from_slice(inputs, (inputs.len() / INPUTS, INPUTS), &DEVICE)
}

fn numbers(tensor: &Tensor) -> candle_core::Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

impl Network for Mlp {
    fn step(&mut self, inputs: &[f32], labels: &[u32], choose: Choose<'_>) -> anyhow::Result<()> {
        let (inputs, batch) = (rows(inputs)?, labels.len());
        let labels = Tensor::from_slice(labels, (batch, 1), &DEVICE)?;
        let probe = |width| Var::zeros((batch, width), DType::F32, &DEVICE);
        let (hidden_probe, probe) = (probe(HIDDEN)?, probe(CLASSES)?);

        let hidden = (self.layer(0, &inputs)? + hidden_probe.as_tensor())?.relu()?;
        let logits = (self.layer(1, &hidden)? + probe.as_tensor())?;
        let most = logits.max_keepdim(D::Minus1)?.detach();
        let shifted = logits.broadcast_sub(&most)?;
        let log_sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
        let losses = (log_sum - shifted.gather(&labels, 1)?)?;
        // The sum, not the mean: each sample's gradient as it is.
        let gradients = losses.sum_all()?.backward()?;
        let of = |probe: &Var| gradients.get(probe).cloned().ok_or_else(|| anyhow::anyhow!("no gradient"));
        let (hidden_delta, delta) = (of(&hidden_probe)?, of(&probe)?);

        let counts = choose(&Factors {
            hidden: numbers(&hidden)?,
            hidden_delta: numbers(&hidden_delta)?,
            delta: numbers(&delta)?,
            losses: numbers(&losses)?,
        })?;
        let counts = Tensor::from_vec(counts, (batch, 1), &DEVICE)?;
        self.descend(1, &hidden.detach(), &delta, &counts)?;
        self.descend(0, &inputs, &hidden_delta, &counts)?;
        Ok(())
    }

    fn predict(&self, inputs: &[f32]) -> anyhow::Result<Vec<u32>> {
        let hidden = self.layer(0, &rows(inputs)?)?.relu()?;
        Ok(self.layer(1, &hidden)?.argmax(D::Minus1)?.to_vec1()?)
    }
}

fn main() -> anyhow::Result<()> {
    compare(Mlp::new)
}
