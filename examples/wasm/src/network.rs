//! The network of the page, and the sketch of its gradients.

use crate::samples::Sample;
use gradsieve::{Buffer, Error, Layer, Layout, Projector, Sketch, Sketcher};
use gradsieve_example_network as network;
use gradsieve_kernels::hash;

pub const INPUTS: usize = 16;
const HIDDEN: usize = 16;
pub const CLASSES: usize = 4;

const FIRST: Layer = Layer::new(0, HIDDEN as u64, INPUTS as u64);
const FIRST_BIAS: Layer = Layer::new(256, HIDDEN as u64, 1);
const SECOND: Layer = Layer::new(272, CLASSES as u64, HIDDEN as u64);
const SECOND_BIAS: Layer = Layer::new(336, CLASSES as u64, 1);

pub type Network = network::Network<INPUTS, HIDDEN, CLASSES>;
pub type Backward = network::Backward<HIDDEN, CLASSES>;

/// Where the layers stand in the gradient.
pub fn layout() -> Result<Layout, Error> {
    Layout::new(&[FIRST, FIRST_BIAS, SECOND, SECOND_BIAS])
}

/// A network before it has learnt anything.
pub fn new(seed: u64) -> Network {
    let key = hash::key(seed, 4);
    // The second layer's weights from a number of their own on.
    let mut numbers = (0..(HIDDEN * INPUTS) as u64).chain(1000..);
    Network::new(|| {
        let word = hash::word(key, numbers.next().unwrap_or(0));
        ((word >> 40) as f32 / (1 << 23) as f32 - 1.0) * 0.4
    })
}

/// The sketch of a gradient, from the factors of its layers: it is never multiplied out.
pub fn sketch<'s, P: Projector, B: Buffer<f32>>(
    sketcher: &'s mut Sketcher<P, B>,
    sample: &Sample,
    pass: &Backward,
) -> Result<Sketch<'s>, Error> {
    sketcher.outer(&FIRST, &sample.inputs, &pass.hidden_delta)?;
    sketcher.segment(FIRST_BIAS.offset, &pass.hidden_delta)?;
    sketcher.outer(&SECOND, &pass.hidden, &pass.delta)?;
    sketcher.segment(SECOND_BIAS.offset, &pass.delta)?;
    sketcher.finish()
}
