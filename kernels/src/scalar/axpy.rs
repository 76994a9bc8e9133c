//! [`crate::axpy()`] on a core without vectors.

use crate::element::Element;

/// y ← y + α·x.
#[inline(always)]
pub(crate) fn axpy<T: Element>(alpha: f32, x: &[T], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x.widen();
    }
}
