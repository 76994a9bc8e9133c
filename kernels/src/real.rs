//! The numbers that sums in `f64` take.

/// `f32` or `f64`.
pub trait Real: Copy + Into<f64> {}

impl Real for f32 {}
impl Real for f64 {}
