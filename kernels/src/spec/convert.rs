//! Conversions between the formats and `f32`.

use super::Format;

/// The same values in `f32`.
pub fn widen<T: Format>(from: &[T], to: &mut [f32]) {
    assert_eq!(from.len(), to.len());
    for i in 0..from.len() {
        to[i] = from[i].value();
    }
}

/// The nearest values of another format.
pub fn narrow<T: Format>(from: &[f32], to: &mut [T]) {
    assert_eq!(from.len(), to.len());
    for i in 0..from.len() {
        to[i] = T::nearest(from[i]);
    }
}
