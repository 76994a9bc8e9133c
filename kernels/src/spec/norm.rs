//! Norms of a vector.

use super::sum::or_wide;
use super::{Format, dot, sum};

/// Σ xᵢ²: the dot product of x with itself.
pub fn squared_norm<T: Format>(x: &[T]) -> f64 {
    dot(x, x)
}

/// Σ |xᵢ|: the canonical sum of the magnitudes; if that overflows, their sum in `f64`.
pub fn l1_norm<T: Format>(x: &[T]) -> f64 {
    let narrow = sum(x.len(), |i| x[i].value().abs());
    if narrow.is_finite() {
        return narrow;
    }
    or_wide(narrow, x.len(), |i| f64::from(x[i].value().abs()))
}

/// max |xᵢ| over the entries that are not NaN; 0 without entries.
pub fn max_abs<T: Format>(x: &[T]) -> f32 {
    let mut largest = 0.0;
    for x in x {
        if x.value().abs() > largest {
            largest = x.value().abs();
        }
    }
    largest
}
