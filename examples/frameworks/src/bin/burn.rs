//! A training loop of burn that a sieve watches.
//!
//! `cargo run --release --features burn --bin burn`
//!
//! burn keeps the gradients of leaves alone. So zeros that require a gradient are added
//! to what comes out of a layer: their gradient is the layer's δ.

use anyhow::Context as _;
use burn::tensor::activation::{log_softmax, relu};
use burn::tensor::{Device, Int, Tensor, TensorData};
use gradsieve_frameworks::{CLASSES, Choose, Factors, HIDDEN, INPUTS, Network, RATE, compare, weights};

struct Mlp {
    device: Device,
    weights: [Tensor<2>; 2],
    biases: [Tensor<2>; 2],
}

impl Mlp {
    fn new(seed: u64) -> anyhow::Result<Self> {
        let device = Device::flex();
        let [hidden, output] = weights(seed);
        let weights =
            |values, outputs, inputs| Tensor::from_data(TensorData::new(values, [outputs, inputs]), &device);
        let weights = [weights(hidden, HIDDEN, INPUTS), weights(output, CLASSES, HIDDEN)];
        let biases = [HIDDEN, CLASSES].map(|outputs| Tensor::zeros([1, outputs], &device));
        Ok(Self { device, weights, biases })
    }

    fn rows(&self, inputs: &[f32]) -> Tensor<2> {
        let data = TensorData::new(inputs.to_vec(), [inputs.len() / INPUTS, INPUTS]);
        Tensor::from_data(data, &self.device)
    }

    /// What comes out of a layer.
    fn layer(&self, index: usize, inputs: Tensor<2>) -> Tensor<2> {
        inputs.matmul(self.weights[index].clone().transpose()) + self.biases[index].clone()
    }

    /// A step of a layer: the samples' gradients δ aᵀ, each as often as it counts.
    fn descend(&mut self, index: usize, inputs: Tensor<2>, delta: Tensor<2>, counts: &Tensor<2>) {
        let delta = delta * counts.clone() * (RATE / counts.dims()[0] as f64);
        let weights = self.weights[index].clone() - delta.clone().transpose().matmul(inputs);
        self.biases[index] = self.biases[index].clone() - delta.sum_dim(0);
        self.weights[index] = weights;
    }
}

fn numbers(tensor: Tensor<2>) -> anyhow::Result<Vec<f32>> {
    tensor.into_data().try_to_vec().map_err(|error| anyhow::anyhow!("{error:?}"))
}

impl Network for Mlp {
    fn step(&mut self, inputs: &[f32], labels: &[u32], choose: Choose<'_>) -> anyhow::Result<()> {
        let batch = labels.len();
        let inputs = self.rows(inputs);
        let labels: Vec<i32> = labels.iter().map(|&label| label as i32).collect();
        let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [batch, 1]), &self.device);
        let tracked = self.device.clone().autodiff();
        let probe = |width| Tensor::<2>::zeros([batch, width], &tracked).require_grad();
        let (hidden_probe, probe) = (probe(HIDDEN), probe(CLASSES));

        let hidden = relu(self.layer(0, inputs.clone()).autodiff() + hidden_probe.clone());
        let weights = self.weights[1].clone().autodiff().transpose();
        let logits = hidden.clone().matmul(weights) + self.biases[1].clone().autodiff() + probe.clone();
        let losses = log_softmax(logits, 1).gather(1, labels.autodiff()).neg();
        // The sum, not the mean: each sample's gradient as it is.
        let gradients = losses.clone().sum().backward();
        let hidden_delta = hidden_probe.grad(&gradients).context("no gradient of the hidden layer")?;
        let delta = probe.grad(&gradients).context("no gradient of the logits")?;

        let counts = choose(&Factors {
            hidden: numbers(hidden.clone().inner())?,
            hidden_delta: numbers(hidden_delta.clone())?,
            delta: numbers(delta.clone())?,
            losses: numbers(losses.inner())?,
        })?;
        let counts = Tensor::from_data(TensorData::new(counts, [batch, 1]), &self.device);
        self.descend(1, hidden.inner(), delta, &counts);
        self.descend(0, inputs, hidden_delta, &counts);
        Ok(())
    }

    fn predict(&self, inputs: &[f32]) -> anyhow::Result<Vec<u32>> {
        let hidden = relu(self.layer(0, self.rows(inputs)));
        let found = self.layer(1, hidden).argmax(1).into_data();
        Ok(found.iter::<i64>().map(|class| class as u32).collect())
    }
}

fn main() -> anyhow::Result<()> {
    compare(Mlp::new)
}
