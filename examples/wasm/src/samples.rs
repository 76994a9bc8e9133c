//! The stream: samples of four classes, as pure functions of a seed and a number.

use crate::network::{CLASSES, INPUTS};
use gradsieve_kernels::hash;

/// A sample, and the label that it was given.
pub struct Sample {
    pub inputs: [f32; INPUTS],
    pub class: usize,
    pub label: usize,
}

/// Uniform in −1 … 1.
fn uniform(key: u64, at: u64) -> f32 {
    (hash::word(key, at) >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Sample `i` of a stream: near the centre of its class, and far enough from it that
/// classes touch.
pub fn sample(seed: u64, i: u64, wrong: f32) -> Sample {
    let word = hash::word(hash::key(seed, 1), i);
    let class = (word & 3) as usize;
    let centre = |j: u64| uniform(hash::key(seed, 2), (class * INPUTS) as u64 + j);
    let own = |j: u64| uniform(hash::key(seed, 3), i * INPUTS as u64 + j);
    let inputs = core::array::from_fn(|j| centre(j as u64) + 1.8 * own(j as u64));
    let is_wrong = (word >> 40) as f32 / (1 << 24) as f32 <= wrong && wrong > 0.0;
    let label = if is_wrong { (class + 1) % CLASSES } else { class };
    Sample { inputs, class, label }
}
