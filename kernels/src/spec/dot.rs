//! The dot product Σ xᵢ·yᵢ.

use super::{Format, sum};

/// The canonical sum of the products, each rounded to `f32`.
pub fn dot<T: Format, U: Format>(x: &[T], y: &[U]) -> f64 {
    assert_eq!(x.len(), y.len());
    sum(x.len(), |i| x[i].value() * y[i].value())
}
