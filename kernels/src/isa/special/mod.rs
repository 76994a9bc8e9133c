//! Whole-kernel overrides: what one instruction set does better than by the operations.
//!
//! | file | what | where |
//! |---|---|---|
//! | `avx2.rs` | products of bytes, counts of bits | AVX2 |
//! | `avx512.rs` | the same by VNNI and VPOPCNTDQ | AVX-512, where the machine has them |
//! | `ones.rs` | sums over a row's ones by VBMI's tables | likewise |
//! | `arm.rs` | a search for a new maximum, a square root | 32-bit Arm with hardware floats, scalar |
//!
//! Those of NEON and of 128-bit WebAssembly are short, and stand with their operations.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) mod ones;
#[cfg(target_arch = "x86_64")]
pub(crate) mod prefetch;

/// Bytes whose bits can be counted into one byte: eight each.
pub(crate) const BYTES_OF_BITS: usize = 31;

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
mod arm;
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
pub(crate) use arm::{any_doubled_above, root};

/// Whether any of four numbers, doubled, is above `limit`.
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf")))]
#[inline(always)]
pub(crate) fn any_doubled_above(x: [u32; 4], limit: u32) -> bool {
    x.iter().any(|x| x << 1 > limit)
}

/// √x.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn root(x: f32) -> f32 {
    use core::arch::x86_64::{_mm_cvtss_f32, _mm_set_ss, _mm_sqrt_ss};
    // SAFETY: these are SSE's, which every processor of 64 bits has.
    unsafe { _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))) }
}

/// √x.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "arm", target_abi = "eabihf"))))]
#[inline(always)]
pub(crate) fn root(x: f32) -> f32 {
    libm::sqrtf(x)
}
