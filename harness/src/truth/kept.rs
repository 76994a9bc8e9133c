//! Projections that have looked at the training data: what is kept of a network's
//! gradients, layer by layer.

use super::eigen::{EigenCoordinates, EigenFit};
use super::error::TruthError;
use crate::data::Dataset;
use crate::model::{Layer, LayerGradient, Mlp, Scratch};

/// A projection of a network's gradients that was fitted to training data.
pub(super) trait Kept: std::fmt::Debug {
    /// Numbers that are kept.
    fn width(&self) -> usize;

    /// What is kept of a gradient that is written out, in `to` of [`width`](Self::width)
    /// zeros.
    fn project(&self, gradient: &[f32], to: &mut [f32]);

    /// What is kept of one layer's part of a gradient, at its place in `to`.
    fn part(&self, part: &LayerGradient<'_>, to: &mut [f32]);
}

/// [`EigenCoordinates`] of a network, whose biases stand behind the weights of their
/// layer.
#[derive(Debug)]
struct OfNetwork {
    layers: Vec<Layer>,
    coordinates: EigenCoordinates,
}

/// The `dim` coordinates of largest moment over the gradients of the training samples at
/// `model`; fewer if gradients reach fewer.
///
/// # Errors
/// A set that does not fit the model.
pub(super) fn eigen(model: &Mlp, train: &Dataset, dim: usize) -> Result<impl Kept + use<>, TruthError> {
    let layers = model.layers().to_vec();
    let shapes: Vec<(usize, usize)> = layers.iter().map(|layer| (layer.outputs, layer.inputs + 1)).collect();
    let mut fit = EigenFit::new(&shapes);
    each_part(model, train, |layer, a, b| fit.observe(layer, a, b))?;
    let mut moments = fit.bases();
    each_part(model, train, |layer, a, b| moments.observe(layer, a, b))?;
    Ok(OfNetwork { layers, coordinates: moments.largest(dim) })
}

/// Calls `visit` with the layer's number and the factors of each part of each sample's
/// gradient.
fn each_part(
    model: &Mlp,
    train: &Dataset,
    mut visit: impl FnMut(usize, &[f32], &[f32]),
) -> Result<(), TruthError> {
    let mut scratch = Scratch::default();
    for (x, label) in train.samples() {
        model.backward(x, label, &mut scratch, |part| {
            visit(part.layer, &with_one(part.activation), part.delta);
        })?;
    }
    Ok(())
}

/// Inputs, and a 1 behind them for the bias.
fn with_one(a: &[f32]) -> Vec<f32> {
    a.iter().copied().chain([1.0]).collect()
}

impl Kept for OfNetwork {
    fn width(&self) -> usize {
        self.coordinates.width()
    }

    fn project(&self, gradient: &[f32], to: &mut [f32]) {
        for (number, &Layer { inputs, weights, bias, .. }) in self.layers.iter().enumerate() {
            let entry = |output: usize, input: usize| {
                gradient[if input == inputs { bias + output } else { weights + output * inputs + input }]
            };
            self.coordinates.matrix(number, entry, to);
        }
    }

    fn part(&self, part: &LayerGradient<'_>, to: &mut [f32]) {
        self.coordinates.outer(part.layer, &with_one(part.activation), part.delta, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::blobs;

    /// Gradients at the model, written out.
    fn whole(model: &Mlp, set: &Dataset) -> Vec<Vec<f32>> {
        let mut scratch = Scratch::default();
        let gradient = |(x, label): (&[f32], u32)| {
            let mut gradient = vec![0.0; model.parameters().len()];
            model.gradient_into(x, label, &mut scratch, &mut gradient).unwrap();
            gradient
        };
        set.samples().map(gradient).collect()
    }

    fn projected(kept: &impl Kept, gradient: &[f32]) -> Vec<f32> {
        let mut row = vec![0.0; kept.width()];
        kept.project(gradient, &mut row);
        row
    }

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    #[test]
    fn with_room_for_all_dot_products_are_those_of_the_gradients() {
        let set = blobs(30, 3, 5, 2.0, 1).unwrap();
        let model = Mlp::new(5, &[4], 3, 1).unwrap();
        let kept = eigen(&model, &set, 1000).unwrap();
        assert!(kept.width() <= model.parameters().len());
        let rows = whole(&model, &set);
        for row in &rows {
            let (expected, found) =
                (dot(row, &rows[0]), dot(&projected(&kept, row), &projected(&kept, &rows[0])));
            assert!((expected - found).abs() < 1e-5 * (1.0 + expected.abs()), "{expected} {found}");
        }
    }

    #[test]
    fn factors_give_what_the_written_out_gradient_gives() {
        let set = blobs(30, 3, 5, 2.0, 1).unwrap();
        let model = Mlp::new(5, &[4], 3, 1).unwrap();
        let kept = eigen(&model, &set, 12).unwrap();
        assert_eq!(kept.width(), 12);
        for ((x, label), gradient) in set.samples().zip(whole(&model, &set)) {
            let mut row = vec![0.0; 12];
            model.backward(x, label, &mut Scratch::default(), |part| kept.part(&part, &mut row)).unwrap();
            for (found, expected) in row.iter().zip(projected(&kept, &gradient)) {
                assert!((found - expected).abs() < 1e-5, "{found} {expected}");
            }
        }
    }

    #[test]
    fn more_coordinates_keep_more_of_the_squared_length() {
        let set = blobs(30, 3, 5, 2.0, 1).unwrap();
        let model = Mlp::new(5, &[4], 3, 1).unwrap();
        let rows = whole(&model, &set);
        let kept = |dim| {
            let kept = eigen(&model, &set, dim).unwrap();
            rows.iter().map(|row| projected(&kept, row)).map(|row| dot(&row, &row)).sum::<f64>()
        };
        let (few, more, all) = (kept(4), kept(12), rows.iter().map(|row| dot(row, row)).sum::<f64>());
        assert!(few < more && more < all && few > 0.4 * all, "{few} {more} {all}");
    }
}
