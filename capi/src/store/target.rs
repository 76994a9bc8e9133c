//! What rows are scored against.

use crate::boundary::{answer, given, wanted};
use crate::codec::codec;
use crate::memory::{self, Handle, Kind, Room, state_mut};
use crate::sketch::gradsieve_sketch;
use crate::status::{gradsieve_error, gradsieve_status};
use core::ffi::c_void;
use gradsieve::Codec;
use gradsieve::store::{Queries, QueriesSettings};

/// What the rows of stores are scored against: the sketch of a validation sample, or of
/// the mean of some, packed once for a codec. It lives in memory of gradsieve_target_size
/// bytes.
pub struct gradsieve_target {
    _private: [u8; 0],
}

/// Bytes of a target's memory beside its numbers: GRADSIEVE_TARGET_SIZE.
pub const GRADSIEVE_TARGET_FIXED: usize = 136;

impl Handle for gradsieve_target {
    type State = Queries<&'static mut [f32]>;
    const KIND: Kind = Kind(8);
    const FIXED: usize = GRADSIEVE_TARGET_FIXED;
}

const fn settings(codec: Codec, width: usize) -> QueriesSettings {
    QueriesSettings { codec, width, count: 1 }
}

/// Bytes of a target's memory, against rows of that codec and width. At compile time:
/// GRADSIEVE_TARGET_SIZE.
///
/// Refuses a codec that is none (GRADSIEVE_STATUS_SETTING).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_target_size(
    codec: u32,
    width: usize,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let numbers = settings(self::codec(codec)?, width).memory().f32s;
        wanted!(bytes).put(memory::bytes::<gradsieve_target>(numbers.saturating_mul(4)));
        Ok(())
    })
}

/// Initialises a target that is not set yet, in memory of the caller, which is the
/// target's from then on.
///
/// @param memory aligned as uint64_t is; what it holds is of no concern
/// @param size its bytes: at least gradsieve_target_size
/// @param target where its address goes: that of the memory
///
/// Refuses memory, and settings out of their range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_target_init(
    memory: *mut c_void,
    size: usize,
    codec: u32,
    width: usize,
    target: *mut *mut gradsieve_target,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (settings, target) = (settings(self::codec(codec)?, width), wanted!(target));
        let numbers = settings.memory().f32s;
        let mut room = Room::<gradsieve_target>::new(memory, size, numbers.saturating_mul(4))?;
        let state = Queries::new(settings, room.array(numbers, 0.0)?)?;
        target.put(room.put(state));
        Ok(())
    })
}

/// Sets the target, in the place of one before: a sketch, or any K numbers of the same
/// id.
///
/// Refuses another width (GRADSIEVE_STATUS_MISMATCH), and numbers that are not finite
/// (_NON_FINITE); the target is as it was then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_target_set(
    target: *mut gradsieve_target,
    sketch: *const gradsieve_sketch,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let sketch = given!(sketch).core()?;
        Ok(state_mut!(target).pack(sketch.id, sketch.values)?)
    })
}
