//! A recorded run whose files have been looked at, and its gradients as sketches.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use gradsieve::{Error, Layer, Sketch, SketchId, Sketcher, Summary};

use super::super::rows::{LayerShape, Projection, ProjectionArguments, Ready, Rows};
use super::super::{CommandError, console};
use super::eigen::Coordinates;
use super::keep::Keep;
use super::kept::Kept;
use super::principal::Moments;
use gradsieve_io::files::{StepFactors, StepFile, StepGradients, StepRows, step_files};

/// A run whose files have been looked at.
pub(super) struct Recorded {
    pub(super) paths: Vec<PathBuf>,
    projection: Projection,
    pub(super) id: SketchId,
    /// Coordinates of a gradient as the files have it.
    pub(super) columns: usize,
    /// What is kept of it.
    kept: Option<Kept>,
    /// One more than the largest id.
    pub(super) trains: usize,
    /// The most samples or factor rows of a step.
    pub(super) rows: usize,
    /// Learning rate in sum form and samples of each step.
    pub(super) rates: Vec<(f64, usize)>,
    /// What steps did and saw, by their place from 0, and the file that says it.
    pub(super) products: Vec<(String, usize, [[f64; 5]; 5])>,
}

impl Recorded {
    /// Looks at every step of the run in `directory`. With `keep`, what it asks for is
    /// kept of gradients, and projected then.
    ///
    /// # Errors
    /// As [`step_files`] and [`StepFile::read`]; steps that do not fit together; what
    /// `keep` cannot be had of.
    pub(super) fn open(
        directory: &Path,
        arguments: &ProjectionArguments,
        keep: Option<Keep>,
    ) -> Result<Self, CommandError> {
        let paths = step_files(directory)?;
        let (mut first, mut trains, mut rows): (Option<(String, usize)>, _, _) = (None, 0, 0);
        let (mut moments, mut shapes) = (Moments::default(), Vec::new());
        let (mut rates, mut seen) = (Vec::with_capacity(paths.len()), Vec::new());
        let mut progress = console::Progress::new(format!("looking at {}", directory.display()), paths.len());
        for (number, path) in paths.iter().enumerate() {
            let step = StepFile::read(path)?;
            let columns = step.columns();
            if let Some((name, expected)) = first.as_ref().filter(|(_, expected)| *expected != columns) {
                let expected = format!("gradients of {expected} coordinates, as {name} has");
                return Err(CommandError::step(&step.name, expected, columns.to_string()));
            }
            trains = step.ids.iter().map(|&id| id as usize + 1).fold(trains, usize::max);
            rows = rows.max(step.ids.len()).max(step.factors.as_ref().map_or(0, StepFactors::count));
            if let Some(Keep::Principal(_)) = keep {
                moments.observe(&step)?;
            }
            rates.push((step.learning_rate, step.ids.len()));
            // They are those of the step before.
            if let (Some(products), Some(before)) = (step.products, number.checked_sub(1)) {
                seen.push((step.name.clone(), before, products));
            }
            if let (None, StepGradients::Layers(layers)) = (&first, &step.gradients) {
                let shape = |(a, b): &(StepRows, StepRows)| (b.columns, a.columns);
                shapes = layers.iter().map(shape).collect();
            }
            first.get_or_insert((step.name, columns));
            progress.reach(number + 1);
        }
        let (_, columns) = first.unwrap_or_default();
        let kept = match keep {
            None => None,
            Some(Keep::Principal(count)) => Some(Kept::Principal(moments.directions(count))),
            Some(Keep::Eigen(count)) => {
                let coordinates = Coordinates::of(&directory.display().to_string(), &paths, count)?;
                Some(Kept::Eigen(coordinates))
            }
        };
        let width = kept.as_ref().map_or(columns, Kept::columns);
        let kept_inputs = |number, inputs| match &kept {
            Some(Kept::Principal(directions)) => directions.input(number, &vec![0.0; inputs]).len(),
            _ => inputs,
        };
        let shape = |(number, (outputs, inputs))| LayerShape { outputs, inputs: kept_inputs(number, inputs) };
        check_shapes(&arguments.shapes, &shapes)?;
        let shapes: Vec<LayerShape> = shapes.into_iter().enumerate().map(shape).collect();
        // Coordinates of an eigenbasis are of no layer any more.
        let projection = if shapes.is_empty() || matches!(kept, Some(Kept::Eigen(_))) {
            arguments.projection(width)?
        } else {
            arguments.projection_of(width, &shapes)?
        };
        let id = projection.id();
        Ok(Self { paths, projection, id, columns, kept, trains, rows, rates, products: seen })
    }

    pub(super) fn width(&self) -> usize {
        self.id.width
    }

    /// The sketches of written-out rows, one after the other.
    pub(super) fn rows(&self, name: &str, rows: &StepRows) -> Result<Sketched, CommandError> {
        let sketched = self.sketch(rows.count(), |i, sketcher| sketcher.segment(0, &self.kept(row(rows, i))));
        sketched.map_err(CommandError::core(name))
    }

    /// What is kept of a gradient.
    fn kept<'r>(&self, row: &'r [f32]) -> Cow<'r, [f32]> {
        self.kept.as_ref().map_or(Cow::Borrowed(row), |kept| Cow::Owned(kept.row(row)))
    }

    /// The targets, one after the other: as they come, sketches, or what is kept of
    /// gradients, sketched.
    pub(super) fn targets(&self, targets: &mut Rows) -> Result<Vec<f32>, CommandError> {
        let name = targets.name().to_owned();
        let core = |error| CommandError::core(&name)(error);
        let mut values = Vec::new();
        self.with_sketcher(|sketcher| {
            targets.pass("reading", |_, sketch| {
                sketch.check_finite().map_err(core)?;
                match &self.kept {
                    None => values.extend_from_slice(sketch.values),
                    Some(kept) => {
                        sketcher.segment(0, &kept.row(sketch.values)).map_err(core)?;
                        values.extend_from_slice(finite(sketcher).map_err(core)?.values);
                    }
                }
                Ok(())
            })
        })
        .map_err(core)??;
        Ok(values)
    }

    /// The sketches of a step's gradients, one after the other.
    pub(super) fn gradients(&self, step: &StepFile) -> Result<Sketched, CommandError> {
        let layers = match &step.gradients {
            StepGradients::Rows(rows) => return self.rows(&step.name, rows),
            StepGradients::Layers(layers) => layers,
        };
        let sketched = self.sketch(step.ids.len(), |i, sketcher| {
            self.outer(sketcher, layers.iter().map(|(a, b)| (row(a, i), row(b, i))))
        });
        sketched.map_err(CommandError::core(&step.name))
    }

    /// The sketches of the rows of a step's curvature, one after the other, if it has
    /// some.
    pub(super) fn factors(&self, step: &StepFile) -> Result<Option<Sketched>, CommandError> {
        let (outputs, layers) = match (&step.factors, &step.gradients) {
            (None, _) => return Ok(None),
            (Some(StepFactors::Rows(rows)), _) => return self.rows(&step.name, rows).map(Some),
            (Some(StepFactors::Outputs(outputs)), StepGradients::Layers(layers)) => (outputs, layers),
            (Some(StepFactors::Outputs(_)), StepGradients::Rows(_)) => {
                unreachable!("a step is read only if its factors are of its layers")
            }
        };
        let (count, batch) = (outputs.first().map_or(0, StepRows::count), step.ids.len().max(1));
        let sketched = self.sketch(count, |k, sketcher| {
            let pairs = layers.iter().zip(outputs).map(|((a, _), b)| (row(a, k % batch), row(b, k)));
            self.outer(sketcher, pairs)
        });
        sketched.map(Some).map_err(CommandError::core(&step.name))
    }

    /// Hands a sketcher what is kept of a gradient that is b aᵀ of each layer.
    fn outer<'r>(
        &self,
        sketcher: &mut RunSketcher<'_>,
        layers: impl Iterator<Item = (&'r [f32], &'r [f32])>,
    ) -> Result<(), Error> {
        if let Some(Kept::Eigen(coordinates)) = &self.kept {
            return sketcher.segment(0, &coordinates.outers(layers));
        }
        let mut offset = 0;
        for (number, (a, b)) in layers.enumerate() {
            let a = match &self.kept {
                Some(Kept::Principal(directions)) => Cow::Owned(directions.input(number, a)),
                _ => Cow::Borrowed(a),
            };
            let layer = Layer::new(offset, b.len() as u64, a.len() as u64);
            sketcher.outer(&layer, &a, b)?;
            offset += (a.len() * b.len()) as u64;
        }
        Ok(())
    }

    /// The sketches of `count` gradients, one after the other; `take(i, sketcher)` hands
    /// gradient i to the sketcher.
    fn sketch(
        &self,
        count: usize,
        take: impl Fn(usize, &mut RunSketcher<'_>) -> Result<(), Error>,
    ) -> Result<Sketched, Error> {
        let mut sketched = Sketched {
            values: Vec::with_capacity(self.width() * count),
            measures: Vec::with_capacity(count),
        };
        self.with_sketcher(|sketcher| {
            for i in 0..count {
                take(i, sketcher)?;
                let sketch = finite(sketcher)?;
                sketched.values.extend_from_slice(sketch.values);
                sketched.measures.push(sketch.measures);
            }
            Ok(sketched)
        })?
    }

    /// Hands a sketcher to `act`: one for all gradients that `act` has.
    fn with_sketcher<R>(&self, act: impl FnOnce(&mut RunSketcher<'_>) -> R) -> Result<R, Error> {
        self.projection.with(|projector| {
            let buffer = vec![0.0; self.width()];
            Ok(act(&mut Sketcher::new(projector, self.projection.layout(), buffer)?))
        })?
    }
}

/// Refuses layers that are not those of the run, which says its own.
fn check_shapes(given: &[LayerShape], of_run: &[(usize, usize)]) -> Result<(), CommandError> {
    if given.is_empty() || of_run.is_empty() {
        return Ok(());
    }
    let of_run: Vec<LayerShape> =
        of_run.iter().map(|&(outputs, inputs)| LayerShape { outputs, inputs }).collect();
    if given == of_run {
        return Ok(());
    }
    let text = |shapes: &[LayerShape]| shapes.iter().map(LayerShape::to_string).collect::<Vec<_>>().join(",");
    let expected = format!("the layers of the recorded run, {}", text(&of_run));
    Err(CommandError::Argument { argument: "--shapes", expected, found: text(given) })
}

/// Makes the sketches of a run.
type RunSketcher<'p> = Sketcher<Ready<'p>, Vec<f32>>;

/// Row `i`.
fn row(rows: &StepRows, i: usize) -> &[f32] {
    &rows.values[i * rows.columns..][..rows.columns]
}

/// The finished sketch of a gradient that must be finite.
fn finite<'s>(sketcher: &'s mut RunSketcher<'_>) -> Result<Sketch<'s>, Error> {
    let sketch = sketcher.finish()?;
    if sketch.measures.non_finite > 0 { Err(Error::NonFinite) } else { Ok(sketch) }
}

/// Sketches, one after the other.
pub(super) struct Sketched {
    pub(super) values: Vec<f32>,
    measures: Vec<Summary>,
}

impl Sketched {
    pub(super) fn sketches(&self, id: SketchId) -> impl Iterator<Item = Sketch<'_>> {
        let rows = self.values.chunks_exact(id.width.max(1)).zip(&self.measures);
        rows.map(move |(values, &measures)| Sketch { id, values, measures, group: 0, loss: None })
    }
}
