//! The joint measures of two vectors.

use super::{Format, dot, l1_norm, squared_norm};
use crate::pair::Pair;

/// The dot product, both squared norms and the first vector's L1 norm.
pub fn pair<T: Format, U: Format>(x: &[T], y: &[U]) -> Pair {
    Pair { dot: dot(x, y), x_squared: squared_norm(x), y_squared: squared_norm(y), x_l1: l1_norm(x) }
}
