//! The k largest of a stream of scores.

use crate::boundary::{answer, array_mut, wanted};
use crate::bytes;
use crate::memory::{self, Handle, Kind, Room, check_apart, check_two, state, state_mut};
use crate::status::{gradsieve_error, gradsieve_status};
use core::ffi::c_void;
use gradsieve::State;
use gradsieve::store::{Entry, TopK, TopKSettings};

/// A score and whose it is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct gradsieve_entry {
    /// The sample.
    pub id: u64,
    /// Its score.
    pub score: f64,
}

const _: () = assert!(size_of::<Entry>() <= size_of::<gradsieve_entry>());

/// The k largest scores of a stream: larger first, lower id first among equals, whatever
/// the order of arrival. (For the smallest, push what is negative.) It lives in memory of
/// gradsieve_top_k_size bytes.
pub struct gradsieve_top_k {
    _private: [u8; 0],
}

/// Bytes of its memory beside its entries: GRADSIEVE_TOP_K_SIZE.
pub const GRADSIEVE_TOP_K_FIXED: usize = 64;

impl Handle for gradsieve_top_k {
    type State = TopK<&'static mut [Entry]>;
    const KIND: Kind = Kind(9);
    const FIXED: usize = GRADSIEVE_TOP_K_FIXED;
}

/// Bytes of the memory for k entries. At compile time: GRADSIEVE_TOP_K_SIZE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_top_k_size(
    k: usize,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(bytes).put(memory::bytes::<gradsieve_top_k>(k.saturating_mul(size_of::<Entry>())));
        Ok(())
    })
}

/// Initialises it without entries, in memory of the caller, which is its own from then
/// on.
///
/// @param memory aligned as uint64_t is; what it holds is of no concern
/// @param size its bytes: at least gradsieve_top_k_size
/// @param top_k where its address goes: that of the memory
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_top_k_init(
    memory: *mut c_void,
    size: usize,
    k: usize,
    top_k: *mut *mut gradsieve_top_k,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let top_k = wanted!(top_k);
        let mut room = Room::<gradsieve_top_k>::new(memory, size, k.saturating_mul(size_of::<Entry>()))?;
        let state = TopK::new(TopKSettings { k }, room.array(k, Entry::default())?)?;
        top_k.put(room.put(state));
        Ok(())
    })
}

/// Takes an entry in, if its score is among the k largest so far. An id that is pushed
/// twice is kept twice.
///
/// Refuses a score that is NaN (GRADSIEVE_STATUS_NON_FINITE); infinite ones have their
/// place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_top_k_push(
    top_k: *mut gradsieve_top_k,
    id: u64,
    score: f64,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        state_mut!(top_k).push(Entry { id, score })?;
        Ok(())
    })
}

/// The entries kept, the largest first. Pushing may go on afterwards.
///
/// @param entries where they go
/// @param length how many there is room for: k is always enough
/// @param count how many there are
///
/// Refuses too little room (GRADSIEVE_STATUS_LENGTH); nothing was written then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_top_k_sorted(
    top_k: *mut gradsieve_top_k,
    entries: *mut gradsieve_entry,
    length: usize,
    count: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        let (state, count) = (state_mut!(top_k), wanted!(count));
        check_apart(top_k, entries, length)?;
        let kept = state.len();
        let length_error = gradsieve::Error::Length { expected: kept, found: length };
        let places = array_mut!(entries, length).get_mut(..kept).ok_or(length_error)?;
        for (place, Entry { id, score }) in places.iter_mut().zip(state.sorted()) {
            *place = gradsieve_entry { id: *id, score: *score };
        }
        count.put(kept);
        Ok(())
    })
}

/// Forgets everything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_top_k_reset(
    top_k: *mut gradsieve_top_k,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        state_mut!(top_k).reset();
        Ok(())
    })
}

/// Takes in all that another keeps, which stays as it is: what is kept then are the k
/// largest of both streams, if the other keeps k or more itself.
///
/// Refuses one with itself (GRADSIEVE_STATUS_OVERLAP).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_top_k_merge(
    top_k: *mut gradsieve_top_k,
    other: *const gradsieve_top_k,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        check_two(top_k, other)?;
        state_mut!(top_k).merge(state!(other));
        Ok(())
    })
}

/// Bytes that gradsieve_top_k_to_bytes writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_top_k_at_rest(
    top_k: *const gradsieve_top_k,
    bytes: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || {
        wanted!(bytes).put(state!(top_k).len_at_rest());
        Ok(())
    })
}

/// Writes the entries as bytes, which any machine reads.
///
/// @param written how many it wrote
///
/// Refuses an array that is too short (GRADSIEVE_STATUS_LENGTH); nothing was written
/// then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_top_k_to_bytes(
    top_k: *const gradsieve_top_k,
    bytes: *mut u8,
    length: usize,
    written: *mut usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::write((top_k, state!(top_k)), (bytes, length), wanted!(written)))
}

/// Replaces the entries by those in the bytes, which must be of the same k. They stay as
/// they were if the bytes are refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gradsieve_top_k_restore(
    top_k: *mut gradsieve_top_k,
    bytes: *const u8,
    length: usize,
    error: *mut gradsieve_error,
) -> gradsieve_status {
    answer(error, || bytes::restore((top_k, state_mut!(top_k)), (bytes, length)))
}
