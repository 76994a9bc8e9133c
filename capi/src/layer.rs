//! Where a layer stands in a gradient.

use core::mem::offset_of;
use gradsieve::Layer;

/// One layer's place in the gradient: a row-major matrix of outputs × inputs entries from
/// coordinate offset on. A bias, or any parameter that is no matrix, has one input.
///
/// The coordinates of a gradient are numbered over the whole model.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_layer {
    /// The coordinate of its first entry.
    pub offset: u64,
    /// Rows: the layer's output width.
    pub outputs: u64,
    /// Columns: the layer's input width.
    pub inputs: u64,
}

/// The core has the same, in the same places.
const _: () = assert!(
    size_of::<Layer>() == size_of::<gradsieve_layer>()
        && align_of::<Layer>() == align_of::<gradsieve_layer>()
        && offset_of!(Layer, offset) == offset_of!(gradsieve_layer, offset)
        && offset_of!(Layer, outputs) == offset_of!(gradsieve_layer, outputs)
        && offset_of!(Layer, inputs) == offset_of!(gradsieve_layer, inputs)
);

/// The layers that C passed, as the core has them.
pub(crate) fn layers(layers: &[gradsieve_layer]) -> &[Layer] {
    // SAFETY: both are three u64 in the same places, as was seen when this was compiled.
    unsafe { core::slice::from_raw_parts(layers.as_ptr().cast(), layers.len()) }
}

/// One of them.
pub(crate) fn layer(layer: &gradsieve_layer) -> Layer {
    Layer::new(layer.offset, layer.outputs, layer.inputs)
}
