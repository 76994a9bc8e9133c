//! Gradients of linear layers that were applied at several positions.

use super::place::gradsieve_sketcher;
use super::sketching::Numbers;
use crate::boundary::{answer, array, given};
use crate::layer::{self, gradsieve_layer};
use crate::memory::state_mut;
use crate::status::{gradsieve_error, gradsieve_status};

/// Takes in the weight gradient Σ bₜ·aₜᵀ of a linear layer that was applied at several
/// positions (the steps of a recurrent network, the places of an image).
///
/// The L1 norm and the maximum may be NaN afterwards, where a factored projection never
/// forms the gradient.
///
/// @param positions at least 1
/// @param a positions × inputs, by rows
/// @param b positions × outputs, by rows
///
/// Refuses as gradsieve_sketcher_outer_f32; GRADSIEVE_STATUS_SETTING without positions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_sequence_f32(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    positions: usize,
    a: *const f32,
    a_length: usize,
    b: *const f32,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let factors = Numbers::F32([array!(a, a_length), array!(b, b_length)]);
        Ok(state_mut!(sketcher).outer_sequence(&layer::layer(given!(layer)), positions, factors)?)
    })
}

/// As gradsieve_sketcher_sequence_f32, of IEEE half-precision numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_sequence_f16(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    positions: usize,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let factors = Numbers::f16([array!(a, a_length), array!(b, b_length)]);
        Ok(state_mut!(sketcher).outer_sequence(&layer::layer(given!(layer)), positions, factors)?)
    })
}

/// As gradsieve_sketcher_sequence_f32, of bfloat16 numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_sequence_bf16(
    sketcher: *mut gradsieve_sketcher,
    layer: *const gradsieve_layer,
    positions: usize,
    a: *const u16,
    a_length: usize,
    b: *const u16,
    b_length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let factors = Numbers::bf16([array!(a, a_length), array!(b, b_length)]);
        Ok(state_mut!(sketcher).outer_sequence(&layer::layer(given!(layer)), positions, factors)?)
    })
}
