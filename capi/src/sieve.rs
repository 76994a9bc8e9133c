//! The sieve: the decision in the stream.

use crate::boundary::{answer, array, given, wanted};
use crate::bytes;
use crate::memory::{self, Handle, Kind, Room, check_two, state, state_mut};
use crate::sketch::gradsieve_sketch;
use crate::status::{Refusal, gradsieve_error, gradsieve_status};
use core::ffi::{c_char, c_void};
use gradsieve::sieve::Health;
use gradsieve::{Alarm, Groups, Guards, LossKind, Rate, Reasons, Sieve, SieveSettings, State, Verdict};

/// What a sieve keeps apart, at which rate it flags, and what it forgets. Begin with
/// gradsieve_sieve_settings_default.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_sieve_settings {
    /// K: numbers a sketch.
    pub width: usize,
    /// Groups (classes, sensors, clients): from 0 to below this. Default: 1.
    pub groups: u32,
    /// Samples after which what was learnt counts half; 0: it counts for ever. Default:
    /// 0.
    pub half_life: u32,
    /// The share of ordinary samples that is flagged, or of false ones among those
    /// flagged: above 0 and below 1. Default: 0.01.
    pub rate: f32,
    /// How surely a change of the stream is one before it is told: above 0 and below 1.
    /// Default: 0.01.
    pub change: f32,
    /// Samples among which near duplicates are looked for; 0: none. 8 bytes each.
    /// Default: 64.
    pub duplicates: u32,
    /// Samples before any is flagged: at least 16. Default: 64.
    pub warm_up: u32,
    /// Whether groups have any ids, and groups is only how many there may be: 0 or 1.
    /// Default: 0.
    pub groups_grow: u8,
    /// Whether rate is that of false discoveries, and not of false alarms: 0 or 1.
    /// Default: 0.
    pub rate_of_discoveries: u8,
    /// Whether the loss is a squared error, and not a cross-entropy: 0 or 1. Default: 0.
    pub loss_is_squared: u8,
    /// Whether gradients of zero are looked for: 0 or 1. Default: 1.
    pub guard_zero: u8,
    /// Whether gradients are looked for that are too short: 0 or 1. Default: 1.
    pub guard_short: u8,
    /// Whether flagged samples are learnt all the same: 0 or 1. Default: 0.
    pub learn_flagged: u8,
}

impl gradsieve_sieve_settings {
    fn of(settings: &SieveSettings) -> Self {
        let SieveSettings { width, groups, loss, rate, change, half_life, guards, learn_flagged, warm_up } =
            *settings;
        let (grow, groups) = match groups {
            Groups::Fixed(groups) => (false, groups),
            Groups::Growing(groups) => (true, groups),
        };
        let (of_discoveries, rate) = match rate {
            Rate::FalseAlarms(rate) => (false, rate),
            Rate::FalseDiscoveries(rate) => (true, rate),
        };
        Self {
            width,
            groups,
            half_life: half_life.unwrap_or(0),
            rate,
            change,
            duplicates: guards.duplicates,
            warm_up,
            groups_grow: grow.into(),
            rate_of_discoveries: of_discoveries.into(),
            loss_is_squared: u8::from(loss == LossKind::Squared),
            guard_zero: guards.zero.into(),
            guard_short: guards.short.into(),
            learn_flagged: learn_flagged.into(),
        }
    }

    fn core(&self) -> SieveSettings {
        SieveSettings {
            width: self.width,
            groups: if self.groups_grow == 0 {
                Groups::Fixed(self.groups)
            } else {
                Groups::Growing(self.groups)
            },
            loss: if self.loss_is_squared == 0 { LossKind::CrossEntropy } else { LossKind::Squared },
            rate: if self.rate_of_discoveries == 0 {
                Rate::FalseAlarms(self.rate)
            } else {
                Rate::FalseDiscoveries(self.rate)
            },
            change: self.change,
            half_life: (self.half_life > 0).then_some(self.half_life),
            guards: Guards {
                zero: self.guard_zero != 0,
                short: self.guard_short != 0,
                duplicates: self.duplicates,
            },
            learn_flagged: self.learn_flagged != 0,
            warm_up: self.warm_up,
        }
    }
}

/// The gradient's length does not suit the loss, or the others' lengths.
pub const GRADSIEVE_REASON_LENGTH: u16 = 1;
/// The gradient points away from the others of its group.
pub const GRADSIEVE_REASON_DIRECTION: u16 = 2;
/// The loss is large.
pub const GRADSIEVE_REASON_LOSS: u16 = 4;
/// The gradient lies on unusually few or many coordinates.
pub const GRADSIEVE_REASON_SHAPE: u16 = 8;
/// The gradient is too short.
pub const GRADSIEVE_REASON_SHORT: u16 = 16;
/// The gradient is zero.
pub const GRADSIEVE_REASON_ZERO: u16 = 32;
/// One of the last samples had nearly the same gradient.
pub const GRADSIEVE_REASON_DUPLICATE: u16 = 64;
/// There is no room for the sample's group.
pub const GRADSIEVE_REASON_GROUP: u16 = 128;
/// The gradient, the sketch or the loss has NaN or infinite numbers.
pub const GRADSIEVE_REASON_NON_FINITE: u16 = 256;

const _: () = assert!(
    GRADSIEVE_REASON_LENGTH == Reasons::LENGTH.bits()
        && GRADSIEVE_REASON_DIRECTION == Reasons::DIRECTION.bits()
        && GRADSIEVE_REASON_LOSS == Reasons::LOSS.bits()
        && GRADSIEVE_REASON_SHAPE == Reasons::SHAPE.bits()
        && GRADSIEVE_REASON_SHORT == Reasons::SHORT.bits()
        && GRADSIEVE_REASON_ZERO == Reasons::ZERO.bits()
        && GRADSIEVE_REASON_DUPLICATE == Reasons::DUPLICATE.bits()
        && GRADSIEVE_REASON_GROUP == Reasons::GROUP.bits()
        && GRADSIEVE_REASON_NON_FINITE == Reasons::NON_FINITE.bits()
);

/// Words of a verdict that are the library's own.
pub const GRADSIEVE_VERDICT_WORDS: usize = 14;

const _: () = assert!(GRADSIEVE_VERDICT_WORDS == Verdict::WORDS, "raise GRADSIEVE_VERDICT_WORDS");

/// What a sieve says of a sample. It can be copied, and cross a queue.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_verdict {
    /// Of a clean stream about a share α has p ≤ α: a rank, from 0 to 1.
    pub p: f32,
    /// The score: larger is more anomalous.
    pub score: f32,
    /// What gradsieve_sieve_observe wants to know of the sample.
    pub words: [u32; GRADSIEVE_VERDICT_WORDS],
    /// What stands out, flagged or not: a sum of GRADSIEVE_REASON_….
    pub reasons: u16,
    /// Whether the sample is to be left out: 0 or 1. A caller who knows better may change
    /// it before the sample is observed.
    pub flagged: u8,
}

impl gradsieve_verdict {
    fn of(verdict: &Verdict) -> Self {
        let Verdict { p, score, flagged, reasons, .. } = *verdict;
        Self { p, score, words: verdict.to_words(), reasons: reasons.bits(), flagged: flagged.into() }
    }

    fn core(&self) -> Result<Verdict, Refusal> {
        let mut verdict = Verdict::from_words(&self.words)?;
        (verdict.p, verdict.score) = (self.p, self.score);
        (verdict.flagged, verdict.reasons) = (self.flagged != 0, Reasons::from_bits(self.reasons));
        Ok(verdict)
    }
}

/// What a stream may raise while it is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum gradsieve_alarm {
    /// None.
    None = 0,
    /// The stream is no longer what it was.
    Change = 1,
    /// So many were flagged that the sieve learns them again.
    Flood = 2,
    /// One that this version of the header has no number for.
    Other = 3,
}

/// Whether a sieve can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum gradsieve_health {
    /// As it should be.
    Ready = 0,
    /// Too few samples to flag any.
    WarmingUp = 1,
    /// What was learnt has been forgotten.
    Stale = 2,
    /// Counts have come to their end.
    Saturated = 3,
    /// One that this version of the header has no number for.
    Other = 4,
}

/// How many samples a sieve has observed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_sieve_counts {
    /// Samples.
    pub seen: u64,
    /// Of them, flagged.
    pub flagged: u64,
    /// Of them, not finite.
    pub non_finite: u64,
}

/// Judges a stream of sketches: is this sample, by what came before it, to be left out?
/// It lives in memory of gradsieve_sieve_size bytes.
///
/// Functions that take it as const may be called by several threads at a time; the others
/// by one while no other uses it.
pub struct gradsieve_sieve {
    _private: [u8; 0],
}

/// Bytes of a sieve's memory beside its numbers: GRADSIEVE_SIEVE_SIZE.
pub const GRADSIEVE_SIEVE_FIXED: usize = 2112;
/// Bytes of a sieve at rest beside its numbers: GRADSIEVE_SIEVE_AT_REST.
pub const GRADSIEVE_SIEVE_AT_REST_FIXED: usize = 1832;

const _: () = assert!(
    SieveSettings::new(0).memory().bytes_at_rest <= GRADSIEVE_SIEVE_AT_REST_FIXED + 8 * 64,
    "raise GRADSIEVE_SIEVE_AT_REST_FIXED"
);

impl Handle for gradsieve_sieve {
    type State = Sieve<&'static mut [i64]>;
    const KIND: Kind = Kind(2);
    const FIXED: usize = GRADSIEVE_SIEVE_FIXED;
}

/// Settings for sketches of that width: one group, cross-entropy, false alarms of 0.01,
/// all guards, and nothing is forgotten.
#[unsafe(no_mangle)]
pub extern "C" fn gradsieve_sieve_settings_default(width: usize) -> gradsieve_sieve_settings {
    gradsieve_sieve_settings::of(&SieveSettings::new(width))
}

/// Bytes of a sieve's memory. At compile time: GRADSIEVE_SIEVE_SIZE, or
/// GRADSIEVE_SIEVE_GROWING_SIZE. Whether the settings are in order shows when a sieve is
/// initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_size(
    settings: *const gradsieve_sieve_settings,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let numbers = given!(settings).core().memory().i64s;
        wanted!(bytes).put(memory::bytes::<gradsieve_sieve>(numbers.saturating_mul(8)));
        Ok(())
    })
}

/// Initialises a sieve that has observed nothing, in memory of the caller, which is the
/// sieve's from then on.
///
/// @param memory aligned as uint64_t is; what it holds is of no concern
/// @param size its bytes: at least gradsieve_sieve_size
/// @param sieve where its address goes: that of the memory
///
/// Refuses memory, and settings out of their range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_init(
    memory: *mut c_void,
    size: usize,
    settings: *const gradsieve_sieve_settings,
    sieve: *mut *mut gradsieve_sieve,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (settings, sieve) = (given!(settings).core(), wanted!(sieve));
        let numbers = settings.memory().i64s;
        let mut room = Room::<gradsieve_sieve>::new(memory, size, numbers.saturating_mul(8))?;
        let state = Sieve::new(settings, room.array(numbers, 0)?)?;
        sieve.put(room.put(state));
        Ok(())
    })
}

/// What is to be left out, by what came before. The sieve stays as it is, so that several
/// samples, as of a batch, can be judged before they are observed.
///
/// Refuses a sketch of another width (GRADSIEVE_STATUS_LENGTH), of another projection or
/// layout than those observed (_MISMATCH), or of no group (_GROUP). One that is not
/// finite is flagged, and no refusal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_judge(
    sieve: *const gradsieve_sieve,
    sketch: *const gradsieve_sketch,
    verdict: *mut gradsieve_verdict,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (sketch, verdict) = (given!(sketch).core()?, wanted!(verdict));
        verdict.put(gradsieve_verdict::of(&state!(sieve).judge(&sketch)?));
        Ok(())
    })
}

/// Takes in a sample that was judged, flagged or not, with the verdict on it.
///
/// @param alarm whether the stream itself stands out; may be NULL
///
/// Refuses as gradsieve_sieve_judge; GRADSIEVE_STATUS_CORRUPT of a verdict that is not
/// one of this library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_observe(
    sieve: *mut gradsieve_sieve,
    sketch: *const gradsieve_sketch,
    verdict: *const gradsieve_verdict,
    alarm: *mut gradsieve_alarm,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (sketch, verdict) = (given!(sketch).core()?, given!(verdict).core()?);
        // Before the sieve is changed.
        let place = if alarm.is_null() { None } else { Some(wanted!(alarm)) };
        let raised = state_mut!(sieve).observe(&sketch, &verdict)?;
        if let Some(place) = place {
            place.put(match raised {
                None => gradsieve_alarm::None,
                Some(Alarm::Change) => gradsieve_alarm::Change,
                Some(Alarm::Flood) => gradsieve_alarm::Flood,
                Some(_) => gradsieve_alarm::Other,
            });
        }
        Ok(())
    })
}

/// How many samples were observed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_count(
    sieve: *const gradsieve_sieve,
    counts: *mut gradsieve_sieve_counts,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let sieve = state!(sieve);
        wanted!(counts).put(gradsieve_sieve_counts {
            seen: sieve.count(),
            flagged: sieve.flagged(),
            non_finite: sieve.non_finite(),
        });
        Ok(())
    })
}

/// Whether the sieve can be relied on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_check_health(
    sieve: *const gradsieve_sieve,
    health: *mut gradsieve_health,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let found = match state!(sieve).health() {
            Health::Ready => gradsieve_health::Ready,
            Health::WarmingUp => gradsieve_health::WarmingUp,
            Health::Stale => gradsieve_health::Stale,
            Health::Saturated => gradsieve_health::Saturated,
            _ => gradsieve_health::Other,
        };
        wanted!(health).put(found);
        Ok(())
    })
}

/// Moves the clock on, as for samples that other devices saw: what was learnt counts less
/// then, and states whose clocks agree can be merged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_advance(
    sieve: *mut gradsieve_sieve,
    samples: u64,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        state_mut!(sieve).advance(samples);
        Ok(())
    })
}

/// Forgets everything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_reset(
    sieve: *mut gradsieve_sieve,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        state_mut!(sieve).reset();
        Ok(())
    })
}

/// Takes in all that another sieve of the same settings has learnt; the other stays as it
/// is. States that forget nothing merge to the same bits in any order.
///
/// Refuses other settings (GRADSIEVE_STATUS_SETTING), other sketches or clocks
/// (_MISMATCH), growing groups without room for both (_FULL), and a sieve with itself
/// (_OVERLAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_merge(
    sieve: *mut gradsieve_sieve,
    other: *const gradsieve_sieve,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        check_two(sieve, other)?;
        Ok(state_mut!(sieve).merge(state!(other))?)
    })
}

/// Bytes that gradsieve_sieve_to_bytes writes. At compile time, and at most:
/// GRADSIEVE_SIEVE_AT_REST.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_at_rest(
    sieve: *const gradsieve_sieve,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(bytes).put(state!(sieve).len_at_rest());
        Ok(())
    })
}

/// Writes the sieve as bytes, which any machine reads.
///
/// @param written how many it wrote
///
/// Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
/// then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_to_bytes(
    sieve: *const gradsieve_sieve,
    bytes: *mut u8,
    length: usize,
    written: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::write((sieve, state!(sieve)), (bytes, length), wanted!(written)))
}

/// Replaces what the sieve has learnt by what is in the bytes, which must be of the same
/// settings.
///
/// Refuses bytes that are no sieve's, altered, cut, or of other settings or sketches. The
/// sieve is as it was then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_restore(
    sieve: *mut gradsieve_sieve,
    bytes: *const u8,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::restore((sieve, state_mut!(sieve)), (bytes, length)))
}

/// The settings of a sieve at rest, so that one can be initialised which restores it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_sieve_read_settings(
    bytes: *const u8,
    length: usize,
    settings: *mut gradsieve_sieve_settings,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let read = SieveSettings::read(array!(bytes, length))?;
        wanted!(settings).put(gradsieve_sieve_settings::of(&read));
        Ok(())
    })
}

/// The name of a reason: one word of English, ended by a zero, which is static. For a sum
/// of several it is that of the first; for 0 it is empty.
#[unsafe(no_mangle)]
pub extern "C" fn gradsieve_reason_name(reasons: u16) -> *const c_char {
    let name = match reasons & reasons.wrapping_neg() {
        GRADSIEVE_REASON_LENGTH => c"length",
        GRADSIEVE_REASON_DIRECTION => c"direction",
        GRADSIEVE_REASON_LOSS => c"loss",
        GRADSIEVE_REASON_SHAPE => c"shape",
        GRADSIEVE_REASON_SHORT => c"short",
        GRADSIEVE_REASON_ZERO => c"zero",
        GRADSIEVE_REASON_DUPLICATE => c"duplicate",
        GRADSIEVE_REASON_GROUP => c"group",
        GRADSIEVE_REASON_NON_FINITE => c"non-finite",
        _ => c"",
    };
    name.as_ptr()
}
