//! The detector direction: how far a sketch points away from the others of its group.

use crate::boundary::{answer, given, wanted};
use crate::bytes;
use crate::memory::{self, Handle, Kind, Room, check_two, state, state_mut};
use crate::sketch::gradsieve_sketch;
use crate::status::{gradsieve_error, gradsieve_status};
use core::ffi::c_void;
use gradsieve::{Detector, Direction, DirectionSettings, State};

/// What the detector keeps apart, and what it forgets. Begin with
/// gradsieve_direction_settings_default.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_direction_settings {
    /// K: numbers a sketch.
    pub width: usize,
    /// Groups (classes, sensors, clients): from 0 to below this.
    pub groups: u32,
    /// Samples after which what was learnt counts half; 0: it counts for ever. Default:
    /// 0.
    pub half_life: u32,
    /// What one gradient adds at most, in medians of their norms; 0: no limit. Default:
    /// 8.
    pub clip: f32,
}

impl gradsieve_direction_settings {
    fn core(&self) -> DirectionSettings {
        DirectionSettings {
            groups: self.groups,
            width: self.width,
            // 0 alone is no limit: what is below it, or NaN, is refused.
            clip: (self.clip != 0.0).then_some(self.clip),
            half_life: (self.half_life > 0).then_some(self.half_life),
        }
    }
}

/// Scores how far a sketch points away from those of its group that were observed. It
/// lives in memory of gradsieve_direction_size bytes. It decides nothing: for decisions
/// in a stream there is the sieve.
pub struct gradsieve_direction {
    _private: [u8; 0],
}

/// Bytes of the detector's memory beside its numbers: GRADSIEVE_DIRECTION_SIZE.
pub const GRADSIEVE_DIRECTION_FIXED: usize = 1232;

impl Handle for gradsieve_direction {
    type State = Direction<&'static mut [i64]>;
    const KIND: Kind = Kind(3);
    const FIXED: usize = GRADSIEVE_DIRECTION_FIXED;
}

/// Settings for so many groups, and sketches of that width.
#[unsafe(no_mangle)]
pub extern "C" fn gradsieve_direction_settings_default(
    groups: u32,
    width: usize,
) -> gradsieve_direction_settings {
    let DirectionSettings { groups, width, clip, half_life } = DirectionSettings::new(groups, width);
    gradsieve_direction_settings {
        width,
        groups,
        half_life: half_life.unwrap_or(0),
        clip: clip.unwrap_or(0.0),
    }
}

/// Bytes of the detector's memory. At compile time: GRADSIEVE_DIRECTION_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_direction_size(
    settings: *const gradsieve_direction_settings,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let numbers = given!(settings).core().memory().i64s;
        wanted!(bytes).put(memory::bytes::<gradsieve_direction>(numbers.saturating_mul(8)));
        Ok(())
    })
}

/// Initialises a detector that has observed nothing, in memory of the caller, which is
/// the detector's from then on.
///
/// @param memory aligned as uint64_t is; what it holds is of no concern
/// @param size its bytes: at least gradsieve_direction_size
/// @param detector where its address goes: that of the memory
///
/// Refuses memory, and settings out of their range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_direction_init(
    memory: *mut c_void,
    size: usize,
    settings: *const gradsieve_direction_settings,
    detector: *mut *mut gradsieve_direction,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (settings, detector) = (given!(settings).core(), wanted!(detector));
        let numbers = settings.memory().i64s;
        let mut room = Room::<gradsieve_direction>::new(memory, size, numbers.saturating_mul(8))?;
        let state = Direction::new(settings, room.array(numbers, 0)?)?;
        detector.put(room.put(state));
        Ok(())
    })
}

/// Learns a sketch. There is nothing to fit afterwards.
///
/// Refuses a sketch of another width (GRADSIEVE_STATUS_LENGTH), of another projection or
/// layout (_MISMATCH), of no group (_GROUP), or that is not finite (_NON_FINITE).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_direction_observe(
    detector: *mut gradsieve_direction,
    sketch: *const gradsieve_sketch,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || Ok(state_mut!(detector).observe(&given!(sketch).core()?)?))
}

/// The score of a sketch: larger is more anomalous.
///
/// Refuses as gradsieve_direction_observe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_direction_score(
    detector: *const gradsieve_direction,
    sketch: *const gradsieve_sketch,
    score: *mut f64,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (sketch, score) = (given!(sketch).core()?, wanted!(score));
        score.put(state!(detector).score(&sketch, &mut [])?);
        Ok(())
    })
}

/// How many sketches were observed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_direction_count(
    detector: *const gradsieve_direction,
    count: *mut u64,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(count).put(state!(detector).count());
        Ok(())
    })
}

/// Forgets everything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_direction_reset(
    detector: *mut gradsieve_direction,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        state_mut!(detector).reset();
        Ok(())
    })
}

/// Takes in all that another detector of the same settings has learnt; the other stays as
/// it is. The bits are the same in any order of merging.
///
/// Refuses other settings, sketches or clocks, and a detector with itself
/// (GRADSIEVE_STATUS_OVERLAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_direction_merge(
    detector: *mut gradsieve_direction,
    other: *const gradsieve_direction,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        check_two(detector, other)?;
        Ok(state_mut!(detector).merge(state!(other))?)
    })
}

/// Bytes that gradsieve_direction_to_bytes writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_direction_at_rest(
    detector: *const gradsieve_direction,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(bytes).put(state!(detector).len_at_rest());
        Ok(())
    })
}

/// Writes the detector as bytes, which any machine reads.
///
/// @param written how many it wrote
///
/// Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
/// then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_direction_to_bytes(
    detector: *const gradsieve_direction,
    bytes: *mut u8,
    length: usize,
    written: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::write((detector, state!(detector)), (bytes, length), wanted!(written)))
}

/// Replaces what the detector has learnt by what is in the bytes, which must be of the
/// same settings. It is as it was if they are refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_direction_restore(
    detector: *mut gradsieve_direction,
    bytes: *const u8,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::restore((detector, state_mut!(detector)), (bytes, length)))
}
