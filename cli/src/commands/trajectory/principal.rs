//! The principal directions of the inputs of a recorded run's layers, and gradients on
//! them.
//!
//! A layer's gradient is b aᵀ, or a sum of such products: what no input reaches, no
//! gradient does. With P the R eigenvectors of Σ a aᵀ, over the samples of all steps,
//! that have the largest eigenvalues, b aᵀ becomes b (P a)ᵀ, and a gradient G that is
//! written out becomes G Pᵀ. A layer of at most R inputs stays as it is. It is the
//! principal form of LoGra (Choe et al. 2024, arXiv 2405.13954), on the input side.
//!
//! *Memory*: inputs² of `f64` a layer while the moments are taken, then R × inputs.
//! *Cost*: inputs² a sample and step, the eigenvectors once, then R · inputs a sample and
//! step (outputs · R · inputs where gradients are written out).

use nalgebra::DMatrix;

use super::super::CommandError;
use super::keep::{Keep, factors};
use gradsieve_harness::truth::leading_directions;
use gradsieve_io::files::StepFile;

/// Σ a aᵀ of every layer.
#[derive(Default)]
pub(super) struct Moments {
    layers: Vec<(usize, DMatrix<f64>)>,
}

impl Moments {
    /// Adds the samples of a step.
    ///
    /// # Errors
    /// As [`factors`].
    pub(super) fn observe(&mut self, step: &StepFile) -> Result<(), CommandError> {
        let mut shapes = self.layers.iter().map(|(outputs, sum)| (*outputs, sum.nrows())).collect();
        let layers = factors(step, Keep::Principal(0), &mut shapes)?;
        if self.layers.is_empty() {
            self.layers =
                shapes.iter().map(|&(outputs, inputs)| (outputs, DMatrix::zeros(inputs, inputs))).collect();
        }
        for ((_, sum), (a, _)) in self.layers.iter_mut().zip(layers) {
            let rows = a.values.iter().map(|&x| f64::from(x));
            let rows = DMatrix::from_row_iterator(a.count(), a.columns, rows);
            sum.gemm_tr(1.0, &rows, &rows, 1.0);
        }
        Ok(())
    }

    /// The `count` directions of largest moment, of each layer that has more inputs.
    pub(super) fn directions(self, count: usize) -> Directions {
        let kept = |(outputs, sum): (usize, DMatrix<f64>)| {
            let inputs = sum.nrows();
            Kept { outputs, inputs, basis: (inputs > count).then(|| leading_directions(sum, count)) }
        };
        Directions { layers: self.layers.into_iter().map(kept).collect() }
    }
}

/// A layer, and the directions of its inputs that are kept, in rows; none keeps all.
struct Kept {
    outputs: usize,
    inputs: usize,
    basis: Option<DMatrix<f64>>,
}

impl Kept {
    /// P x, appended to `to`.
    fn put(&self, x: &[f32], to: &mut Vec<f32>) {
        match &self.basis {
            None => to.extend_from_slice(x),
            Some(basis) => to.extend(basis.row_iter().map(|direction| {
                direction.iter().zip(x).map(|(d, &x)| d * f64::from(x)).sum::<f64>() as f32
            })),
        }
    }
}

/// The directions of every layer.
pub(super) struct Directions {
    layers: Vec<Kept>,
}

impl Directions {
    /// Coordinates of a gradient on them.
    pub(super) fn columns(&self) -> usize {
        let directions = |kept: &Kept| kept.basis.as_ref().map_or(kept.inputs, DMatrix::nrows);
        self.layers.iter().map(|kept| kept.outputs * directions(kept)).sum()
    }

    /// An input of layer `number`.
    pub(super) fn input(&self, number: usize, a: &[f32]) -> Vec<f32> {
        let mut kept = Vec::new();
        self.layers[number].put(a, &mut kept);
        kept
    }

    /// A gradient that is written out.
    pub(super) fn row(&self, gradient: &[f32]) -> Vec<f32> {
        let mut kept = Vec::with_capacity(self.columns());
        let mut rest = gradient;
        for layer in &self.layers {
            let (of_layer, after) = rest.split_at(layer.outputs * layer.inputs);
            of_layer.chunks_exact(layer.inputs).for_each(|row| layer.put(row, &mut kept));
            rest = after;
        }
        kept
    }
}
