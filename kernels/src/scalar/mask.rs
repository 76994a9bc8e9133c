//! [`mod@crate::mask`] on a core without vectors.

use super::sjlt;
use crate::element::Element;
use crate::projection::mask::Kept;

/// Projects what is kept.
#[inline(always)]
pub(crate) fn project<T: Element, const REPEAT: usize>(mut kept: Kept<'_, T>, scale: f32, out: &mut [f32]) {
    while let Some((offset, x)) = kept.take() {
        sjlt::project::<T, REPEAT, true>(kept.projection.sjlt(), offset, scale, x, out);
    }
}
