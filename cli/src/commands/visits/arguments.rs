//! What the command line says.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gradsieve_io::files::{Destination, Dtype, Source};
use gradsieve_io::visits::KeptName;

use crate::commands::numbers::whole;
use crate::commands::paths::{destination, source};

const EXAMPLES: &str = "\
Examples:
  gradsieve visits losses/epoch-*.npy --top 20
  gradsieve visits losses/epoch-*.npy --kind mean-rank -o ranks.csv
  gradsieve visits epoch-7.npy --state loss.visits
  gradsieve visits --state loss.visits -o loss.npy
  gradsieve visits verdicts.npy --ids samples.npy --kind mean-rank --state sieve.visits";

/// Arguments of `visits`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct VisitsArguments {
    /// Scores or losses, a file an epoch in their order, each with a number for each
    /// sample: FILE.npy or FILE.safetensors#TENSOR, of floats; or what gradsieve sieve -o
    /// wrote as such (n × 3), of which mean and worst take the score, mean-rank the p.
    /// Without any, --state is read
    #[arg(value_name = "SCORES", value_parser = source())]
    pub scores: Vec<Source>,

    /// Which sample each row is of, where that is not its number: a 1-dimensional array
    /// of whole numbers from 0 on, or a .csv, .tsv or .txt with a line for each. One for
    /// all SCORES, or the option once for each of them. Samples may be missing, and may
    /// be there several times: each row is a visit
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub ids: Vec<Source>,

    /// What is kept of the visits to a sample; mean without it, or what --state has
    #[arg(long, value_enum)]
    pub kind: Option<KindName>,

    /// The numbers that it is kept in, beside a count of 2 bytes: f16 is right to .2 % of
    /// a mean after 100 visits and .7 % after 1,000, and reaches to 65504. f32 without
    /// it, or what --state has
    #[arg(long, value_enum)]
    pub number: Option<NumberName>,

    /// How many samples there are: ids are below it. Without it as many as SCORES has
    /// rows or --ids names, or --state has
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub samples: Option<u64>,

    /// Where visits are kept between runs: made if it is not there, else SCORES are added
    /// to what it holds, all of them or none
    #[arg(long, value_name = "FILE.visits")]
    pub state: Option<PathBuf>,

    /// Leave out scores that are NaN or infinite: no visit. Without it they are refused
    #[arg(long)]
    pub skip_non_finite: bool,

    /// Where the numbers go: FILE.csv or FILE.parquet with the columns id, score and
    /// visits, of the samples that were visited; FILE.json with a list of such objects;
    /// FILE.npy or FILE.safetensors (tensor
    /// "scores") with an f32 for each sample, NaN of those without visits; or - for CSV
    /// on standard output
    #[arg(short, long, value_name = "FILE", value_parser = destination())]
    pub output: Option<Destination>,

    /// Print the N samples with the largest numbers
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = whole::<usize>)]
    pub top: usize,

    /// Print JSON: {"kind", "number", "samples", "visited", "least_visits",
    /// "most_visits", "observed", "skipped", "top": [{"id", "score", "visits"}],
    /// "state_bytes"}
    #[arg(long)]
    pub json: bool,
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KindName {
    /// The mean of the scores
    Mean,
    /// The mean of the ranks, each among the scores of its file: 1 is the largest. For
    /// scores that shrink in training
    MeanRank,
    /// The largest score
    Worst,
}

impl KindName {
    /// As the file calls it.
    pub(super) const fn kept(self) -> KeptName {
        match self {
            Self::Mean => KeptName::Mean,
            Self::MeanRank => KeptName::MeanRank,
            Self::Worst => KeptName::Worst,
        }
    }
}

/// The format of the numbers.
#[allow(missing_docs, reason = "doc comments here would become help, and say the names again")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NumberName {
    F16,
    F32,
}

impl NumberName {
    /// As the file calls it.
    pub(super) const fn dtype(self) -> Dtype {
        match self {
            Self::F16 => Dtype::F16,
            Self::F32 => Dtype::F32,
        }
    }
}
