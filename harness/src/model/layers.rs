//! Where each layer's parameters lie in the one flat vector θ: layer by layer from the
//! input, first the weights (outputs × inputs, row-major), then the biases. Gradients
//! have the same order.

use super::error::ModelError;

/// The shape and place of a linear layer, z = W·a + c.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Length of the activation a that comes in.
    pub inputs: usize,
    /// Length of the output z.
    pub outputs: usize,
    /// Offset of the weights W, `outputs`×`inputs` row-major.
    pub weights: usize,
    /// Offset of the biases c, `outputs` of them, right after the weights.
    pub bias: usize,
}

impl Layer {
    /// The offset after the layer's last parameter.
    pub fn end(&self) -> usize {
        self.bias + self.outputs
    }

    /// The layers for `inputs` features, the hidden widths and `classes` logits.
    pub(super) fn stack(inputs: usize, hidden: &[usize], classes: usize) -> Result<Vec<Self>, ModelError> {
        let widths = [&[inputs], hidden, &[classes]].concat();
        let refused = || ModelError::Widths { widths: widths.clone() };
        if widths.contains(&0) || classes < 2 {
            return Err(refused());
        }
        let mut layers = Vec::with_capacity(hidden.len() + 1);
        let mut weights = 0usize;
        for pair in widths.windows(2) {
            let (inputs, outputs) = (pair[0], pair[1]);
            let bias =
                inputs.checked_mul(outputs).and_then(|size| weights.checked_add(size)).ok_or_else(refused)?;
            layers.push(Self { inputs, outputs, weights, bias });
            weights = bias.checked_add(outputs).ok_or_else(refused)?;
        }
        Ok(layers)
    }
}
