//! A stream: what is seen of samples, one after another, and which of them are corrupt.

use gradsieve::{Key, Repeat, Sjlt, Sketch, SketchId, Sketcher, Summary};

use super::super::error::{TruthError, core};
use super::super::evidence::layout;
use crate::model::{Mlp, Scratch};

/// What is seen of the samples of a stream, in their order.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What the sketches are.
    pub id: SketchId,
    /// Groups that samples are of: the classes.
    pub groups: u32,
    /// The sketches, row by row.
    pub values: Vec<f32>,
    /// The exact measures of each gradient.
    pub measures: Vec<Summary>,
    /// The given label of each.
    pub labels: Vec<u32>,
    /// Its loss.
    pub losses: Vec<f64>,
    /// ‖p − y‖, the error of the model's probabilities.
    pub errors: Vec<f64>,
    /// The logit of the label before the largest other.
    pub margins: Vec<f64>,
    /// Which sample it is: a sample is seen once in every epoch.
    pub samples: Vec<usize>,
    /// Which samples are corrupt, each once.
    pub corrupt: Vec<bool>,
}

/// What is seen of one sample.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The sketch, in the group of its label.
    pub sketch: Sketch<'a>,
    /// The loss.
    pub loss: f64,
}

/// What a model makes of a sample, its gradient aside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) loss: f64,
    pub(super) error: f64,
    pub(super) margin: f64,
}

impl Stream {
    /// Of how many samples something is seen, each as often as it is.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// What is seen, in order.
    pub fn seen(&self) -> impl ExactSizeIterator<Item = Seen<'_>> {
        (0..self.len()).map(|i| {
            let values = &self.values[i * self.id.width..(i + 1) * self.id.width];
            let sketch = Sketch {
                id: self.id,
                values,
                measures: self.measures[i],
                group: self.labels[i],
                loss: Some(self.losses[i] as f32),
            };
            Seen { sketch, loss: self.losses[i] }
        })
    }

    /// For each that is seen, whether it is corrupt.
    #[must_use]
    pub fn truth(&self) -> Vec<bool> {
        self.samples.iter().map(|&sample| self.corrupt[sample]).collect()
    }
}

impl Reading {
    /// Of a sample; leaves what a backward pass needs in `scratch`.
    pub(super) fn of(model: &Mlp, x: &[f32], label: u32, scratch: &mut Scratch) -> Result<Self, TruthError> {
        let loss = model.loss(x, label, scratch)?;
        let logits = model.logits(x, scratch)?;
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f64> = logits.iter().map(|&z| libm::exp(f64::from(z) - f64::from(top))).collect();
        let total: f64 = weights.iter().sum();
        let (mut squares, mut other) = (0.0, f64::NEG_INFINITY);
        for (class, (weight, &z)) in weights.iter().zip(logits).enumerate() {
            let is_it = class == label as usize;
            let miss = weight / total - if is_it { 1.0 } else { 0.0 };
            squares += miss * miss;
            other = if is_it { other } else { other.max(f64::from(z)) };
        }
        let margin = logits.get(label as usize).map_or(0.0, |&z| f64::from(z)) - other;
        Ok(Self { loss, error: libm::sqrt(squares), margin })
    }
}

/// Takes gradients in and adds them to a stream.
pub(super) struct Recorder {
    sketcher: Sketcher<Sjlt, Vec<f32>>,
    pub(super) stream: Stream,
}

impl Recorder {
    pub(super) fn new(model: &Mlp, width: usize, corrupt: Vec<bool>, seed: u64) -> Result<Self, TruthError> {
        let layout = layout(model)?;
        let projector = Sjlt::new(width, Key::seed(seed), Repeat::One).map_err(core("the sketch"))?;
        let sketcher = Sketcher::new(projector, layout, vec![0.0; width]).map_err(core("the sketch"))?;
        let stream = Stream {
            id: sketcher.id(),
            groups: model.classes() as u32,
            values: Vec::new(),
            measures: Vec::new(),
            labels: Vec::new(),
            losses: Vec::new(),
            errors: Vec::new(),
            margins: Vec::new(),
            samples: Vec::new(),
            corrupt,
        };
        Ok(Self { sketcher, stream })
    }

    /// Adds one sample.
    pub(super) fn add(
        &mut self,
        sample: usize,
        label: u32,
        reading: Reading,
        gradient: &[f32],
    ) -> Result<(), TruthError> {
        let Self { sketcher, stream } = self;
        let sketch = sketched(sketcher, gradient)?;
        stream.values.extend_from_slice(sketch.values);
        stream.measures.push(sketch.measures);
        stream.labels.push(label);
        stream.losses.push(reading.loss);
        stream.errors.push(reading.error);
        stream.margins.push(reading.margin);
        stream.samples.push(sample);
        Ok(())
    }

    /// What is seen of one sample, which is not added.
    pub(super) fn see(&mut self, label: u32, loss: f64, gradient: &[f32]) -> Result<Seen<'_>, TruthError> {
        Ok(Seen {
            sketch: sketched(&mut self.sketcher, gradient)?.in_group(label).with_loss(loss as f32),
            loss,
        })
    }
}

fn sketched<'s>(
    sketcher: &'s mut Sketcher<Sjlt, Vec<f32>>,
    gradient: &[f32],
) -> Result<Sketch<'s>, TruthError> {
    sketcher.segment(0, gradient).map_err(core("a gradient"))?;
    sketcher.finish().map_err(core("a gradient"))
}
