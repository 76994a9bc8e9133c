//! A model's gradients as the core takes them: their layout, and one sample's backward
//! pass streamed into a sketcher.
//!
//! May import [`model`](crate::model) and the core; [`truth`](crate::truth) and the
//! demonstration sketch through it.

use gradsieve::{Buffer, Error, Layer, Layout, Projector, Sketcher};

use crate::model::{Mlp, ModelError, Scratch};

/// Weights and biases of each layer, in the order of the parameters.
#[must_use]
pub fn layers(model: &Mlp) -> Vec<Layer> {
    let parts = model.layers().iter().map(|layer| {
        let outputs = layer.outputs as u64;
        [
            Layer::new(layer.weights as u64, outputs, layer.inputs as u64),
            Layer::new(layer.bias as u64, outputs, 1),
        ]
    });
    parts.flatten().collect()
}

/// The layout of a model's gradient.
///
/// # Errors
/// None: a model's layers follow one another.
pub fn layout(model: &Mlp) -> Result<Layout, Error> {
    Layout::new(&layers(model))
}

/// Runs one sample backward and hands `scale` times its gradient to `sketcher`, as outer
/// products from the last layer to the first: it is never written out. Returns the loss.
/// `scale` is as in [`Mlp::backward_scaled`].
///
/// # Errors
/// Outside what the model refuses, inside what the core does.
pub fn stream<P: Projector, B: Buffer<f32>>(
    model: &Mlp,
    x: &[f32],
    label: u32,
    scale: impl Fn(f64, f64) -> f64,
    scratch: &mut Scratch,
    sketcher: &mut Sketcher<P, B>,
) -> Result<Result<f64, Error>, ModelError> {
    let mut outcome = Ok(());
    let loss = model.backward_scaled(x, label, scale, scratch, |part| {
        if outcome.is_ok() {
            let (outputs, inputs) = (part.delta.len() as u64, part.activation.len() as u64);
            let weights = Layer::new(part.weights as u64, outputs, inputs);
            outcome = sketcher
                .segment(part.bias as u64, part.delta)
                .and_then(|()| sketcher.outer(&weights, part.activation, part.delta));
        }
    })?;
    Ok(outcome.map(|()| loss))
}
