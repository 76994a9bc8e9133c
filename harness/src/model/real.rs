//! The numbers that a network computes in.

use core::ops::{AddAssign, Mul};

use super::arithmetic;
use super::loss::{cross_entropy, cross_entropy_in_f64};

/// `f32`, as on a device, or `f64`, as truth is computed in: a loss that changes in its
/// sixth digit when a sample is left out cannot be told from f32's rounding after a few
/// hundred steps.
pub trait Real: Copy + Default + PartialOrd + AddAssign + Mul<Output = Self> {
    /// One.
    const ONE: Self;

    /// Exactly this number.
    fn from_f32(x: f32) -> Self;

    /// The nearest number.
    fn from_f64(x: f64) -> Self;

    /// Exactly this number.
    fn to_f64(self) -> f64;

    /// Σ xᵢyᵢ over the shorter length.
    fn dot(x: &[Self], y: &[Self]) -> Self;

    /// The cross-entropy of `logits` for `label` in nats; `delta` becomes its derivative
    /// p − 1_y. NaN in, NaN out. Lengths agree and the label is below them.
    fn cross_entropy(logits: &[Self], label: usize, delta: &mut [Self]) -> f64;
}

impl Real for f32 {
    const ONE: Self = 1.0;

    fn from_f32(x: f32) -> Self {
        x
    }

    fn from_f64(x: f64) -> Self {
        x as Self
    }

    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    fn dot(x: &[Self], y: &[Self]) -> Self {
        arithmetic::dot::<Self, 16>(x, y)
    }

    fn cross_entropy(logits: &[Self], label: usize, delta: &mut [Self]) -> f64 {
        cross_entropy(logits, label, delta)
    }
}

impl Real for f64 {
    const ONE: Self = 1.0;

    fn from_f32(x: f32) -> Self {
        Self::from(x)
    }

    fn from_f64(x: f64) -> Self {
        x
    }

    fn to_f64(self) -> f64 {
        self
    }

    fn dot(x: &[Self], y: &[Self]) -> Self {
        arithmetic::dot::<Self, 8>(x, y)
    }

    fn cross_entropy(logits: &[Self], label: usize, delta: &mut [Self]) -> f64 {
        cross_entropy_in_f64(logits, label, delta)
    }
}
