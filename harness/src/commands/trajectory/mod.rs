//! `gradsieve influence --trajectory`: a recorded run, step by step, against targets at its end (data value embedding) or at its steps
//! (in-run Shapley).

use std::path::{Path, PathBuf};

use gradsieve::influence::InRunShapley;
use gradsieve::influence::dvemb::{Adjoint, Blocks, Curvature, Step};
use gradsieve::{Error, Layer, Layout, Projector, Sketch, SketchId, Sketcher, Summary};

use super::rows::{Projection, ProjectionArguments, Rows, zeros};
use super::{CommandError, console};
use crate::files::{FileError, Matrix, StepFile, StepGradients, StepRows, step_files};

/// Influence of all pairs, row after row.
pub(super) struct Run {
    pub(super) values: Vec<f64>,
    pub(super) trains: usize,
    pub(super) targets: usize,
}

/// A run whose files have been looked at.
struct Recorded {
    paths: Vec<PathBuf>,
    projection: Projection,
    id: SketchId,
    layout: Layout,
    /// One more than the largest id.
    trains: usize,
    /// The most samples or factor rows of a step.
    rows: usize,
}

fn refuse(file: &str, expected: String, found: String) -> CommandError {
    FileError::Step { file: file.to_owned(), expected, found }.into()
}

fn open(directory: &Path, arguments: &ProjectionArguments) -> Result<Recorded, CommandError> {
    let paths = step_files(directory)?;
    let (mut first, mut trains, mut rows): (Option<(String, usize)>, _, _) = (None, 0, 0);
    let mut progress = console::Progress::new(format!("looking at {}", directory.display()), paths.len());
    for (number, path) in paths.iter().enumerate() {
        let step = StepFile::read(path)?;
        let columns = step.columns();
        if let Some((name, expected)) = first.as_ref().filter(|(_, expected)| *expected != columns) {
            let expected = format!("gradients of {expected} coordinates, as {name} has");
            return Err(refuse(&step.name, expected, columns.to_string()));
        }
        trains = step.ids.iter().map(|&id| id as usize + 1).fold(trains, usize::max);
        rows = rows.max(step.ids.len()).max(step.factors.as_ref().map_or(0, StepRows::count));
        first.get_or_insert((step.name, columns));
        progress.reach(number + 1);
    }
    let (name, columns) = first.unwrap_or_default();
    let layout = Layout::flat(columns as u64).map_err(CommandError::core(&name))?;
    let projection = arguments.projection(columns)?;
    Ok(Recorded { paths, projection, id: projection.id(layout.id()), layout, trains, rows })
}

impl Recorded {
    fn width(&self) -> usize {
        self.id.width
    }

    /// The sketches of written-out rows, one after the other.
    fn rows(&self, name: &str, rows: &StepRows) -> Result<Sketched, CommandError> {
        let mut sketched = Sketched::new(self.width(), rows.count());
        for row in rows.values.chunks_exact(rows.columns.max(1)) {
            sketched.push(self, |sketcher| sketcher.segment(0, row)).map_err(CommandError::core(name))?;
        }
        Ok(sketched)
    }

    /// The sketches of a step's gradients, one after the other.
    fn gradients(&self, step: &StepFile) -> Result<Sketched, CommandError> {
        let layers = match &step.gradients {
            StepGradients::Rows(rows) => return self.rows(&step.name, rows),
            StepGradients::Layers(layers) => layers,
        };
        let mut sketched = Sketched::new(self.width(), step.ids.len());
        for i in 0..step.ids.len() {
            let take = |sketcher: &mut Sketcher<'_, Projection>| {
                let mut offset = 0;
                for (a, b) in layers {
                    let row = |rows: &StepRows| rows.values[i * rows.columns..][..rows.columns].to_vec();
                    let layer = Layer::new(offset, b.columns as u64, a.columns as u64);
                    sketcher.outer(&layer, &row(a), &row(b))?;
                    offset += (a.columns * b.columns) as u64;
                }
                Ok(())
            };
            sketched.push(self, take).map_err(CommandError::core(&step.name))?;
        }
        Ok(sketched)
    }
}

/// Sketches, one after the other.
struct Sketched {
    values: Vec<f32>,
    measures: Vec<Summary>,
}

impl Sketched {
    fn new(width: usize, rows: usize) -> Self {
        Self { values: Vec::with_capacity(width * rows), measures: Vec::with_capacity(rows) }
    }

    fn push(
        &mut self,
        run: &Recorded,
        take: impl FnOnce(&mut Sketcher<'_, Projection>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let start = self.values.len();
        self.values.resize(start + run.width(), 0.0);
        let mut sketcher = Sketcher::new(run.projection, run.layout, &mut self.values[start..])?;
        take(&mut sketcher)?;
        let measures = sketcher.finish()?.measures;
        if measures.non_finite > 0 {
            return Err(Error::NonFinite);
        }
        self.measures.push(measures);
        Ok(())
    }

    fn sketches(&self, id: SketchId) -> impl Iterator<Item = Sketch<'_>> {
        let rows = self.values.chunks_exact(id.width.max(1)).zip(&self.measures);
        rows.map(move |(values, &measures)| Sketch { id, values, measures, group: 0 })
    }
}

/// Data value embedding, last step first. `targets` are gradients at the model after the last step.
pub(super) fn dvemb(
    directory: &Path,
    targets: &mut Rows,
    arguments: &ProjectionArguments,
) -> Result<Run, CommandError> {
    let run = open(directory, arguments)?;
    // Sketches have no columns to compare; their ids say more.
    let columns = targets.matrix().map_or(run.layout.end() as usize, Matrix::cols);
    if columns != run.layout.end() as usize {
        let expected = format!("{} columns, as the steps of {} have", run.layout.end(), directory.display());
        return Err(refuse(targets.name(), expected, columns.to_string()));
    }
    let name = targets.name().to_owned();
    if targets.matrix().is_none() {
        run.id.check(&targets.id()).map_err(CommandError::core(&name))?;
    }
    let mut at_the_end = Vec::new();
    targets.pass("reading", |_, sketch| {
        sketch.check_finite().map_err(CommandError::core(&name))?;
        at_the_end.extend_from_slice(sketch.values);
        Ok(())
    })?;
    let count = targets.count();
    let what = directory.display().to_string();
    let ends = [run.width()];
    let blocks = Blocks::new(&ends).map_err(CommandError::core(&what))?;
    let mut memory = zeros(&what, Adjoint::floats(blocks, count, run.rows))?;
    let mut adjoint = Adjoint::new(blocks, run.rows, run.id, &at_the_end, &mut memory)
        .map_err(CommandError::core(&what))?;
    let mut values = zeros(&what, run.trains.saturating_mul(count))?;
    let mut progress = console::Progress::new(format!("walking back through {what}"), run.paths.len());
    let mut unstable: Vec<String> = Vec::new();
    for (done, path) in run.paths.iter().rev().enumerate() {
        let step = StepFile::read(path)?;
        let gradients = run.gradients(&step)?;
        let factors = step.factors.as_ref().map(|factors| run.rows(&step.name, factors)).transpose()?;
        let curvature =
            factors.as_ref().map_or(Curvature::EmpiricalFisher, |f| Curvature::Factors(&f.values));
        let learning_rate = step.learning_rate as f32;
        if !learning_rate.is_finite() {
            let expected = format!("a learning rate of at most {:e}", f32::MAX);
            return Err(refuse(&step.name, expected, format!("{:e}", step.learning_rate)));
        }
        let taken = Step { id: run.id, learning_rate, gradients: &gradients.values, curvature };
        let mut scores = vec![0.0; step.ids.len() * count];
        let stability = adjoint.step(&taken, &mut scores).map_err(CommandError::core(&step.name))?;
        if stability.is_unstable() {
            unstable.push(step.name.clone());
        }
        for (&id, scores) in step.ids.iter().zip(scores.chunks_exact(count.max(1))) {
            let row = &mut values[id as usize * count..][..count];
            row.iter_mut().zip(scores).for_each(|(sum, &score): (&mut f64, _)| *sum += f64::from(score));
        }
        progress.reach(done + 1);
    }
    warn(&unstable);
    Ok(Run { values, trains: run.trains, targets: count })
}

/// Says which steps are too large for the linear model.
fn warn(unstable: &[String]) {
    if let Some(last) = unstable.first() {
        let others = match unstable.len() - 1 {
            0 => String::new(),
            n => format!(" and {n} steps before it"),
        };
        console::remark(format!(
            "{last}{others}: learning rate times curvature is above 2, so the run is unstable there and influence through it is not to be trusted"
        ));
    }
}

/// In-run Shapley values for the targets of the steps themselves.
pub(super) fn shapley(directory: &Path, arguments: &ProjectionArguments) -> Result<Run, CommandError> {
    let run = open(directory, arguments)?;
    let what = directory.display().to_string();
    let mut scores: Vec<Vec<f64>> = Vec::new();
    let mut progress = console::Progress::new(format!("walking through {what}"), run.paths.len());
    for (done, path) in run.paths.iter().enumerate() {
        let step = StepFile::read(path)?;
        let Some(target) = &step.target else {
            let expected = "a tensor \"target\", the validation gradients at the step".to_owned();
            return Err(refuse(&step.name, expected, "none".to_owned()));
        };
        if done == 0 {
            scores = vec![zeros(&what, run.trains)?; target.count()];
        } else if target.count() != scores.len() {
            let expected = format!("{} targets, as the steps before have", scores.len());
            return Err(refuse(&step.name, expected, target.count().to_string()));
        }
        let gradients = run.gradients(&step)?;
        let target = run.rows(&step.name, target)?;
        let curvature = step.curvature.as_ref().map(|rows| run.rows(&step.name, rows)).transpose()?;
        let curvature: Option<Vec<Sketch<'_>>> =
            curvature.as_ref().map(|rows| rows.sketches(run.id).collect());
        let ids = step.ids.iter().map(|&id| id as usize);
        let batch: Vec<(usize, Sketch<'_>)> = ids.zip(gradients.sketches(run.id)).collect();
        for (number, (target, scores)) in target.sketches(run.id).zip(&mut scores).enumerate() {
            // The state is its scores: those of this step are added to the ones before.
            let mut of_step = vec![0.0; run.trains];
            let curvature = curvature.as_ref().and_then(|rows| rows.get(number));
            InRunShapley::new(&mut of_step)
                .observe_step(step.learning_rate, &target, curvature, &batch)
                .map_err(CommandError::core(&step.name))?;
            scores.iter_mut().zip(of_step).for_each(|(sum, score)| *sum += score);
            if let Some(sum) = scores.iter().find(|sum| !sum.is_finite()) {
                return Err(refuse(&step.name, "sums within the range of f64".to_owned(), sum.to_string()));
            }
        }
        progress.reach(done + 1);
    }
    let targets = scores.len();
    let values = (0..run.trains).flat_map(|i| scores.iter().map(move |scores| scores[i])).collect();
    Ok(Run { values, trains: run.trains, targets })
}
