//! The dot product Σ xᵢ·yᵢ.

use super::sum::or_wide;
use super::{Format, sum};

/// The canonical sum of the products, each rounded to `f32`; if that leaves the range of
/// `f32`, the sum of the exact products in `f64`.
pub fn dot<T: Format, U: Format>(x: &[T], y: &[U]) -> f64 {
    assert_eq!(x.len(), y.len());
    let narrow = sum(x.len(), |i| x[i].value() * y[i].value());
    or_wide(narrow, x.len(), |i| f64::from(x[i].value()) * f64::from(y[i].value()))
}
