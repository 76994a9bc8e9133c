//! `gradsieve demo`: the demonstration on data with flipped labels.

use std::path::PathBuf;

use clap::Args;

use super::CommandError;

const LONG_ABOUT: &str = "\
Train on data with flipped labels, find them by their gradients, train again without them.

Flips a share of the training labels, trains a model until it fits them, scores the gradient of every training \
sample with every detector, and trains again without the flagged samples. Prints a table of the detectors and writes a report \
(HTML, no network needed).";

const EXAMPLES: &str = "\
Examples:
  gradsieve demo
  gradsieve demo --data moons --model linear --flip 0.1
  gradsieve demo --data mine.csv --model 20-32-3 --out report --json";

/// Arguments of `demo`.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(long_about = LONG_ABOUT, after_help = EXAMPLES)]
pub struct DemoArguments {
    /// digits, moons, blobs, oga-linear, or a .csv file with the label in its last column
    #[arg(long, default_value = "digits", value_name = "NAME|FILE.csv")]
    pub data: String,

    /// Layer widths from the features to the classes, as in 64-64-10, or linear
    #[arg(long, value_name = "WIDTHS")]
    pub model: Option<String>,

    /// Share of the training labels to flip, from 0 up to, not including, 1
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    pub flip: f64,

    /// Numbers a sketch: a multiple of 32
    #[arg(long, default_value_t = 512, value_name = "K")]
    pub dim: usize,

    /// Seed of the split, the flips, the model and the projection
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// Directory for the report
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,

    /// Print the outcome as JSON, and nothing else, on standard output
    #[arg(long)]
    pub json: bool,
}

impl Default for DemoArguments {
    fn default() -> Self {
        Self {
            data: "digits".to_owned(),
            model: None,
            flip: 0.2,
            dim: 512,
            seed: 0,
            out: PathBuf::from("out"),
            json: false,
        }
    }
}

/// Runs the command.
pub(super) fn run(_arguments: &DemoArguments) -> Result<(), CommandError> {
    Err(CommandError::NotYet("the demonstration is not built yet"))
}
