//! `gradsieve truth`: every method against what really happens when samples are left out.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use comfy_table::CellAlignment;
use serde::Serialize;

use super::CommandError;
use super::bars;
use super::console::{bytes, print, print_json, table};
use super::escaped::escaped;
use super::given::{Given, Use};
use super::numbers::{number, whole};
use super::stream_files::write_streams;
use crate::report;
use gradsieve_harness::model::Removal;
use gradsieve_harness::truth::{
    self, CLEAN, Experiment, KINDS, Outcome, Panel, Placement, Projection, Settings, SketchLine, TASKS,
    Target, least_share,
};

pub(super) const LONG_ABOUT: &str = "\
Hold every influence method against ground truth, by retraining.

Trains models on the digits, computes what really happens to the test samples when training samples are left out, and prints how \
well each method foretells it: a table, and a picture (SVG).

  tsloo    the same run again, batch by batch, without one sample's gradient: in the last epoch, or in all
  loo      softmax regression at its optimum, with and without one sample
  lds      losses after training on random halves (the linear datamodelling score)
  brittleness  the same run again without the m samples of highest score for a test sample: is it still read right?
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
  gradsieve truth --experiment tsloo --removal last --seeds 10 --share 0.01
  gradsieve truth --experiment tsloo --target opportunity --method dvemb --method ridge
  gradsieve truth --experiment loo --seeds 1
  gradsieve truth --experiment lds --subsets 50 --repeats 3
  gradsieve truth --experiment brittleness --seeds 1 --remove 20 --remove 80 --method dvemb --method ridge
  gradsieve truth --experiment flips --flip 0.1 --json
  gradsieve truth --experiment fairness --flip 0.3
  gradsieve truth --experiment sketches
  gradsieve truth --experiment sketches --method sjlt-1 --method mask-8 --dim 512 --json
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
    /// principal, the principal directions of each layer's inputs
    #[arg(long, value_name = "NAME", default_value = "sjlt")]
    pub projection: Projection,

    /// Training samples, of the 1,797 digits [default: 1000; sketches and breakdown
    /// 1438]; samples of a stream [default: 2000]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub train: Option<usize>,

    /// Test samples: the targets [default: 200; fairness 400, sketches and breakdown
    /// 359]; streams: those that clean models are trained on [default: 2000]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub test: Option<usize>,

    /// Width of the hidden layer, repeated for more of them; 0 for none [default: 16;
    /// sketches, breakdown, streams and loop 64; loo has none]
    #[arg(long, value_name = "WIDTH", value_parser = whole::<usize>)]
    pub hidden: Vec<usize>,

    /// Learning rate for the mean gradient of a batch [default: 0.1]
    #[arg(long, value_name = "RATE", value_parser = number::<f32>)]
    pub rate: Option<f32>,

    /// Samples of a batch [default: 32; streams and loop 8]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub batch: Option<usize>,

    /// Passes over the training samples [default: 10; sketches and breakdown 150, streams
    /// 60, loop 30]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub epochs: Option<usize>,

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

    /// breakdown, streams, loop: file for the figures
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

/// The outcome with the place of its picture, for machines.
#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    outcome: &'a Outcome,
    picture: &'a Path,
}

/// What is to be done, checked before a file is opened.
struct Plan {
    settings: Settings,
    cache: PathBuf,
    out: PathBuf,
    csv: Option<PathBuf>,
    dump: Option<PathBuf>,
    json: bool,
}

impl Plan {
    /// The plan of a command line.
    ///
    /// # Errors
    /// An option that the experiment does not read; settings that it cannot be run on.
    fn new(arguments: TruthArguments) -> Result<Self, CommandError> {
        arguments.given.refuse_unread(uses(&arguments))?;
        let settings = settings(&arguments);
        settings.check()?;
        let TruthArguments { cache, out, csv, dump, json, .. } = arguments;
        Ok(Self { settings, cache, out, csv, dump, json })
    }
}

/// When each option is read.
fn uses(arguments: &TruthArguments) -> impl Iterator<Item = Use> + use<> {
    use ExperimentName::{
        Breakdown, Brittleness, Fairness, Flips, Lds, Loo, Loop, Shapley, Sketches, Streams, Tsloo,
    };
    const BY_STEPS: &[ExperimentName] =
        &[Tsloo, Lds, Brittleness, Flips, Shapley, Fairness, Sketches, Breakdown, Streams, Loop];
    // Loo's model is trained to its optimum. Fairness and shapley have methods of their
    // own, on the gradients themselves.
    const OF: [(&str, &[ExperimentName]); 23] = [
        ("--target", &[Tsloo]),
        ("--removal", &[Tsloo]),
        ("--share", &[Tsloo]),
        ("--decay", &[Loo]),
        ("--subsets", &[Lds]),
        ("--repeats", &[Lds]),
        ("--remove", &[Brittleness]),
        ("--orders", &[Shapley]),
        ("--poison", &[Breakdown]),
        ("--length", &[Breakdown]),
        ("--corrupt", &[Streams]),
        ("--placement", &[Streams]),
        ("--passes", &[Streams]),
        ("--dump", &[Streams]),
        ("--wrong", &[Loop]),
        ("--csv", &[Breakdown, Streams, Loop]),
        ("--flip", &[Flips, Fairness, Sketches, Breakdown]),
        ("--rate", BY_STEPS),
        ("--batch", BY_STEPS),
        ("--epochs", BY_STEPS),
        ("--dim", &[Tsloo, Loo, Lds, Brittleness, Flips, Sketches, Breakdown, Streams, Loop]),
        ("--projection", &[Tsloo, Loo, Lds, Brittleness, Flips]),
        // Flips are found without retraining, and fairness trains three times.
        ("--cache", &[Tsloo, Loo, Lds, Brittleness, Shapley, Sketches]),
    ];
    let (experiment, projects) = (arguments.experiment, arguments.dim.is_some());
    let name = |experiment: ExperimentName| Experiment::from(experiment).name();
    let of_experiment = OF.into_iter().map(move |(option, by)| Use {
        option,
        is_read: by.contains(&experiment),
        by: format!("--experiment {}", by.iter().map(|&by| name(by)).collect::<Vec<_>>().join(" or ")),
        found: name(experiment).to_owned(),
    });
    let projection = Use {
        option: "--projection",
        is_read: projects,
        by: "--dim beside it, the numbers to project to".to_owned(),
        found: format!("{} without it", arguments.projection),
    };
    // What is dumped is not judged.
    let dumps = arguments.dump.is_some();
    let of_figures = ["--csv", "--json", "--out"].map(|option| Use {
        option,
        is_read: !dumps,
        by: "no --dump beside it, which writes streams and no figures".to_owned(),
        found: "--dump".to_owned(),
    });
    of_experiment.chain([projection]).chain(of_figures)
}

/// Runs the command.
pub(super) fn run(arguments: TruthArguments) -> Result<(), CommandError> {
    let Plan { settings, cache, out, csv, dump, json } = Plan::new(arguments)?;
    let watch = bars::watch();
    let watch = &*watch;
    if let Some(directory) = dump {
        let count = write_streams(&settings, &directory, watch)?;
        return print(format!("{count} streams below {}", escaped(&directory.display())));
    }
    let outcome = truth::run(&settings, Some(cache), watch)?;
    std::fs::create_dir_all(&out).map_err(|error| CommandError::Argument {
        argument: "--out",
        expected: "a directory that exists or can be made".to_owned(),
        found: format!("{}: {error}", out.display()),
    })?;
    let picture = report::write_fidelity(&outcome, &out)?;
    if let Some(csv) = csv {
        report::write_figures(&outcome, &csv)?;
    }
    if json {
        return print_json(&Json { outcome: &outcome, picture: &picture });
    }
    show(&outcome)?;
    print(format!("Picture: {}", escaped(&picture.display())))
}

fn settings(arguments: &TruthArguments) -> Settings {
    let mut settings = Settings::of(arguments.experiment.into());
    if arguments.quick {
        settings = settings.quick();
    }
    fn set<T: Clone>(to: &mut T, wish: Option<&T>) {
        if let Some(wish) = wish {
            to.clone_from(wish);
        }
    }
    set(&mut settings.train_samples, arguments.train.as_ref());
    set(&mut settings.test_samples, arguments.test.as_ref());
    set(&mut settings.learning_rate, arguments.rate.as_ref());
    set(&mut settings.batch_size, arguments.batch.as_ref());
    set(&mut settings.epochs, arguments.epochs.as_ref());
    set(&mut settings.share, arguments.share.as_ref());
    settings.target = match arguments.target {
        TargetName::Samples => Target::Samples,
        TargetName::Utility => Target::Utility,
        TargetName::Parity => Target::Parity,
        TargetName::Opportunity => Target::Opportunity,
        TargetName::Robustness => Target::Robustness,
    };
    settings.removals = match arguments.removal {
        RemovalName::Last => vec![Removal::LastEpoch],
        RemovalName::All => vec![Removal::AllEpochs],
        RemovalName::Both => vec![Removal::LastEpoch, Removal::AllEpochs],
    };
    set(&mut settings.decay, arguments.decay.as_ref());
    set(&mut settings.subsets, arguments.subsets.as_ref());
    set(&mut settings.repeats, arguments.repeats.as_ref());
    if !arguments.remove.is_empty() {
        settings.removed.clone_from(&arguments.remove);
    }
    set(&mut settings.orders, arguments.orders.as_ref());
    set(&mut settings.flip, arguments.flip.as_ref());
    set(&mut settings.seeds, arguments.seeds.as_ref());
    if !arguments.hidden.is_empty() {
        settings.hidden = arguments.hidden.iter().copied().filter(|&width| width > 0).collect();
    }
    if settings.experiment == Experiment::Sketches {
        settings.widths = arguments.dim.map_or(settings.widths, |dim| vec![dim]);
    } else if arguments.dim.is_some() {
        settings.dim = arguments.dim;
    }
    for (grid, wish) in [
        (&mut settings.poison, &arguments.poison),
        (&mut settings.lengths, &arguments.length),
        (&mut settings.wrong, &arguments.wrong),
    ] {
        if !wish.is_empty() {
            grid.clone_from(wish);
        }
    }
    set(&mut settings.corrupt, arguments.corrupt.as_ref());
    settings.placement = match arguments.placement {
        PlacementName::Throughout => Placement::Throughout,
        PlacementName::Early => Placement::Early,
        PlacementName::Late => Placement::Late,
    };
    set(&mut settings.passes, arguments.passes.as_ref());
    settings.projection = arguments.projection;
    settings.seed = arguments.seed;
    settings.methods.clone_from(&arguments.methods);
    settings
}

fn show(outcome: &Outcome) -> Result<(), CommandError> {
    let Settings { train_samples, test_samples, hidden, dim, seeds, .. } = &outcome.settings;
    let layers: String = hidden.iter().map(|width| format!("{width}-")).collect();
    let sketches = match dim {
        Some(dim) => format!("sketches of {dim}"),
        None if outcome.settings.experiment == Experiment::Sketches => {
            format!("{:.0} % of the labels flipped", 100.0 * outcome.settings.flip)
        }
        None if outcome.settings.experiment == Experiment::Fairness => {
            format!("{:.0} % of the labels of digits from 5 on flipped", 100.0 * outcome.settings.flip)
        }
        None => "no projection".to_owned(),
    };
    let (data, model) = match outcome.settings.experiment {
        Experiment::Streams | Experiment::Loop => {
            let tasks: Vec<&str> = TASKS.iter().map(|task| task.name).collect();
            (tasks.join(", "), format!("inputs-{layers}classes"))
        }
        _ => ("digits".to_owned(), format!("64-{layers}10")),
    };
    print(format!(
        "{data}: {train_samples} training and {test_samples} test samples; model {model}, {sketches}; {seeds} {}, test accuracy {:.1} %",
        if *seeds == 1 { "seed" } else { "seeds" },
        100.0 * outcome.accuracy
    ))?;
    if outcome.retrainings > 0 {
        print(format!(
            "{} retrainings; {:.0} s for them in this run",
            outcome.retrainings, outcome.truth_seconds
        ))?;
    }
    if !outcome.sketches.is_empty() {
        return show_sketches(outcome);
    }
    outcome.panels.iter().try_for_each(show_panel)?;
    if outcome.breakdown.is_empty() { Ok(()) } else { show_breakdown(outcome) }
}

/// A table for each figure: a row for each projection and codec, a column for each width.
fn show_sketches(outcome: &Outcome) -> Result<(), CommandError> {
    type Figures = fn(&SketchLine) -> &[f64];
    let tables: [(&str, Figures); 7] = [
        ("dot products: Spearman against the gradients', mean over targets", |line| &line.dot),
        ("ridge influence: Spearman against the gradients', mean over targets", |line| &line.ridge),
        ("flips found by self-influence, f32 query, moments of f32 sketches: AUROC", |line| &line.streamed),
        ("flips found by self-influence, f32 query, moments of stored rows: AUROC", |line| &line.store),
        ("flips found by self-influence of stored rows alone: AUROC", |line| &line.rows),
        ("error of inner products, of the product of norms", |line| &line.error),
        ("the same as the chooser's model expects it", |line| &line.expected_error),
    ];
    let mut widths: Vec<usize> = outcome.sketches.iter().map(|line| line.dim).collect();
    widths.sort_unstable();
    widths.dedup();
    for (title, figures) in tables {
        print(format!("\n{title}\n"))?;
        let names: Vec<String> = widths.iter().map(|width| format!("K {width}")).collect();
        let header: Vec<&str> =
            ["projection", "codec"].into_iter().chain(names.iter().map(String::as_str)).collect();
        let mut rows = table(&header);
        for group in outcome.sketches.chunk_by(|a, b| a.projection == b.projection) {
            let codecs = gradsieve::store::Codec::ALL.map(gradsieve::store::Codec::name);
            for codec in codecs {
                let figure = |width: &usize| {
                    let line = group.iter().find(|line| line.codec == codec && line.dim == *width);
                    line.map_or_else(|| "–".to_owned(), |line| spread(figures(line)))
                };
                let name = [group[0].projection.to_owned(), codec.to_owned()];
                rows.add_row(name.into_iter().chain(widths.iter().map(figure)));
            }
        }
        for column in [0, 1] {
            if let Some(column) = rows.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Left);
            }
        }
        print(rows.trim_fmt())?;
    }
    Ok(())
}

/// A table for each kind of poison: a row for each detector, a column for each length,
/// and in it the least share that costs the detector 0.05.
fn show_breakdown(outcome: &Outcome) -> Result<(), CommandError> {
    let Settings { lengths, .. } = &outcome.settings;
    let names: Vec<String> = lengths.iter().map(|&length| format!("× {}", report::factor(length))).collect();
    let header: Vec<&str> =
        ["detector", "none"].into_iter().chain(names.iter().map(String::as_str)).collect();
    for kind in KINDS {
        print(format!("\nleast poison that costs 0.05, by its length in medians: {kind}\n"))?;
        let mut rows = table(&header);
        for clean in outcome.breakdown.iter().filter(|line| line.share == CLEAN) {
            let least = |&length: &f64| {
                let share = least_share(&outcome.breakdown, clean.detector, kind, length);
                share.map_or_else(|| "–".to_owned(), report::percent)
            };
            let own = [clean.detector.to_owned(), format!("{:.3}", clean.mean())];
            rows.add_row(own.into_iter().chain(lengths.iter().map(least)));
        }
        if let Some(column) = rows.column_mut(0) {
            column.set_cell_alignment(CellAlignment::Left);
        }
        print(rows.trim_fmt())?;
    }
    Ok(())
}

/// Mean and standard deviation over the seeds.
fn spread(figures: &[f64]) -> String {
    let n = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / n;
    let squares: f64 = figures.iter().map(|figure| (figure - mean) * (figure - mean)).sum();
    if mean.is_nan() {
        return "–".to_owned();
    }
    if n > 1.0 { format!("{mean:.3} ±{:.3}", (squares / (n - 1.0)).sqrt()) } else { format!("{mean:.3}") }
}

fn show_panel(panel: &Panel) -> Result<(), CommandError> {
    print(format!("\n{} ({})\n", panel.title, panel.measure))?;
    let mut rows = table(&["method", "mean", "± over seeds", "seconds", "state", "what it is"]);
    for line in &panel.lines {
        let spread =
            if line.figures.len() > 1 { format!("{:.3}", line.deviation()) } else { "–".to_owned() };
        rows.add_row([
            line.name.clone(),
            format!("{:.3}", line.mean()),
            spread,
            format!("{:.2}", line.seconds),
            bytes(line.bytes),
            line.about.to_owned(),
        ]);
    }
    for column in [0, 5] {
        if let Some(column) = rows.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Left);
        }
    }
    print(rows.trim_fmt())?;
    if let Some(ceiling) = panel.ceiling {
        print(format!("ceiling by the truth's own noise: about {ceiling:.3}"))?;
    }
    Ok(())
}
