//! The one place where a level becomes code.
//!
//! A kernel is a value: its arguments, with its definition and the ways to run it.
//! [`run`] picks one. Each instruction set's `run` is a function with that set's target
//! features, into which the kernel's vector form and the vocabulary's words are inlined;
//! so one generic text becomes one machine code a level. Where the set is the target's
//! baseline, that `run` is a plain function.

use crate::level::{Isa, Level};
use crate::simd::Simd;

/// A kernel's arguments, and what to do with them.
pub(crate) trait Kernel {
    /// What the kernel returns.
    type Output;
    /// The scalar text: the definition of the answer.
    fn define(self) -> Self::Output;
    /// The same answer, bit for bit, as a small machine without vectors likes it: lanes
    /// in registers, nothing wider than 32 bits in a loop. A kernel whose scalar text is
    /// such already leaves it out.
    #[inline(always)]
    fn serial(self) -> Self::Output
    where
        Self: Sized,
    {
        self.define()
    }
    /// The same answer, bit for bit, in vectors. Must be `#[inline(always)]`.
    fn vectorise<S: Simd>(self, s: S) -> Self::Output;
}

/// Runs a kernel on a level.
#[inline]
pub(crate) fn run<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level.0 {
        Isa::Scalar => kernel.serial(),
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

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use crate::hash::word;
    use std::vec::Vec;

    /// Inputs of all lengths that cross a lane or a tile, of moderate numbers and of any
    /// bits.
    pub(crate) fn inputs() -> impl Iterator<Item = Vec<f32>> {
        let lengths = (0..200)
            .chain([1000, 1023, 1024, 1025, 1100, 2048, 2049, 4000, 4095, 4096, 4097, 4160, 8200, 12_289]);
        lengths.flat_map(|n| {
            let any = (0..n).map(move |i| f32::from_bits(word(n, i) as u32));
            let moderate = (0..n).map(move |i| (word(n, i) as i32) as f32 / 7e8);
            [any.collect(), moderate.collect()]
        })
    }

    /// Bits, with every NaN made one.
    pub(crate) fn bits(x: &[f64]) -> Vec<u64> {
        x.iter().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
    }
}
