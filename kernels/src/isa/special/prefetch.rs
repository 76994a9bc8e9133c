//! Asking for memory ahead, into the second cache: a core waits for more lines there than
//! in the first, and a Zen 4 reads up to twice as much then.

use core::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};

/// Asks for every cache line of the `T` that lies `ahead` bytes after `from`.
#[inline(always)]
pub(crate) fn prefetch<T>(from: &T, ahead: usize) {
    let start = core::ptr::from_ref(from).cast::<i8>();
    let mut line = 0;
    while line < size_of::<T>() {
        // SAFETY: a prefetch reads nothing that the program can see and never faults,
        // whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(start.wrapping_add(ahead + line)) };
        line += 64;
    }
}
