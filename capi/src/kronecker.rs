//! The Kronecker sketcher: the cheap path of small networks, by itself.
//!
//! What a program does not call of it is not linked: each function is made for one format
//! of numbers, where a [`sketcher`](crate::sketcher) reaches all by a table.

use crate::boundary::{answer, array, given, wanted};
use crate::key::gradsieve_key;
use crate::layer::{self, gradsieve_layer};
use crate::memory::{self, Handle, Kind, Room, state, state_mut};
use crate::sketch::{gradsieve_sketch, gradsieve_sketch_id};
use crate::status::{gradsieve_error, gradsieve_status};
use core::ffi::c_void;
use gradsieve::{FoldedLayer, KroneckerIn, Sketcher, bf16, f16};
use half::slice::HalfBitsSliceExt;

/// The sketcher for small cores and small networks of linear layers, of the projection
/// KRONECKER alone: some hundreds of instructions a layer, and a program that calls it
/// links nothing of the other projections. It lives in memory of gradsieve_kronecker_size
/// bytes and has no bytes at rest: key and layers make it anew.
///
/// Its sketches are those of Kronecker::for_layers in Rust. A gradsieve_sketcher of
/// GRADSIEVE_PROJECTION_KRONECKER has the same numbers and another id.
pub struct gradsieve_kronecker {
    _private: [u8; 0],
}

/// Bytes of its memory beside its numbers and layers: GRADSIEVE_KRONECKER_SIZE.
pub const GRADSIEVE_KRONECKER_FIXED: usize = 816;
/// Bytes of its memory a layer.
pub const GRADSIEVE_KRONECKER_LAYER: usize = 80;

const _: () = assert!(
    size_of::<FoldedLayer>() <= GRADSIEVE_KRONECKER_LAYER,
    "layers have outgrown GRADSIEVE_KRONECKER_LAYER: raise it"
);

impl Handle for gradsieve_kronecker {
    type State = Sketcher<KroneckerIn<&'static [FoldedLayer]>, &'static mut [f32]>;
    const KIND: Kind = Kind(5);
    const FIXED: usize = GRADSIEVE_KRONECKER_FIXED;
}

/// Bytes behind the front.
const fn behind(width: usize, layers: usize) -> usize {
    let layers = layers.saturating_mul(GRADSIEVE_KRONECKER_LAYER);
    (width.saturating_mul(4).saturating_add(7) / 8 * 8).saturating_add(layers)
}

/// Bytes of its memory, for sketches of so many numbers at most and so many layers. At
/// compile time: GRADSIEVE_KRONECKER_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_size(
    width: usize,
    layers: usize,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(bytes).put(memory::bytes::<gradsieve_kronecker>(behind(width, layers)));
        Ok(())
    })
}

/// Initialises the sketcher of a network in memory of the caller, which is the sketcher's
/// from then on. The layers share the numbers out by themselves; neither they nor the key
/// are needed afterwards.
///
/// @param memory aligned as uint64_t is; what it holds is of no concern
/// @param size its bytes: at least gradsieve_kronecker_size
/// @param width the most numbers that a sketch may have: at least as many as there are
///   layers. How many it has says gradsieve_kronecker_id, and each sketch.
/// @param layers the network's layers, in rising order of offset; gaps are allowed. A
///   bias is one more input of its layer
/// @param count how many they are: at most 64
/// @param kronecker where its address goes: that of the memory
///
/// Refuses memory, widths (GRADSIEVE_STATUS_SETTING) and layers (_LAYER).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_init(
    memory: *mut c_void,
    size: usize,
    key: *const gradsieve_key,
    width: usize,
    layers: *const gradsieve_layer,
    count: usize,
    kronecker: *mut *mut gradsieve_kronecker,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (key, layers) = (given!(key).core(), layer::layers(array!(layers, count)));
        let kronecker = wanted!(kronecker);
        let mut room = Room::<gradsieve_kronecker>::new(memory, size, behind(width, count))?;
        let folded = room.array(count, FoldedLayer::UNUSED)?;
        let projector = KroneckerIn::for_layers_in(layers, width, key, folded)?;
        let numbers = room.array(projector.width(), 0.0)?;
        kronecker.put(room.put(Sketcher::new(projector, projector.layout(), numbers)?));
        Ok(())
    })
}

/// K, and what its sketches are labelled with. Either may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_id(
    kronecker: *const gradsieve_kronecker,
    width: *mut usize,
    id: *mut gradsieve_sketch_id,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let own = state!(kronecker).id();
        if !width.is_null() {
            wanted!(width).put(own.width);
        }
        if !id.is_null() {
            wanted!(id).put(gradsieve_sketch_id::of(&own));
        }
        Ok(())
    })
}

/// Takes in the coordinates offset … offset + length − 1 of a gradient, in any order of
/// segments. By factors (gradsieve_kronecker_outer_biased_f32) it is much cheaper.
///
/// Refuses GRADSIEVE_STATUS_OUTSIDE_LAYOUT; nothing was taken in then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_segment_f32(
    kronecker: *mut gradsieve_kronecker,
    offset: u64,
    x: *const f32,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || Ok(state_mut!(kronecker).segment(offset, array!(x, length))?))
}

/// Takes in the weight gradient b·aᵀ of a linear layer, which is never multiplied out: a
/// is what went into the layer, b the loss gradient of what came out.
///
/// @param a_length must be the layer's inputs
/// @param b_length must be the layer's outputs
///
/// Refuses GRADSIEVE_STATUS_LENGTH, _OUTSIDE_LAYOUT, and _LAYER_MISMATCH of a layer that
/// the network does not have; nothing was taken in then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_outer_f32(
    kronecker: *mut gradsieve_kronecker,
    layer: *const gradsieve_layer,
    a: *const f32,
    a_length: usize,
    b: *const f32,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (array!(a, a_length), array!(b, b_length));
        Ok(state_mut!(kronecker).outer(&layer::layer(given!(layer)), a, b)?)
    })
}

/// As gradsieve_kronecker_outer_f32, of IEEE half-precision numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_outer_f16(
    kronecker: *mut gradsieve_kronecker,
    layer: *const gradsieve_layer,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (array!(a, a_length), array!(b, b_length));
        let (a, b) = (a.reinterpret_cast::<f16>(), b.reinterpret_cast::<f16>());
        Ok(state_mut!(kronecker).outer(&layer::layer(given!(layer)), a, b)?)
    })
}

/// As gradsieve_kronecker_outer_f32, of bfloat16 numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_outer_bf16(
    kronecker: *mut gradsieve_kronecker,
    layer: *const gradsieve_layer,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (array!(a, a_length), array!(b, b_length));
        let (a, b) = (a.reinterpret_cast::<bf16>(), b.reinterpret_cast::<bf16>());
        Ok(state_mut!(kronecker).outer(&layer::layer(given!(layer)), a, b)?)
    })
}

/// As gradsieve_kronecker_outer_f32 for a linear layer with its bias, which is the weight
/// of one more input, the last, that is always 1: the gradient b·(a, 1)ᵀ in one call.
///
/// @param a_length one less than the layer's inputs
/// @param b_length must be the layer's outputs
///
/// Refuses as gradsieve_kronecker_outer_f32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_outer_biased_f32(
    kronecker: *mut gradsieve_kronecker,
    layer: *const gradsieve_layer,
    a: *const f32,
    a_length: usize,
    b: *const f32,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (array!(a, a_length), array!(b, b_length));
        Ok(state_mut!(kronecker).outer_biased(&layer::layer(given!(layer)), a, b)?)
    })
}

/// As gradsieve_kronecker_outer_biased_f32, of IEEE half-precision numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_outer_biased_f16(
    kronecker: *mut gradsieve_kronecker,
    layer: *const gradsieve_layer,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (array!(a, a_length), array!(b, b_length));
        let (a, b) = (a.reinterpret_cast::<f16>(), b.reinterpret_cast::<f16>());
        Ok(state_mut!(kronecker).outer_biased(&layer::layer(given!(layer)), a, b)?)
    })
}

/// As gradsieve_kronecker_outer_biased_f32, of bfloat16 numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_outer_biased_bf16(
    kronecker: *mut gradsieve_kronecker,
    layer: *const gradsieve_layer,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (array!(a, a_length), array!(b, b_length));
        let (a, b) = (a.reinterpret_cast::<bf16>(), b.reinterpret_cast::<bf16>());
        Ok(state_mut!(kronecker).outer_biased(&layer::layer(given!(layer)), a, b)?)
    })
}

/// Takes in the weight gradient Σ bₜ·aₜᵀ of a linear layer that was applied at several
/// positions (the steps of a recurrent network, the places of an image).
///
/// The L1 norm and the maximum may be NaN afterwards, where the gradient is never formed.
///
/// @param positions at least 1
/// @param a positions × inputs, by rows
/// @param b positions × outputs, by rows
///
/// Refuses as gradsieve_kronecker_outer_f32; GRADSIEVE_STATUS_SETTING without positions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_sequence_f32(
    kronecker: *mut gradsieve_kronecker,
    layer: *const gradsieve_layer,
    positions: usize,
    a: *const f32,
    a_length: usize,
    b: *const f32,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (a, b) = (array!(a, a_length), array!(b, b_length));
        Ok(state_mut!(kronecker).outer_sequence(&layer::layer(given!(layer)), positions, a, b)?)
    })
}

/// Ends the gradient. The sketch's values stay in the sketcher's memory until its next
/// call. NaN and infinite entries are no refusal: they are counted.
///
/// Refuses GRADSIEVE_STATUS_INCOMPLETE; what has arrived stays then, and the rest may
/// follow, or gradsieve_kronecker_abandon. Refuses GRADSIEVE_STATUS_TWICE if coordinates
/// came twice in the place of others; then only gradsieve_kronecker_abandon helps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_finish(
    kronecker: *mut gradsieve_kronecker,
    sketch: *mut gradsieve_sketch,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let sketch = wanted!(sketch);
        sketch.put(gradsieve_sketch::of(&state_mut!(kronecker).finish()?));
        Ok(())
    })
}

/// Forgets what has arrived of a gradient. The next call begins another.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_kronecker_abandon(
    kronecker: *mut gradsieve_kronecker,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        state_mut!(kronecker).abandon();
        Ok(())
    })
}
