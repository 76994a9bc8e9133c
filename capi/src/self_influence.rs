//! The detector self-influence: how far a sample's own step moves its loss, in units of
//! the others'.

use crate::boundary::{answer, array, array_mut, given, wanted};
use crate::bytes;
use crate::memory::{self, Handle, Kind, Room, check_apart, check_two, state, state_mut};
use crate::sketch::gradsieve_sketch;
use crate::status::{gradsieve_error, gradsieve_status};
use core::ffi::c_void;
use gradsieve::outlier::{SelfInfluence, SelfInfluenceSettings};
use gradsieve::{Detector, State};

/// What the detector measures by, and what it forgets. Begin with
/// gradsieve_self_influence_settings_default.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_self_influence_settings {
    /// K: numbers a sketch.
    pub width: usize,
    /// What is added to the second moment, in its mean eigenvalues: above 0. Default:
    /// 0.1.
    pub damping: f32,
    /// What one gradient adds at most, in medians of their norms; 0: no limit. Default:
    /// 8.
    pub clip: f32,
    /// Samples after which what was observed counts half; 0: it counts for ever.
    /// Default: 0.
    pub half_life: u32,
}

impl gradsieve_self_influence_settings {
    fn of(settings: &SelfInfluenceSettings) -> Self {
        let SelfInfluenceSettings { damping, width, clip, half_life } = *settings;
        Self { width, damping, clip: clip.unwrap_or(0.0), half_life: half_life.unwrap_or(0) }
    }

    fn core(&self) -> SelfInfluenceSettings {
        SelfInfluenceSettings {
            damping: self.damping,
            width: self.width,
            // 0 alone is no limit: what is below it, or NaN, is refused.
            clip: (self.clip != 0.0).then_some(self.clip),
            half_life: (self.half_life > 0).then_some(self.half_life),
        }
    }
}

/// Scores sketches by their self-influence gᵀ(G + λI)⁻¹g on the second moment of those
/// observed. It lives in memory of gradsieve_self_influence_size bytes, which grow with
/// the square of K, and decides nothing: for decisions in a stream there is the sieve.
pub struct gradsieve_self_influence {
    _private: [u8; 0],
}

/// Bytes of the detector's memory beside its numbers: GRADSIEVE_SELF_INFLUENCE_SIZE.
pub const GRADSIEVE_SELF_INFLUENCE_FIXED: usize = 1328;

/// Bytes of the detector at rest beside its numbers: GRADSIEVE_SELF_INFLUENCE_AT_REST.
pub const GRADSIEVE_SELF_INFLUENCE_AT_REST_FIXED: usize = 1200;

const _: () = assert!(
    SelfInfluenceSettings::new(1).memory().bytes_at_rest <= GRADSIEVE_SELF_INFLUENCE_AT_REST_FIXED + 8 * 2,
    "raise GRADSIEVE_SELF_INFLUENCE_AT_REST_FIXED"
);

impl Handle for gradsieve_self_influence {
    type State = SelfInfluence<&'static mut [f64]>;
    const KIND: Kind = Kind(11);
    const FIXED: usize = GRADSIEVE_SELF_INFLUENCE_FIXED;
}

/// Settings for sketches of that width.
#[unsafe(no_mangle)]
pub extern "C" fn gradsieve_self_influence_settings_default(
    width: usize,
) -> gradsieve_self_influence_settings {
    gradsieve_self_influence_settings::of(&SelfInfluenceSettings::new(width))
}

/// Bytes of the detector's memory. At compile time: GRADSIEVE_SELF_INFLUENCE_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_self_influence_size(
    settings: *const gradsieve_self_influence_settings,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let numbers = given!(settings).core().memory().f64s;
        wanted!(bytes).put(memory::bytes::<gradsieve_self_influence>(numbers.saturating_mul(8)));
        Ok(())
    })
}

/// Initialises a detector that has observed nothing, in memory of the caller, which is
/// the detector's from then on.
///
/// @param memory aligned as uint64_t is; what it holds is of no concern
/// @param size its bytes: at least gradsieve_self_influence_size
/// @param detector where its address goes: that of the memory
///
/// Refuses memory, and settings out of their range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_self_influence_init(
    memory: *mut c_void,
    size: usize,
    settings: *const gradsieve_self_influence_settings,
    detector: *mut *mut gradsieve_self_influence,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (settings, detector) = (given!(settings).core(), wanted!(detector));
        let numbers = settings.memory().f64s;
        let mut room = Room::<gradsieve_self_influence>::new(memory, size, numbers.saturating_mul(8))?;
        let state = SelfInfluence::new(settings, room.array(numbers, 0.0)?)?;
        detector.put(room.put(state));
        Ok(())
    })
}

/// Takes a sketch in. Scores change with the next gradsieve_self_influence_fit.
///
/// Refuses a sketch of another width (GRADSIEVE_STATUS_LENGTH), of another projection or
/// layout (_MISMATCH), or that is not finite (_NON_FINITE).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_self_influence_observe(
    detector: *mut gradsieve_self_influence,
    sketch: *const gradsieve_sketch,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || Ok(state_mut!(detector).observe(&given!(sketch).core()?)?))
}

/// Makes ready for scoring what was observed: some K³/3 steps. What is observed later
/// counts from the next call on.
///
/// Refuses without observations (GRADSIEVE_STATUS_TOO_FEW), if all of them were zero or
/// the same (_NOT_POSITIVE_DEFINITE), and a damping so small that scores would be
/// rounding (_ILL_CONDITIONED).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_self_influence_fit(
    detector: *mut gradsieve_self_influence,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || Ok(state_mut!(detector).fit()?))
}

/// The score of a sketch as the detector was fitted: larger is more anomalous.
///
/// @param scratch what the call works in, of the caller, so that several threads can
///   score
/// @param length at least K
///
/// Refuses as gradsieve_self_influence_observe, and before a fit
/// (GRADSIEVE_STATUS_NOT_FITTED).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_self_influence_score(
    detector: *const gradsieve_self_influence,
    sketch: *const gradsieve_sketch,
    scratch: *mut f32,
    length: usize,
    score: *mut f64,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (sketch, score) = (given!(sketch).core()?, wanted!(score));
        check_apart(detector, scratch, length)?;
        score.put(state!(detector).score(&sketch, array_mut!(scratch, length))?);
        Ok(())
    })
}

/// How many sketches were observed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_self_influence_count(
    detector: *const gradsieve_self_influence,
    count: *mut u64,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(count).put(state!(detector).moments().count());
        Ok(())
    })
}

/// Forgets everything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_self_influence_reset(
    detector: *mut gradsieve_self_influence,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        state_mut!(detector).reset();
        Ok(())
    })
}

/// Takes in all that another detector of the same settings has observed; the other stays
/// as it is, and so does what was fitted.
///
/// Refuses other settings, sketches or clocks, and a detector with itself
/// (GRADSIEVE_STATUS_OVERLAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_self_influence_merge(
    detector: *mut gradsieve_self_influence,
    other: *const gradsieve_self_influence,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        check_two(detector, other)?;
        Ok(state_mut!(detector).merge(state!(other))?)
    })
}

/// Bytes that gradsieve_self_influence_to_bytes writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_self_influence_at_rest(
    detector: *const gradsieve_self_influence,
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
pub unsafe extern "C" fn gradsieve_self_influence_to_bytes(
    detector: *const gradsieve_self_influence,
    bytes: *mut u8,
    length: usize,
    written: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::write((detector, state!(detector)), (bytes, length), wanted!(written)))
}

/// Replaces what the detector has observed by what is in the bytes, which must be of the
/// same settings. It is as it was if they are refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_self_influence_restore(
    detector: *mut gradsieve_self_influence,
    bytes: *const u8,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::restore((detector, state_mut!(detector)), (bytes, length)))
}

/// The settings of a detector at rest, so that one can be initialised that restores it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_self_influence_read_settings(
    bytes: *const u8,
    length: usize,
    settings: *mut gradsieve_self_influence_settings,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let read = SelfInfluenceSettings::read(array!(bytes, length))?;
        wanted!(settings).put(gradsieve_self_influence_settings::of(&read));
        Ok(())
    })
}
