//! A recorded run whose files have been looked at, and its gradients as sketches.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use gradsieve::{Error, Layer, Sketch, SketchId, Sketcher, Summary};

use super::super::rows::{LayerShape, Projection, ProjectionArguments, Ready};
use super::super::{CommandError, console};
use super::principal::{Directions, Moments};
use gradsieve_io::files::{StepFile, StepGradients, StepRows, step_files};

/// A run whose files have been looked at.
pub(super) struct Recorded {
    pub(super) paths: Vec<PathBuf>,
    projection: Projection,
    pub(super) id: SketchId,
    /// Coordinates of a gradient as the files have it.
    pub(super) columns: usize,
    /// What is kept of it.
    directions: Option<Directions>,
    /// One more than the largest id.
    pub(super) trains: usize,
    /// The most samples or factor rows of a step.
    pub(super) rows: usize,
}

impl Recorded {
    /// Looks at every step of the run in `directory`. With `principal`, gradients are
    /// taken on that many directions of the inputs of each layer, and projected then.
    ///
    /// # Errors
    /// As [`step_files`] and [`StepFile::read`]; steps that do not fit together; what
    /// `principal` cannot be had of.
    pub(super) fn open(
        directory: &Path,
        arguments: &ProjectionArguments,
        principal: Option<usize>,
    ) -> Result<Self, CommandError> {
        let paths = step_files(directory)?;
        let (mut first, mut trains, mut rows): (Option<(String, usize)>, _, _) = (None, 0, 0);
        let (mut moments, mut shapes) = (Moments::default(), Vec::new());
        let mut progress = console::Progress::new(format!("looking at {}", directory.display()), paths.len());
        for (number, path) in paths.iter().enumerate() {
            let step = StepFile::read(path)?;
            let columns = step.columns();
            if let Some((name, expected)) = first.as_ref().filter(|(_, expected)| *expected != columns) {
                let expected = format!("gradients of {expected} coordinates, as {name} has");
                return Err(CommandError::step(&step.name, expected, columns.to_string()));
            }
            trains = step.ids.iter().map(|&id| id as usize + 1).fold(trains, usize::max);
            rows = rows.max(step.ids.len()).max(step.factors.as_ref().map_or(0, StepRows::count));
            if principal.is_some() {
                moments.observe(&step)?;
            }
            if let (None, StepGradients::Layers(layers)) = (&first, &step.gradients) {
                let shape = |(a, b): &(StepRows, StepRows)| (b.columns, a.columns);
                shapes = layers.iter().map(shape).collect();
            }
            first.get_or_insert((step.name, columns));
            progress.reach(number + 1);
        }
        let (_, columns) = first.unwrap_or_default();
        let directions = principal.map(|count| moments.directions(count));
        let kept = directions.as_ref().map_or(columns, Directions::columns);
        let kept_inputs = |number, inputs| match &directions {
            Some(directions) => directions.input(number, &vec![0.0; inputs]).len(),
            None => inputs,
        };
        let shape = |(number, (outputs, inputs))| LayerShape { outputs, inputs: kept_inputs(number, inputs) };
        let shapes: Vec<LayerShape> = shapes.into_iter().enumerate().map(shape).collect();
        let projection = if shapes.is_empty() {
            arguments.projection(kept)?
        } else {
            arguments.projection_of(kept, &shapes)?
        };
        let id = projection.id();
        Ok(Self { paths, projection, id, columns, directions, trains, rows })
    }

    pub(super) fn width(&self) -> usize {
        self.id.width
    }

    /// The sketches of written-out rows, one after the other.
    pub(super) fn rows(&self, name: &str, rows: &StepRows) -> Result<Sketched, CommandError> {
        let mut sketched = Sketched::new(self.width(), rows.count());
        for row in rows.values.chunks_exact(rows.columns.max(1)) {
            let row = self.kept(row);
            sketched.push(self, |sketcher| sketcher.segment(0, &row)).map_err(CommandError::core(name))?;
        }
        Ok(sketched)
    }

    /// What is kept of a gradient.
    fn kept<'r>(&self, row: &'r [f32]) -> Cow<'r, [f32]> {
        self.directions.as_ref().map_or(Cow::Borrowed(row), |directions| Cow::Owned(directions.row(row)))
    }

    /// Appends a target to `to`: as it comes, a sketch, or what is kept of a gradient,
    /// sketched.
    pub(super) fn target(&self, values: &[f32], to: &mut Vec<f32>) -> Result<(), Error> {
        if self.directions.is_none() {
            to.extend_from_slice(values);
            return Ok(());
        }
        let mut sketched = Sketched::new(self.width(), 1);
        let row = self.kept(values);
        sketched.push(self, |sketcher| sketcher.segment(0, &row))?;
        to.append(&mut sketched.values);
        Ok(())
    }

    /// The sketches of a step's gradients, one after the other.
    pub(super) fn gradients(&self, step: &StepFile) -> Result<Sketched, CommandError> {
        let layers = match &step.gradients {
            StepGradients::Rows(rows) => return self.rows(&step.name, rows),
            StepGradients::Layers(layers) => layers,
        };
        let mut sketched = Sketched::new(self.width(), step.ids.len());
        for i in 0..step.ids.len() {
            let take = |sketcher: &mut Sketcher<Ready<'_>, &mut [f32]>| {
                let mut offset = 0;
                for (number, (a, b)) in layers.iter().enumerate() {
                    let row = |rows: &StepRows| rows.values[i * rows.columns..][..rows.columns].to_vec();
                    let (a, b) = (row(a), row(b));
                    let a = match &self.directions {
                        Some(directions) => directions.input(number, &a),
                        None => a,
                    };
                    let layer = Layer::new(offset, b.len() as u64, a.len() as u64);
                    sketcher.outer(&layer, &a, &b)?;
                    offset += (a.len() * b.len()) as u64;
                }
                Ok(())
            };
            sketched.push(self, take).map_err(CommandError::core(&step.name))?;
        }
        Ok(sketched)
    }
}

/// Sketches, one after the other.
pub(super) struct Sketched {
    pub(super) values: Vec<f32>,
    measures: Vec<Summary>,
}

impl Sketched {
    fn new(width: usize, rows: usize) -> Self {
        Self { values: Vec::with_capacity(width * rows), measures: Vec::with_capacity(rows) }
    }

    fn push(
        &mut self,
        run: &Recorded,
        take: impl FnOnce(&mut Sketcher<Ready<'_>, &mut [f32]>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let start = self.values.len();
        self.values.resize(start + run.width(), 0.0);
        let values = &mut self.values[start..];
        let measures = run.projection.with(|projector| {
            let mut sketcher = Sketcher::new(projector, run.projection.layout(), values)?;
            take(&mut sketcher)?;
            Ok::<_, Error>(sketcher.finish()?.measures)
        })??;
        if measures.non_finite > 0 {
            return Err(Error::NonFinite);
        }
        self.measures.push(measures);
        Ok(())
    }

    pub(super) fn sketches(&self, id: SketchId) -> impl Iterator<Item = Sketch<'_>> {
        let rows = self.values.chunks_exact(id.width.max(1)).zip(&self.measures);
        rows.map(move |(values, &measures)| Sketch { id, values, measures, group: 0 })
    }
}
