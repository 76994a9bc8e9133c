//! The network, trained on the series a sample at a time.

use crate::series::{CLASSES, INPUTS, Run, TESTS, TRAINING, inputs, state};
use gradsieve_example_network as network;

/// Units of the hidden layer.
pub const HIDDEN: usize = 16;
/// Samples of a run: 20 epochs.
pub const SAMPLES: u32 = 20 * TRAINING as u32;
/// Samples before the first may be left out: 3 epochs.
pub const WARM_UP: u32 = 3 * TRAINING as u32;
/// The length of a step.
pub const LEARNING_RATE: f32 = 0.03;

/// The network.
pub type Network = network::Network<INPUTS, HIDDEN, CLASSES>;
/// What its backward pass leaves.
pub type Backward = network::Backward<HIDDEN, CLASSES>;

/// A run, as far as it has come.
pub struct Training {
    /// What is drawn for it.
    pub run: Run,
    /// The network.
    pub network: Network,
    /// Samples so far.
    pub samples: u32,
}

/// A sample, and its backward pass.
pub struct Sample {
    /// Its row.
    pub row: usize,
    /// Its inputs.
    pub x: [f32; INPUTS],
    /// The label that it was given.
    pub label: usize,
    /// What its gradient is made of, and its loss.
    pub back: Backward,
}

impl Training {
    /// The start of a run.
    #[inline(never)]
    pub fn new(run: Run) -> Self {
        let mut weights = (0..).map(|k| run.weight(k));
        let network = Network::new(|| weights.next().unwrap_or(0.0));
        Self { run, network, samples: 0 }
    }

    /// The next sample, forward and backward.
    #[inline(never)]
    pub fn meet(&mut self) -> Sample {
        let row = self.run.row(self.samples);
        self.samples += 1;
        let (x, label) = (inputs(row), self.run.label(row));
        Sample { row, x, label, back: self.network.backward(&x, label) }
    }

    /// A step on it.
    #[inline(never)]
    pub fn learn(&mut self, sample: &Sample) {
        self.network.step(&sample.x, &sample.back, LEARNING_RATE);
    }

    /// A whole run, on all samples or without those that a rule leaves out.
    pub fn finished(run: Run, mut rule: Option<LossRule>) -> Self {
        let mut training = Self::new(run);
        while training.samples < SAMPLES {
            let sample = training.meet();
            let is_large = rule.as_mut().is_some_and(|rule| rule.is_large(sample.back.loss));
            if !(is_large && training.is_warm()) {
                training.learn(&sample);
            }
        }
        training
    }

    /// Whether the next samples may be left out.
    pub const fn is_warm(&self) -> bool {
        self.samples > WARM_UP
    }

    /// Test rows that the network gets right.
    pub fn right(&self) -> u32 {
        let is_right = |row: &usize| self.network.predict(&inputs(*row)) == state(*row);
        (TRAINING..TRAINING + TESTS).filter(is_right).count() as u32
    }
}

/// Samples after the warm-up that a rule left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Those whose label is wrong, and how many of these there were.
    pub wrong: u32,
    /// How many wrong labels there were.
    pub of_wrong: u32,
    /// Those whose label is right.
    pub right: u32,
    /// How many right labels there were.
    pub of_right: u32,
}

impl LeftOut {
    /// Counts a sample.
    pub fn count(&mut self, run: Run, row: usize, is_left_out: bool) {
        let (left_out, of) = if run.label(row) == state(row) {
            (&mut self.right, &mut self.of_right)
        } else {
            (&mut self.wrong, &mut self.of_wrong)
        };
        *left_out += u32::from(is_left_out);
        *of += 1;
    }
}

/// The plain rule that a sieve is compared with: a sample is left out if its loss is
/// large beside the last ones.
pub struct LossRule {
    last: [f32; Self::LAST],
    count: usize,
    /// How many of the last losses are large.
    large: usize,
}

impl LossRule {
    /// How many last losses are kept.
    const LAST: usize = 256;

    /// No losses yet; so large a share of them will be large.
    pub fn new(share: f32) -> Self {
        Self { last: [0.0; Self::LAST], count: 0, large: (share * Self::LAST as f32) as usize }
    }

    /// Whether a loss is large. Takes it in.
    fn is_large(&mut self, loss: f32) -> bool {
        let larger = self.last.iter().filter(|last| **last > loss).count();
        self.last[self.count % Self::LAST] = loss;
        self.count += 1;
        self.count > Self::LAST && larger < self.large
    }
}
