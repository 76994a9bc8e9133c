//! [`crate::axpy()`] in vectors.

use crate::element::Element;
use crate::simd::Simd;

/// y ← y + α·x.
#[inline(always)]
pub(crate) fn axpy<S: Simd, T: Element>(s: S, alpha: f32, x: &[T], y: &mut [f32]) {
    let lanes = s.splat(alpha);
    let (x, x_rest) = x.as_chunks::<16>();
    let (y, y_rest) = y.as_chunks_mut::<16>();
    for (x, y) in x.iter().zip(y) {
        s.store(s.add(s.load(y), s.mul(lanes, T::load(s, x))), y);
    }
    rest(alpha, x_rest, y_rest);
}

/// Fewer than sixteen, in eights, fours and ones: left to itself, the compiler makes
/// longer code of it that is slower.
#[inline(always)]
fn rest<T: Element>(alpha: f32, x: &[T], y: &mut [f32]) {
    let (x_eights, x) = x.as_chunks::<8>();
    let (y_eights, y) = y.as_chunks_mut::<8>();
    let (x_fours, x) = x.as_chunks::<4>();
    let (y_fours, y) = y.as_chunks_mut::<4>();
    if let (Some(x), Some(y)) = (x_eights.first(), y_eights.first_mut()) {
        update(alpha, x, y);
    }
    if let (Some(x), Some(y)) = (x_fours.first(), y_fours.first_mut()) {
        update(alpha, x, y);
    }
    for (x, y) in x.iter().zip(y).take(3) {
        *y += alpha * x.widen();
    }
}

/// So many, whose number the compiler knows.
#[inline(always)]
fn update<T: Element, const N: usize>(alpha: f32, x: &[T; N], y: &mut [f32; N]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x.widen();
    }
}
