//! The words of the vocabulary ([`crate::simd`]) for each instruction set, one file each.
//!
//! Here is the project's `unsafe` code. Every word is one or a few intrinsics; a word takes references to arrays, so
//! that the lengths of loads and stores are checked by their types. May import the vocabulary, and no kernel.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
mod arm;
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
pub(crate) use arm::any_doubled_above;

/// Whether any of four numbers, doubled, is above `limit`.
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf")))]
#[inline(always)]
pub(crate) fn any_doubled_above(x: [u32; 4], limit: u32) -> bool {
    x.iter().any(|x| x << 1 > limit)
}
