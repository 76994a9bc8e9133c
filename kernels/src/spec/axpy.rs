//! y ← y + α·x.

use super::Format;

/// Adds to each element of y the product α·x, rounded to `f32` first.
pub fn axpy<T: Format>(alpha: f32, x: &[T], y: &mut [f32]) {
    assert_eq!(x.len(), y.len());
    for i in 0..x.len() {
        y[i] += alpha * x[i].value();
    }
}
