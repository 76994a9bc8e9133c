//! The one place where a level becomes code.
//!
//! [`run`] picks one of a kernel's forms. Each instruction set's `run` is a function with
//! that set's target features, into which the kernel's vector form and the operations are
//! inlined; so one generic form becomes one machine code a level. Where the set is the
//! target's baseline, that `run` is a plain function.

use crate::kernel::Kernel;
use crate::level::{Isa, Level};

/// Runs a kernel on a level. With debug assertions it is not inlined, so that tests
/// compile the scalar forms once a kernel and not once a caller.
#[cfg_attr(debug_assertions, inline(never))]
#[cfg_attr(not(debug_assertions), inline)]
pub(crate) fn run<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level.0 {
        #[cfg(target_arch = "x86_64")]
        Isa::Scalar => scalar(kernel),
        #[cfg(not(target_arch = "x86_64"))]
        Isa::Scalar => kernel.scalar(),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Level` of AVX2 exists only where the detector found AVX2, FMA, F16C
        // and BMI2.
        Isa::Avx2 => unsafe { crate::isa::avx2::run(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a `Level` of AVX-512 exists only where the detector found AVX-512 F,
        // BW, DQ and VL, and AVX2's set.
        Isa::Avx512 => unsafe { crate::isa::avx512::run(kernel) },
        #[cfg(all(target_arch = "aarch64", target_feature = "neon", target_endian = "little"))]
        Isa::Neon => crate::isa::neon::run(kernel),
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        Isa::Simd128 => crate::isa::simd128::run(kernel),
    }
}

/// The form that hardly any machine of this target takes. Inlined, it would fill the
/// callers' registers, and short sums would pay for saving them.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn scalar<K: Kernel>(kernel: K) -> K::Output {
    kernel.scalar()
}
