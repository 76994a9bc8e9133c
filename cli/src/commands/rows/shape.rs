//! Layers as the command line says them.

use std::fmt;
use std::str::FromStr;

use gradsieve::Layer;

/// The shape of a layer's share of a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerShape {
    /// Rows: the layer's outputs.
    pub outputs: usize,
    /// Columns: the layer's inputs; 1 for biases.
    pub inputs: usize,
}

impl LayerShape {
    /// Layers of these shapes, one after the other.
    pub(in crate::commands) fn layers(shapes: &[Self]) -> Vec<Layer> {
        let mut offset = 0;
        let layer = |&Self { outputs, inputs }: &Self| {
            let layer = Layer::new(offset, outputs as u64, inputs as u64);
            offset += outputs as u64 * inputs as u64;
            layer
        };
        shapes.iter().map(layer).collect()
    }

    /// Coordinates of a gradient of these shapes.
    pub(super) fn columns(shapes: &[Self]) -> usize {
        shapes.iter().fold(0, |sum, shape| sum.saturating_add(shape.outputs.saturating_mul(shape.inputs)))
    }
}

impl fmt::Display for LayerShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.outputs, self.inputs)
    }
}

impl FromStr for LayerShape {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (outputs, inputs) = text.split_once('x').unwrap_or((text, "1"));
        let number = |text: &str| text.parse().ok().filter(|&number: &usize| number > 0);
        match (number(outputs), number(inputs)) {
            (Some(outputs), Some(inputs)) => Ok(Self { outputs, inputs }),
            _ => Err("expected OUTPUTSxINPUTS, or the number of biases, as in 32x64 or 32"),
        }
    }
}
