//! Influence of training samples on a target: by dot products, and during the run.

use crate::boundary::{answer, given, wanted};
use crate::bytes;
use crate::memory::{self, Handle, Kind, Room, check_two, state, state_mut};
use crate::sketch::gradsieve_sketch;
use crate::status::{gradsieve_error, gradsieve_status};
use core::ffi::c_void;
use gradsieve::State;
use gradsieve::influence::{InRunShapley, grad_dot};

/// The influence g·v of a training sample on a target, such as a validation sample, for
/// one step of learning rate 1. Positive is helpful. Summed over checkpoints, each times
/// its learning rate, it is TracIn.
///
/// Refuses sketches of different projections or layouts (GRADSIEVE_STATUS_MISMATCH), and
/// those that are not finite (_NON_FINITE).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_influence_dot(
    train: *const gradsieve_sketch,
    target: *const gradsieve_sketch,
    influence: *mut f64,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let influence = wanted!(influence);
        influence.put(grad_dot(&given!(train).core()?, &given!(target).core()?)?);
        Ok(())
    })
}

/// In-run data Shapley values: what each of n training samples did for a target during
/// the run itself. It lives in memory of gradsieve_shapley_size bytes.
pub struct gradsieve_shapley {
    _private: [u8; 0],
}

/// Bytes of its memory beside its numbers: GRADSIEVE_SHAPLEY_SIZE.
pub const GRADSIEVE_SHAPLEY_FIXED: usize = 64;

impl Handle for gradsieve_shapley {
    type State = InRunShapley<&'static mut [f64]>;
    const KIND: Kind = Kind(4);
    const FIXED: usize = GRADSIEVE_SHAPLEY_FIXED;
}

/// Bytes of the memory for so many samples. At compile time: GRADSIEVE_SHAPLEY_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_shapley_size(
    samples: usize,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(bytes).put(memory::bytes::<gradsieve_shapley>(samples.saturating_mul(8)));
        Ok(())
    })
}

/// Initialises values of 0 for so many samples, in memory of the caller, which is theirs
/// from then on.
///
/// @param memory aligned as uint64_t is; what it holds is of no concern
/// @param size its bytes: at least gradsieve_shapley_size
/// @param shapley where its address goes: that of the memory
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_shapley_init(
    memory: *mut c_void,
    size: usize,
    samples: usize,
    shapley: *mut *mut gradsieve_shapley,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let shapley = wanted!(shapley);
        let mut room = Room::<gradsieve_shapley>::new(memory, size, samples.saturating_mul(8))?;
        let state = InRunShapley::new(room.array(samples, 0.0)?);
        shapley.put(room.put(state));
        Ok(())
    })
}

/// Adds one sample of a training step.
///
/// @param learning_rate of a step θ ← θ − η·Σg; for a mean over a batch of B it is the
///   learning rate divided by B
/// @param target the gradient of the validation loss, at the same parameters
/// @param curvature for second order: the Hessian of the validation loss times the sum of
///   the batch's gradients, sketched like a gradient; NULL for first order
/// @param sample the sample's number, from 0
/// @param train the sample's gradient
///
/// Refuses a number that is too large (GRADSIEVE_STATUS_LENGTH), sketches of different
/// projections or layouts (_MISMATCH), a learning rate that is not finite (_SETTING), and
/// other numbers that are not (_NON_FINITE).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_shapley_observe(
    shapley: *mut gradsieve_shapley,
    learning_rate: f64,
    target: *const gradsieve_sketch,
    curvature: *const gradsieve_sketch,
    sample: usize,
    train: *const gradsieve_sketch,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (target, train) = (given!(target).core()?, given!(train).core()?);
        let curvature = if curvature.is_null() { None } else { Some(given!(curvature).core()?) };
        Ok(state_mut!(shapley).observe(learning_rate, &target, curvature.as_ref(), (sample, &train))?)
    })
}

/// The value of one sample, in units of the loss: positive is helpful.
///
/// Refuses a number that is too large (GRADSIEVE_STATUS_LENGTH).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_shapley_score(
    shapley: *const gradsieve_shapley,
    sample: usize,
    score: *mut f64,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(score).put(state!(shapley).score(sample)?);
        Ok(())
    })
}

/// Sets all values to 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_shapley_reset(
    shapley: *mut gradsieve_shapley,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        state_mut!(shapley).reset();
        Ok(())
    })
}

/// Adds the values of another run or device with the same samples; the other stays as it
/// is.
///
/// Refuses another number of samples (GRADSIEVE_STATUS_LENGTH), and values with
/// themselves (_OVERLAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_shapley_merge(
    shapley: *mut gradsieve_shapley,
    other: *const gradsieve_shapley,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        check_two(shapley, other)?;
        Ok(state_mut!(shapley).merge(state!(other))?)
    })
}

/// Bytes that gradsieve_shapley_to_bytes writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_shapley_at_rest(
    shapley: *const gradsieve_shapley,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(bytes).put(state!(shapley).len_at_rest());
        Ok(())
    })
}

/// Writes the values as bytes, which any machine reads.
///
/// @param written how many it wrote
///
/// Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
/// then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_shapley_to_bytes(
    shapley: *const gradsieve_shapley,
    bytes: *mut u8,
    length: usize,
    written: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::write((shapley, state!(shapley)), (bytes, length), wanted!(written)))
}

/// Replaces the values by those in the bytes, which must be of as many samples. They are
/// as they were if the bytes are refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_shapley_restore(
    shapley: *mut gradsieve_shapley,
    bytes: *const u8,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::restore((shapley, state_mut!(shapley)), (bytes, length)))
}
