//! The operations ([`crate::simd`]) of each instruction set, one file each.
//!
//! Here is the project's `unsafe` code. Every operation is one or a few intrinsics, and
//! takes references to arrays, so that the lengths of loads and stores are checked by
//! their types. May import the operations, and no kernel.

/// Calls intrinsics that ask for the instruction set and for nothing else, on the word of
/// a token.
///
/// A token is a value of a type that implements [`crate::simd::Simd`]. Each such type has
/// a private field and is made in one place, its file's `run`, whose caller has found out
/// that the machine has every feature of the set. So whoever holds a token is on such a
/// machine. Intrinsics that take a pointer ask for more, and say why it is there.
#[allow(unused_macros, reason = "intrinsics of WebAssembly that take no pointer are safe")]
macro_rules! by_token {
    ($token:expr, $call:expr) => {{
        crate::simd::is_token($token);
        // SAFETY: the token proves that the machine has the instruction set; nothing else
        // is asked for.
        unsafe { $call }
    }};
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) mod masks;
// A big-endian Arm numbers the bytes of a register the other way round; nobody has tested
// that.
#[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
pub(crate) mod neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) mod simd128;
pub(crate) mod special;

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
