//! `gradsieve influence`: gradients of training samples and of targets → an n_train ×
//! n_target matrix of influence.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what the command line says |
//! | `plan` | the same, checked |
//! | `choice` | the method by what there is, where none is named |
//! | `inputs` | the files of a plan, opened and seen to fit |
//! | `scoring` | how a product of two rows becomes a score |
//! | `pairs` | scores of all pairs of training rows and targets, in blocks |
//! | `stored` | the same of the rows of a store, as they are stored |
//! | `curvature` | ridge, TRAK, DataInf, LiSSA, conjugate gradients, Arnoldi, GIF: what training rows are multiplied with in place of a target |
//! | `dual` | ridge and TRAK of rows that are wider than they are many |
//! | `layers` | EK-FAC, of the inputs and output gradients of linear layers |
//! | `solved` | what they have in common: targets, passes, solutions |
//! | `quality` | what is known of those solutions, and when it is too little |
//! | `output` | the file of influence |
//! | `named` | the best of each target, and what they are called |
//! | `sink` | where influence goes: row after row to its places, or |
//! | `scores` | into a matrix of all pairs; and what is said of it |
//!
//! The order of a run: arguments become a plan, then files are opened and seen to fit,
//! then each checkpoint adds its part to the scores.

mod arguments;
mod best;
mod choice;
mod curvature;
mod dual;
mod inputs;
mod layers;
mod named;
mod output;
mod pairs;
mod plan;
mod quality;
mod scores;
mod scoring;
mod sink;
mod solved;
mod stored;

pub(super) use arguments::InfluenceDtype;
pub use arguments::{InfluenceArguments, Method};
pub(super) use best::{RankedSample, RankedTarget};
use curvature::Solver;
pub(super) use dual::has_matrix;
use inputs::{Inputs, open};
use named::named;
use output::{Names, Output};
use pairs::{prepare, score_all_pairs};
use plan::{Checkpoints, LayerFiles, Over, Plan, RecordedRun, Results, RunTarget, Solving};
use quality::Quality;
use scores::{Report, Scores, print};
use scoring::{Budget, PairScoring, targets_per_pass};
use sink::{Sink, Streamed};

use gradsieve::store::Entry;

use super::inputs::refuse;
use super::rows::{Rows, zeros};
use super::{CommandError, console, trajectory};
use gradsieve_io::files::{Destination, Source, read_ids};

pub(super) const LONG_ABOUT: &str = "\
Score training samples by how much they help or harm target samples.

Reads the gradients of training samples (n_train × p) and of targets (n_target × p), which may be single validation samples or \
means over a set, and writes the n_train × n_target matrix of influence. Positive is helpful: training on \
the sample lowers the target's loss. Negative is harmful.

  dot      g·v
  cosine   g·v / (‖g‖·‖v‖)
  ridge    φ_vᵀ(C + λI)⁻¹φ_g, C = ΦᵀΦ/n of the training gradients, λ = damping · trace(C)/K
  cg       the same by conjugate gradients: passes over the training gradients in place of a matrix, so any K
  arnoldi  Σ (u·v)(u·g)/λ over the largest eigenpairs of C alone, by as many --passes as products
  gif      v_J·(H_{J·}H_{·J})⁻¹H_{J·}g, H = C + λI, J the --coordinates that an update may touch
  lissa    the same by r ← v + (I − α(C + λI)) r, as far as --passes goes; α·r·g
  datainf  Σ over --layers of 1/(nλ) Σ_i [v − (v·g_i)/(λ + ‖g_i‖²) g_i] · g, λ = damping · mean g_i²

C is of the training gradients, or of the rows in --factors, C = FᵀF/m, which --samples N makes FᵀF/N. With pseudo-gradients √p_c·∇(−ln p_c), one a sample \
and class, it is the exact Gauss–Newton matrix; at the optimum of a convex loss with a ridge term λ/2·‖θ‖², --lambda λ is then leave-one-out to first order.

Of linear layers, --train FILE.safetensors with a.NAME (n × inputs) and b.NAME (n × outputs) of each, what went in and the loss gradient of what came out; \
--target in the same form:

  ek-fac   Σ over layers of ⟨V, Q_Sᵀ[(Q_S G Q_Aᵀ)/(Λ + λ)]Q_A⟩, G = b aᵀ; Q and Λ are those of --factors, of which b come from labels that were \
sampled from the model's prediction; without it, of the training samples

Over checkpoints or models, for which --train and --target are given again, in one order:

  tracin   Σ lr·g·v
  ip       Σ g·v, over copies of one model: dropout masks, perturbed weights
  retrac   (mean of g/‖g‖)·(mean of v/‖v‖)
  less     Σ w·cos(Γ, v), w = lr/Σ lr; give Γ, Adam's directions, as --train; with --subtasks the mean over each subtask's \
targets, and of these the largest
  trak     [mean of φ_vᵀ(ΦᵀΦ + λI)⁻¹φ_g]·[mean of 1 − p]; give gradients of the margin ln(p/(1 − p)), not of the loss, and --one-minus-p

Along a recorded run, --trajectory:

  dvemb    vᵀ Π(I − ηH) η·g, v at its end: what leaving the sample out of its steps costs
  shapley  Σ η·v·g, v at each step: in-run Shapley values

A recorded run is a directory with one file a step, step-0000.safetensors and so on, of the tensors ids (B), learning_rate (one \
number, in sum form: lr/B for a mean loss) and grads (B × p), or a.NAME (B × inputs) and b.NAME (B × outputs) of each linear layer. \
dvemb takes factors (F × p), rows h of the step's curvature Σ h hᵀ, or factors.b.NAME (F × outputs, F a multiple of B) of each linear \
layer, whose row k is b aᵀ with the input of sample k modulo B, if there are any, and the empirical Fisher if not; shapley \
wants target (Q × p), the validation gradients at the step, and takes curvature (Q × p), H Σ g, for second order. \
Beside the steps, run.json may name the optimizer: dvemb follows SGD, with or without momentum, Nesterov's and weight decay, shapley SGD \
without them. Steps may have products (5 × 5), of what the step before did: where that is not what the optimizer's formula says, it is said.

Solutions are said when they are not known to be right: of cg, lissa, arnoldi and ek-fac when a target's residual \
is above --tolerance (arnoldi's is of the target's part along the eigenvectors that it keeps), of ridge, trak and gif when the condition number of what they factorise is above 1e10 (influences may then be off by \
more than 1e-4 of the largest). That is an error, with what would be enough; --accept-inexact makes a remark of it. From a condition number of 1e4 on \
the solutions themselves are f64, and the rows of a store are decoded for them.

Without --dim all of this is exact, on the gradients themselves (ridge and trak: up to 4096 columns, or any number with at most 4096 rows of the curvature); with --dim it is an estimate on \
sketches (of dot and tracin an unbiased one), much faster where there are many targets. \
Matrices may be files of sketches that gradsieve sketch wrote.

The training gradients stream past once for every 512 MiB of target gradients, and as often as a method takes passes, unless their sketches fit in 256 MiB. \
Memory: 640 MiB at most beside those (more only if one row is). Influence goes straight to the output and to the best; only where checkpoints are added up, or --top asks for more than a \
quarter of the samples, is all of it in memory, 8 bytes a pair. f64 gradients are rounded to f32; products are summed with an error below 5e-6 of \
Σ|g_i·v_i|.

The rows of a store, --train DIRECTORY.store, are multiplied with the targets, or what is solved for them, as they are stored, as fast as they can be read: rows in f32, f16 and bf16 with an error below \
(K/16 + 6)·6e-8 of Σ|g_i·v_i|; rows in int8 and fewer bits with targets that are rounded to int8 as well, which adds at most Σ|g_i|·max|v_i|/254 (of rotated numbers, with few bits). What a \
method learns of the training rows before that, it learns of decoded ones. Memory without passes: some 10 MiB, the targets and their layout.

A sample or target with NaN or infinite entries is named on standard error, and its influences are NaN.";

/// Runs the command.
pub(super) fn run(mut arguments: InfluenceArguments) -> Result<(), CommandError> {
    if arguments.method == Method::Auto {
        arguments.method = choice::choose(&arguments)?;
    }
    let plan = Plan::new(arguments)?;
    match &plan.over {
        Over::Checkpoints(checkpoints) => run_over(&plan, checkpoints),
        Over::Layers(files) => run_layers(&plan, files),
        Over::Run(run) => run_along(&plan, run),
    }
}

/// Runs a plan over checkpoints.
fn run_over(plan: &Plan, checkpoints: &Checkpoints) -> Result<(), CommandError> {
    let found = find_over(plan, checkpoints)?;
    conclude(plan, found)
}

/// Who helps and harms each target, of a command line that asks for `--top` and no
/// output.
///
/// # Errors
/// Whatever kept it from being found.
pub(super) fn best(arguments: InfluenceArguments) -> Result<Vec<RankedTarget>, CommandError> {
    let plan = Plan::new(arguments)?;
    match &plan.over {
        Over::Checkpoints(checkpoints) => Ok(find_over(&plan, checkpoints)?.best.unwrap_or_default()),
        Over::Run(_) => refuse("--method", "one that needs no recorded run", plan.method.name()),
        Over::Layers(_) => refuse("--method", "one of rows, not of layers", plan.method.name()),
    }
}

/// What was found: of so many training samples and targets, which of those are left out,
/// how well it was solved, and the best of each target.
struct Found {
    rows: [usize; 2],
    left_out: LeftOut,
    quality: Option<Quality>,
    best: Option<Vec<RankedTarget>>,
    names: Names,
}

/// Finds influence over checkpoints, and writes it where it goes.
fn find_over(plan: &Plan, checkpoints: &Checkpoints) -> Result<Found, CommandError> {
    let mut inputs = open(checkpoints, &plan.projection)?;
    let (solving, results) = (&checkpoints.solving, &plan.results);
    // A plan has one checkpoint at least.
    let (train, target) = (&inputs.trains[0], &inputs.targets[0]);
    let (trains, targets) = (train.count(), target.count());
    let target_name = target.name().to_owned();
    let columns = if inputs.subtasks.is_some() { 1 } else { targets };
    let names = names(results, [train.name(), target.name()], [trains, targets])?;
    let create = |to| Output::create(plan, to, trains, columns, &names);
    let writer = results.output.as_ref().map(create).transpose()?;

    if streams(plan, &inputs, Budget::USUAL) {
        let top = results.top.map(|top| top.min(trains));
        let mut memory = Streamed::memory(train.name(), top.unwrap_or(0), targets)?;
        let one_minus_p = inputs.one_minus_p.take();
        let mut streamed = Streamed::new(trains, targets, top, &mut memory, writer, one_minus_p.as_deref())?;
        let quality = add_all(solving, &mut inputs, Budget::USUAL, &mut streamed)?;
        let left_out = LeftOut::of(&inputs, streamed.non_finite());
        let best = streamed.finish()?;
        return Ok(Found { rows: [trains, targets], left_out, quality, best, names });
    }
    let pairs = trains.checked_mul(targets).unwrap_or(usize::MAX / size_of::<f64>());
    let mut scores = Scores {
        values: zeros(train.name(), pairs)?,
        non_finite_train: zeros(train.name(), trains)?,
        non_finite_target: zeros(target.name(), targets)?,
    };
    let quality = add_all(solving, &mut inputs, Budget::USUAL, &mut scores)?;
    if let Some(one_minus_p) = &inputs.one_minus_p {
        scores.scale_rows(one_minus_p);
    }
    if let Some(subtasks) = &inputs.subtasks {
        let none = |subtask| CommandError::Argument {
            argument: "--subtasks",
            expected: "a finite target in each subtask".to_owned(),
            found: format!("none in subtask {} of {target_name}", subtasks.labels()[subtask as usize]),
        };
        scores = scores.largest_of_subtasks(subtasks.of()).map_err(none)?;
    }
    scores.mark_non_finite();
    if let Some(mut writer) = writer {
        writer.write(&scores.values)?;
        writer.finish()?;
    }
    let best = results.top.map(|top| scores.targets(top));
    let left_out = LeftOut::of(&inputs, scores.non_finite());
    Ok(Found { rows: [trains, targets], left_out, quality, best, names })
}

/// Runs a plan along a recorded run.
fn run_along(plan: &Plan, run: &RecordedRun) -> Result<(), CommandError> {
    let RecordedRun { directory, keep, target } = run;
    let run = directory.display().to_string();
    let (found, of_targets) = match target {
        Some(RunTarget { source, projection }) => {
            let mut targets = Rows::open_targets(source, projection)?;
            let found = trajectory::dvemb(directory, &mut targets, &plan.projection, *keep)?;
            (found, targets.name().to_owned())
        }
        None => (trajectory::shapley(directory, &plan.projection, *keep)?, run.clone()),
    };
    let names = names(&plan.results, [&run, &of_targets], [found.trains, found.targets])?;
    let scores = Scores {
        values: found.values,
        non_finite_train: vec![false; found.trains],
        non_finite_target: vec![false; found.targets],
    };
    if let Some(output) = &plan.results.output {
        let mut writer = Output::create(plan, output, found.trains, found.targets, &names)?;
        writer.write(&scores.values)?;
        writer.finish()?;
    }
    let best = plan.results.top.map(|top| scores.targets(top));
    let (rows, left_out) = ([found.trains, found.targets], LeftOut::default());
    conclude(plan, Found { rows, left_out, quality: None, best, names })
}

/// Runs a plan over files of layers.
fn run_layers(plan: &Plan, files: &LayerFiles) -> Result<(), CommandError> {
    let (scores, rows, quality) = layers::find(files)?;
    let [train, target] = [&files.train, &files.target].map(|path| path.display().to_string());
    let names = names(&plan.results, [&train, &target], rows)?;
    if let Some(output) = &plan.results.output {
        let mut writer = Output::create(plan, output, rows[0], rows[1], &names)?;
        writer.write(&scores.values)?;
        writer.finish()?;
    }
    if let Some(reason) = quality.doubt(plan.method) {
        console::remark(format!("{train}: {reason}"));
    }
    let best = plan.results.top.map(|top| scores.targets(top));
    let left_out = LeftOut { non_finite: scores.non_finite(), ..LeftOut::default() };
    conclude(plan, Found { rows, left_out, quality: Some(quality), best, names })
}

/// Whether influence goes straight to its places: it has one part, all of a row of the
/// output is there at once, and the best take less memory than the matrix.
fn streams(plan: &Plan, inputs: &Inputs, budget: Budget) -> bool {
    let ([train], [target], None) = (&inputs.trains[..], &inputs.targets[..], &inputs.subtasks) else {
        return false;
    };
    let scoring = PairScoring { method: plan.method, weight: 1.0, budget };
    let in_one_pass = targets_per_pass(scoring, train, target.count()) >= target.count();
    let entries = plan.results.top.map_or(0, |top| top.min(train.count()).saturating_mul(2));
    (plan.results.output.is_none() || in_one_pass)
        && entries.saturating_mul(size_of::<Entry>()) <= train.count().saturating_mul(size_of::<f64>())
}

/// What the samples and the targets are called, where files say it.
fn names(
    results: &Results,
    [train, target]: [&str; 2],
    [trains, targets]: [usize; 2],
) -> Result<Names, CommandError> {
    let read = |source: &Option<Source>, other: &str, rows: usize| {
        source.as_ref().map(|source| read_ids(source, other, rows)).transpose()
    };
    Ok(Names {
        trains: read(&results.ids, train, trains)?,
        targets: read(&results.target_ids, target, targets)?,
    })
}

/// Training samples, and targets, that have no influence.
#[derive(Default)]
struct LeftOut {
    /// Those with NaN or infinite entries.
    non_finite: [Vec<usize>; 2],
    /// Those that are finite, and in one of the checkpoints too large for `f32`.
    out_of_range: [Vec<usize>; 2],
}

impl LeftOut {
    fn of(inputs: &Inputs, [trains, targets]: [Vec<usize>; 2]) -> Self {
        let apart = |files: &[Rows], found: Vec<usize>| -> (Vec<usize>, Vec<usize>) {
            found.into_iter().partition(|&row| !files.iter().any(|rows| rows.is_out_of_range(row)))
        };
        let (trains, targets) = (apart(&inputs.trains, trains), apart(&inputs.targets, targets));
        Self { non_finite: [trains.0, targets.0], out_of_range: [trains.1, targets.1] }
    }
}

/// Says what was found.
fn conclude(plan: &Plan, found: Found) -> Result<(), CommandError> {
    let Found { rows: [train_rows, target_rows], left_out, quality: solver, best, names } = found;
    let targets = best.map(|best| named(&best, &names));
    let method = plan.method;
    let LeftOut { non_finite, out_of_range } = left_out;
    let [non_finite_train, non_finite_target] = non_finite;
    let [out_of_range_train, out_of_range_target] = out_of_range;
    let inexact = solver.is_some_and(|quality| quality.doubt(method).is_some());
    let report = Report {
        method,
        train_rows,
        target_rows,
        non_finite_train,
        non_finite_target,
        out_of_range_train,
        out_of_range_target,
        solver,
        inexact,
        targets,
    };
    if plan.results.json {
        console::print_json(&report)
    } else if plan.results.output == Some(Destination::Stdout) {
        Ok(())
    } else {
        print(plan.results.output.as_ref(), &report)
    }
}

/// Adds each checkpoint's part; for ReTrac that of each train checkpoint with each
/// target's, since mean · mean is the mean over all of these.
fn add_all(
    solving: &Solving,
    inputs: &mut Inputs,
    budget: Budget,
    sink: &mut dyn Sink,
) -> Result<Option<Quality>, CommandError> {
    let method = solving.method;
    let crosses = method == Method::Retrac && inputs.trains.len() > 1;
    let mut quality: Option<Quality> = None;
    for (number, (train, &weight)) in inputs.trains.iter_mut().zip(&inputs.weights).enumerate() {
        let others = if crosses { 0..inputs.targets.len() } else { number..number + 1 };
        let scoring = PairScoring { method, weight, budget };
        let mut factors = inputs.factors.get_mut(number);
        let targets = inputs.targets[number].count();
        prepare(scoring, solving, train, factors.as_deref_mut(), targets, crosses)?;
        let mut solver = Solver::fit(solving, factors.as_deref_mut().unwrap_or(train))?;
        for (other, target) in
            inputs.targets.iter_mut().enumerate().filter(|(other, _)| others.contains(other))
        {
            if crosses && number == 0 {
                target.prepare_passes_within(budget.held_bytes)?;
            }
            let before = sink.non_finite();
            score_all_pairs(scoring, train, factors.as_deref_mut(), target, &mut solver, sink)?;
            let consequence = match (other == number, &inputs.subtasks) {
                (_, Some(_)) => "left out",
                _ => "the influences are NaN there",
            };
            for (rows, (before, after)) in
                [&*train, &*target].iter().zip(before.iter().zip(sink.non_finite()))
            {
                let new: Vec<usize> = after.into_iter().filter(|index| !before.contains(index)).collect();
                rows.remark_non_finite(&new, consequence);
            }
        }
        if let Some(own) = solver.quality() {
            if let Some(reason) = own.doubt(method) {
                console::remark(format!("{}: {reason}", train.name()));
            }
            quality = Some(quality.map_or(own, |before| before.worse(own)));
        }
    }
    Ok(quality)
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

    fn inputs(method: &str) -> (Solving, Inputs) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/influence");
        let path = |name: &str| folder.join(format!("{name}.npy")).to_str().unwrap().to_owned();
        let files =
            ["train-f4", "target-f4", "train2-f4", "target2-f4", "one_minus_p", "one_minus_p2"].map(path);
        let [train, target, train2, target2, one_minus_p, one_minus_p2] =
            files.each_ref().map(String::as_str);
        let mut line =
            vec!["influence", "--method", method, "--train", train, "--target", target, "--top", "1"];
        if ["tracin", "retrac", "less", "trak"].contains(&method) {
            line.extend(["--train", train2, "--target", target2]);
        }
        if method == "lissa" {
            line.extend(["--passes", "20", "--accept-inexact"]);
        }
        if method == "trak" {
            line.extend(["--one-minus-p", one_minus_p, "--one-minus-p", one_minus_p2]);
        }
        if ["tracin", "less"].contains(&method) {
            line.extend(["--lr", "0.1", "--lr", "0.02"]);
        }
        let plan = Plan::new(Line::parse_from(line).arguments).unwrap();
        let Over::Checkpoints(checkpoints) = plan.over else { panic!("expected checkpoints") };
        let inputs = open(&checkpoints, &plan.projection).unwrap();
        (checkpoints.solving, inputs)
    }

    fn scores(method: &str, budget: Budget) -> Vec<f64> {
        let (solving, mut inputs) = inputs(method);
        let (trains, targets) = (inputs.trains[0].count(), inputs.targets[0].count());
        let mut scores = Scores {
            values: vec![0.0; trains * targets],
            non_finite_train: vec![false; trains],
            non_finite_target: vec![false; targets],
        };
        add_all(&solving, &mut inputs, budget, &mut scores).unwrap();
        scores.values
    }

    #[test]
    fn the_best_of_a_stream_are_those_of_the_matrix() {
        for method in ["dot", "cosine", "ridge", "datainf", "lissa", "cg"] {
            let (solving, mut inputs) = inputs(method);
            let (trains, targets) = (inputs.trains[0].count(), inputs.targets[0].count());
            let scores = Scores {
                values: scores(method, Budget::USUAL),
                non_finite_train: vec![false; trains],
                non_finite_target: vec![false; targets],
            };
            for top in [0, 1, 5, trains] {
                let mut memory = Streamed::memory("scores", top, targets).unwrap();
                let mut streamed =
                    Streamed::new(trains, targets, Some(top), &mut memory, None, None).unwrap();
                add_all(&solving, &mut inputs, Budget::USUAL, &mut streamed).unwrap();
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
