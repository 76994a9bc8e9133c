//! The numbers that sums in `f64` take.

use crate::simd::Simd;

/// `f32` or `f64`.
pub trait Real: Copy + Into<f64> {
    #[doc(hidden)]
    #[allow(private_bounds, private_interfaces)]
    fn load_8<S: Simd>(s: S, from: &[Self; 8]) -> S::Eight;
}

impl Real for f32 {
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load_8<S: Simd>(s: S, from: &[Self; 8]) -> S::Eight {
        s.widen_8(from)
    }
}

impl Real for f64 {
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load_8<S: Simd>(s: S, from: &[Self; 8]) -> S::Eight {
        s.load_8(from)
    }
}
