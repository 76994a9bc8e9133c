//! What the command line says.

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::commands::given::Given;
use crate::commands::numbers::{number, whole};
use crate::commands::paths::{destination, source};
use crate::commands::rows::ProjectionArguments;
use gradsieve_io::files::{Destination, Source};

const EXAMPLES: &str = "\
Examples:
  gradsieve outliers grads.npy
  gradsieve outliers grads.npy --detector self-influence --dim 512 -o scores.npy
  gradsieve outliers grads.npy --detector direction --dim 512 --groups labels.npy
  gradsieve outliers grads.npy --detector direction --groups labels.npy --clip off
  gradsieve outliers sketches.npy --detector mahalanobis --contamination 0.01 --json
  gradsieve outliers grads.npy --detector l2,direction --dim 512 --ids names.txt -o scores.csv
  gradsieve outliers grads.npy --detector loss,direction --loss loss.npy --groups labels.npy --top 20
  gradsieve outliers grads.npy --detector direction --dim 512 --false-alarms 0.01";

/// Arguments of `outliers`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct OutliersArguments {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub search: SearchArguments,

    /// Where the scores go, in the order of the rows: FILE.npy or FILE.safetensors
    /// (tensor "scores") with n f64, or n × D of several detectors; FILE.csv or
    /// FILE.parquet with the columns index, id (with --ids), score (or the name of each
    /// of several detectors) and flagged (true if a detector flags the row); FILE.json
    /// with what --json prints, and "scores"; or - for a .npy on standard output
    #[arg(short, long, value_name = "FILE", value_parser = destination())]
    pub output: Option<Destination>,

    /// Flag the N most suspicious samples; the threshold is the largest score that is not
    /// flagged then
    #[arg(long, value_name = "N", value_parser = whole::<usize>, conflicts_with_all = ["contamination", "false_alarms"])]
    pub top: Option<usize>,

    /// Print JSON: {"detector", "rows", "flagged": [{"index", "score"}], "threshold",
    /// "non_finite"}, and "out_of_range" if there are rows that are finite, but too large
    /// for f32 or for the score; an infinite score is null. Flagged have "id" with --ids,
    /// and "p" with --false-alarms. Of several detectors {"rows", "detectors":
    /// [{"detector", "flagged", …}]}
    #[arg(long)]
    pub json: bool,
}

/// Which samples are looked at, and how: what every command that finds outliers is told.
#[derive(Args, Clone, Debug)]
pub struct SearchArguments {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub given: Given,

    /// Gradients, or sketches of them, a sample a row: FILE.npy, FILE.safetensors#TENSOR,
    /// DIRECTORY.store or -
    #[arg(value_parser = source())]
    pub grads: Source,

    /// How anomalies are found; several share the passes over the file. Without it what
    /// suits what is known of the samples, which is said on standard error, and sketches
    /// of 512 numbers where the rows are longer
    #[arg(long, value_enum, value_name = "NAME,...", value_delimiter = ',')]
    pub detector: Vec<DetectorName>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub projection: ProjectionArguments,

    /// A group for each sample (its label, its sensor, its client), for the detector
    /// direction: a 1-dimensional array of whole numbers or texts, or a .csv, .tsv or
    /// .txt with a line for each
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub groups: Option<Source>,

    /// The loss of each sample when its gradient was taken: a 1-dimensional array of
    /// floats from 0 on. What the detector loss ranks by, and direction counts like a
    /// long gradient. A sample whose loss is NaN or infinite has an infinite score then
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub loss: Option<Source>,

    /// What each row is called, printed and written beside its index: a 1-dimensional
    /// array of whole numbers or texts, or a .csv, .tsv or .txt with a line for each
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub ids: Option<Source>,

    /// How many times the median length a gradient may have as mahalanobis,
    /// self-influence and direction observe it: longer ones count as if they had that, so
    /// that none owns the statistic (with direction shorter ones than that part of the
    /// median, too). A number from 1 on, or off. Scores are those of the whole gradient
    #[arg(long, value_name = "FACTOR", default_value = "8", value_parser = clip)]
    pub clip: Clip,

    /// Share of the samples to flag, from 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = number::<f64>, conflicts_with = "false_alarms")]
    pub contamination: f64,

    /// Flag what lies above the score that about this share of clean samples would: by a
    /// distribution laid through the central scores, as long as few samples are outliers
    /// (up to 5 %) and the clean ones have a distribution without a heavy tail
    #[arg(long, value_name = "RATE", value_parser = number::<f64>)]
    pub false_alarms: Option<f64>,
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
    /// The plain loss, of --loss
    Loss,
}

impl DetectorName {
    /// As on the command line.
    pub(in crate::commands) const fn name(self) -> &'static str {
        match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::Forest => "forest",
            Self::Mahalanobis => "mahalanobis",
            Self::Direction => "direction",
            Self::SelfInfluence => "self-influence",
            Self::Loss => "loss",
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

    /// Whether it looks at the exact norms of gradients.
    pub(super) const fn takes_norms(self) -> bool {
        matches!(self, Self::L1 | Self::L2)
    }

    /// Whether it looks at the norms or the loss only.
    pub(super) const fn needs_no_sketch(self) -> bool {
        self.takes_norms() || matches!(self, Self::Loss)
    }

    /// Whether it looks at the loss.
    pub(super) const fn takes_loss(self) -> bool {
        matches!(self, Self::Loss | Self::Direction)
    }
}
