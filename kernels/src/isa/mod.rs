//! The words of the vocabulary ([`crate::simd`]) for each instruction set, one file each.
//!
//! Here is the project's `unsafe` code. Every word is one or a few intrinsics; a word
//! takes references to arrays, so that the lengths of loads and stores are checked by
//! their types. May import the vocabulary, and no kernel.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
// A big-endian Arm numbers the bytes of a register the other way round; nobody has tested
// that.
#[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
pub(crate) mod neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) mod simd128;

/// Bytes whose bits can be counted into one byte: eight each.
const BYTES_OF_BITS: usize = 31;

/// Up to `N` elements, with zeros behind, where there are no masked loads.
#[inline(always)]
fn padded<T: Copy, const N: usize>(from: &[T], zero: T) -> [T; N] {
    if let Some(full) = from.first_chunk() {
        return *full;
    }
    let mut part = [zero; N];
    for (to, from) in part.iter_mut().zip(from) {
        *to = *from;
    }
    part
}

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
