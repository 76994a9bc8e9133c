//! Masks of AVX-512.

/// A mask of the first `count` lanes, of all sixteen at most.
#[inline(always)]
pub(crate) fn first(count: usize) -> u16 {
    ((1_u32 << count.min(16)) - 1) as u16
}
