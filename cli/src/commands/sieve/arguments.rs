//! What the command line says.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gradsieve::LossKind;

use crate::commands::given::Given;
use crate::commands::numbers::{number, whole};
use crate::commands::paths::{destination, source};
use crate::commands::rows::ProjectionArguments;
use gradsieve_io::files::{Destination, Source};

const EXAMPLES: &str = "\
Examples:
  gradsieve sieve grads.npy --groups labels.npy --loss loss.npy -o verdicts.csv
  gradsieve sieve grads.npy --groups labels.npy --half-life 2000 --false-alarms 0.05 --json
  gradsieve sieve monday.npy --groups monday.csv --max-groups 10 --save-state run.state
  gradsieve sieve tuesday.npy --groups tuesday.csv --state run.state --save-state run.state";

/// Arguments of `sieve`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct SieveArguments {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub given: Given,

    /// Gradients, or sketches of them, a sample a row in the order of the stream:
    /// FILE.npy, FILE.safetensors#TENSOR, DIRECTORY.store or -
    #[arg(value_parser = source())]
    pub grads: Source,

    /// A group for each sample (its label, its sensor, its client): a 1-dimensional array
    /// of whole numbers or texts, or a .csv, .tsv or .txt with a line for each.
    /// Directions are compared within a group. In states a whole number from 0 to
    /// 4294967295 is its own id, any other label the CRC-32 of its text
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub groups: Option<Source>,

    /// How many groups have a direction of their own, the first ones to come; samples of
    /// others are judged without one. Without it, as many as --groups has, at most 4096.
    /// It is a setting of the state: a stream that comes in parts names it with the first
    #[arg(long, value_name = "N", value_parser = whole::<u32>)]
    pub max_groups: Option<u32>,

    /// The loss of each sample when its gradient was taken: a 1-dimensional array of
    /// floats from 0 on. What finds most wrong labels, and tells which length a gradient
    /// should have
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub loss: Option<Source>,

    /// What the losses are: −ln p of the given class, or squared errors
    #[arg(long, value_enum, default_value = "cross-entropy")]
    pub loss_kind: LossKindName,

    /// Flag about this share of a clean stream; of one in which more is wrong, about the
    /// worst so many. 0.01 without it
    #[arg(long, value_name = "SHARE", value_parser = number::<f32>, conflicts_with = "false_discoveries")]
    pub false_alarms: Option<f32>,

    /// Flag so that at most this share of the flags is false, in the mean, whatever the
    /// samples depend on. Far fewer are flagged then
    #[arg(long, value_name = "SHARE", value_parser = number::<f32>)]
    pub false_discoveries: Option<f32>,

    /// Samples after which what was learnt counts half, from 16 to 4194304: for a model
    /// that trains, about a tenth of the run. Without it nothing is forgotten
    #[arg(long, value_name = "SAMPLES", value_parser = whole::<u32>)]
    pub half_life: Option<u32>,

    /// What is looked for besides: gradients of zero, gradients shorter than their loss
    /// explains, near duplicates of one of the last 64 samples; or all of them, or none
    #[arg(long, value_enum, value_name = "NAME,...", value_delimiter = ',', default_value = "all")]
    pub guards: Vec<GuardName>,

    /// The probability that a stream that does not change ever has an alarm that says so
    #[arg(long, value_name = "LEVEL", default_value_t = 0.01, value_parser = number::<f32>)]
    pub change: f32,

    /// Samples before the first can be flagged, at least 16
    #[arg(long, value_name = "SAMPLES", default_value_t = 64, value_parser = whole::<u32>)]
    pub warm_up: u32,

    /// Learn flagged samples, too. Without it they are only where so many are flagged
    /// that the stream itself must have changed
    #[arg(long)]
    pub learn_flagged: bool,

    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub projection: ProjectionArguments,

    /// What each sample is called: a 1-dimensional array of whole numbers or texts, or a
    /// .csv, .tsv or .txt with a line for each
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub ids: Option<Source>,

    /// Where a verdict for each row goes: FILE.csv or FILE.parquet with the columns
    /// index, id (with --ids), p, score, flagged (true or false) and reasons (names with
    /// a space between); FILE.json with a list of such objects; FILE.npy or
    /// FILE.safetensors (tensor "verdicts") with n × 3 f32, p, score and flagged (1 or
    /// 0); or - for CSV on standard output
    #[arg(short, long, value_name = "FILE", value_parser = destination())]
    pub output: Option<Destination>,

    /// Go on from a state that --save-state or a device has written: verdicts are those
    /// of one run over all. It brings its settings; those given here must be the same
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// Where the state goes when all rows are judged; may be the file of --state
    #[arg(long, value_name = "FILE")]
    pub save_state: Option<PathBuf>,

    /// How many of the flagged samples are printed, the worst first
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = whole::<usize>)]
    pub top: usize,

    /// Print JSON: {"rows", "flagged": [{"index", "p", "score", "reasons"}], "alarms":
    /// [{"index", "kind"}], "state_bytes"}, in the order of the rows, and "false_alarms"
    /// or "false_discoveries", "half_life", "dim", "non_finite", "out_of_range", "health"
    /// and "memory_bytes"; "id" beside "index" with --ids
    #[arg(long)]
    pub json: bool,
}

/// What the losses are.
#[allow(missing_docs, reason = "doc comments here would become help, and say the names again")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LossKindName {
    CrossEntropy,
    Squared,
}

impl LossKindName {
    /// As the core calls it.
    pub(super) const fn kind(self) -> LossKind {
        match self {
            Self::CrossEntropy => LossKind::CrossEntropy,
            Self::Squared => LossKind::Squared,
        }
    }
}

/// What is looked for besides.
#[allow(missing_docs, reason = "doc comments here would become help, and say the names again")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GuardName {
    Zero,
    Short,
    Duplicate,
    All,
    None,
}
