//! Norms of a vector.

use super::{Format, sum};

/// Σ xᵢ²: the canonical sum of the squares, each rounded to `f32`.
pub fn squared_norm<T: Format>(x: &[T]) -> f64 {
    sum(x.len(), |i| x[i].value() * x[i].value())
}

/// Σ |xᵢ|: the canonical sum of the magnitudes.
pub fn l1_norm<T: Format>(x: &[T]) -> f64 {
    sum(x.len(), |i| x[i].value().abs())
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
