//! What the command line says.

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::commands::given::Given;
use crate::commands::numbers::{number, whole};
use crate::commands::paths::{destination, source};
use crate::commands::rows::ProjectionArguments;
use gradsieve_io::files::{Destination, Source};

const EXAMPLES: &str = "\
Examples:
  gradsieve influence --train train.npy --target val.npy --method dot -o influence.npy
  gradsieve influence --train train.npy --target val.npy --method ridge --dim 512 --top 10
  gradsieve influence --train train.npy --target val.npy --method dot --ids names.txt -o i.csv
  gradsieve influence --train train.npy --target val.npy --method datainf --layers 640,10 -o influence.npy
  gradsieve influence --train train.npy --target val.npy --method cg --dim 16384 --tolerance 1e-3 -o influence.npy
  gradsieve influence --train train.npy --target val.npy --method cg --factors factors.npy --samples 1000 \\
      --lambda 0.01 -o influence.npy
  gradsieve influence --train train.safetensors --target val.safetensors --method ek-fac \\
      --factors sampled-labels.safetensors -o influence.npy
  gradsieve influence --method tracin -o influence.npy \\
      --train train-epoch1.npy --target val-epoch1.npy --lr 0.1 \\
      --train train-epoch5.npy --target val-epoch5.npy --lr 0.01
  gradsieve influence --method trak --dim 2048 -o influence.npy \\
      --train margins-a.npy --target val-margins-a.npy --one-minus-p one-minus-p-a.npy \\
      --train margins-b.npy --target val-margins-b.npy --one-minus-p one-minus-p-b.npy
  gradsieve influence --method less --dim 8192 -o scores.npy --subtasks task-of-each-target.npy \\
      --train adam-epoch1.npy --target val-epoch1.npy --lr 2e-5 \\
      --train adam-epoch2.npy --target val-epoch2.npy --lr 1e-5
  gradsieve influence --method dvemb --trajectory run/ --target val.npy --dim 512 -o influence.npy
  gradsieve influence --method dvemb --trajectory run/ --target val.npy --principal 20 -o out.npy
  gradsieve influence --method dvemb --trajectory run/ --target val.npy --eigen 512 -o out.npy
  gradsieve influence --method shapley --trajectory run/ --top 10";

/// Arguments of `influence`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct InfluenceArguments {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub given: Given,

    /// Gradients of the training samples, n_train × p, or sketches of them: FILE.npy,
    /// FILE.safetensors#TENSOR, DIRECTORY.store or -; again for each checkpoint or model.
    /// For ek-fac a FILE.safetensors with a.NAME (n_train × inputs) and b.NAME (n_train ×
    /// outputs) of each linear layer
    #[arg(long, value_name = "GRADS", required_unless_present = "trajectory", conflicts_with = "trajectory", value_parser = source())]
    pub train: Vec<Source>,

    /// A recorded run, for dvemb and shapley: a directory with one .safetensors file a
    /// step
    #[arg(long, value_name = "DIR")]
    pub trajectory: Option<PathBuf>,

    /// Principal directions of the inputs of each layer that are kept, for --trajectory
    /// with a.NAME and b.NAME: b aᵀ becomes b (P a)ᵀ, which --dim then projects, if it is
    /// there
    #[arg(long, value_name = "R", value_parser = whole::<usize>, requires = "trajectory")]
    pub principal: Option<usize>,

    /// Numbers that are kept of each gradient, for --trajectory with a.NAME and b.NAME:
    /// the K coordinates of largest moment over the run, of all layers together, in the
    /// eigenbases of what goes into each layer and of its output gradients; --dim then
    /// projects them, if it is there. The run is read three times
    #[arg(
        long,
        value_name = "K",
        value_parser = whole::<usize>,
        requires = "trajectory",
        conflicts_with = "principal"
    )]
    pub eigen: Option<usize>,

    /// Gradients of the targets, n_target × p, or sketches of them, in the same forms;
    /// again for each checkpoint or model; for dvemb at the end of the run
    #[arg(long, value_name = "GRADS", required_unless_present = "trajectory", value_parser = source())]
    pub target: Vec<Source>,

    /// Rows of the curvature C = FᵀF/m, m × p in the forms of --train, where those are
    /// other rows than the scored ones: pseudo-gradients √p_c·∇(−ln p_c) of each sample
    /// and class make it the exact Gauss–Newton matrix; again for each model. For ek-fac
    /// layers in a file, of which the labels were sampled from the model's prediction
    #[arg(long, value_name = "GRADS", value_parser = source())]
    pub factors: Vec<Source>,

    /// Training samples that --factors are of, C = FᵀF/N: with C pseudo-gradients a
    /// sample N is m/C; as many as there are rows if there is none
    #[arg(long, value_name = "N", value_parser = whole::<usize>, requires = "factors")]
    pub samples: Option<usize>,

    /// Learning rate of a checkpoint, for tracin and less; one for all, or one for each
    /// checkpoint; 1 if there is none. For tracin in sum form: if the loss is the mean
    /// over a batch of B, divide by B
    #[arg(long, value_name = "RATE", value_parser = number::<f64>)]
    pub lr: Vec<f64>,

    /// 1 − p of each training sample, p being its own label's probability: a
    /// 1-dimensional array, for trak; again for each model
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub one_minus_p: Vec<Source>,

    /// The subtask of each target, for less: a 1-dimensional array of whole numbers. The
    /// influence is then n_train × 1, the largest over subtasks
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub subtasks: Option<Source>,

    /// How influence is measured; auto chooses by what there is, and says why
    #[arg(long, value_enum, default_value_t = Method::Auto)]
    pub method: Method,

    /// λ in units of the mean eigenvalue, for ridge, trak, datainf, lissa, cg, gif and
    /// ek-fac (of each layer); 0.1 if there is none. Only trak and gif take 0: trak's is
    /// the limit of ever smaller ones, by the pseudo-inverse where the gradients span
    /// fewer than K dimensions
    #[arg(long, value_name = "SHARE", value_parser = number::<f32>)]
    pub damping: Option<f32>,

    /// λ as it is, for the same methods, in place of --damping: the factor of a ridge
    /// term λ/2·‖θ‖² beside a mean loss; of trak what is added to ΦᵀΦ
    #[arg(long, value_name = "LAMBDA", value_parser = number::<f64>, conflicts_with = "damping")]
    pub lambda: Option<f64>,

    /// Eigenpairs that arnoldi keeps; half of the products, 40 at most, if there is none
    #[arg(long, value_name = "R", value_parser = whole::<usize>)]
    pub keep: Option<usize>,

    /// Columns that gif may update, from 0: numbers and ranges without their end, as in
    /// 3,640..650
    #[arg(long, value_name = "A..B,...", value_delimiter = ',', value_parser = columns)]
    pub coordinates: Vec<Range<usize>>,

    /// Columns of each layer, in their order, for datainf without --dim; one layer if
    /// there is none
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', value_parser = whole::<usize>)]
    pub layers: Vec<usize>,

    /// The most passes over the training gradients, for cg and lissa, beside one that
    /// sees that cg has converged; 100 if there is none. Fewer than are needed end in an
    /// error that says how many would be enough. For arnoldi the products with C, 80 if
    /// there is none, beside one that checks its eigenpairs
    #[arg(long, value_name = "N", value_parser = whole::<u32>)]
    pub passes: Option<u32>,

    /// A target is solved when its residual, taken in f64, is this part of its length,
    /// for cg, lissa, arnoldi and ek-fac; 1e-4 if there is none, 1e-2 for arnoldi, whose
    /// targets are their parts along the eigenvectors that it keeps
    #[arg(long, value_name = "PART", value_parser = number::<f32>)]
    pub tolerance: Option<f32>,

    /// α of lissa, which converges below 2/(λ_max + λ); if there is none, 1/(1.2·λ_max +
    /// λ), where the first five passes estimate λ_max
    #[arg(long, value_name = "ALPHA", value_parser = number::<f64>)]
    pub step: Option<f64>,

    /// Write scores that are not known to be right: of cg, lissa, arnoldi and ek-fac when
    /// a residual stays above --tolerance, of ridge, trak and gif when the condition
    /// number is above 1e10.
    /// Without it, these are errors; with it a remark, and "inexact": true in --json.
    /// As in --method lissa --passes 20 --accept-inexact, which stops early on purpose
    #[arg(long)]
    pub accept_inexact: bool,

    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub projection: ProjectionArguments,

    /// What each training sample is called: a 1-dimensional array of whole numbers or
    /// texts, or a .csv, .tsv or .txt with a line for each; for tables and --top
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub ids: Option<Source>,

    /// What each target is called, in the same forms
    #[arg(long, value_name = "FILE", value_parser = source())]
    pub target_ids: Option<Source>,

    /// Where the influence goes, n_train × n_target: FILE.npy, FILE.safetensors (tensor
    /// "influence") or - for a .npy on standard output; FILE.csv, FILE.parquet or
    /// FILE.json (a list of objects) with the columns index, id (with --ids) and
    /// influence, or of several targets "influence on 0" and so on; may be left out with
    /// --top
    #[arg(short, long, value_name = "FILE", required_unless_present = "top", value_parser = destination())]
    pub output: Option<Destination>,

    /// Type of the numbers written (sums are f64)
    #[arg(long, value_enum, default_value_t = InfluenceDtype::F32)]
    pub dtype: InfluenceDtype,

    /// Print, for each target, the N most helpful and the N most harmful training samples
    /// (rows count from 0)
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub top: Option<usize>,

    /// Print JSON: {"method", "train_rows", "target_rows", "non_finite_train",
    /// "non_finite_target", "solver": {"passes", "residual", "converged"}, "inexact",
    /// "targets": [{"index", "proponents": [{"index", "influence"}], "opponents":
    /// [...]}]}, and "id" beside "index" with --ids and --target-ids; solver with cg,
    /// lissa, arnoldi and ek-fac, and as {"condition", "singular"} with ridge, trak and
    /// gif; inexact, true, where
    /// --accept-inexact was needed; targets only with --top; "out_of_range_train" and
    /// "out_of_range_target" if there are rows that are finite, but too large for f32
    #[arg(long)]
    pub json: bool,
}

/// The methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Chosen by what there is, which is said with the reason
    Auto,
    /// Dot product
    Dot,
    /// Cosine
    Cosine,
    /// Sum of dot products over copies of a model: dropout masks, perturbed weights
    Ip,
    /// Sum over checkpoints of learning rate times dot product
    Tracin,
    /// Dot product of mean directions over checkpoints
    Retrac,
    /// Weighted mean of cosines over checkpoints, with Adam directions
    Less,
    /// Dot product in the metric of the inverse empirical Fisher
    Ridge,
    /// The same with gradients of the margin, averaged over models
    Trak,
    /// Mean of each sample's own inverse, layer by layer
    Datainf,
    /// As ridge, by a fixed-point iteration: passes, no matrix
    Lissa,
    /// As ridge, by conjugate gradients: passes, no matrix
    Cg,
    /// By the largest eigenpairs of the curvature alone: passes, no matrix
    Arnoldi,
    /// As ridge, where some coordinates alone are updated
    Gif,
    /// As ridge, by Kronecker factors of each linear layer, from its inputs and outputs
    EkFac,
    /// Data value embedding along a recorded run
    Dvemb,
    /// In-run Shapley values along a recorded run
    Shapley,
}

/// Types that influence is written in.
#[allow(missing_docs, reason = "doc comments here would become help, and say the names again")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InfluenceDtype {
    F32,
    F64,
}

impl Method {
    /// As on the command line.
    pub(in crate::commands) const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Dot => "dot",
            Self::Cosine => "cosine",
            Self::Ip => "ip",
            Self::Tracin => "tracin",
            Self::Retrac => "retrac",
            Self::Less => "less",
            Self::Ridge => "ridge",
            Self::Trak => "trak",
            Self::Datainf => "datainf",
            Self::Lissa => "lissa",
            Self::Cg => "cg",
            Self::Arnoldi => "arnoldi",
            Self::Gif => "gif",
            Self::EkFac => "ek-fac",
            Self::Dvemb => "dvemb",
            Self::Shapley => "shapley",
        }
    }

    /// Whether it needs a recorded run.
    pub(in crate::commands) const fn is_along_a_run(self) -> bool {
        matches!(self, Self::Dvemb | Self::Shapley)
    }

    /// Whether it takes more than one checkpoint or model.
    pub(in crate::commands) const fn takes_checkpoints(self) -> bool {
        matches!(self, Self::Ip | Self::Tracin | Self::Retrac | Self::Less | Self::Trak)
    }

    /// Whether it weighs checkpoints by their learning rate.
    pub(super) const fn takes_rates(self) -> bool {
        matches!(self, Self::Tracin | Self::Less)
    }

    /// Whether it keeps a matrix of K².
    pub(super) const fn takes_second_moments(self) -> bool {
        matches!(self, Self::Ridge | Self::Trak | Self::Gif)
    }

    /// Whether it solves for targets by passes over the rows of the curvature.
    pub(super) const fn iterates(self) -> bool {
        matches!(self, Self::Lissa | Self::Cg)
    }

    /// Whether its solutions are taken by a residual.
    pub(super) const fn has_residuals(self) -> bool {
        self.iterates() || matches!(self, Self::Arnoldi | Self::EkFac)
    }

    /// Whether it solves for targets at all.
    pub(super) const fn solves(self) -> bool {
        self.takes_second_moments() || self.has_residuals() || matches!(self, Self::Datainf)
    }

    /// Whether λ is added to its curvature.
    pub(super) const fn is_damped(self) -> bool {
        self.solves() && !matches!(self, Self::Arnoldi)
    }

    /// Whether its curvature is C, divided by a number of samples.
    pub(super) const fn has_mean_curvature(self) -> bool {
        matches!(self, Self::Ridge | Self::Lissa | Self::Cg | Self::Arnoldi | Self::Gif)
    }

    /// Whether it looks at directions only.
    pub(super) const fn takes_directions(self) -> bool {
        matches!(self, Self::Cosine | Self::Retrac | Self::Less)
    }
}

/// A column, or a range of columns without its end.
fn columns(text: &str) -> Result<Range<usize>, &'static str> {
    const EXPECTED: &str = "expected a column or a range without its end, as in 3 or 640..650";
    let number = |text: &str| text.parse::<usize>().map_err(|_| EXPECTED);
    let range = match text.split_once("..") {
        Some((first, end)) => number(first)?..number(end)?,
        None => number(text).map(|one| one..one.saturating_add(1))?,
    };
    if range.is_empty() { Err(EXPECTED) } else { Ok(range) }
}
