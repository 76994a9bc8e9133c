//! What comes over the boundary: addresses that C passes.
//!
//! The header asks of callers: an address that is not NULL points to as many values of
//! its type as the call says; nobody writes them while the call reads, and nobody reads
//! or writes what it writes. The rest is checked here: NULL, alignment, and lengths that
//! no memory has. The macros state that argument once for all functions.

use crate::status::{Refusal, gradsieve_error, gradsieve_status};
use core::mem::MaybeUninit;

/// Does a call, and says how it went.
pub(crate) fn answer(
    error: *mut gradsieve_error,
    call: impl FnOnce() -> Result<(), Refusal>,
) -> gradsieve_status {
    match call() {
        Ok(()) => gradsieve_status::Ok,
        Err(refusal) => refused(refusal, error),
    }
}

/// Says why a call was refused: in one place, which no hot loop passes.
#[cold]
#[inline(never)]
fn refused(refusal: Refusal, error: *mut gradsieve_error) -> gradsieve_status {
    let detail = refusal.detail();
    if check(error).is_ok() {
        // SAFETY: neither NULL nor misaligned, and the caller's to be written.
        unsafe { error.write(detail) };
    }
    detail.status
}

/// Refuses NULL and addresses that are no multiple of what `T` needs.
pub(crate) fn check<T>(address: *const T) -> Result<(), Refusal> {
    if address.is_null() {
        Err(Refusal::Null)
    } else if address.is_aligned() {
        Ok(())
    } else {
        Err(Refusal::Misaligned)
    }
}

/// A place that C wants a value written to.
pub(crate) struct Out<'a, T>(&'a mut MaybeUninit<T>);

impl<'a, T> Out<'a, T> {
    pub(crate) const fn new(place: &'a mut MaybeUninit<T>) -> Self {
        Self(place)
    }

    pub(crate) fn put(self, value: T) {
        self.0.write(value);
    }
}

/// Refuses an array that no memory holds. Whether it has an address at all: an empty one
/// needs none.
pub(crate) fn check_array<T>(first: *const T, length: usize) -> Result<bool, Refusal> {
    if length == 0 {
        return Ok(false);
    }
    check(first)?;
    let most = isize::MAX as usize / size_of::<T>().max(1);
    let error = gradsieve::Error::Length { expected: most, found: length };
    if length > most { Err(error.into()) } else { Ok(true) }
}

/// A value that C passes by its address: a struct of numbers, which any bytes are.
macro_rules! given {
    ($address:ident) => {{
        $crate::boundary::check($address)?;
        // SAFETY: neither NULL nor misaligned; the caller says that it is such a value.
        unsafe { &*$address }
    }};
}

/// The place for a value that C asks for.
macro_rules! wanted {
    ($address:ident) => {{
        $crate::boundary::check($address)?;
        // SAFETY: neither NULL nor misaligned, and the caller's to be written. What is
        // there is not read.
        $crate::boundary::Out::new(unsafe { &mut *$address.cast::<core::mem::MaybeUninit<_>>() })
    }};
}

/// An array of numbers that C passes.
macro_rules! array {
    ($first:ident, $length:expr) => {{
        if $crate::boundary::check_array($first, $length)? {
            // SAFETY: neither NULL, misaligned nor longer than memory is; the caller says
            // that so many values are there.
            unsafe { core::slice::from_raw_parts($first, $length) }
        } else {
            &[]
        }
    }};
}

/// An array of numbers that C wants written. It must have been written before: the caller
/// says so.
macro_rules! array_mut {
    ($first:ident, $length:expr) => {{
        if $crate::boundary::check_array($first, $length)? {
            // SAFETY: as for `array`, and nobody else reads or writes it.
            unsafe { core::slice::from_raw_parts_mut($first, $length) }
        } else {
            &mut []
        }
    }};
}

pub(crate) use {array, array_mut, given, wanted};
