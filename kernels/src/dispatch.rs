//! The one place where a level becomes code.
//!
//! A kernel is a value: its arguments, with two ways to run. [`run`] picks one. Each instruction set's `run` is a
//! function with that set's target features, into which the kernel's vector form and the vocabulary's words
//! are inlined; so one generic text becomes one machine code a level.

use crate::level::{Isa, Level};
use crate::simd::Simd;

/// A kernel's arguments, and what to do with them.
pub(crate) trait Kernel {
    /// What the kernel returns.
    type Output;
    /// The scalar text: the definition of the answer.
    fn define(self) -> Self::Output;
    /// The same answer, bit for bit, in vectors. Must be `#[inline(always)]`.
    fn vectorise<S: Simd>(self, s: S) -> Self::Output;
}

/// Runs a kernel on a level.
#[inline]
pub(crate) fn run<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level.0 {
        Isa::Scalar => kernel.define(),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Level` of AVX2 exists only where the detector found AVX2, FMA, F16C and BMI2.
        Isa::Avx2 => unsafe { crate::isa::avx2::run(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Level` of AVX-512 exists only where the detector found AVX-512 F, BW, DQ and VL, and AVX2's set.
        Isa::Avx512 => unsafe { crate::isa::avx512::run(kernel) },
    }
}
