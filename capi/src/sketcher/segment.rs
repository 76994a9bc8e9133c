//! Gradients in pieces.

use super::place::gradsieve_sketcher;
use super::sketching::Numbers;
use crate::boundary::{answer, array};
use crate::memory::state_mut;
use crate::status::{gradsieve_error, gradsieve_status};

/// Takes in the coordinates offset … offset + length − 1 of a gradient, in any order of
/// segments. The first segment after gradsieve_sketcher_finish begins the next gradient.
///
/// Refuses GRADSIEVE_STATUS_OUTSIDE_LAYOUT; nothing was taken in then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_segment_f32(
    sketcher: *mut gradsieve_sketcher,
    offset: u64,
    x: *const f32,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || Ok(state_mut!(sketcher).segment(offset, Numbers::F32([array!(x, length)]))?))
}

/// As gradsieve_sketcher_segment_f32, of IEEE half-precision numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_segment_f16(
    sketcher: *mut gradsieve_sketcher,
    offset: u64,
    x: *const u16,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || Ok(state_mut!(sketcher).segment(offset, Numbers::f16([array!(x, length)]))?))
}

/// As gradsieve_sketcher_segment_f32, of bfloat16 numbers by their bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sketcher_segment_bf16(
    sketcher: *mut gradsieve_sketcher,
    offset: u64,
    x: *const u16,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || Ok(state_mut!(sketcher).segment(offset, Numbers::bf16([array!(x, length)]))?))
}
