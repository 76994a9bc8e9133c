//! What an experiment found: everything that the table, the JSON and the picture show.

use serde::Serialize;

use super::breakdown::BreakdownLine;
use super::settings::Settings;
use super::sketches::SketchLine;
use super::streams::{LoopLine, StreamLine};

/// A finished experiment.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// What it was run on.
    pub settings: Settings,
    /// One table for each truth.
    pub panels: Vec<Panel>,
    /// One line for each projection, width and codec, of the experiment that is about
    /// them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sketches: Vec<SketchLine>,
    /// One line for each detector and share, kind and length of poison, of the experiment
    /// that is about them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub breakdown: Vec<BreakdownLine>,
    /// One line for each task, regime, corruption and scorer, of the experiment that is
    /// about streams.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamLine>,
    /// One line for each task, share of wrong labels and policy, of the experiment that
    /// trains with a guard in the loop.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_loop: Vec<LoopLine>,
    /// Numbers a sample and classes of the data; none for streams, which are of several.
    pub shape: Option<[usize; 2]>,
    /// Mean share of test samples that the models read right.
    pub accuracy: f64,
    /// Trainings that the truth took, those of earlier runs included.
    pub retrainings: usize,
    /// Seconds that computing the truth took in this run.
    pub truth_seconds: f64,
}

/// All methods against one truth.
#[derive(Clone, Debug, Serialize)]
pub struct Panel {
    /// Which truth, as a title: `last-epoch removals`.
    pub title: String,
    /// What the figures are: `Spearman, mean over targets`.
    pub measure: &'static str,
    /// What the truth itself reaches against another draw of itself, if that is known: no
    /// method can be expected to do better.
    pub ceiling: Option<f64>,
    /// One line a method, in the order of the methods' table.
    pub lines: Vec<Line>,
}

/// How one method did.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Short name.
    pub name: String,
    /// One line on what it is.
    pub about: &'static str,
    /// The figure of each seed.
    pub figures: Vec<f64>,
    /// Where the mean may lie, 95 %: [`bootstrap`](super::bootstrap) over seeds and
    /// targets. None where a figure is not a mean over targets.
    pub interval: Option<[f64; 2]>,
    /// Mean seconds for all scores of a seed, gradients included.
    pub seconds: f64,
    /// Bytes of the method's state.
    pub bytes: usize,
    /// Of a method that follows the run's steps by a formula: how far the steps of each
    /// seed are from it, ‖Δθ − formula's‖/‖Δθ‖. Empty for others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub residuals: Vec<f64>,
}

impl Line {
    /// The mean over the seeds.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.figures.iter().sum::<f64>() / self.figures.len() as f64
    }

    /// The mean of the residuals, if there are any.
    #[must_use]
    pub fn residual(&self) -> Option<f64> {
        let count = self.residuals.len();
        (count > 0).then(|| self.residuals.iter().sum::<f64>() / count as f64)
    }

    /// The standard deviation over the seeds (n − 1); 0 for one.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        let (mean, n) = (self.mean(), self.figures.len());
        let squares: f64 = self.figures.iter().map(|f| (f - mean) * (f - mean)).sum();
        if n > 1 { libm::sqrt(squares / (n - 1) as f64) } else { 0.0 }
    }
}
