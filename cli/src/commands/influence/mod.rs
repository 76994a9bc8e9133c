//! `gradsieve influence`: gradients of training samples and of targets → an n_train ×
//! n_target matrix of influence.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what the command line says |
//! | `scoring` | how a product of two rows becomes a score |
//! | `pairs` | scores of all pairs of training rows and targets, in blocks |
//! | `stored` | the same of the rows of a store, as they are stored |
//! | `curvature` | ridge, TRAK, DataInf, LiSSA, conjugate gradients: what meets the training rows in place of a target |
//! | `sink` | where influence goes: row after row to its places, or |
//! | `scores` | into a matrix of all pairs; and what is said of it |
//!
//! The order of a run: arguments are checked, then files are opened and seen to fit, then
//! each checkpoint adds its part to the scores.

mod arguments;
mod best;
mod curvature;
mod pairs;
mod scores;
mod scoring;
mod sink;
mod stored;

use std::collections::BTreeMap;

use arguments::InfluenceDtype;
pub use arguments::{InfluenceArguments, Method};
use best::RankedTarget;
use curvature::{Convergence, Memory, Solver};
use pairs::{prepare, score_all_pairs};
use scores::{Report, Scores, print};
use scoring::{Budget, PairScoring, targets_per_pass};
use sink::{Sink, Streamed};

use gradsieve::store::Entry;

use super::rows::{ProjectionArguments, ProjectionKind, Rows, check_matrix_width, check_pair, zeros};
use super::{CommandError, console, trajectory};
use gradsieve_io::files::{
    ArrayWriter, Destination, Dtype, FileError, Matrix, Source, check_rows, read_groups, read_numbers,
    refuse_overwrite,
};

pub(super) const LONG_ABOUT: &str = "\
Score training samples by how much they help or harm target samples.

Reads the gradients of training samples (n_train × p) and of targets (n_target × p), which may be single validation samples or \
means over a set, and writes the n_train × n_target matrix of influence. Positive is helpful: training on \
the sample lowers the target's loss. Negative is harmful.

  dot      g·v
  cosine   g·v / (‖g‖·‖v‖)
  ridge    φ_vᵀ(C + λI)⁻¹φ_g, C = ΦᵀΦ/n of the training gradients, λ = damping · trace(C)/K
  cg       the same by conjugate gradients: passes over the training gradients in place of a matrix, so any K
  lissa    the same by r ← v + (I − α(C + λI)) r, as far as --passes goes; α·r·g
  datainf  Σ over --layers of 1/(nλ) Σ_i [v − (v·g_i)/(λ + ‖g_i‖²) g_i] · g, λ = damping · mean g_i²

Over checkpoints or models, for which --train and --target are given again, in one order:

  tracin   Σ lr·g·v (an ensemble of copies of one model: without --lr)
  retrac   (mean of g/‖g‖)·(mean of v/‖v‖)
  less     Σ w·cos(Γ, v), w = lr/Σ lr; give Γ, Adam's directions, as --train; with --subtasks the mean over each subtask's \
targets, and of these the largest
  trak     [mean of φ_vᵀ(ΦᵀΦ + λI)⁻¹φ_g]·[mean of 1 − p]; give gradients of the margin ln(p/(1 − p)), not of the loss, and --one-minus-p

Along a recorded run, --trajectory:

  dvemb    vᵀ Π(I − ηH) η·g, v at its end: what leaving the sample out of its steps costs
  shapley  Σ η·v·g, v at each step: in-run Shapley values

A recorded run is a directory with one file a step, step-0000.safetensors and so on, of the tensors ids (B), learning_rate (one \
number, in sum form: lr/B for a mean loss) and grads (B × p), or a.NAME (B × inputs) and b.NAME (B × outputs) of each linear layer. \
dvemb takes factors (F × p), rows h of the step's curvature Σ h hᵀ, if there are any, and the empirical Fisher if not; shapley \
wants target (Q × p), the validation gradients at the step, and takes curvature (Q × p), H Σ g, for second order.

Without --dim all of this is exact, on the gradients themselves (ridge and trak: up to 4096 columns); with --dim it is an estimate on \
sketches (of dot and tracin an unbiased one), much faster where there are many targets. \
Matrices may be files of sketches that gradsieve sketch wrote.

The training gradients stream past once for every 512 MiB of target gradients, and as often as a method takes passes, unless their sketches fit in 256 MiB. \
Memory: 640 MiB at most beside those (more only if one row is). Influence goes straight to the output and to the best; only where checkpoints are added up, or --top asks for more than a \
quarter of the samples, is all of it in memory, 8 bytes a pair. f64 gradients are rounded to f32; products are summed with an error below 5e-6 of \
Σ|g_i·v_i|.

The rows of a store, --train DIRECTORY.store, meet the targets, or what is solved for them, as they are stored, as fast as they can be read: rows in f32, f16, bf16 and 1-bit with an error below \
(K/16 + 6)·6e-8 of Σ|g_i·v_i|; rows in int8 with targets that are rounded to int8 as well, which adds at most Σ|g_i|·max|v_i|/254. What a \
method learns of the training rows before that, it learns of decoded ones. Memory without passes: some 10 MiB, the targets and their layout (of 1-bit rows sixteen times their size).

A sample or target with NaN or infinite entries is named on standard error, and its influences are NaN.";

/// The files, a checkpoint in each place, and what is known of them.
struct Inputs {
    trains: Vec<Rows>,
    targets: Vec<Rows>,
    /// What each checkpoint's part is multiplied by.
    weights: Vec<f64>,
    /// The mean of 1 − p over models, for each training sample.
    doubts: Option<Vec<f64>>,
    /// The subtask of each target.
    subtasks: Option<Vec<u32>>,
}

/// Runs the command.
pub(super) fn run(arguments: &InfluenceArguments) -> Result<(), CommandError> {
    if arguments.trajectory.is_some() || arguments.method.is_along_a_run() {
        return run_along(arguments);
    }
    check(arguments)?;
    let mut inputs = open(arguments)?;
    let (Some(train), Some(target)) = (inputs.trains.first(), inputs.targets.first()) else { return Ok(()) };
    let (trains, targets) = (train.count(), target.count());
    let target_name = target.name().to_owned();
    let columns = if inputs.subtasks.is_some() { 1 } else { targets };
    let writer = arguments.output.as_ref().map(|to| create(arguments, to, trains, columns)).transpose()?;

    if streams(arguments, &inputs, Budget::USUAL) {
        let top = arguments.top.map(|top| top.min(trains));
        let mut memory = Streamed::memory(train.name(), top.unwrap_or(0), targets)?;
        let doubts = inputs.doubts.take();
        let mut streamed = Streamed::new(trains, targets, top, &mut memory, writer, doubts.as_deref());
        let convergence = add_all(arguments, &mut inputs, Budget::USUAL, &mut streamed)?;
        let non_finite = streamed.non_finite();
        return conclude(arguments, [trains, targets], non_finite, convergence, streamed.finish()?);
    }
    let pairs = trains.checked_mul(targets).unwrap_or(usize::MAX / size_of::<f64>());
    let mut scores = Scores {
        values: zeros(train.name(), pairs)?,
        non_finite_train: vec![false; trains],
        non_finite_target: vec![false; targets],
    };
    let convergence = add_all(arguments, &mut inputs, Budget::USUAL, &mut scores)?;
    if let Some(doubts) = &inputs.doubts {
        scores.scale_rows(doubts);
    }
    if let Some(subtasks) = &inputs.subtasks {
        let none = |subtask| CommandError::Argument {
            argument: "--subtasks",
            expected: "a finite target in each subtask".to_owned(),
            found: format!("none in subtask {subtask} of {target_name}"),
        };
        scores = scores.largest_of_subtasks(subtasks).map_err(none)?;
    }
    scores.spoil();
    if let Some(mut writer) = writer {
        writer.write_f64(&scores.values)?;
        writer.finish()?;
    }
    let best = arguments.top.map(|top| scores.targets(top));
    conclude(arguments, [trains, targets], scores.non_finite(), convergence, best)
}

/// Whether influence goes straight to its places: it has one part, all of a row of the
/// output is there at once, and the best take less memory than the matrix.
fn streams(arguments: &InfluenceArguments, inputs: &Inputs, budget: Budget) -> bool {
    let ([train], [target], None) = (&inputs.trains[..], &inputs.targets[..], &inputs.subtasks) else {
        return false;
    };
    let scoring = PairScoring { method: arguments.method, weight: 1.0, budget };
    let in_one_pass = targets_per_pass(scoring, train, target.count()) >= target.count();
    let entries = arguments.top.map_or(0, |top| top.min(train.count()).saturating_mul(2));
    (arguments.output.is_none() || in_one_pass)
        && entries.saturating_mul(size_of::<Entry>()) <= train.count().saturating_mul(size_of::<f64>())
}

/// Opens the output.
fn create(
    arguments: &InfluenceArguments,
    to: &Destination,
    trains: usize,
    columns: usize,
) -> Result<ArrayWriter, CommandError> {
    let dtype = match arguments.dtype {
        InfluenceDtype::F32 => Dtype::F32,
        InfluenceDtype::F64 => Dtype::F64,
    };
    let about = BTreeMap::from([("gradsieve.method".to_owned(), arguments.method.name().to_owned())]);
    Ok(ArrayWriter::create_named(to, "influence", &[trains, columns], dtype, &about)?)
}

/// Says what was found: of so many training samples and targets, which of those are not
/// finite, and the best of each target.
fn conclude(
    arguments: &InfluenceArguments,
    [train_rows, target_rows]: [usize; 2],
    [non_finite_train, non_finite_target]: [Vec<usize>; 2],
    solver: Option<Convergence>,
    targets: Option<Vec<RankedTarget>>,
) -> Result<(), CommandError> {
    let method = arguments.method;
    let report =
        Report { method, train_rows, target_rows, non_finite_train, non_finite_target, solver, targets };
    if arguments.json {
        console::print_json(&report)
    } else if arguments.output == Some(Destination::Stdout) {
        Ok(())
    } else {
        print(arguments, &report)
    }
}

/// Runs the command on a recorded run.
fn run_along(arguments: &InfluenceArguments) -> Result<(), CommandError> {
    let method = arguments.method;
    let Some(directory) = &arguments.trajectory else {
        return refuse("--trajectory", "the directory of a recorded run".to_owned(), "none".to_owned());
    };
    if !method.is_along_a_run() {
        let expected = "dvemb or shapley with --trajectory".to_owned();
        return refuse("--method", expected, method.name().to_owned());
    }
    if !arguments.lr.is_empty() {
        let expected = "none: each step has its own learning rate".to_owned();
        return refuse("--lr", expected, times(arguments.lr.len()));
    }
    check_output(arguments)?;
    if let Some(output) = &arguments.output {
        refuse_overwrite(output, &arguments.target.iter().collect::<Vec<_>>())?;
    }
    let principal = arguments.principal;
    if principal == Some(0) {
        return refuse("--principal", "at least 1".to_owned(), "0".to_owned());
    }
    let run = match (method, arguments.target.as_slice()) {
        (Method::Dvemb, [Source::Store(path)]) if principal.is_some() => {
            let found = format!("the store {}", path.display());
            return refuse("--target", "gradients, with --principal".to_owned(), found);
        }
        (Method::Dvemb, [target]) => {
            // What is kept of a gradient is projected, not the gradient.
            let whole = ProjectionArguments {
                dim: None,
                projection: ProjectionKind::Sjlt,
                mask_len: None,
                ..arguments.projection
            };
            let projection = if principal.is_some() { &whole } else { &arguments.projection };
            let mut targets = Rows::open(target, projection)?;
            trajectory::dvemb(directory, &mut targets, &arguments.projection, principal)?
        }
        (Method::Dvemb, targets) => {
            return refuse("--target", "one, at the end of the run".to_owned(), times(targets.len()));
        }
        (_, []) => trajectory::shapley(directory, &arguments.projection, principal)?,
        (_, targets) => {
            let expected = "none: shapley's targets are in the steps".to_owned();
            return refuse("--target", expected, times(targets.len()));
        }
    };
    let scores = Scores {
        values: run.values,
        non_finite_train: vec![false; run.trains],
        non_finite_target: vec![false; run.targets],
    };
    if let Some(output) = &arguments.output {
        let mut writer = create(arguments, output, run.trains, run.targets)?;
        writer.write_f64(&scores.values)?;
        writer.finish()?;
    }
    let best = arguments.top.map(|top| scores.targets(top));
    conclude(arguments, [run.trains, run.targets], scores.non_finite(), None, best)
}

/// Adds each checkpoint's part; for ReTrac that of each train checkpoint with each
/// target's, since mean · mean is the mean over all of these.
fn add_all(
    arguments: &InfluenceArguments,
    inputs: &mut Inputs,
    budget: Budget,
    sink: &mut impl Sink,
) -> Result<Option<Convergence>, CommandError> {
    let method = arguments.method;
    let crosses = method == Method::Retrac && inputs.trains.len() > 1;
    let mut convergence = None;
    for (number, (train, &weight)) in inputs.trains.iter_mut().zip(&inputs.weights).enumerate() {
        let others = if crosses { 0..inputs.targets.len() } else { number..number + 1 };
        let scoring = PairScoring { method, weight, budget };
        prepare(scoring, train, inputs.targets[number].count(), crosses)?;
        let mut memory = Memory::new(arguments, train)?;
        let mut solver = Solver::fit(arguments, train, &mut memory)?;
        for (other, target) in
            inputs.targets.iter_mut().enumerate().filter(|(other, _)| others.contains(other))
        {
            if crosses && number == 0 {
                target.prepare_passes_within(budget.held_bytes)?;
            }
            let before = sink.non_finite();
            score_all_pairs(scoring, train, target, &mut solver, sink)?;
            let consequence = match (other == number, &inputs.subtasks) {
                (_, Some(_)) => "left out",
                _ => "the influences are NaN there",
            };
            let names = [train.name(), target.name()];
            for (name, (before, after)) in names.iter().zip(before.iter().zip(sink.non_finite())) {
                let new: Vec<usize> = after.into_iter().filter(|index| !before.contains(index)).collect();
                console::remark_non_finite(name, &new, consequence);
            }
        }
        convergence = solver.convergence();
    }
    if let Some(Convergence { passes, residual, converged: false }) = convergence {
        let residual = console::significant(residual);
        console::remark(format!(
            "{} has not converged after {passes} passes: a target's residual is {residual} of its length; --passes takes more, --tolerance is content with less",
            method.name()
        ));
    }
    Ok(convergence)
}

/// What can be wrong before a file is opened.
fn check(arguments: &InfluenceArguments) -> Result<(), CommandError> {
    let (trains, targets, rates) = (arguments.train.len(), arguments.target.len(), arguments.lr.len());
    if trains != targets {
        return refuse(
            "--target",
            format!("as often as --train, once for each checkpoint: {}", times(trains)),
            times(targets),
        );
    }
    let method = arguments.method;
    if !method.takes_checkpoints() && trains > 1 {
        return refuse(
            "--train",
            format!(
                "one checkpoint with --method {}; sums over checkpoints are --method tracin",
                method.name()
            ),
            trains.to_string(),
        );
    }
    if !method.takes_rates() && rates > 0 {
        console::remark(format!("--lr is not used: --method {} has no learning rate", method.name()));
    } else if rates > 1 && rates != trains {
        return refuse("--lr", format!("once, or once for each of the {trains} checkpoints"), times(rates));
    }
    if let Some(rate) = arguments.lr.iter().find(|rate| !rate.is_finite()) {
        return refuse("--lr", "a finite number".to_owned(), rate.to_string());
    }
    check_weights(arguments)?;
    check_solver(arguments)?;
    check_output(arguments)?;
    let inputs = arguments.train.iter().chain(&arguments.target).chain(&arguments.one_minus_p);
    let inputs: Vec<&Source> = inputs.chain(&arguments.subtasks).collect();
    let streams = inputs.iter().filter(|&&source| *source == Source::Stdin).count();
    if streams > 1 {
        return refuse("--train and --target", "one array on standard input".to_owned(), streams.to_string());
    }
    arguments.output.as_ref().map_or(Ok(()), |output| Ok(refuse_overwrite(output, &inputs)?))
}

/// Refuses two results on standard output.
fn check_output(arguments: &InfluenceArguments) -> Result<(), CommandError> {
    if arguments.json && arguments.output == Some(Destination::Stdout) {
        let expected = "the influence to go to a file, as in -o influence.npy".to_owned();
        return refuse("--json", expected, "standard output (-o -)".to_owned());
    }
    Ok(())
}

fn refuse(argument: &'static str, expected: String, found: String) -> Result<(), CommandError> {
    Err(CommandError::Argument { argument, expected, found })
}

/// What checkpoints, models and subtasks are weighed by.
fn check_weights(arguments: &InfluenceArguments) -> Result<(), CommandError> {
    let (method, models, doubts) = (arguments.method, arguments.train.len(), arguments.one_minus_p.len());
    if method == Method::Trak && doubts != models {
        return refuse("--one-minus-p", format!("once for each model: {}", times(models)), times(doubts));
    }
    let alone = |argument, of: &str| {
        refuse(argument, format!("--method {of}, which alone uses it"), method.name().to_owned())
    };
    if method != Method::Trak && doubts > 0 {
        return alone("--one-minus-p", "trak");
    }
    if method != Method::Less {
        return if arguments.subtasks.is_some() { alone("--subtasks", "less") } else { Ok(()) };
    }
    if let Some(rate) = arguments.lr.iter().find(|&&rate| rate < 0.0) {
        return refuse("--lr", "weights that are not negative for less".to_owned(), rate.to_string());
    }
    if !arguments.lr.is_empty() && arguments.lr.iter().all(|&rate| rate == 0.0) {
        return refuse("--lr", "a weight that is not 0".to_owned(), "none".to_owned());
    }
    Ok(())
}

/// What the solvers are told.
fn check_solver(arguments: &InfluenceArguments) -> Result<(), CommandError> {
    let method = arguments.method;
    let alone = |argument, of: &str| {
        refuse(argument, format!("--method {of}, which alone uses it"), method.name().to_owned())
    };
    if arguments.damping.is_some() && !method.solves() {
        return refuse(
            "--damping",
            "a method that has one: ridge, trak, datainf, lissa or cg".to_owned(),
            method.name().to_owned(),
        );
    }
    if !arguments.layers.is_empty() && method != Method::Datainf {
        return alone("--layers", "datainf");
    }
    if !arguments.layers.is_empty() && arguments.projection.dim.is_some() {
        let expected = "gradients without --dim, whose sketches mix the layers".to_owned();
        return refuse("--layers", expected, "--dim".to_owned());
    }
    if arguments.passes.is_some() && !method.iterates() {
        return refuse("--passes", "--method cg or lissa".to_owned(), method.name().to_owned());
    }
    if arguments.tolerance.is_some() && !method.iterates() {
        return refuse("--tolerance", "--method cg or lissa".to_owned(), method.name().to_owned());
    }
    if arguments.step.is_some() && method != Method::Lissa {
        return alone("--step", "lissa");
    }
    if arguments.passes == Some(0) {
        return refuse("--passes", "at least 1".to_owned(), "0".to_owned());
    }
    let positive = |number: f64| number.is_finite() && number > 0.0;
    for (argument, number, zero) in [
        ("--damping", arguments.damping.map(f64::from), method == Method::Trak),
        ("--tolerance", arguments.tolerance.map(f64::from), false),
        ("--step", arguments.step, false),
    ] {
        if let Some(number) = number.filter(|&number| !(positive(number) || zero && number == 0.0)) {
            let least = if zero { "a finite number, 0 or above" } else { "a finite number above 0" };
            return refuse(argument, least.to_owned(), number.to_string());
        }
    }
    Ok(())
}

fn times(count: usize) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        _ => format!("{count} times"),
    }
}

/// Opens all files and sees that they fit together, before the work begins.
fn open(arguments: &InfluenceArguments) -> Result<Inputs, CommandError> {
    let (mut trains, mut targets): (Vec<Rows>, Vec<Rows>) = (Vec::new(), Vec::new());
    for (train, target) in arguments.train.iter().zip(&arguments.target) {
        let of_store = arguments.projection.or_of_store([train, target])?;
        let train = Rows::open_beside(train, &arguments.projection, &of_store)?;
        let target = Rows::open_beside(target, &arguments.projection, &of_store)?;
        check_pair(&train, &target)?;
        if arguments.method.takes_second_moments() {
            check_matrix_width(&train, arguments.method.name())?;
        }
        if let (Some(first_train), Some(first_target)) = (trains.first(), targets.first()) {
            same_rows(first_train, &train)?;
            same_rows(first_target, &target)?;
            // The others add up scores; this one averages gradients.
            if arguments.method == Method::Retrac {
                check_pair(first_train, &train)?;
            }
        }
        check_layers(arguments, &train)?;
        trains.push(train);
        targets.push(target);
    }
    let (doubts, subtasks) = match (trains.first(), targets.first()) {
        (Some(train), Some(target)) => (doubts(arguments, train)?, subtasks(arguments, target)?),
        _ => (None, None),
    };
    let weights = weights(arguments);
    Ok(Inputs { trains, targets, weights, doubts, subtasks })
}

/// What each checkpoint's part is multiplied by.
fn weights(arguments: &InfluenceArguments) -> Vec<f64> {
    let count = arguments.train.len();
    let rates: Vec<f64> = match arguments.lr.as_slice() {
        [one] => vec![*one; count],
        rates => (0..count).map(|index| rates.get(index).copied().unwrap_or(1.0)).collect(),
    };
    match arguments.method {
        Method::Tracin => rates,
        Method::Less => {
            let sum: f64 = rates.iter().sum();
            rates.into_iter().map(|rate| rate / sum).collect()
        }
        Method::Retrac => vec![1.0 / (count * count) as f64; count],
        Method::Trak => vec![1.0 / count as f64; count],
        _ => vec![1.0; count],
    }
}

/// The mean of 1 − p over models.
fn doubts(arguments: &InfluenceArguments, train: &Rows) -> Result<Option<Vec<f64>>, CommandError> {
    if arguments.one_minus_p.is_empty() {
        return Ok(None);
    }
    let mut means = vec![0.0; train.count()];
    for source in &arguments.one_minus_p {
        let doubts = read_numbers(source)?;
        check_rows(train.name(), train.count(), &source.to_string(), doubts.len())?;
        if let Some((index, doubt)) = doubts.iter().enumerate().find(|(_, x)| !(0.0..=1.0).contains(*x)) {
            return Err(CommandError::Argument {
                argument: "--one-minus-p",
                expected: "numbers from 0 to 1".to_owned(),
                found: format!("{doubt} at index {index} of {source}"),
            });
        }
        let share = 1.0 / arguments.one_minus_p.len() as f64;
        means.iter_mut().zip(doubts).for_each(|(mean, doubt)| *mean += share * doubt);
    }
    Ok(Some(means))
}

fn subtasks(arguments: &InfluenceArguments, target: &Rows) -> Result<Option<Vec<u32>>, CommandError> {
    let Some(source) = &arguments.subtasks else { return Ok(None) };
    let subtasks = read_groups(source)?;
    check_rows(target.name(), target.count(), &source.to_string(), subtasks.len())?;
    Ok(Some(subtasks))
}

/// Refuses layers that aren't the gradient's columns.
fn check_layers(arguments: &InfluenceArguments, train: &Rows) -> Result<(), CommandError> {
    let (layers, columns) = (&arguments.layers, train.matrix().map_or_else(|| train.width(), Matrix::cols));
    let sum = layers.iter().fold(0, |sum: usize, &layer| sum.saturating_add(layer));
    if layers.is_empty() || (sum == columns && !layers.contains(&0)) {
        return Ok(());
    }
    let expected =
        format!("layers of one column at least that have {columns} together, as {} has", train.name());
    refuse("--layers", expected, format!("{} of {sum}", layers.len()))
}

/// Refuses a checkpoint with other samples than the first one.
fn same_rows(first: &Rows, rows: &Rows) -> Result<(), FileError> {
    if first.count() == rows.count() {
        return Ok(());
    }
    Err(FileError::Lengths {
        file: rows.name().to_owned(),
        found: rows.count(),
        what: "rows",
        other: first.name().to_owned(),
        expected: first.count(),
        other_what: "rows",
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: InfluenceArguments,
    }

    fn inputs(method: &str) -> (InfluenceArguments, Inputs) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/influence");
        let path = |name: &str| folder.join(format!("{name}.npy")).to_str().unwrap().to_owned();
        let files = ["train-f4", "target-f4", "train2-f4", "target2-f4", "doubt", "doubt2"].map(path);
        let [train, target, train2, target2, doubt, doubt2] = files.each_ref().map(String::as_str);
        let mut line =
            vec!["influence", "--method", method, "--train", train, "--target", target, "--top", "1"];
        if ["tracin", "retrac", "less", "trak"].contains(&method) {
            line.extend(["--train", train2, "--target", target2]);
        }
        if method == "trak" {
            line.extend(["--one-minus-p", doubt, "--one-minus-p", doubt2]);
        }
        if ["tracin", "less"].contains(&method) {
            line.extend(["--lr", "0.1", "--lr", "0.02"]);
        }
        let arguments = Line::parse_from(line).arguments;
        check(&arguments).unwrap();
        let inputs = open(&arguments).unwrap();
        (arguments, inputs)
    }

    fn scores(method: &str, budget: Budget) -> Vec<f64> {
        let (arguments, mut inputs) = inputs(method);
        let (trains, targets) = (inputs.trains[0].count(), inputs.targets[0].count());
        let mut scores = Scores {
            values: vec![0.0; trains * targets],
            non_finite_train: vec![false; trains],
            non_finite_target: vec![false; targets],
        };
        add_all(&arguments, &mut inputs, budget, &mut scores).unwrap();
        scores.values
    }

    #[test]
    fn the_best_of_a_stream_are_those_of_the_matrix() {
        for method in ["dot", "cosine", "ridge", "datainf", "lissa", "cg"] {
            let (arguments, mut inputs) = inputs(method);
            let (trains, targets) = (inputs.trains[0].count(), inputs.targets[0].count());
            let scores = Scores {
                values: scores(method, Budget::USUAL),
                non_finite_train: vec![false; trains],
                non_finite_target: vec![false; targets],
            };
            for top in [0, 1, 5, trains] {
                let mut memory = Streamed::memory("scores", top, targets).unwrap();
                let mut streamed = Streamed::new(trains, targets, Some(top), &mut memory, None, None);
                add_all(&arguments, &mut inputs, Budget::USUAL, &mut streamed).unwrap();
                assert_eq!(streamed.finish().unwrap().unwrap(), scores.targets(top), "{method}");
            }
        }
    }

    #[test]
    fn memory_for_one_row_at_a_time_gives_the_same_bits() {
        for method in ["dot", "cosine", "tracin", "retrac", "less", "ridge", "trak", "datainf", "lissa", "cg"]
        {
            let usual = scores(method, Budget::USUAL);
            for train_rows in [1, 5] {
                for held_bytes in [0, usize::MAX] {
                    let tight = Budget { target_bytes: 0, train_rows, held_bytes, ..Budget::USUAL };
                    assert_eq!(scores(method, tight), usual, "{method}");
                }
            }
        }
    }
}
