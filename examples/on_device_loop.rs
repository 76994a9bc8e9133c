//! Training on the device: a small classifier learns from samples of which some are
//! labelled wrongly, and a detector in 2 KiB says which, while it learns.
//!
//! `cargo run --release --example on_device_loop`

use gradsieve::{Detector, Direction, DirectionSettings, Error, Key, Layer, Layout, Repeat, Sjlt, Sketcher};

const INPUTS: usize = 16;
const CLASSES: usize = 4;
const SAMPLES: usize = 400;
/// Numbers a sketch. The gradient has 68; a real one has millions, and K stays.
const K: usize = 32;

/// Uniform in −1 … 1, from a counter: the same on every machine.
fn noise(i: usize) -> f32 {
    let mut x = (i as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 31)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (x >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Sample i: what the sensor saw, and the label that it was given. One in 16 is wrong.
fn sample(i: usize) -> ([f32; INPUTS], usize) {
    let class = i % CLASSES;
    let x = std::array::from_fn(|j| noise(class * INPUTS + j) + 0.7 * noise(1000 + i * INPUTS + j));
    (x, if is_wrong(i) { (class + 1) % CLASSES } else { class })
}

fn is_wrong(i: usize) -> bool {
    i % 16 == 5
}

/// A linear layer and a softmax.
struct Model {
    weights: [[f32; INPUTS]; CLASSES],
    bias: [f32; CLASSES],
}

impl Model {
    /// The loss gradient of the logits: probabilities, less one for the label. With the
    /// input it is all that a linear layer's gradient consists of.
    fn backward(&self, x: &[f32; INPUTS], label: usize) -> [f32; CLASSES] {
        let logit = |c: usize| self.weights[c].iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + self.bias[c];
        let exp: [f32; CLASSES] = std::array::from_fn(|c| logit(c).exp());
        let sum: f32 = exp.iter().sum();
        std::array::from_fn(|c| exp[c] / sum - if c == label { 1.0 } else { 0.0 })
    }

    fn step(&mut self, x: &[f32; INPUTS], delta: &[f32; CLASSES], rate: f32) {
        for ((row, bias), delta) in self.weights.iter_mut().zip(&mut self.bias).zip(delta) {
            row.iter_mut().zip(x).for_each(|(w, x)| *w -= rate * delta * x);
            *bias -= rate * delta;
        }
    }
}

fn main() -> Result<(), Error> {
    // Where the layer's weights and biases stand in the gradient.
    let weights = Layer::new(0, CLASSES as u64, INPUTS as u64);
    let bias = Layer::new((CLASSES * INPUTS) as u64, CLASSES as u64, 1);
    let layout = Layout::new(&[weights, bias])?;
    // In the field the seed is a secret: who knows it can hide from the sketch.
    let mut sketcher = Sketcher::new(Sjlt::new(K, Key::seed(7), Repeat::One)?, layout, [0.0; K])?;

    const SETTINGS: DirectionSettings = DirectionSettings::new(CLASSES as u32, K);
    let mut detector = Direction::new(SETTINGS, [0; SETTINGS.memory().i64s])?;

    let mut model = Model { weights: [[0.0; INPUTS]; CLASSES], bias: [0.0; CLASSES] };
    let mut scores = vec![0.0; SAMPLES];
    for epoch in 0..8 {
        detector.reset(); // gradients of another epoch are those of another model
        for (i, score) in scores.iter_mut().enumerate() {
            let (x, label) = sample(i);
            let delta = model.backward(&x, label);
            // The gradient of the weights is delta·xᵀ. It is never multiplied out.
            sketcher.segment(bias.offset, &delta)?;
            sketcher.outer(&weights, &x, &delta)?;
            let sketch = sketcher.finish()?.in_group(label as u32);
            detector.observe(&sketch)?;
            *score = detector.score(&sketch, &mut [])?;
            // Train on what looks ordinary. The first epochs decide nothing yet.
            if epoch < 2 || *score < 6.0 {
                model.step(&x, &delta, 0.02);
            }
        }
    }

    let mut order: Vec<usize> = (0..SAMPLES).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let wrong = (0..SAMPLES).filter(|&i| is_wrong(i)).count();
    println!("the {wrong} samples with the largest scores, of {SAMPLES}:");
    for &i in &order[..wrong] {
        println!("  sample {i:3}  score {:5.2}  {}", scores[i], if is_wrong(i) { "wrong label" } else { "" });
    }
    let found = order[..wrong].iter().filter(|&&i| is_wrong(i)).count();
    println!("{found} of {wrong} wrong labels are among them; {} bytes of state", 4 * SETTINGS.memory().f32s);
    Ok(())
}
