//! The square root of an `f32`, rounded to nearest, as IEEE 754 has it.

/// √x: one instruction where the processor has it, and else `libm`'s, which is rounded
/// the same.
///
/// ```
/// assert_eq!(gradsieve_kernels::root(9.0), 3.0);
/// ```
#[inline]
#[must_use]
pub fn root(x: f32) -> f32 {
    crate::isa::special::root(x)
}
