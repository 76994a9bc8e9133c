//! What is to be done, checked before a file is opened.

use std::ops::Range;
use std::path::PathBuf;

use gradsieve::Kind;

use super::arguments::{InfluenceArguments, InfluenceDtype, Method};
use super::dual;
use crate::commands::CommandError;
use crate::commands::given::Use;
use crate::commands::inputs::{refuse, refuse_json_beside};
use crate::commands::rows::{ProjectionArguments, Rows};
use crate::commands::table_file::is_table;
use crate::commands::trajectory::Keep;
use gradsieve_io::files::{Destination, Dtype, Source, refuse_overwrite};

/// A command line that makes sense.
pub(super) struct Plan {
    pub(super) method: Method,
    pub(super) over: Over,
    pub(super) projection: ProjectionArguments,
    pub(super) results: Results,
}

/// What influence is computed over.
pub(super) enum Over {
    Checkpoints(Checkpoints),
    Layers(LayerFiles),
    Run(RecordedRun),
}

/// Files of the inputs and output gradients of linear layers.
pub(super) struct LayerFiles {
    pub(super) train: PathBuf,
    pub(super) target: PathBuf,
    /// What the curvature is of; the training samples themselves if there is none.
    pub(super) factors: Option<PathBuf>,
    pub(super) solving: Solving,
}

/// Gradients of training samples and targets at checkpoints, or of models.
pub(super) struct Checkpoints {
    /// One at least.
    pub(super) all: Vec<Checkpoint>,
    /// One for each model, or none.
    pub(super) one_minus_p: Vec<Source>,
    pub(super) subtasks: Option<Source>,
    pub(super) solving: Solving,
}

/// The files of a checkpoint, and what its part is multiplied by.
pub(super) struct Checkpoint {
    pub(super) train: Source,
    pub(super) target: Source,
    /// The rows of the curvature, if those are others than the training samples'.
    pub(super) factors: Option<Source>,
    pub(super) weight: f64,
}

/// What a solver is told.
pub(super) struct Solving {
    pub(super) method: Method,
    pub(super) damping: Damping,
    /// Training samples that the rows of the curvature are of; as many as rows if there
    /// is none.
    pub(super) samples: Option<usize>,
    /// Eigenpairs of arnoldi.
    pub(super) keep: Option<usize>,
    /// Rising columns of gif.
    pub(super) coordinates: Vec<usize>,
    /// Columns of each layer; none for one layer.
    pub(super) layers: Vec<usize>,
    /// The method's own if there is none.
    pub(super) passes: Option<u32>,
    pub(super) tolerance: Option<f32>,
    pub(super) step: Option<f64>,
    /// Whether scores are written that are not known to be right.
    pub(super) accepts_inexact: bool,
}

impl Solving {
    /// Whether the curvature is one of inner products of these rows, which are fewer than
    /// their columns.
    pub(super) fn is_dual(&self, rows: &Rows) -> bool {
        let is_damped = !matches!(self.damping, Damping::Share(Some(0.0)) | Damping::Lambda(0.0));
        let takes_all = matches!(self.method, Method::Ridge | Method::Trak);
        takes_all && is_damped && dual::is_smaller(rows.count(), rows.width())
    }

    /// Whether the rows of the curvature are passed over before it is made of them, to
    /// see how many are finite, and how long.
    pub(super) const fn measures(&self) -> bool {
        self.method.solves() && (self.samples.is_some() || matches!(self.damping, Damping::Lambda(_)))
    }
}

/// λ.
#[derive(Clone, Copy)]
pub(super) enum Damping {
    /// In units of the mean eigenvalue; the solver's own if there is none.
    Share(Option<f32>),
    /// As it is.
    Lambda(f64),
}

impl Damping {
    /// λ in units of the `mean` eigenvalue of `whose` curvature; `usual`, if nothing was
    /// said or all eigenvalues are 0.
    ///
    /// # Errors
    /// A share that leaves `f32`.
    pub(super) fn share(self, usual: f32, mean: f64, whose: &str) -> Result<f32, CommandError> {
        let lambda = match self {
            Self::Share(share) => return Ok(share.unwrap_or(usual)),
            Self::Lambda(lambda) => lambda,
        };
        if mean <= 0.0 {
            return Ok(usual);
        }
        let share = lambda / mean;
        let fits = (f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX)).contains(&share);
        if lambda > 0.0 && !fits {
            let expected = format!("one within 1e38 of the mean eigenvalue of {whose}");
            return refuse("--lambda", expected, lambda.to_string());
        }
        Ok(share as f32)
    }
}

/// A recorded run.
pub(super) struct RecordedRun {
    pub(super) directory: PathBuf,
    /// What is kept of gradients before they are projected.
    pub(super) keep: Option<Keep>,
    /// The targets at the end, for data value embedding; without them, in-run Shapley
    /// values.
    pub(super) target: Option<RunTarget>,
}

/// Targets at the end of a run.
pub(super) struct RunTarget {
    pub(super) source: Source,
    pub(super) projection: ProjectionArguments,
}

/// What is written and printed.
pub(super) struct Results {
    pub(super) output: Option<Destination>,
    pub(super) dtype: Dtype,
    pub(super) top: Option<usize>,
    pub(super) ids: Option<Source>,
    pub(super) target_ids: Option<Source>,
    pub(super) json: bool,
}

impl Plan {
    /// The plan of a command line.
    ///
    /// # Errors
    /// [`CommandError::Argument`] by the name of the argument that does not suit the
    /// others; an output that is an input.
    pub(super) fn new(arguments: InfluenceArguments) -> Result<Self, CommandError> {
        arguments.given.refuse_unread(uses(&arguments))?;
        let over = if arguments.trajectory.is_some() || arguments.method.is_along_a_run() {
            Over::Run(run(&arguments)?)
        } else if arguments.method == Method::EkFac {
            Over::Layers(layer_files(&arguments)?)
        } else {
            Over::Checkpoints(checkpoints(&arguments)?)
        };
        let InfluenceArguments { method, projection, output, dtype, top, .. } = arguments;
        let InfluenceArguments { ids, target_ids, json, .. } = arguments;
        let dtype = match dtype {
            InfluenceDtype::F32 => Dtype::F32,
            InfluenceDtype::F64 => Dtype::F64,
        };
        Ok(Self { method, over, projection, results: Results { output, dtype, top, ids, target_ids, json } })
    }
}

/// The plan over checkpoints.
fn checkpoints(arguments: &InfluenceArguments) -> Result<Checkpoints, CommandError> {
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
    if method.takes_rates() && rates > 1 && rates != trains {
        return refuse("--lr", format!("once, or once for each of the {trains} checkpoints"), times(rates));
    }
    if let Some(rate) = arguments.lr.iter().find(|rate| !rate.is_finite()) {
        return refuse("--lr", "a finite number".to_owned(), rate.to_string());
    }
    let factors = arguments.factors.len();
    if factors > 0 && factors != trains {
        return refuse(
            "--factors",
            format!("as often as --train, once for each model: {}", times(trains)),
            times(factors),
        );
    }
    check_weights(arguments)?;
    check_solver(arguments)?;
    check_output(arguments)?;
    let inputs = arguments.train.iter().chain(&arguments.target).chain(&arguments.factors);
    let inputs = inputs.chain(&arguments.one_minus_p);
    let names = arguments.ids.iter().chain(&arguments.target_ids);
    let inputs: Vec<&Source> = inputs.chain(&arguments.subtasks).chain(names).collect();
    let streams = inputs.iter().filter(|&&source| *source == Source::Stdin).count();
    if streams > 1 {
        return refuse("--train and --target", "one array on standard input".to_owned(), streams.to_string());
    }
    if let Some(output) = &arguments.output {
        refuse_overwrite(output, &inputs)?;
    }
    let files = arguments.train.iter().zip(&arguments.target);
    let checkpoint = |(number, ((train, target), weight)): (usize, ((&Source, &Source), f64))| Checkpoint {
        train: train.clone(),
        target: target.clone(),
        factors: arguments.factors.get(number).cloned(),
        weight,
    };
    Ok(Checkpoints {
        all: files.zip(weights(arguments)).enumerate().map(checkpoint).collect(),
        one_minus_p: arguments.one_minus_p.clone(),
        subtasks: arguments.subtasks.clone(),
        solving: solving(arguments)?,
    })
}

/// What a solver is told.
fn solving(arguments: &InfluenceArguments) -> Result<Solving, CommandError> {
    Ok(Solving {
        method: arguments.method,
        damping: arguments.lambda.map_or(Damping::Share(arguments.damping), Damping::Lambda),
        samples: arguments.samples,
        keep: arguments.keep,
        coordinates: coordinates(&arguments.coordinates)?,
        layers: arguments.layers.clone(),
        passes: arguments.passes,
        tolerance: arguments.tolerance,
        step: arguments.step,
        accepts_inexact: arguments.accept_inexact,
    })
}

/// The plan over files of layers.
fn layer_files(arguments: &InfluenceArguments) -> Result<LayerFiles, CommandError> {
    check_solver(arguments)?;
    check_output(arguments)?;
    let file = |argument, sources: &[Source]| match sources {
        [Source::Safetensors { path, tensor: None }] => Ok(path.clone()),
        [other] => refuse(argument, LAYERS, other.to_string()),
        _ => refuse(argument, format!("{LAYERS}, once"), times(sources.len())),
    };
    let factors = match &arguments.factors[..] {
        [] => None,
        factors => Some(file("--factors", factors)?),
    };
    if let Some(output) = &arguments.output {
        let inputs = arguments.train.iter().chain(&arguments.target).chain(&arguments.factors);
        let inputs = inputs.chain(&arguments.ids).chain(&arguments.target_ids);
        refuse_overwrite(output, &inputs.collect::<Vec<_>>())?;
    }
    let (train, target) = (file("--train", &arguments.train)?, file("--target", &arguments.target)?);
    Ok(LayerFiles { train, target, factors, solving: solving(arguments)? })
}

/// What ek-fac reads.
const LAYERS: &str = "a FILE.safetensors with a.NAME and b.NAME of each linear layer, for ek-fac";

/// Columns in rising order.
fn coordinates(ranges: &[Range<usize>]) -> Result<Vec<usize>, CommandError> {
    // As many as a matrix has at most: more are beyond its columns in any case.
    const MOST: usize = 1 << 16;
    let mut all = Vec::new();
    for range in ranges {
        if range.end > MOST {
            let found = format!("{}..{}", range.start, range.end);
            return refuse("--coordinates", format!("columns below {MOST}"), found);
        }
        all.extend(range.clone());
    }
    all.sort_unstable();
    if let Some(twice) = all.windows(2).find(|pair| pair[0] == pair[1]) {
        return refuse("--coordinates", "each column once", format!("{} twice", twice[0]));
    }
    Ok(all)
}

/// The plan along a recorded run.
fn run(arguments: &InfluenceArguments) -> Result<RecordedRun, CommandError> {
    let method = arguments.method;
    let Some(directory) = &arguments.trajectory else {
        return refuse("--trajectory", "the directory of a recorded run".to_owned(), "none".to_owned());
    };
    if !method.is_along_a_run() {
        let expected = "dvemb or shapley with --trajectory".to_owned();
        return refuse("--method", expected, method.name().to_owned());
    }
    check_output(arguments)?;
    if let Some(output) = &arguments.output {
        let names = arguments.ids.iter().chain(&arguments.target_ids);
        refuse_overwrite(output, &arguments.target.iter().chain(names).collect::<Vec<_>>())?;
    }
    let keep = arguments.principal.map(Keep::Principal).or(arguments.eigen.map(Keep::Eigen));
    if let Some(keep) = keep.filter(|keep| keep.count() == 0) {
        return refuse(keep.option(), "at least 1".to_owned(), "0".to_owned());
    }
    let target = match (method, arguments.target.as_slice()) {
        (Method::Dvemb, [target]) => {
            if let (Source::Store(path), Some(keep)) = (target, keep) {
                let found = format!("the store {}", path.display());
                return refuse("--target", format!("gradients, with {}", keep.option()), found);
            }
            // What is kept of a gradient is projected, not the gradient.
            let whole = ProjectionArguments {
                dim: None,
                projection: Kind::Sjlt,
                mask_len: None,
                shapes: Vec::new(),
                ..arguments.projection.clone()
            };
            let projection = if keep.is_some() { &whole } else { &arguments.projection };
            Some(RunTarget { source: target.clone(), projection: projection.clone() })
        }
        (Method::Dvemb, targets) => {
            return refuse("--target", "one, at the end of the run".to_owned(), times(targets.len()));
        }
        (_, []) => None,
        (_, targets) => {
            let expected = "none: shapley's targets are in the steps".to_owned();
            return refuse("--target", expected, times(targets.len()));
        }
    };
    Ok(RecordedRun { directory: directory.clone(), keep, target })
}

const DAMPED: &str = "a method that has one: ridge, trak, datainf, lissa, cg, gif or ek-fac";

/// When each option is read.
fn uses(arguments: &InfluenceArguments) -> impl Iterator<Item = Use> + use<> {
    let (method, name) = (arguments.method, arguments.method.name());
    let of_method =
        |option, is_read, by: &str| Use { option, is_read, by: by.to_owned(), found: name.to_owned() };
    let of_run = |option| Use {
        option,
        is_read: arguments.trajectory.is_some(),
        by: "--trajectory, whose layers it is about".to_owned(),
        found: "none".to_owned(),
    };
    let by_one = |option, only: Method| {
        of_method(option, method == only, &format!("--method {}, which alone uses it", only.name()))
    };
    let rate = if method.is_along_a_run() {
        Use {
            found: times(arguments.lr.len()),
            ..of_method("--lr", false, "none: each step has its own learning rate")
        }
    } else {
        of_method("--lr", method.takes_rates(), "--method tracin or less, which weigh checkpoints by it")
    };
    let named = |option| Use {
        option,
        is_read: arguments.top.is_some() || arguments.output.as_ref().is_some_and(is_table),
        by: "--top or a table as --output, which say names".to_owned(),
        found: "neither".to_owned(),
    };
    let others = [
        rate,
        by_one("--one-minus-p", Method::Trak),
        by_one("--subtasks", Method::Less),
        of_method("--damping", method.is_damped(), DAMPED),
        of_method("--lambda", method.is_damped(), DAMPED),
        of_method(
            "--factors",
            method.solves(),
            "a method with curvature: ridge, trak, datainf, lissa, cg, arnoldi, gif or ek-fac",
        ),
        of_method(
            "--samples",
            method.has_mean_curvature(),
            "a method whose curvature is a mean over samples: ridge, lissa, cg, arnoldi or gif",
        ),
        of_method(
            "--dim",
            method != Method::EkFac,
            "a method of rows, which ek-fac is not: it takes layers as they are",
        ),
        by_one("--layers", Method::Datainf),
        by_one("--keep", Method::Arnoldi),
        by_one("--coordinates", Method::Gif),
        of_method(
            "--passes",
            method.iterates() || method == Method::Arnoldi,
            "--method cg, lissa or arnoldi",
        ),
        of_method("--tolerance", method.has_residuals(), "--method cg, lissa, arnoldi or ek-fac"),
        by_one("--step", Method::Lissa),
        of_method(
            "--accept-inexact",
            method.takes_second_moments() || method.has_residuals(),
            "a method whose solutions may be inexact: ridge, trak, lissa, cg, arnoldi, gif or ek-fac",
        ),
        Use {
            option: "--dtype",
            is_read: arguments.output.is_some(),
            by: "--output beside it, whose numbers it is about".to_owned(),
            found: "none".to_owned(),
        },
        named("--ids"),
        named("--target-ids"),
        Use {
            option: "--target-ids",
            is_read: arguments.subtasks.is_none() && method != Method::Shapley,
            by: "targets that stand in the results, which --subtasks and shapley put together".to_owned(),
            found: name.to_owned(),
        },
        // Where there is --train, which excludes --trajectory, `requires` says nothing.
        of_run("--principal"),
        of_run("--eigen"),
        Use {
            option: "--shapes",
            is_read: arguments.principal.is_none(),
            by: "none with --principal, which has its layers of the recorded run".to_owned(),
            found: arguments.projection.shapes.len().to_string(),
        },
        Use {
            option: "--shapes",
            is_read: arguments.eigen.is_none(),
            by: "none with --eigen, whose coordinates are of no layer".to_owned(),
            found: arguments.projection.shapes.len().to_string(),
        },
    ];
    // Gradients beside a store are projected as its rows were.
    let mut rows = arguments.train.iter().chain(&arguments.target).chain(&arguments.factors);
    let beside = rows.any(|source| matches!(source, Source::Store(_)));
    let read: &[&str] = if beside { &["--key"] } else { &[] };
    others.into_iter().chain(arguments.projection.uses(read))
}

/// Refuses two results on standard output.
fn check_output(arguments: &InfluenceArguments) -> Result<(), CommandError> {
    let expected = "the influence to go to a file, as in -o influence.npy";
    refuse_json_beside(arguments.json, arguments.output.as_ref(), expected)?;
    Ok(())
}

/// What checkpoints, models and subtasks are weighed by.
fn check_weights(arguments: &InfluenceArguments) -> Result<(), CommandError> {
    let (method, models, found) = (arguments.method, arguments.train.len(), arguments.one_minus_p.len());
    if method == Method::Trak && found != models {
        return refuse("--one-minus-p", format!("once for each model: {}", times(models)), times(found));
    }
    if method != Method::Less {
        return Ok(());
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
    if !arguments.layers.is_empty() && arguments.projection.dim.is_some() {
        let expected = "gradients without --dim, whose sketches mix the layers".to_owned();
        return refuse("--layers", expected, "--dim".to_owned());
    }
    if arguments.layers.len() > 1 && arguments.lambda.is_some() {
        let expected = "--damping with --layers, of which each has its own scale".to_owned();
        return refuse("--lambda", expected, arguments.layers.len().to_string());
    }
    if method == Method::Gif && arguments.coordinates.is_empty() {
        let expected = "the columns that gif may update, as in 640..650".to_owned();
        return refuse("--coordinates", expected, "none".to_owned());
    }
    for (argument, number) in [("--keep", arguments.keep), ("--samples", arguments.samples)] {
        if number == Some(0) {
            return refuse(argument, "at least 1".to_owned(), "0".to_owned());
        }
    }
    if let (Some(keep), Some(passes)) = (arguments.keep, arguments.passes)
        && keep > passes as usize
    {
        return refuse("--keep", format!("at most the {passes} --passes"), keep.to_string());
    }
    if arguments.passes == Some(0) {
        return refuse("--passes", "at least 1".to_owned(), "0".to_owned());
    }
    let positive = |number: f64| number.is_finite() && number > 0.0;
    if let Some(tolerance) = arguments.tolerance.filter(|&part| !(part > 0.0 && part < 1.0)) {
        return refuse("--tolerance", "a number above 0 and below 1".to_owned(), tolerance.to_string());
    }
    for (argument, number, zero) in [
        ("--damping", arguments.damping.map(f64::from), matches!(method, Method::Trak | Method::Gif)),
        ("--lambda", arguments.lambda, matches!(method, Method::Trak | Method::Gif)),
        ("--step", arguments.step, false),
    ] {
        if let Some(number) = number.filter(|&number| !(positive(number) || zero && number == 0.0)) {
            let least = if zero { "a finite number, 0 or above" } else { "a finite number above 0" };
            return refuse(argument, least.to_owned(), number.to_string());
        }
    }
    Ok(())
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

fn times(count: usize) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        _ => format!("{count} times"),
    }
}
