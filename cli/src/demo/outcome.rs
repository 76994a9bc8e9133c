//! What a demonstration found: everything that the table, the JSON and the report show.

use serde::Serialize;

use super::in_loop::LoopOutcome;
use gradsieve_harness::measures::RocPoint;

/// A finished demonstration.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Name of the data set.
    pub data: String,
    /// The model's layer widths, as in `64-64-10`.
    pub model: String,
    /// Training samples n.
    pub train_samples: usize,
    /// Test samples.
    pub test_samples: usize,
    /// Parameters p: coordinates of a gradient.
    pub parameters: usize,
    /// Numbers a sketch, K.
    pub dim: usize,
    /// Seed of everything.
    pub seed: u64,
    /// How many training labels are wrong.
    pub flips: usize,
    /// How many samples each detector flags.
    pub budget: usize,
    /// Test accuracy of the model trained on everything, flips included, in 0..1.
    pub accuracy_before: f64,
    /// Test accuracy when exactly the flipped samples are left out.
    pub accuracy_ceiling: f64,
    /// Training accuracy (on the labels as given) of the model whose gradients are
    /// scored.
    pub accuracy_train: f64,
    /// Seconds that computing all gradients and sketching them took, one thread.
    pub gradient_seconds: f64,
    /// Gradients per second in that time.
    pub gradients_per_second: f64,
    /// Seconds of the whole demonstration.
    pub seconds: f64,
    /// Samples whose gradient was not finite: flagged whatever the detector says.
    pub non_finite: Vec<usize>,
    /// One entry a detector, in the order of the table.
    pub detectors: Vec<DetectorOutcome>,
    /// Training that leaves out what it does not trust: on these data, and for the digits
    /// on tumours, too.
    pub loops: Vec<LoopOutcome>,
    /// The most suspicious samples by the best detector.
    #[serde(skip)]
    pub suspects: Vec<Suspect>,
    /// For each training sample, whether its label was flipped.
    #[serde(skip)]
    pub truth: Vec<bool>,
    /// Width and height of the pictures, if the samples are pictures.
    #[serde(skip)]
    pub picture: Option<(usize, usize)>,
    /// Names of the classes.
    #[serde(skip)]
    pub class_names: Vec<String>,
}

/// How one detector did.
#[derive(Clone, Debug, Serialize)]
pub struct DetectorOutcome {
    /// Short name, as on the command line: `self-influence`.
    pub name: &'static str,
    /// One line on what it is.
    pub about: &'static str,
    /// Bytes of its state on a device, sketch memory not counted.
    pub bytes: usize,
    /// Area under the ROC curve for the flipped labels; none without flips.
    pub auroc: Option<f64>,
    /// Average precision for the flipped labels; none without flips.
    pub average_precision: Option<f64>,
    /// How many of the flips are among the flagged.
    pub found: usize,
    /// Test accuracy after retraining without the flagged.
    pub accuracy_after: f64,
    /// Seconds of observing, fitting and scoring all samples, one thread.
    pub seconds: f64,
    /// A score for each training sample; larger is more suspicious, infinite if the
    /// gradient was not finite.
    #[serde(skip)]
    pub scores: Vec<f64>,
    /// The ROC curve for the flipped labels; empty without flips.
    #[serde(skip)]
    pub roc: Vec<RocPoint>,
}

/// One suspicious sample, for the report.
#[derive(Clone, Debug)]
pub struct Suspect {
    /// Its index among the training samples.
    pub index: usize,
    /// Its score by the best detector.
    pub score: f64,
    /// The label as given.
    pub given: u32,
    /// What a model predicts that was trained without the flagged samples.
    pub predicted: u32,
    /// The label before flipping.
    pub original: u32,
    /// The features: pixels in 0..1 where the set has pictures.
    pub features: Vec<f32>,
}

impl Outcome {
    /// The detector with the highest AUROC (the first of equals), or the first one
    /// without flips.
    #[must_use]
    pub fn best(&self) -> Option<&DetectorOutcome> {
        self.detectors.iter().reduce(|best, next| if next.auroc > best.auroc { next } else { best })
    }
}
