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
  gradsieve clients updates.npy --rule multi-krum --hostile 6
  gradsieve clients updates.npy --rule dnc --hostile 6 --dim 512 --key run.key --json
  gradsieve clients updates.npy --rule fltrust --server server.npy --aggregate mean.npy
  gradsieve clients updates.npy --rule krum,dnc,clip --hostile 6 --ids names.txt -o weights.csv";

/// Arguments of `clients`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct ClientsArguments {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub given: Given,

    /// Updates, or sketches of them, a client a row: FILE.npy, FILE.safetensors#TENSOR,
    /// DIRECTORY.store or -
    #[arg(value_parser = source())]
    pub updates: Source,

    /// How clients are weighed; several rules share the pass over the file
    #[arg(long, value_enum, value_name = "NAME,...", value_delimiter = ',', required = true)]
    pub rule: Vec<RuleName>,

    /// How many clients may be hostile, f. krum, multi-krum, bulyan and dnc need it; the
    /// others do not look at it. A client whose update is not finite is one of them
    #[arg(long, value_name = "F", value_parser = whole::<usize>)]
    pub hostile: Option<usize>,

    /// How many clients multi-krum keeps; without it all but the hostile
    #[arg(long, value_name = "M", value_parser = whole::<usize>)]
    pub keep: Option<usize>,

    /// The norm that clip holds updates to; without it the median of their norms
    #[arg(long, value_name = "NORM", value_parser = number::<f64>)]
    pub norm: Option<f64>,

    /// The update that the server trusts, for fltrust: an array of one dimension or one
    /// row, as wide as the updates
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub server: Option<Source>,

    /// What each client is called: a 1-dimensional array of whole numbers or texts, or a
    /// .csv, .tsv or .txt with a line for each; none twice. Of equals the first by id is
    /// kept, and sums run in the order of ids, so that with ids the order of the rows
    /// changes nothing. Without them the row is the id
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub ids: Option<Source>,

    /// Where the weights go, in the order of the rows: FILE.npy or FILE.safetensors
    /// (tensor "weights") with n f64, or n × R of several rules; FILE.csv or FILE.parquet
    /// with the columns index, id (with --ids), weight and kept, or the name of each of
    /// several rules; FILE.json with what --json prints; or - for a .npy on standard
    /// output
    #[arg(short, long, value_name = "FILE", value_parser = destination())]
    pub output: Option<Destination>,

    /// Where the aggregate goes: FILE.npy or FILE.safetensors with one f32 a column, the
    /// weighted sum of the whole updates, whose weights are those that are printed. Reads
    /// the file again
    #[arg(long, value_name = "FILE", value_parser = destination())]
    pub aggregate: Option<Destination>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub projection: ProjectionArguments,

    /// Print JSON: {"rule", "hostile", "clients": how many, "dim", "kept": rows with a
    /// weight above 0, "weights": one a row, "non_finite": rows}, "out_of_range" if there
    /// are rows that are finite, but too large for f32, and "ids" with --ids. Of several
    /// rules {"clients", "rules": [{"rule", "kept", …}]}
    #[arg(long)]
    pub json: bool,
}

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum RuleName {
    /// The one client whose nearest others are nearest; n ≥ 2f + 3
    Krum,
    /// The n − f clients of the lowest of Krum's scores; n ≥ 2f + 3
    #[value(aliases = ["multikrum", "multi_krum"])]
    MultiKrum,
    /// n − 2f clients that Krum takes one by one; n ≥ 4f + 3
    Bulyan,
    /// Weights of the point with the least sum of distances
    #[value(aliases = ["geometric_median", "geomed", "rfa"])]
    GeometricMedian,
    /// The n − f that reach least along the direction of largest variance; n ≥ 2f + 1
    Dnc,
    /// Agreement with the update of --server, and its length
    #[value(name = "fltrust", alias = "fl-trust")]
    #[serde(rename = "fltrust")]
    FlTrust,
    /// The less alike to another client, the more
    #[value(name = "foolsgold", alias = "fools-gold")]
    #[serde(rename = "foolsgold")]
    FoolsGold,
    /// All clients alike, long updates shortened to --norm
    #[value(aliases = ["clipping", "norm-clip"])]
    Clip,
}

impl RuleName {
    /// As on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Krum => "krum",
            Self::MultiKrum => "multi-krum",
            Self::Bulyan => "bulyan",
            Self::GeometricMedian => "geometric-median",
            Self::Dnc => "dnc",
            Self::FlTrust => "fltrust",
            Self::FoolsGold => "foolsgold",
            Self::Clip => "clip",
        }
    }

    /// Whether it wants to know how many may be hostile.
    pub(super) const fn takes_hostile(self) -> bool {
        matches!(self, Self::Krum | Self::MultiKrum | Self::Bulyan | Self::Dnc)
    }

    /// Whether it looks at the exact norms of updates.
    pub(super) const fn takes_norms(self) -> bool {
        matches!(self, Self::FlTrust | Self::Clip)
    }
}
