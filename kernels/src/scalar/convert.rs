//! [`crate::convert`] on a core without vectors.

use crate::element::Element;

/// Eight at a time.
#[inline(always)]
pub(crate) fn convert<T: Element, U: Element>(from: &[T], to: &mut [U]) {
    let (from, from_rest) = from.as_chunks::<8>();
    let (to, to_rest) = to.as_chunks_mut::<8>();
    for (from, to) in from.iter().zip(to) {
        *to = T::widen_8(from).map(U::narrow);
    }
    one_by_one(from_rest, to_rest);
}

/// One by one.
#[inline(always)]
pub(crate) fn one_by_one<T: Element, U: Element>(from: &[T], to: &mut [U]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = U::narrow(from.widen());
    }
}
