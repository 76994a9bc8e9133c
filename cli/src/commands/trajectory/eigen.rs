//! Gradients of a recorded run on the coordinates of largest moment in the eigenbases of
//! their layers' factors, [`EigenCoordinates`], over the samples of all steps.
//!
//! Before the run is followed it is read twice: for Σ a aᵀ and Σ b bᵀ, and for the moment
//! of each coordinate. What that costs stands at [`EigenFit`].

use std::path::PathBuf;

use super::super::{CommandError, console};
use super::keep::{Keep, factors};
use gradsieve_harness::truth::{EigenCoordinates, EigenFit};
use gradsieve_io::files::{StepFile, StepRows};

/// The coordinates of every layer.
pub(super) struct Coordinates {
    /// Outputs and inputs of the layers.
    shapes: Vec<(usize, usize)>,
    kept: EigenCoordinates,
}

impl Coordinates {
    /// The `count` of largest moment over the steps at `paths`, of the run that is named
    /// `what`.
    ///
    /// # Errors
    /// As [`StepFile::read`] and [`factors`]; a `count` above the gradient's own numbers,
    /// or a run whose gradients are all zero.
    pub(super) fn of(what: &str, paths: &[PathBuf], count: usize) -> Result<Self, CommandError> {
        let refuse = |expected: String, found: String| {
            Err(CommandError::Argument { argument: Keep::Eigen(count).option(), expected, found })
        };
        let (mut shapes, mut fit) = (Vec::new(), EigenFit::new(&[]));
        let mut progress = console::Progress::new(format!("taking the factors of {what}"), paths.len());
        for (number, path) in paths.iter().enumerate() {
            let step = StepFile::read(path)?;
            let layers = factors(&step, Keep::Eigen(count), &mut shapes)?;
            if number == 0 {
                let all: usize = shapes.iter().map(|(outputs, inputs)| outputs * inputs).sum();
                if count > all {
                    return refuse(
                        format!("at most {all}, the coordinates of a gradient"),
                        count.to_string(),
                    );
                }
                fit = EigenFit::new(&shapes);
            }
            each(layers, |layer, a, b| fit.observe(layer, a, b));
            progress.reach(number + 1);
        }
        let mut moments = fit.bases();
        let mut progress = console::Progress::new(format!("taking the moments of {what}"), paths.len());
        for (number, path) in paths.iter().enumerate() {
            let step = StepFile::read(path)?;
            let layers = factors(&step, Keep::Eigen(count), &mut shapes)?;
            each(layers, |layer, a, b| moments.observe(layer, a, b));
            progress.reach(number + 1);
        }
        let kept = moments.largest(count);
        match kept.width() {
            0 => refuse("gradients that are not all zero".to_owned(), "zeros".to_owned()),
            _ => Ok(Self { shapes, kept }),
        }
    }

    /// Numbers that are kept of a gradient.
    pub(super) fn columns(&self) -> usize {
        self.kept.width()
    }

    /// Those of a gradient that is b aᵀ of each layer.
    pub(super) fn outers<'r>(&self, layers: impl Iterator<Item = (&'r [f32], &'r [f32])>) -> Vec<f32> {
        let mut kept = vec![0.0; self.columns()];
        for (layer, (a, b)) in layers.enumerate() {
            self.kept.outer(layer, a, b, &mut kept);
        }
        kept
    }

    /// Those of a gradient that is written out.
    pub(super) fn row(&self, gradient: &[f32]) -> Vec<f32> {
        let mut kept = vec![0.0; self.columns()];
        let mut rest = gradient;
        for (layer, &(outputs, inputs)) in self.shapes.iter().enumerate() {
            let (of_layer, after) = rest.split_at(outputs * inputs);
            self.kept.matrix(layer, |output, input| of_layer[output * inputs + input], &mut kept);
            rest = after;
        }
        kept
    }
}

/// Each layer's factors of each sample.
fn each(layers: &[(StepRows, StepRows)], mut act: impl FnMut(usize, &[f32], &[f32])) {
    for (layer, (a, b)) in layers.iter().enumerate() {
        let rows = a.values.chunks_exact(a.columns).zip(b.values.chunks_exact(b.columns));
        rows.for_each(|(a, b)| act(layer, a, b));
    }
}
