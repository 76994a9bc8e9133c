//! A kernel as a value: its arguments, with the ways to run it.

use crate::simd::Simd;

/// A kernel's arguments, and what to do with them.
pub(crate) trait Kernel {
    /// What the kernel returns.
    type Output;
    /// The answer of [`crate::spec`], bit for bit, as a core without vectors likes it:
    /// lanes in registers, nothing wider than 32 bits in a loop. Must be
    /// `#[inline(always)]`.
    fn scalar(self) -> Self::Output;
    /// The same answer, bit for bit, in vectors. Must be `#[inline(always)]`.
    fn vector<S: Simd>(self, s: S) -> Self::Output;
}
