//! [`crate::pair()`] on a core without vectors.

use super::{dot, norm};
use crate::element::Element;

/// x·y, |x|², |y|² and the L1 norm of x, one after the other: together they have too many
/// lanes for the registers.
#[inline(always)]
pub(crate) fn pair<T: Element, U: Element>(x: &[T], y: &[U]) -> [f64; 4] {
    [dot::dot(x, y), norm::squared_norm(x), norm::squared_norm(y), norm::l1_norm(x)]
}
