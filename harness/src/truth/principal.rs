//! Gradients on the principal directions of their layers' inputs: what a factored
//! projection keeps if it may look at the training data first.
//!
//! A linear layer's gradient is b aᵀ, and so is a batch's sum of them: what a layer's
//! inputs do not reach, no gradient does. With P the r eigenvectors of Σ a aᵀ over the
//! training samples that have the largest eigenvalues, the rows kept are (G Pᵀ) for
//! weights G, outputs × r of them, and the biases. P is fitted at one model, once, and
//! serves all. It is the principal form of LoGra (Choe et al. 2024, arXiv 2405.13954), on
//! the input side.
//!
//! *Memory*: r × inputs of `f64` a layer. *Cost*: (inputs + outputs) · r a gradient from
//! its factors, outputs · inputs · r written out.

use nalgebra::DMatrix;

use super::directions::leading_directions;
use super::error::TruthError;
use super::kept::Kept;
use crate::data::Dataset;
use crate::model::{Layer, LayerGradient, Mlp, Scratch};

/// A layer, and the directions of its inputs that are kept; none keeps all.
#[derive(Clone, Debug)]
struct OfLayer {
    layer: Layer,
    basis: Option<DMatrix<f64>>,
}

impl OfLayer {
    fn directions(&self) -> usize {
        self.basis.as_ref().map_or(self.layer.inputs, DMatrix::nrows)
    }
}

/// The directions of every layer.
#[derive(Clone, Debug)]
pub(super) struct Principal {
    layers: Vec<OfLayer>,
}

impl Principal {
    /// Directions for at most `dim` numbers, the smallest layer served first: each may
    /// have an equal share of what is left, and at least one direction.
    pub(super) fn new(model: &Mlp, train: &Dataset, dim: usize) -> Result<Self, TruthError> {
        let layers = model.layers();
        let mut order: Vec<usize> = (0..layers.len()).collect();
        order.sort_by_key(|&i| layers[i].end() - layers[i].weights);
        let mut kept: Vec<OfLayer> = layers.iter().map(|&layer| OfLayer { layer, basis: None }).collect();
        let mut left = dim;
        for (served, &i) in order.iter().enumerate() {
            let share = left / (layers.len() - served);
            let Layer { inputs, outputs, .. } = layers[i];
            let directions = (share.saturating_sub(outputs) / outputs).clamp(1, inputs);
            if directions < inputs {
                kept[i].basis = Some(directions_of(model, train, i, directions)?);
            }
            left = left.saturating_sub(outputs * (directions + 1));
        }
        Ok(Self { layers: kept })
    }
}

impl Kept for Principal {
    fn width(&self) -> usize {
        self.layers.iter().map(|layer| layer.layer.outputs * (layer.directions() + 1)).sum()
    }

    fn project(&self, gradient: &[f32], to: &mut [f32]) {
        let mut places = to.iter_mut();
        let mut put = |value: f64| {
            if let Some(place) = places.next() {
                *place = value as f32;
            }
        };
        for OfLayer { layer, basis } in &self.layers {
            for row in gradient[layer.weights..layer.bias].chunks_exact(layer.inputs) {
                match basis {
                    None => row.iter().for_each(|&g| put(g.into())),
                    Some(basis) => basis.row_iter().for_each(|direction| {
                        put(along(direction.iter(), row));
                    }),
                }
            }
            gradient[layer.bias..layer.end()].iter().for_each(|&g| put(g.into()));
        }
    }

    fn part(&self, part: &LayerGradient<'_>, to: &mut [f32]) {
        let start = self.layers[..part.layer].iter().map(|own| own.layer.outputs * (own.directions() + 1));
        let own = &self.layers[part.layer];
        let (start, directions, outputs) = (start.sum::<usize>(), own.directions(), own.layer.outputs);
        let (weights, bias) = to[start..][..outputs * (directions + 1)].split_at_mut(outputs * directions);
        let along: Vec<f64> = match &own.basis {
            None => part.activation.iter().map(|&a| f64::from(a)).collect(),
            Some(basis) => {
                basis.row_iter().map(|direction| along(direction.iter(), part.activation)).collect()
            }
        };
        for (row, &delta) in weights.chunks_exact_mut(directions).zip(part.delta) {
            row.iter_mut().zip(&along).for_each(|(to, a)| *to = (f64::from(delta) * a) as f32);
        }
        bias.copy_from_slice(part.delta);
    }
}

/// The inner product of a direction with numbers of `f32`.
fn along<'d>(direction: impl Iterator<Item = &'d f64>, x: &[f32]) -> f64 {
    direction.zip(x).map(|(d, &x)| d * f64::from(x)).sum()
}

/// The first eigenvectors of Σ a aᵀ, in rows.
fn directions_of(
    model: &Mlp,
    train: &Dataset,
    number: usize,
    count: usize,
) -> Result<DMatrix<f64>, TruthError> {
    let inputs = model.layers()[number].inputs;
    let mut moment = DMatrix::zeros(inputs, inputs);
    let mut scratch = Scratch::default();
    for (x, label) in train.samples() {
        model.backward(x, label, &mut scratch, |part| {
            if part.layer == number {
                let a = DMatrix::from_iterator(inputs, 1, part.activation.iter().map(|&a| f64::from(a)));
                moment.gemm(1.0, &a, &a.transpose(), 1.0);
            }
        })?;
    }
    Ok(leading_directions(moment, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::blobs;

    #[test]
    fn gradients_whose_inputs_lie_in_the_directions_keep_their_dot_products() {
        // Five features, of which three are zero in every sample.
        let flat = blobs(20, 3, 5, 2.0, 1).unwrap();
        let features = flat.features().iter().enumerate().map(|(at, &x)| if at % 5 < 2 { x } else { 0.0 });
        let features = features.collect();
        let set = flat.with_features(features).unwrap();
        let model = Mlp::new(5, &[4], 3, 1).unwrap();
        let principal = Principal::new(&model, &set, 30).unwrap();
        assert_eq!(principal.width(), 4 * 3 + 15);
        let mut scratch = Scratch::default();
        let rows: Vec<(Vec<f32>, Vec<f32>)> = set
            .samples()
            .map(|(x, label)| {
                let mut whole = vec![0.0; model.parameters().len()];
                model.gradient_into(x, label, &mut scratch, &mut whole).unwrap();
                let mut kept = vec![0.0; principal.width()];
                principal.project(&whole, &mut kept);
                (whole, kept)
            })
            .collect();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        for (whole, kept) in &rows {
            let (expected, found) = (dot(whole, &rows[0].0), dot(kept, &rows[0].1));
            assert!((expected - found).abs() < 1e-5 * (1.0 + expected.abs()), "{expected} {found}");
        }
    }

    #[test]
    fn with_room_for_all_it_keeps_all() {
        let set = blobs(9, 3, 5, 2.0, 1).unwrap();
        let model = Mlp::new(5, &[4], 3, 1).unwrap();
        let principal = Principal::new(&model, &set, 100).unwrap();
        assert_eq!(principal.width(), model.parameters().len());
        let mut kept = vec![0.0; principal.width()];
        principal.project(model.parameters(), &mut kept);
        assert_eq!(kept, model.parameters());
    }
}
