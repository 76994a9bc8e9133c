//! Gradients of linear layers, by their factors.

use super::place::gradsieve_sketcher;
use super::sketching::Numbers;
use crate::boundary::{answer, array, given};
use crate::layer::{self, gradsieve_layer};
use crate::memory::state_mut;
use crate::status::{gradsieve_error, gradsieve_status};

/// Takes in the weight gradient b·aᵀ of a linear layer, which is never multiplied out: a
/// is what went into the layer, b the loss gradient of what came out.
///
/// @param a_length must be the layer's inputs
/// @param b_length must be the layer's outputs
///
/// Refuses GRADSIEVE_STATUS_LENGTH, _OUTSIDE_LAYOUT, and _LAYER_MISMATCH if the
/// projection is made for other layers; nothing was taken in then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_outer_f32(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    a: *const f32,
    a_length: usize,
    b: *const f32,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let factors = Numbers::F32([array!(a, a_length), array!(b, b_length)]);
        Ok(state_mut!(sketcher).outer(&layer::layer(given!(layer)), factors, false)?)
    })
}

/// As gradsieve_sketcher_outer_f32, of IEEE half-precision numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_outer_f16(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let factors = Numbers::f16([array!(a, a_length), array!(b, b_length)]);
        Ok(state_mut!(sketcher).outer(&layer::layer(given!(layer)), factors, false)?)
    })
}

/// As gradsieve_sketcher_outer_f32, of bfloat16 numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_outer_bf16(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let factors = Numbers::bf16([array!(a, a_length), array!(b, b_length)]);
        Ok(state_mut!(sketcher).outer(&layer::layer(given!(layer)), factors, false)?)
    })
}

/// As gradsieve_sketcher_outer_f32 for a linear layer with its bias, which is the weight
/// of one more input, the last, that is always 1: the gradient b·(a, 1)ᵀ in one call.
///
/// @param a_length one less than the layer's inputs
/// @param b_length must be the layer's outputs
///
/// Refuses as gradsieve_sketcher_outer_f32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_outer_biased_f32(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    a: *const f32,
    a_length: usize,
    b: *const f32,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let factors = Numbers::F32([array!(a, a_length), array!(b, b_length)]);
        Ok(state_mut!(sketcher).outer(&layer::layer(given!(layer)), factors, true)?)
    })
}

/// As gradsieve_sketcher_outer_biased_f32, of IEEE half-precision numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_outer_biased_f16(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let factors = Numbers::f16([array!(a, a_length), array!(b, b_length)]);
        Ok(state_mut!(sketcher).outer(&layer::layer(given!(layer)), factors, true)?)
    })
}

/// As gradsieve_sketcher_outer_biased_f32, of bfloat16 numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_outer_biased_bf16(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let factors = Numbers::bf16([array!(a, a_length), array!(b, b_length)]);
        Ok(state_mut!(sketcher).outer(&layer::layer(given!(layer)), factors, true)?)
    })
}
