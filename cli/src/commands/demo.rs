//! `gradsieve demo`: the demonstration on data with flipped labels.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use comfy_table::CellAlignment;
use serde::Serialize;

use super::CommandError;
use super::bars;
use super::console::{bytes, print, print_json, table};
use super::escaped::escaped;
use super::numbers::{number, whole};
use crate::demo::{self, LoopPolicy, Outcome, Settings, Source};
use crate::report;

pub(super) const LONG_ABOUT: &str = "\
Train on data with flipped labels, find them by their gradients, train again without them.

Flips a share of the training labels, trains a model until it fits them, scores the gradient of every training \
sample with every detector, and trains again without the flagged samples. Then trains once more with the sieve in the \
loop, which judges each sample before it is used and skips what it flags, beside the loss as the guard. Prints both \
tables and writes a report (one HTML file, no network needed).

The digits take some 15 seconds on two cores. A CSV file has one row a sample, numbers, and the label in a column named `label` or \
in the last one; a column `flipped` (0 or 1) may tell which labels are known to be wrong, and then none is flipped \
unless --flip says so.";

const EXAMPLES: &str = "\
Examples:
  gradsieve demo
  gradsieve demo --seed 3 --flip 0.1 --dim 64
  gradsieve demo --seeds 5                             means over five seeds
  gradsieve demo --data moons --model 2-16-16-2
  gradsieve demo --data oga-linear                     the published set: 10 flips among 150
  gradsieve demo --data mine.csv --model linear --out report --json";

/// Arguments of `demo`.
#[derive(Args, Clone, Debug, PartialEq)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct DemoArguments {
    /// digits, moons, blobs, oga-linear, or a .csv file
    #[arg(long, default_value = "digits", value_name = "NAME|FILE.csv")]
    pub data: OsString,

    /// Layer widths from the features to the classes, as in 64-64-10, or linear [default:
    /// what suits the data]
    #[arg(long, value_name = "WIDTHS")]
    pub model: Option<String>,

    /// Share of the training labels to flip, from 0 up to, not including, 1 [default:
    /// 0.2; 0 if the data knows its own flips]
    #[arg(long, value_name = "SHARE", value_parser = number::<f64>)]
    pub flip: Option<f64>,

    /// Numbers a sketch: a multiple of 32
    #[arg(long, default_value_t = 512, value_name = "K", value_parser = whole::<usize>)]
    pub dim: usize,

    /// Share of the samples that is kept back for testing; 0 tests on the training
    /// samples with their true labels [default: 0.2]
    #[arg(long, value_name = "SHARE", value_parser = number::<f64>)]
    pub test: Option<f64>,

    /// Passes over the training samples [default: 150]
    #[arg(long, value_name = "N", value_parser = whole::<usize>)]
    pub epochs: Option<usize>,

    /// Seed of the split, the flips, the model and the projection
    #[arg(long, default_value_t = 0, value_parser = whole::<u64>)]
    pub seed: u64,

    /// Run with this many seeds, from --seed on, and print the means; the report is about
    /// the first
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,

    /// Directory for the report; made if it is not there
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,

    /// Print the outcome as JSON, and nothing else, on standard output
    #[arg(long)]
    pub json: bool,
}

impl Default for DemoArguments {
    fn default() -> Self {
        Self {
            data: "digits".into(),
            model: None,
            flip: None,
            dim: 512,
            test: None,
            epochs: None,
            seed: 0,
            seeds: 1,
            out: PathBuf::from("out"),
            json: false,
        }
    }
}

/// The outcome with the place of its report, for machines.
#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    outcome: &'a Outcome,
    report: &'a Path,
    /// The outcomes of all seeds, if there was more than one.
    #[serde(skip_serializing_if = "<[Outcome]>::is_empty")]
    runs: &'a [Outcome],
}

/// What is to be done, checked before a file is opened.
struct Plan {
    settings: Settings,
    /// Layer widths, which the data must suit; what suits the data if there are none.
    model: Option<String>,
    /// Labels are flipped, whatever the data knows of its own flips.
    flips: bool,
    /// The seeds after the first.
    more_seeds: Vec<u64>,
    out: PathBuf,
    json: bool,
}

impl Plan {
    /// The plan of a command line.
    ///
    /// # Errors
    /// [`CommandError::Argument`] by the name of an argument that is out of its range.
    fn new(arguments: &DemoArguments) -> Result<Self, CommandError> {
        let source = match arguments.data.to_str().unwrap_or_default() {
            "digits" => Source::Digits,
            "moons" => Source::Moons,
            "blobs" => Source::Blobs,
            "oga-linear" => Source::OgaLinear,
            _ if Path::new(&arguments.data)
                .extension()
                .is_some_and(|end| end.eq_ignore_ascii_case("csv")) =>
            {
                Source::Csv(PathBuf::from(&arguments.data))
            }
            _ => {
                let found = arguments.data.display().to_string();
                return Err(argument("--data", "digits, moons, blobs, oga-linear or a .csv file", found));
            }
        };
        let DemoArguments { dim, seed, seeds, flip, test, epochs, .. } = *arguments;
        let mut settings = Settings { dim, seed, ..Settings::of(source) };
        for (name, share) in [("--flip", flip), ("--test", test)] {
            if let Some(share) = share.filter(|share| !(0.0..1.0).contains(share)) {
                return Err(argument(name, "a share from 0 up to, not including, 1", share.to_string()));
            }
        }
        if dim == 0 || !dim.is_multiple_of(32) {
            return Err(argument("--dim", "a positive multiple of 32", dim.to_string()));
        }
        settings.flip = flip.unwrap_or(settings.flip);
        settings.test_fraction = test.unwrap_or(settings.test_fraction);
        settings.training.epochs = epochs.unwrap_or(settings.training.epochs);
        Ok(Self {
            settings,
            model: arguments.model.clone(),
            flips: flip.is_some(),
            more_seeds: (1..seeds).map(|more| seed.wrapping_add(more)).collect(),
            out: arguments.out.clone(),
            json: arguments.json,
        })
    }

    /// The settings, as they suit the data.
    ///
    /// # Errors
    /// Data that cannot be read; a model of other widths.
    fn settings(&self) -> Result<Settings, CommandError> {
        let mut settings = self.settings.clone();
        let set = settings.source.load(settings.seed).map_err(demo::DemoError::from)?;
        if !self.flips && set.flipped().is_some() {
            settings.flip = 0.0;
        }
        if let Some(model) = &self.model {
            settings.training.hidden = hidden(model, set.dim(), set.classes())?;
        }
        Ok(settings)
    }
}

/// Runs the command.
pub(super) fn run(arguments: &DemoArguments) -> Result<(), CommandError> {
    let plan = Plan::new(arguments)?;
    let settings = plan.settings()?;
    let watch = bars::watch();
    let watch = &*watch;
    let outcome = demo::run(&settings, watch)?;
    std::fs::create_dir_all(&plan.out).map_err(|error| CommandError::Argument {
        argument: "--out",
        expected: "a directory that exists or can be made".to_owned(),
        found: format!("{}: {error}", plan.out.display()),
    })?;
    let report = report::write(&outcome, &plan.out)?;
    let mut runs = Vec::new();
    if !plan.more_seeds.is_empty() {
        runs.push(outcome.clone());
        for &seed in &plan.more_seeds {
            runs.push(demo::run(&Settings { seed, ..settings.clone() }, watch)?);
        }
    }
    if plan.json {
        return print_json(&Json { outcome: &outcome, report: &report, runs: &runs });
    }
    if runs.is_empty() {
        show(&outcome)?;
        show_loops(core::slice::from_ref(&outcome))?;
    } else {
        show_means(&runs)?;
        show_loops(&runs)?;
    }
    print(format!("\nReport: {}", escaped(&report.display())))
}

fn argument(argument: &'static str, expected: impl Into<String>, found: impl Into<String>) -> CommandError {
    CommandError::Argument { argument, expected: expected.into(), found: found.into() }
}

/// The hidden widths of `64-32-10`, whose ends must be those of the data; none of
/// `linear`.
fn hidden(model: &str, dim: usize, classes: usize) -> Result<Vec<usize>, CommandError> {
    if model == "linear" {
        return Ok(Vec::new());
    }
    let expected =
        || format!("widths from {dim} features to {classes} classes, as in {dim}-32-{classes}, or linear");
    let widths: Option<Vec<usize>> = model.split('-').map(|width| width.parse().ok()).collect();
    match widths.as_deref() {
        Some([first, hidden @ .., last])
            if *first == dim && *last == classes && hidden.iter().all(|&width| width > 0) =>
        {
            Ok(hidden.to_vec())
        }
        _ => Err(argument("--model", expected(), model)),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn measure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

/// The means over the runs' seeds, and on how many of them a detector was ahead of the
/// first one, the loss.
fn show_means(runs: &[Outcome]) -> Result<(), CommandError> {
    let Some(first) = runs.first() else { return Ok(()) };
    let n = runs.len() as f64;
    let mean = |value: &dyn Fn(&Outcome) -> f64| runs.iter().map(value).sum::<f64>() / n;
    print(format!(
        "{}: {} training samples, {} of them with a flipped label; model {}, {} parameters, sketches of {}; means of {} seeds\n",
        escaped(&first.data),
        first.train_samples,
        first.flips,
        first.model,
        first.parameters,
        first.dim,
        runs.len()
    ))?;
    let mut rows = table(&[
        "detector",
        "state",
        "AUROC",
        "lowest",
        "ahead of loss",
        "avg. precision",
        "flips found",
        "accuracy after",
        "lost accuracy regained",
    ]);
    let before = mean(&|run| run.accuracy_before);
    let ceiling = mean(&|run| run.accuracy_ceiling);
    for (i, detector) in first.detectors.iter().enumerate() {
        let aurocs: Option<Vec<f64>> = runs.iter().map(|run| run.detectors[i].auroc).collect();
        let ahead = runs.iter().filter(|run| run.detectors[i].auroc > run.detectors[0].auroc).count();
        let precision: Option<Vec<f64>> = runs.iter().map(|run| run.detectors[i].average_precision).collect();
        let after = mean(&|run| run.detectors[i].accuracy_after);
        let recovered = (after - before) / (ceiling - before);
        let average = |values: Option<Vec<f64>>| values.map(|values| values.iter().sum::<f64>() / n);
        rows.add_row([
            detector.name.to_owned(),
            bytes(detector.bytes),
            measure(average(aurocs.clone())),
            measure(aurocs.map(|values| values.into_iter().fold(f64::INFINITY, f64::min))),
            if i == 0 { "–".to_owned() } else { format!("{ahead} of {}", runs.len()) },
            measure(average(precision)),
            format!("{:.1} of {}", mean(&|run| run.detectors[i].found as f64), first.flips),
            percent(after),
            if recovered.is_finite() { format!("{:.0} %", 100.0 * recovered) } else { "–".to_owned() },
        ]);
    }
    if let Some(names) = rows.column_mut(0) {
        names.set_cell_alignment(CellAlignment::Left);
    }
    print(rows)?;
    print(format!("\nTest accuracy with the flips {}, without them {}.", percent(before), percent(ceiling)))
}

/// Training with a guard: a table for each task, means over runs.
fn show_loops(runs: &[Outcome]) -> Result<(), CommandError> {
    let Some(first) = runs.first() else { return Ok(()) };
    for (task, of) in first.loops.iter().enumerate() {
        print(format!(
            "\n{}: with a guard in the loop that leaves out {} of {} samples, {} epochs",
            escaped(&of.data),
            percent(of.rate),
            of.train_samples,
            of.epochs
        ))?;
        let mut rows = table(&["guard", "accuracy", "wrong left out", "right left out"]);
        for (at, policy) in of.policies.iter().enumerate() {
            let mean = |value: &dyn Fn(&LoopPolicy) -> f64| {
                runs.iter().map(|run| value(&run.loops[task].policies[at])).sum::<f64>() / runs.len() as f64
            };
            let last = |shares: &[f64]| shares.last().copied().unwrap_or_default();
            rows.add_row([
                policy.name.to_owned(),
                percent(mean(&|policy| policy.accuracy)),
                percent(mean(&|policy| last(&policy.wrong_left_out))),
                percent(mean(&|policy| last(&policy.right_left_out))),
            ]);
        }
        if let Some(names) = rows.column_mut(0) {
            names.set_cell_alignment(CellAlignment::Left);
        }
        print(rows)?;
    }
    Ok(())
}

fn show(outcome: &Outcome) -> Result<(), CommandError> {
    print(format!(
        "{}: {} training samples, {} of them with a flipped label; model {}, {} parameters, sketches of {}\n",
        escaped(&outcome.data),
        outcome.train_samples,
        outcome.flips,
        outcome.model,
        outcome.parameters,
        outcome.dim
    ))?;
    let mut rows =
        table(&["detector", "state", "AUROC", "avg. precision", "flips found", "accuracy after", "time"]);
    for detector in &outcome.detectors {
        rows.add_row([
            detector.name.to_owned(),
            bytes(detector.bytes),
            measure(detector.auroc),
            measure(detector.average_precision),
            format!("{} of {}", detector.found, outcome.flips),
            percent(detector.accuracy_after),
            format!("{:.1} ms", 1e3 * detector.seconds),
        ]);
    }
    if let Some(names) = rows.column_mut(0) {
        names.set_cell_alignment(CellAlignment::Left);
    }
    print(rows)?;
    print(format!(
        "\nTest accuracy with the flips {}, without them {}. Each detector flags {} samples.",
        percent(outcome.accuracy_before),
        percent(outcome.accuracy_ceiling),
        outcome.budget
    ))?;
    print(format!(
        "{:.0} gradients a second computed and sketched on one core; {:.1} s in all.",
        outcome.gradients_per_second, outcome.seconds
    ))?;
    if !outcome.non_finite.is_empty() {
        print(format!("{} gradients were not finite and are flagged.", outcome.non_finite.len()))?;
    }
    Ok(())
}
