//! What the command line says.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::commands::given::Given;
use crate::commands::numbers::number;
use crate::commands::paths::{destination, source};
use crate::commands::rows::ProjectionArguments;
use gradsieve_io::files::{Destination, Source};

const EXAMPLES: &str = "\
Examples:
  gradsieve outliers grads.npy --detector self-influence --dim 512 -o scores.npy
  gradsieve outliers grads.npy --detector direction --dim 512 --groups labels.npy
  gradsieve outliers grads.npy --detector direction --groups labels.npy --clip off
  gradsieve outliers sketches.npy --detector mahalanobis --contamination 0.01 --json";

/// Arguments of `outliers`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct OutliersArguments {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub given: Given,

    /// Gradients, or sketches of them, a sample a row: FILE.npy, FILE.safetensors#TENSOR,
    /// DIRECTORY.store or -
    #[arg(value_parser = source())]
    pub grads: Source,

    /// Where the scores go, n f64 in the order of the rows: FILE.npy, FILE.safetensors
    /// (tensor "scores") or - for a .npy on standard output
    #[arg(short, long, value_name = "FILE", value_parser = destination())]
    pub output: Option<Destination>,

    /// How anomalies are found
    #[arg(long, value_enum)]
    pub detector: DetectorName,

    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub projection: ProjectionArguments,

    /// A group for each sample (its label, its sensor, its client), for the detector
    /// direction: a 1-dimensional array of whole numbers or texts, or a .csv, .tsv or
    /// .txt with a line for each
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub groups: Option<Source>,

    /// How many times the median length a gradient may have as mahalanobis,
    /// self-influence and direction observe it: longer ones count as if they had that, so
    /// that none owns the statistic (with direction shorter ones than that part of the
    /// median, too). A number from 1 on, or off. Scores are those of the whole gradient
    #[arg(long, value_name = "FACTOR", default_value = "8", value_parser = clip)]
    pub clip: Clip,

    /// Share of the samples to flag, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = number::<f64>)]
    pub contamination: f64,

    /// Print JSON: {"detector", "rows", "flagged": [{"index", "score"}], "threshold",
    /// "non_finite"}, and "out_of_range" if there are rows that are finite, but too large
    /// for f32 or for the score; an infinite score is null
    #[arg(long)]
    pub json: bool,
}

/// How much longer than the median a gradient may be when it is observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip(pub(super) Option<f32>);

fn clip(text: &str) -> Result<Clip, String> {
    if text == "off" {
        return Ok(Clip(None));
    }
    match text.parse::<f32>() {
        Ok(factor) if factor >= 1.0 && factor.is_finite() => Ok(Clip(Some(factor))),
        _ => Err("expected a number from 1 on, or off".to_owned()),
    }
}

/// The detectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum DetectorName {
    /// L1 norm of the gradient
    L1,
    /// Squared L2 norm of the gradient
    L2,
    /// Isolation forest, 100 trees; --seed decides its draws, too
    Forest,
    /// Squared Mahalanobis distance from the mean, covariance shrunk by a tenth
    Mahalanobis,
    /// Long gradients, and those that point away from the others of their group
    Direction,
    /// How much a sample moves its own loss: gᵀ(C + λI)⁻¹g, C the second moment of all
    /// gradients
    SelfInfluence,
}

impl DetectorName {
    /// As on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::Forest => "forest",
            Self::Mahalanobis => "mahalanobis",
            Self::Direction => "direction",
            Self::SelfInfluence => "self-influence",
        }
    }

    /// Whether it keeps a matrix of K².
    pub(super) const fn takes_second_moments(self) -> bool {
        matches!(self, Self::Mahalanobis | Self::SelfInfluence)
    }

    /// Whether it bounds what one gradient does to its statistic.
    pub(super) const fn clips(self) -> bool {
        self.takes_second_moments() || matches!(self, Self::Direction)
    }

    /// Whether it looks at the norms only.
    pub(super) const fn needs_no_sketch(self) -> bool {
        matches!(self, Self::L1 | Self::L2)
    }
}
