//! `gradsieve influence`: gradients of training samples and of targets → an n_train × n_target matrix of influence.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use gradsieve::influence::Ridge;
use serde::Serialize;

use super::products::{Block, products};
use super::rows::{ProjectionArguments, Rows, check_matrix_width, check_pair, is_finite, zeros};
use super::{CommandError, console};
use crate::files::{ArrayWriter, Destination, Dtype, FileError, Source, refuse_overwrite};

pub(super) const LONG_ABOUT: &str = "\
Score training samples by how much they help or harm target samples.

Reads the gradients of training samples (n_train × p) and of targets (n_target × p), which may be single validation samples or \
means over a set, and writes the n_train × n_target matrix of influence. Positive is helpful: training on \
the sample lowers the target's loss. Negative is harmful.

  dot      g·v
  cosine   g·v / (‖g‖·‖v‖)
  tracin   Σ lr·g·v over checkpoints: give --train, --target and --lr again for each, in one order
  ridge    φ_vᵀ(C + λI)⁻¹φ_g, C = ΦᵀΦ/n of the training gradients, λ = trace(C)/(10 K)

Without --dim all of this is exact, on the gradients themselves (ridge: up to 4096 columns); with --dim it is an unbiased \
estimate on sketches (cosine and ridge: a nearly unbiased one), much faster where there are many targets. \
Matrices may be files of sketches that gradsieve sketch wrote.

The training gradients stream past once for every 512 MiB of target gradients. Memory: 640 MiB at most (more only if \
one row is), and the scores, 8 bytes a pair. f64 gradients are rounded to f32; products are summed with an error below 5e-6 of \
Σ|g_i·v_i|. A sample or target with NaN or infinite entries is named on standard error, and its influences are NaN.";

const EXAMPLES: &str = "\
Examples:
  gradsieve influence --train train.npy --target val.npy --method dot -o influence.npy
  gradsieve influence --train train.npy --target val.npy --method ridge --dim 512 --top 10
  gradsieve influence --method tracin -o influence.npy \\
      --train train-epoch1.npy --target val-epoch1.npy --lr 0.1 \\
      --train train-epoch5.npy --target val-epoch5.npy --lr 0.01";

/// Arguments of `influence`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct InfluenceArguments {
    /// Gradients of the training samples, n_train × p; again for each checkpoint
    #[arg(long, value_name = "GRADS", required = true)]
    pub train: Vec<Source>,

    /// Gradients of the targets, n_target × p; again for each checkpoint
    #[arg(long, value_name = "GRADS", required = true)]
    pub target: Vec<Source>,

    /// Learning rate of a checkpoint, for tracin; one for all, or one for each checkpoint; 1 if there is none. In sum form: if the
    /// loss is the mean over a batch of B, divide by B
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub lr: Vec<f64>,

    /// How influence is measured
    #[arg(long, value_enum)]
    pub method: Method,

    #[command(flatten)]
    #[allow(missing_docs, reason = "a doc comment here would become help")]
    pub projection: ProjectionArguments,

    /// Where the influence goes, n_train × n_target: FILE.npy, FILE.safetensors (tensor "influence") or - for a .npy on
    /// standard output
    #[arg(short, long, value_name = "FILE", required_unless_present = "top")]
    pub output: Option<Destination>,

    /// Type of the numbers written (sums are f64)
    #[arg(long, value_enum, default_value_t = InfluenceDtype::F32)]
    pub dtype: InfluenceDtype,

    /// Print, for each target, the N most helpful and the N most harmful training samples (rows count from 0)
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,

    /// Print JSON: {"method", "train_rows", "target_rows", "non_finite_train", "non_finite_target", "targets": [{"index",
    /// "proponents": [{"index", "influence"}], "opponents": [...]}]}; targets only with --top
    #[arg(long)]
    pub json: bool,
}

/// The methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Dot product
    Dot,
    /// Cosine
    Cosine,
    /// Sum over checkpoints of learning rate times dot product
    Tracin,
    /// Dot product in the metric of the inverse empirical Fisher
    Ridge,
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
    const fn name(self) -> &'static str {
        match self {
            Self::Dot => "dot",
            Self::Cosine => "cosine",
            Self::Tracin => "tracin",
            Self::Ridge => "ridge",
        }
    }
}

/// The most memory for rows that meet, one row of each kind excepted.
#[derive(Clone, Copy)]
struct Budget {
    /// Bytes of target rows that meet one pass over the training rows.
    target_bytes: usize,
    /// Bytes of training rows that meet the targets together, which come from memory once for all of them.
    train_bytes: usize,
    /// The most training rows at a time.
    train_rows: usize,
    /// Bytes of training sketches that are kept for a second pass.
    held_bytes: usize,
}

impl Budget {
    const USUAL: Self =
        Self { target_bytes: 512 << 20, train_bytes: 128 << 20, train_rows: 64, held_bytes: 256 << 20 };
}

/// The gradients at one checkpoint.
struct Checkpoint {
    train: Rows,
    target: Rows,
    rate: f64,
}

/// Influence of all pairs, row after row, and which samples have none.
struct Scores {
    values: Vec<f64>,
    non_finite_train: Vec<bool>,
    non_finite_target: Vec<bool>,
}

/// Runs the command.
pub(super) fn run(arguments: &InfluenceArguments) -> Result<(), CommandError> {
    check(arguments)?;
    let mut checkpoints = open(arguments)?;
    let Some(first) = checkpoints.first() else { return Ok(()) };
    let (trains, targets) = (first.train.count(), first.target.count());
    let train_name = first.train.name().to_owned();
    let pairs = trains.checked_mul(targets).unwrap_or(usize::MAX / size_of::<f64>());
    let mut scores = Scores {
        values: zeros(&train_name, pairs)?,
        non_finite_train: vec![false; trains],
        non_finite_target: vec![false; targets],
    };
    let dtype = match arguments.dtype {
        InfluenceDtype::F32 => Dtype::F32,
        InfluenceDtype::F64 => Dtype::F64,
    };
    let output = arguments.output.as_ref();
    let about = BTreeMap::from([("gradsieve.method".to_owned(), arguments.method.name().to_owned())]);
    let create = |to| ArrayWriter::create_named(to, "influence", &[trains, targets], dtype, &about);
    let writer = output.map(create).transpose()?;
    for checkpoint in &mut checkpoints {
        let names = [checkpoint.train.name().to_owned(), checkpoint.target.name().to_owned()];
        let before = scores.non_finite();
        add(checkpoint, arguments.method, Budget::USUAL, &mut scores)?;
        for (name, (before, after)) in names.iter().zip(before.iter().zip(scores.non_finite())) {
            let new: Vec<usize> = after.into_iter().filter(|index| !before.contains(index)).collect();
            console::remark_non_finite(name, &new, "the influences are NaN there");
        }
    }
    scores.spoil(targets);
    if let Some(mut writer) = writer {
        writer.write_f64(&scores.values)?;
        writer.finish()?;
    }
    let report = scores.report(arguments.method, trains, targets, arguments.top);
    if arguments.json {
        console::print_json(&report)
    } else if output == Some(&Destination::Stdout) {
        Ok(())
    } else {
        print(arguments, &report)
    }
}

/// What can be wrong before a file is opened.
fn check(arguments: &InfluenceArguments) -> Result<(), CommandError> {
    let refuse =
        |argument, expected: String, found: String| Err(CommandError::Argument { argument, expected, found });
    let (trains, targets, rates) = (arguments.train.len(), arguments.target.len(), arguments.lr.len());
    if trains != targets {
        return refuse(
            "--target",
            format!("as often as --train, once for each checkpoint: {}", times(trains)),
            times(targets),
        );
    }
    let method = arguments.method;
    if method != Method::Tracin && trains > 1 {
        return refuse(
            "--train",
            format!(
                "one checkpoint with --method {}; sums over checkpoints are --method tracin",
                method.name()
            ),
            trains.to_string(),
        );
    }
    if method != Method::Tracin && rates > 0 {
        console::remark(format!("--lr is not used: --method {} has no learning rate", method.name()));
    } else if rates > 1 && rates != trains {
        return refuse("--lr", format!("once, or once for each of the {trains} checkpoints"), times(rates));
    }
    if let Some(rate) = arguments.lr.iter().find(|rate| !rate.is_finite()) {
        return refuse("--lr", "a finite number".to_owned(), rate.to_string());
    }
    if arguments.json && arguments.output == Some(Destination::Stdout) {
        let expected = "the influence to go to a file, as in -o influence.npy".to_owned();
        return refuse("--json", expected, "standard output (-o -)".to_owned());
    }
    let inputs: Vec<&Source> = arguments.train.iter().chain(&arguments.target).collect();
    let streams = inputs.iter().filter(|&&source| *source == Source::Stdin).count();
    if streams > 1 {
        return refuse("--train and --target", "one array on standard input".to_owned(), streams.to_string());
    }
    arguments.output.as_ref().map_or(Ok(()), |output| Ok(refuse_overwrite(output, &inputs)?))
}

fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// Opens all files and sees that they fit together, before the work begins.
fn open(arguments: &InfluenceArguments) -> Result<Vec<Checkpoint>, CommandError> {
    let mut checkpoints: Vec<Checkpoint> = Vec::new();
    for (index, (train, target)) in arguments.train.iter().zip(&arguments.target).enumerate() {
        let rate = match (arguments.method, arguments.lr.as_slice()) {
            (Method::Tracin, [one]) => *one,
            (Method::Tracin, rates) => rates.get(index).copied().unwrap_or(1.0),
            _ => 1.0,
        };
        let of_store = arguments.projection.or_of_store([train, target])?;
        let train = Rows::open_beside(train, &arguments.projection, &of_store)?;
        let target = Rows::open_beside(target, &arguments.projection, &of_store)?;
        check_pair(&train, &target)?;
        if arguments.method == Method::Ridge {
            check_matrix_width(&train, "ridge")?;
        }
        if let Some(first) = checkpoints.first() {
            same_rows(&first.train, &train)?;
            same_rows(&first.target, &target)?;
        }
        checkpoints.push(Checkpoint { train, target, rate });
    }
    Ok(checkpoints)
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

/// Adds a checkpoint's influence: blocks of targets, and for each a pass over the training rows.
fn add(
    checkpoint: &mut Checkpoint,
    method: Method,
    budget: Budget,
    scores: &mut Scores,
) -> Result<(), CommandError> {
    let Checkpoint { train, target, rate } = checkpoint;
    let (width, targets, name) = (train.width(), target.count(), target.name().to_owned());
    let mut block = Block::new(width, budget.target_bytes, targets);
    if method == Method::Ridge || block.room() < targets {
        train.prepare_passes_within(budget.held_bytes)?;
    }
    let mut memory = zeros(train.name(), if method == Method::Ridge { Ridge::floats(width) } else { 0 })?;
    let ridge = match method {
        Method::Ridge => Some(fit(train, &mut memory)?),
        _ => None,
    };
    let mut solution = vec![0.0; if ridge.is_some() { width } else { 0 }];
    target.pass("influence on", |row, sketch| {
        if !is_finite(sketch) {
            scores.non_finite_target[row] = true;
        } else if let Some(ridge) = &ridge {
            ridge.target(sketch, &mut solution).map_err(CommandError::core(&name))?;
            block.push(row, &solution, 1.0);
        } else {
            block.push(row, sketch.values, norm(method, sketch.values));
        }
        if block.is_full() || row + 1 == targets {
            let trains = Block::new(width, budget.train_bytes, budget.train_rows);
            meet(train, trains, &block, (method, *rate), scores)?;
            block.clear();
        }
        Ok(())
    })
}

/// The ridge of the training rows.
fn fit<'m>(train: &mut Rows, memory: &'m mut [f32]) -> Result<Ridge<'m>, CommandError> {
    let (name, count) = (train.name().to_owned(), train.count());
    let mut ridge = Ridge::new(Ridge::DAMPING, train.width(), memory).map_err(CommandError::core(&name))?;
    let mut seen = false;
    train.pass("observing", |_, sketch| match ridge.observe(sketch) {
        Ok(()) => {
            seen = true;
            Ok(())
        }
        Err(gradsieve::Error::NonFinite) => Ok(()),
        Err(error) => Err(CommandError::core(&name)(error)),
    })?;
    if !seen {
        return Err(CommandError::NothingFinite { file: name, rows: count });
    }
    let what = "ridge influence";
    ridge.fit().map_err(|error| CommandError::NotFitted { file: name, what, error })?;
    Ok(ridge)
}

/// All training rows meet a block of targets.
fn meet(
    train: &mut Rows,
    mut block: Block,
    targets: &Block,
    (method, rate): (Method, f64),
    scores: &mut Scores,
) -> Result<(), CommandError> {
    let (count, name) = (train.count(), train.name().to_owned());
    let columns = scores.non_finite_target.len();
    train.pass("reading", |row, sketch| {
        if !is_finite(sketch) {
            scores.non_finite_train[row] = true;
        } else {
            block.push(row, sketch.values, norm(method, sketch.values));
        }
        if block.is_full() || row + 1 == count {
            let products = products(&block, targets);
            let products = products.map_err(|error| CommandError::core(&name)(error.into()))?;
            let mut products = products.into_iter();
            for (i, train_norm) in block.rows() {
                for ((j, target_norm), product) in targets.rows().zip(&mut products) {
                    let score = &mut scores.values[i * columns + j];
                    *score = match method {
                        Method::Dot | Method::Ridge => product,
                        Method::Cosine => cosine(product, train_norm * target_norm),
                        Method::Tracin => *score + rate * product,
                    };
                }
            }
            block.clear();
        }
        Ok(())
    })
}

/// The factor of a row in the denominator.
fn norm(method: Method, values: &[f32]) -> f64 {
    if method == Method::Cosine { gradsieve_kernels::squared_norm(values).sqrt() } else { 1.0 }
}

/// As [`gradsieve::influence::grad_cos`].
fn cosine(product: f64, norms: f64) -> f64 {
    if norms > 0.0 { (product / norms).clamp(-1.0, 1.0) } else { 0.0 }
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Report {
    method: Method,
    train_rows: usize,
    target_rows: usize,
    non_finite_train: Vec<usize>,
    non_finite_target: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    targets: Option<Vec<Target>>,
}

/// Who helps and who harms one target, most first.
#[derive(Debug, Serialize)]
struct Target {
    index: usize,
    proponents: Vec<Sample>,
    opponents: Vec<Sample>,
}

/// A training sample.
#[derive(Clone, Copy, Debug, Serialize)]
struct Sample {
    index: usize,
    influence: f64,
}

impl Scores {
    /// The indices of the training samples and of the targets that are not finite.
    fn non_finite(&self) -> [Vec<usize>; 2] {
        [&self.non_finite_train, &self.non_finite_target]
            .map(|flags| (0..flags.len()).filter(|&index| flags[index]).collect())
    }

    /// Puts NaN where a sample or a target is not finite.
    fn spoil(&mut self, targets: usize) {
        for (row, &spoilt) in self.values.chunks_exact_mut(targets).zip(&self.non_finite_train) {
            for (value, &target_spoilt) in row.iter_mut().zip(&self.non_finite_target) {
                if spoilt || target_spoilt {
                    *value = f64::NAN;
                }
            }
        }
    }

    fn report(&self, method: Method, train_rows: usize, target_rows: usize, top: Option<usize>) -> Report {
        let [non_finite_train, non_finite_target] = self.non_finite();
        let targets = top.map(|top| (0..target_rows).map(|target| self.target(target, top)).collect());
        Report { method, train_rows, target_rows, non_finite_train, non_finite_target, targets }
    }

    fn target(&self, index: usize, top: usize) -> Target {
        let columns = self.non_finite_target.len();
        let influences = self.values.iter().skip(index).step_by(columns).enumerate();
        let mut samples: Vec<Sample> =
            influences.map(|(index, &influence)| Sample { index, influence }).collect();
        // Equal ones by index. NaN is neither above nor below zero.
        samples.sort_by(|a, b| b.influence.total_cmp(&a.influence));
        let proponents = samples.iter().filter(|sample| sample.influence > 0.0).take(top).copied().collect();
        samples.sort_by(|a, b| a.influence.total_cmp(&b.influence).then(a.index.cmp(&b.index)));
        let opponents = samples.iter().filter(|sample| sample.influence < 0.0).take(top).copied().collect();
        Target { index, proponents, opponents }
    }
}

/// For people.
fn print(arguments: &InfluenceArguments, report: &Report) -> Result<(), CommandError> {
    if let Some(output) = &arguments.output {
        console::print(format!(
            "{output}: {} influence of {} training samples (rows) on {} targets (columns)",
            report.method.name(),
            report.train_rows,
            report.target_rows
        ))?;
    }
    let Some(targets) = &report.targets else { return Ok(()) };
    let mut table = console::table(&["target", "helpful sample", "influence", "harmful sample", "influence"]);
    for target in targets {
        for rank in 0..target.proponents.len().max(target.opponents.len()) {
            let [helpful, harmful] =
                [&target.proponents, &target.opponents].map(|samples| cells(samples.get(rank)));
            table.add_row([vec![target.index.to_string()], helpful, harmful].concat());
        }
    }
    console::print(table)
}

fn cells(sample: Option<&Sample>) -> Vec<String> {
    sample.map_or_else(
        || vec![String::new(), String::new()],
        |sample| vec![sample.index.to_string(), console::significant(sample.influence)],
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn golden(name: &str) -> Source {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/influence").join(name);
        Source::Npy(path)
    }

    fn scores(method: Method, budget: Budget) -> Vec<f64> {
        let none = ProjectionArguments {
            dim: None,
            projection: super::super::ProjectionKind::Sjlt,
            mask_len: None,
            seed: 0,
            repeat: super::super::Repetitions::One,
        };
        let open = |name| Rows::open(&golden(name), &none).unwrap();
        let (train, target) = (open("train-f4.npy"), open("target-f4.npy"));
        let mut scores = Scores {
            values: vec![0.0; train.count() * target.count()],
            non_finite_train: vec![false; train.count()],
            non_finite_target: vec![false; target.count()],
        };
        add(&mut Checkpoint { train, target, rate: 0.1 }, method, budget, &mut scores).unwrap();
        scores.values
    }

    #[test]
    fn memory_for_one_row_at_a_time_gives_the_same_bits() {
        for method in [Method::Dot, Method::Cosine, Method::Tracin, Method::Ridge] {
            let usual = scores(method, Budget::USUAL);
            for train_rows in [1, 5] {
                for held_bytes in [0, usize::MAX] {
                    let tight = Budget { target_bytes: 0, train_rows, held_bytes, ..Budget::USUAL };
                    assert_eq!(scores(method, tight), usual);
                }
            }
        }
    }
}
