//! The rows.

use super::target::gradsieve_target;
use super::top_k::gradsieve_top_k;
use crate::boundary::{answer, array_mut, given, wanted};
use crate::bytes;
use crate::codec::codec;
use crate::memory::{self, Handle, Kind, Room, check_apart, check_two, state, state_mut};
use crate::sketch::gradsieve_sketch;
use crate::status::{Refusal, gradsieve_error, gradsieve_status};
use core::ffi::c_void;
use core::slice::from_mut;
use gradsieve::State;
use gradsieve::store::{Row, Store, StoreSettings};

/// How many rows there is room for, and how they are stored.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct gradsieve_store_settings {
    /// K: numbers a row.
    pub width: usize,
    /// Rows that there is room for. Memory is taken by sixteen.
    pub rows: usize,
    /// How the numbers are stored: one of GRADSIEVE_CODEC_….
    pub codec: u32,
}

impl gradsieve_store_settings {
    fn core(&self) -> Result<StoreSettings, Refusal> {
        Ok(StoreSettings { codec: codec(self.codec)?, width: self.width, rows: self.rows })
    }
}

/// Rows of sketches of one kind, each with its sample's id, its group and the exact
/// measures of its gradient. It lives in memory of gradsieve_store_size bytes.
pub struct gradsieve_store {
    _private: [u8; 0],
}

/// Bytes of a store's memory beside its rows: GRADSIEVE_STORE_SIZE.
pub const GRADSIEVE_STORE_FIXED: usize = 160;

impl Handle for gradsieve_store {
    type State = Store<&'static mut [u64]>;
    const KIND: Kind = Kind(7);
    const FIXED: usize = GRADSIEVE_STORE_FIXED;
}

/// Bytes of a store's memory. At compile time: GRADSIEVE_STORE_SIZE.
///
/// Refuses a codec that is none (GRADSIEVE_STATUS_SETTING).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_size(
    settings: *const gradsieve_store_settings,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let numbers = given!(settings).core()?.memory().others;
        wanted!(bytes).put(memory::bytes::<gradsieve_store>(numbers.saturating_mul(8)));
        Ok(())
    })
}

/// Initialises a store without rows, in memory of the caller, which is the store's from
/// then on.
///
/// @param memory aligned as uint64_t is, and best as a cache line is; what it holds is of
///   no concern
/// @param size its bytes: at least gradsieve_store_size
/// @param store where its address goes: that of the memory
///
/// Refuses memory, and settings out of their range.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_init(
    memory: *mut c_void,
    size: usize,
    settings: *const gradsieve_store_settings,
    store: *mut *mut gradsieve_store,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (settings, store) = (given!(settings).core()?, wanted!(store));
        let numbers = settings.memory().others;
        let mut room = Room::<gradsieve_store>::new(memory, size, numbers.saturating_mul(8))?;
        let state = Store::new(settings, room.array(numbers, 0)?)?;
        store.put(room.put(state));
        Ok(())
    })
}

/// Adds a row: a sample's id, whatever it means to the caller, and its sketch, of which
/// the loss is not kept.
///
/// Refuses a row too many (GRADSIEVE_STATUS_FULL), a sketch of another width (_LENGTH),
/// projection or layout (_MISMATCH), or one that is not finite (_NON_FINITE).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_append(
    store: *mut gradsieve_store,
    id: u64,
    sketch: *const gradsieve_sketch,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || Ok(state_mut!(store).append(id, &given!(sketch).core()?)?))
}

/// Puts a sample in the place of a row: of the oldest of a ring, say.
///
/// Refuses a row that there is not (GRADSIEVE_STATUS_ROW), and sketches as
/// gradsieve_store_append.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_replace(
    store: *mut gradsieve_store,
    row: usize,
    id: u64,
    sketch: *const gradsieve_sketch,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || Ok(state_mut!(store).replace(row, id, &given!(sketch).core()?)?))
}

/// How many rows there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_count(
    store: *const gradsieve_store,
    rows: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(rows).put(state!(store).len());
        Ok(())
    })
}

/// Reads a row back: its numbers as the codec kept them, its measures as they were.
///
/// @param values where the sketch's numbers go, and stay
/// @param width how many there is room for: must be K
///
/// Refuses a row that there is not (GRADSIEVE_STATUS_ROW), and another width (_LENGTH).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_get(
    store: *const gradsieve_store,
    row: usize,
    values: *mut f32,
    width: usize,
    id: *mut u64,
    sketch: *mut gradsieve_sketch,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (state, place, sketch_place) = (state!(store), wanted!(id), wanted!(sketch));
        check_apart(store, values, width)?;
        let Row { id, sketch } = state.get(row, array_mut!(values, width))?;
        place.put(id);
        sketch_place.put(gradsieve_sketch::of(&sketch));
        Ok(())
    })
}

/// The influence ⟨row, target⟩ of each row on a target, row by row.
///
/// @param scores as many as there are rows
///
/// Refuses a target of another codec, projection or layout (GRADSIEVE_STATUS_MISMATCH),
/// and another number of scores (_LENGTH); nothing was written then.
/// GRADSIEVE_STATUS_RANGE if one is beyond float: it is infinite, and the others are
/// written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_score(
    store: *const gradsieve_store,
    target: *const gradsieve_target,
    scores: *mut f32,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        check_apart(store, scores, length)?;
        check_apart(target, scores, length)?;
        Ok(state!(store).score(state!(target), array_mut!(scores, length))?)
    })
}

/// Pushes each row's score to the k largest, some rows at a time, so that not all scores
/// need to be in memory.
///
/// @param scratch scores of some rows: at least 16
/// @param left_out how many scores were left out as they are beyond float; may be NULL
///
/// Refuses as gradsieve_store_score; nothing was pushed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_top(
    store: *const gradsieve_store,
    target: *const gradsieve_target,
    scratch: *mut f32,
    length: usize,
    top_k: *mut gradsieve_top_k,
    left_out: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let place = if left_out.is_null() { None } else { Some(wanted!(left_out)) };
        check_apart(store, scratch, length)?;
        check_apart(target, scratch, length)?;
        check_apart(top_k, scratch, length)?;
        let top = from_mut(state_mut!(top_k));
        let count = state!(store).top(state!(target), array_mut!(scratch, length), top)?;
        if let Some(place) = place {
            place.put(count);
        }
        Ok(())
    })
}

/// Forgets all rows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_reset(
    store: *mut gradsieve_store,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        state_mut!(store).reset();
        Ok(())
    })
}

/// Adds all rows of another store of the same width and codec, bit for bit; the other
/// stays as it is.
///
/// Refuses more rows than there is room for (GRADSIEVE_STATUS_FULL), other sketches,
/// codecs or widths (_MISMATCH), and a store with itself (_OVERLAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_merge(
    store: *mut gradsieve_store,
    other: *const gradsieve_store,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        check_two(store, other)?;
        Ok(state_mut!(store).merge(state!(other))?)
    })
}

/// Bytes that gradsieve_store_to_bytes writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_at_rest(
    store: *const gradsieve_store,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(bytes).put(state!(store).len_at_rest());
        Ok(())
    })
}

/// Writes the rows as bytes, which any machine reads.
///
/// @param written how many it wrote
///
/// Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
/// then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_to_bytes(
    store: *const gradsieve_store,
    bytes: *mut u8,
    length: usize,
    written: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::write((store, state!(store)), (bytes, length), wanted!(written)))
}

/// Replaces the rows by those in the bytes, which must be of the same settings. They stay
/// as they were if the bytes are refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_store_restore(
    store: *mut gradsieve_store,
    bytes: *const u8,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::restore((store, state_mut!(store)), (bytes, length)))
}
