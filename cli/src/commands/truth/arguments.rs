//! The command line of `gradsieve truth`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::commands::given::Given;
use crate::commands::numbers::{number, whole};
use gradsieve_harness::model::Optimizer;
use gradsieve_harness::truth::{Experiment, Projection, Source};

pub(in crate::commands) const LONG_ABOUT: &str = "\
Hold every influence method against ground truth, by retraining.

Trains models on the digits or on other data (--data), computes what really happens to the test samples when training samples are left out, and prints how \
well each method foretells it: a table, and a picture (SVG).

  tsloo    the same run again, batch by batch, without one sample's gradient: in the last epoch, or in all
  loo      softmax regression at its optimum, with and without one sample
  lds      losses after training on random halves (the linear datamodelling score)
  brittleness  the same run again without the m samples of highest score for a test sample: is it still read right, and its loss? And without the m of highest score in sum: the mean test loss?
  flips    no retraining: which self-scores find flipped labels
  shapley  Shapley values of the samples of single steps, by Monte Carlo
  fairness the same run again with FairIF's weights: the gap between low and high digits, before and after
  sketches no retraining: what each projection and codec loses of dot products, ridge influence and self-influence, over K
  breakdown no retraining: how many hostile gradients, of which length and kind, take how much of each detector's AUROC
  streams  corrupted samples of three tasks, judged as they come by a model that has learned them, knows better, or learns
  loop     wrong labels, and training that leaves out the samples it does not trust

Finished retrainings are kept (--cache), so a run that was stopped goes on, and other methods or sketches need no new truth.";

const EXAMPLES: &str = "\
Examples:
  gradsieve truth --experiment tsloo
  gradsieve truth --experiment tsloo --dim 512 --projection layers --method dvemb --method ridge
  gradsieve truth --experiment tsloo --dim 512 --projection eigen --method dvemb
  gradsieve truth --experiment tsloo --removal last --seeds 10 --share 0.01
  gradsieve truth --experiment tsloo --optimizer adamw --rate 0.001 --weight-decay 0.01
  gradsieve truth --experiment tsloo --target opportunity --method dvemb --method ridge
  gradsieve truth --experiment loo --seeds 1
  gradsieve truth --experiment lds --data table --noise 0.1 --csv lds.csv
  gradsieve truth --experiment lds --data mnist --hidden 64 --dim 2048 --method ridge --damping 0.1 --damping 1
  gradsieve truth --experiment lds --subsets 50 --repeats 3
  gradsieve truth --experiment brittleness --seeds 1 --remove 20 --remove 80 --method dvemb --method ridge
  gradsieve truth --experiment flips --flip 0.1 --json
  gradsieve truth --experiment fairness --flip 0.3
  gradsieve truth --experiment sketches
  gradsieve truth --experiment sketches --method sjlt-1 --method mask-8 --dim 512 --json
  gradsieve truth --experiment sketches --data mnist --method sjlt-1 --json
  gradsieve truth --experiment breakdown --csv breakdown.csv
  gradsieve truth --experiment breakdown --method direction --poison 0.01 --length 100
  gradsieve truth --experiment streams --csv streams.csv
  gradsieve truth --experiment streams --method direction --corrupt 0.1 --placement late
  gradsieve truth --experiment streams --seeds 1 --dump streams/
  gradsieve truth --experiment loop --wrong 0.3
  gradsieve truth --experiment tsloo --quick            seconds; figures that mean little";

/// Which truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExperimentName {
    /// Trajectory-specific leave-one-out
    Tsloo,
    /// Leave-one-out at the optimum of softmax regression
    Loo,
    /// Linear datamodelling score
    Lds,
    /// Test predictions that flip without the samples that matter most
    Brittleness,
    /// Flipped labels found by self-scores
    Flips,
    /// Shapley values of single steps
    Shapley,
    /// Weights that close a gap between groups
    Fairness,
    /// What projections and codecs lose
    Sketches,
    /// How much poison each detector bears
    Breakdown,
    /// Corrupted samples found as they come
    Streams,
    /// Training that leaves samples out
    Loop,
}

/// Where corrupt samples stand in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlacementName {
    /// Anywhere
    Throughout,
    /// In the first third
    Early,
    /// In the last third
    Late,
}

/// What the truth is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TargetName {
    /// Each test sample's loss
    Samples,
    /// The mean loss
    Utility,
    /// The gap of demographic parity between bold and thin digits
    Parity,
    /// The gap of equal opportunity between them
    Opportunity,
    /// The mean loss of adversarial inputs
    Robustness,
}

/// What is left out of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RemovalName {
    /// The sample's step in the last epoch
    Last,
    /// All its steps
    All,
    /// One after the other
    Both,
}

/// What takes the steps of training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OptimizerName {
    /// Plain stochastic gradient descent
    Sgd,
    /// With a velocity, 0.9
    Momentum,
    /// Nesterov's momentum, 0.9
    Nesterov,
    /// Adam with decoupled weight decay
    Adamw,
}

impl From<OptimizerName> for Optimizer {
    fn from(name: OptimizerName) -> Self {
        match name {
            OptimizerName::Sgd => Self::Sgd,
            OptimizerName::Momentum => Self::MOMENTUM,
            OptimizerName::Nesterov => Self::NESTEROV,
            OptimizerName::Adamw => Self::ADAMW,
        }
    }
}

impl OptimizerName {
    /// The learning rate where none is given, if it is not the experiment's.
    pub(super) const fn learning_rate(self) -> Option<f32> {
        match self {
            Self::Sgd => None,
            Self::Momentum | Self::Nesterov => Some(0.01),
            Self::Adamw => Some(0.003),
        }
    }
}

impl From<ExperimentName> for Experiment {
    fn from(name: ExperimentName) -> Self {
        match name {
            ExperimentName::Tsloo => Self::Tsloo,
            ExperimentName::Loo => Self::Loo,
            ExperimentName::Lds => Self::Lds,
            ExperimentName::Brittleness => Self::Brittleness,
            ExperimentName::Flips => Self::Flips,
            ExperimentName::Shapley => Self::Shapley,
            ExperimentName::Fairness => Self::Fairness,
            ExperimentName::Sketches => Self::Sketches,
            ExperimentName::Breakdown => Self::Breakdown,
            ExperimentName::Streams => Self::Streams,
            ExperimentName::Loop => Self::Loop,
        }
    }
}

/// Arguments of `truth`.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct TruthArguments {
    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub given: Given,

    /// Which truth
    #[arg(long, value_enum, default_value = "tsloo", value_name = "NAME")]
    pub experiment: ExperimentName,

    /// tsloo, loo, lds, brittleness, flips, shapley, sketches: digits; mnist, of a file
    /// that harness/mnist.mjs makes; table, tumours by thirty measurements; or a CSV file
    /// with a column label. Features of table and files are standardised by the training
    /// samples
    #[arg(long, value_name = "NAME|FILE.csv", default_value = "digits")]
    pub data: Source,

    /// tsloo, loo, lds, brittleness, shapley: share of the training labels that is
    /// flipped before anything is trained [default: 0]
    #[arg(long, value_name = "SHARE", value_parser = number::<f64>)]
    pub noise: Option<f64>,

    /// A method by its name (sketches: a projection; breakdown: a detector; streams: a
    /// scorer; loop: a policy), repeated for more [default: all that apply]
    #[arg(long = "method", value_name = "NAME")]
    pub methods: Vec<String>,

    /// Numbers a sketch, a multiple of 32 [default: no projection; sketches: 64, 128, …
    /// 4096; breakdown: 128; streams and loop: 64]
    #[arg(long, value_name = "K", value_parser = whole::<usize>)]
    pub dim: Option<usize>,

    /// How sketches are made (not of the experiment sketches, which is about that): sjlt,
    /// mask:8, logra or another; layers, small ones as they are, the rest dense ±1;
    /// principal, the principal directions of each layer's inputs; eigen, the coordinates
    /// of largest moment in the eigenbases of each layer's inputs and output gradients
    #[arg(long, value_name = "NAME", default_value = "sjlt")]
    pub projection: Projection,

    /// Training samples, of the 1,797 digits or other data [default: 1000; table 400;
    /// sketches and breakdown 1438]; samples of a stream [default: 2000]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub train: Option<usize>,

    /// Test samples: the targets [default: 200; table 169, fairness 400, sketches and
    /// breakdown 359]; streams: those that clean models are trained on [default: 2000]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub test: Option<usize>,

    /// Width of the hidden layer, repeated for more of them; 0 for none [default: 16;
    /// sketches, breakdown, streams and loop 64; loo has none]
    #[arg(long, value_name = "WIDTH", value_parser = whole::<usize>)]
    pub hidden: Vec<usize>,

    /// Learning rate for the mean gradient of a batch [default: 0.1; momentum and
    /// nesterov 0.01, adamw 0.003]
    #[arg(long, value_name = "RATE", value_parser = number::<f32>)]
    pub rate: Option<f32>,

    /// tsloo, lds, brittleness, flips, shapley: what takes the steps of training
    #[arg(long, value_enum, default_value = "sgd", value_name = "NAME")]
    pub optimizer: OptimizerName,

    /// tsloo, lds, brittleness, flips, shapley: λ of the term λθ that is added to every
    /// gradient; of adamw, of θ ← (1 − ηλ)θ [default: 0]
    #[arg(long, value_name = "LAMBDA", value_parser = number::<f32>)]
    pub weight_decay: Option<f32>,

    /// Samples of a batch [default: 32; streams and loop 8]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub batch: Option<usize>,

    /// Passes over the training samples [default: 10; sketches and breakdown 150, streams
    /// 60, loop 30]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub epochs: Option<usize>,

    /// ridge, cg, lissa, ek-fac, trak: damping in units of the mean eigenvalue, repeated
    /// to have each method with each [default: each method's own, 0.1]
    #[arg(long, value_name = "DAMPING", value_parser = number::<f32>)]
    pub damping: Vec<f32>,

    /// tsloo: the targets
    #[arg(long, value_enum, default_value = "samples")]
    pub target: TargetName,

    /// tsloo: what is left out
    #[arg(long, value_enum, default_value = "both")]
    pub removal: RemovalName,

    /// tsloo: share of the gradient that is left out; small shares show what is lost to
    /// the removal's size [default: 1]
    #[arg(long, value_name = "SHARE", value_parser = number::<f64>)]
    pub share: Option<f64>,

    /// loo: weight α of the term α‖θ‖²/2 beside the mean loss [default: 0.001]
    #[arg(long, value_name = "ALPHA", value_parser = number::<f64>)]
    pub decay: Option<f64>,

    /// lds: random halves [default: 100]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub subsets: Option<usize>,

    /// lds: models trained on each half [default: 5]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub repeats: Option<usize>,

    /// brittleness: samples to remove, repeated for more [default: 10, 20, 40, 80, 160]
    #[arg(long, value_name = "M", value_parser = whole::<usize>)]
    pub remove: Vec<usize>,

    /// shapley: orders in which samples join, each with its reverse [default: 100]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub orders: Option<usize>,

    /// breakdown: hostile gradients for each honest one, repeated for more [default:
    /// 0.0005, 0.002, 0.01, 0.05, 0.2, 0.5, 1]
    #[arg(long, value_name = "SHARE", value_parser = number::<f64>)]
    pub poison: Vec<f64>,

    /// breakdown: how many times the median length of the honest ones they have, repeated
    /// for more [default: 1e-10, 3, 10, 100, 1e3, 1e10, 1e30]
    #[arg(long, value_name = "FACTOR", value_parser = number::<f64>)]
    pub length: Vec<f64>,

    /// streams: share of the samples that is corrupt [default: 0.05]
    #[arg(long, value_name = "SHARE", value_parser = number::<f64>)]
    pub corrupt: Option<f64>,

    /// streams: where they stand
    #[arg(long, value_enum, default_value = "throughout")]
    pub placement: PlacementName,

    /// streams: epochs over which samples are judged while a model trains on them
    /// [default: 5]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub passes: Option<usize>,

    /// streams: write the streams as arrays below this directory, and judge nothing: for
    /// each a folder TASK_REGIME_KIND_SEED with sketches.npy and beside it the norms,
    /// groups.npy, loss.npy, samples.npy and corrupt.npy
    #[arg(long, value_name = "DIR")]
    pub dump: Option<PathBuf>,

    /// loop: share of the labels that is wrong, repeated for more [default: 0.2, 0.4]
    #[arg(long, value_name = "SHARE", value_parser = number::<f64>)]
    pub wrong: Vec<f64>,

    /// File for the figures (not of sketches)
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,

    /// flips, fairness, sketches, breakdown: share of the training labels to flip
    /// (fairness: of digits from 5 on) [default: 0.2]
    #[arg(long, value_name = "SHARE", value_parser = number::<f64>)]
    pub flip: Option<f64>,

    /// Seed of the first run
    #[arg(long, default_value_t = 0, value_parser = whole::<u64>)]
    pub seed: u64,

    /// Runs, with seeds from --seed on [default: 3; loop 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: Option<u64>,

    /// A tenth of everything, in seconds
    #[arg(long)]
    pub quick: bool,

    /// Directory for the picture; made if it is not there
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,

    /// Directory that keeps finished retrainings; made if it is not there
    #[arg(long, default_value = "out/truth-cache", value_name = "DIR")]
    pub cache: PathBuf,

    /// Print the outcome as JSON, and nothing else, on standard output
    #[arg(long)]
    pub json: bool,
}
