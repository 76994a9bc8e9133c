//! EK-FAC: influence of the inputs and output gradients of linear layers, a layer at a
//! time. In memory are a layer's factors, and influence of all pairs.

use std::path::Path;

use gradsieve::influence::{Ekfac, EkfacSettings, Progress};
use gradsieve_io::files::{Matrix, Source, TensorInfo, info};

use super::Method;
use super::plan::{LayerFiles, Solving};
use super::quality::{Convergence, Quality};
use super::scores::Scores;
use crate::commands::CommandError;
use crate::commands::console::{self, Progress as Bar};
use crate::commands::products::{Block, products};
use crate::commands::rows::zeros;

/// A target is solved when its residual is this part of its length, as
/// [`Ekfac::residual`] has it.
const TOLERANCE: f32 = 1e-4;

/// The factors of a layer: rows of inputs, and of output gradients.
struct Factors {
    a: Vec<f32>,
    b: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

impl Factors {
    /// Those of layer `layer` of a file.
    fn read(path: &Path, layer: &str) -> Result<Self, CommandError> {
        let (a, inputs, rows) = read(path, format!("a.{layer}"))?;
        let (b, outputs, others) = read(path, format!("b.{layer}"))?;
        if rows != others {
            let expected = format!("{rows} rows of b.{layer}, as many as a.{layer} has");
            return Err(CommandError::step(&path.display().to_string(), expected, others.to_string()));
        }
        Ok(Self { a, b, inputs, outputs })
    }

    /// Sample after sample, its two factors.
    fn samples(&self) -> impl Iterator<Item = (&[f32], &[f32])> {
        self.a.chunks_exact(self.inputs).zip(self.b.chunks_exact(self.outputs))
    }
}

/// A tensor of two dimensions, its columns and its rows.
fn read(path: &Path, tensor: String) -> Result<(Vec<f32>, usize, usize), CommandError> {
    let source = Source::Safetensors { path: path.to_owned(), tensor: Some(tensor) };
    let mut matrix = Matrix::open(&source)?;
    let (rows, columns) = (matrix.rows(), matrix.cols());
    let mut values: Vec<f32> = zeros(matrix.name(), rows.saturating_mul(columns))?;
    matrix.for_each_piece::<CommandError>(|row, column, piece| {
        piece.copy_to_f32(&mut values[row * columns + column..][..piece.len()]);
        Ok(())
    })?;
    Ok((values, columns, rows))
}

/// The layers of a file, in the order of their names, and the number of its samples.
fn layers(path: &Path) -> Result<(Vec<String>, usize), CommandError> {
    let tensors = info(&Source::Safetensors { path: path.to_owned(), tensor: None })?.tensors;
    let of = |side: &'static str| {
        let name = move |tensor: &TensorInfo| Some(tensor.name.as_ref()?.strip_prefix(side)?.to_owned());
        let mut names: Vec<String> = tensors.iter().filter_map(name).collect();
        names.sort_unstable();
        names
    };
    let wrong = |expected: &str, found: String| {
        Err(CommandError::step(&path.display().to_string(), expected.to_owned(), found))
    };
    let (inputs, outputs) = (of("a."), of("b."));
    if inputs.is_empty() {
        return wrong("tensors a.NAME and b.NAME of each linear layer", "none".to_owned());
    }
    if inputs != outputs {
        let list = |names: &[String]| names.join(", ");
        let found = format!("a. of {} and b. of {}", list(&inputs), list(&outputs));
        return wrong("a tensor b.NAME for each a.NAME", found);
    }
    let is_first = |tensor: &&TensorInfo| tensor.name.as_deref() == Some(&format!("a.{}", inputs[0]));
    let first = tensors.iter().find(is_first).and_then(|tensor| tensor.shape.0.first().copied());
    Ok((inputs, first.unwrap_or(0) as usize))
}

/// Influence of all pairs, how many there are, and how well it was solved.
pub(super) fn find(files: &LayerFiles) -> Result<(Scores, [usize; 2], Quality), CommandError> {
    let (names, trains) = layers(&files.train)?;
    let (target_names, targets) = layers(&files.target)?;
    let others = files.factors.as_deref().map(layers).transpose()?;
    for (path, found) in [
        (&files.target, Some(&target_names)),
        (files.factors.as_ref().unwrap_or(&files.train), others.as_ref().map(|(names, _)| names)),
    ] {
        if let Some(found) = found.filter(|found| **found != names) {
            let expected = format!("the layers of {}, {}", files.train.display(), names.join(", "));
            return Err(CommandError::step(&path.display().to_string(), expected, found.join(", ")));
        }
    }
    if files.factors.is_none() {
        console::remark(format!(
            "{}: the curvature is the empirical Fisher of these samples; --factors takes layers whose labels were sampled from the model's prediction",
            files.train.display()
        ));
    }
    let name = files.train.display().to_string();
    let mut scores = Scores {
        values: zeros(&name, trains.saturating_mul(targets))?,
        non_finite_train: zeros(&name, trains)?,
        non_finite_target: zeros(&name, targets)?,
    };
    let mut convergence = Convergence::NEW;
    let mut progress = Bar::new(format!("solving layers of {name}"), names.len());
    for (number, layer) in names.iter().enumerate() {
        add(files, layer, &mut scores, &mut convergence)?;
        progress.reach(number + 1);
    }
    scores.mark_non_finite();
    let quality = Quality::Passes(convergence);
    match quality.doubt(Method::EkFac) {
        Some(reason) if !files.solving.accepts_inexact => Err(CommandError::Inexact { file: name, reason }),
        _ => Ok((scores, [trains, targets], quality)),
    }
}

/// Adds what a layer says.
fn add(
    files: &LayerFiles,
    layer: &str,
    scores: &mut Scores,
    convergence: &mut Convergence,
) -> Result<(), CommandError> {
    let (train, target) = (Factors::read(&files.train, layer)?, Factors::read(&files.target, layer)?);
    let others = files.factors.as_ref().map(|path| Factors::read(path, layer)).transpose()?;
    for (path, factors) in
        [(&files.target, Some(&target)), (files.factors.as_ref().unwrap_or(&files.train), others.as_ref())]
    {
        let Some(factors) = factors else { continue };
        if (factors.inputs, factors.outputs) != (train.inputs, train.outputs) {
            let expected = format!("{} inputs and {} outputs of layer {layer}", train.inputs, train.outputs);
            let found = format!("{} and {}", factors.inputs, factors.outputs);
            return Err(CommandError::step(&path.display().to_string(), expected, found));
        }
    }
    for ((path, of), count) in [(&files.train, &train), (&files.target, &target)]
        .into_iter()
        .zip([scores.non_finite_train.len(), scores.non_finite_target.len()])
    {
        let found = of.a.len() / of.inputs;
        if found != count {
            let expected = format!("{count} samples in layer {layer}, as the first layer has");
            return Err(CommandError::step(&path.display().to_string(), expected, found.to_string()));
        }
    }
    let name = files.train.display().to_string();
    let mut ekfac = fit(&name, &files.solving, others.as_ref().unwrap_or(&train), layer)?;
    let wrong = || CommandError::core(&name);
    let width = train.inputs * train.outputs;
    let mut solved = Block::new(width, usize::MAX, scores.non_finite_target.len());
    let tolerance = f64::from(files.solving.tolerance.unwrap_or(TOLERANCE));
    let mut solution = zeros(&name, width)?;
    for (index, (a, b)) in target.samples().enumerate() {
        if a.iter().chain(b).any(|x| !x.is_finite()) {
            scores.non_finite_target[index] = true;
            continue;
        }
        ekfac.solve([(a, b)], &mut solution).map_err(wrong())?;
        let residual = ekfac.residual([(a, b)], &solution).map_err(wrong())?;
        convergence.add(Progress { residual, converged: residual <= tolerance, ..Progress::solved(2) });
        solved.push(index, &solution, 1.0);
    }
    score(&name, &train, &solved, scores)
}

/// The curvature of a layer.
fn fit(
    name: &str,
    solving: &Solving,
    factors: &Factors,
    layer: &str,
) -> Result<Ekfac<Vec<f32>>, CommandError> {
    let usual = EkfacSettings::new(factors.outputs, factors.inputs);
    let is_finite = |(a, b): &(&[f32], &[f32])| a.iter().chain(*b).all(|x| x.is_finite());
    let samples = || factors.samples().filter(is_finite);
    let whose = format!("{name}, layer {layer}");
    let mean = if solving.measures() {
        // The mean of Λ: turning a gradient leaves its length.
        let square = |x: &[f32]| gradsieve_kernels::squared_norm(x);
        let sum: f64 = samples().map(|(a, b)| square(a) * square(b)).sum();
        let entries = samples().count() * factors.inputs * factors.outputs;
        if entries > 0 { sum / entries as f64 } else { 0.0 }
    } else {
        0.0
    };
    let damping = solving.damping.share(usual.damping, mean, &whose)?;
    let not_fitted = |error| CommandError::NotFitted { file: whose.clone(), what: "EK-FAC", error };
    let settings = EkfacSettings { damping, ..usual };
    let buffer = zeros(name, settings.memory().f32s)?;
    let mut ekfac = Ekfac::new(settings, buffer).map_err(not_fitted)?;
    samples().try_for_each(|(a, b)| ekfac.factors(a, b)).map_err(not_fitted)?;
    ekfac.decompose(&mut zeros::<f64>(name, settings.memory().f64s)?).map_err(not_fitted)?;
    samples()
        .try_for_each(|(a, b)| {
            ekfac.position(a, b)?;
            ekfac.sample()
        })
        .map_err(not_fitted)?;
    Ok(ekfac)
}

/// Adds the products of the training samples' gradients in a layer with the solutions.
fn score(name: &str, train: &Factors, solved: &Block, scores: &mut Scores) -> Result<(), CommandError> {
    /// Gradients that are formed together.
    const SOME: usize = 64;
    let targets = scores.non_finite_target.len();
    let width = train.inputs * train.outputs;
    let (mut block, mut gradient) = (Block::new(width, usize::MAX, SOME), zeros::<f32>(name, width)?);
    let count = scores.non_finite_train.len();
    for (index, (a, b)) in train.samples().enumerate() {
        if a.iter().chain(b).all(|x| x.is_finite()) {
            for (row, &b) in gradient.chunks_exact_mut(train.inputs).zip(b) {
                row.iter_mut().zip(a).for_each(|(to, &a)| *to = b * a);
            }
            block.push(index, &gradient, 1.0);
        } else {
            scores.non_finite_train[index] = true;
        }
        if block.is_full() || index + 1 == count {
            let parts = products(&block, solved).map_err(|error| CommandError::core(name)(error.into()))?;
            for (&train, parts) in block.indices().iter().zip(parts.chunks(solved.len().max(1))) {
                for (&target, part) in solved.indices().iter().zip(parts) {
                    scores.values[train * targets + target] += part;
                }
            }
            block.clear();
        }
    }
    Ok(())
}
