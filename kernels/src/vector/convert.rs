//! [`crate::convert`] in vectors.

use crate::element::Element;
use crate::scalar::convert::one_by_one;
use crate::simd::Simd;

/// Sixteen at a time.
#[inline(always)]
pub(crate) fn convert<S: Simd, T: Element, U: Element>(s: S, from: &[T], to: &mut [U]) {
    let (from, from_rest) = from.as_chunks::<16>();
    let (to, to_rest) = to.as_chunks_mut::<16>();
    for (from, to) in from.iter().zip(to) {
        U::store(s, T::load(s, from), to);
    }
    one_by_one(from_rest, to_rest);
}
