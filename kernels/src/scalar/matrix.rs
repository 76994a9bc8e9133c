//! [`crate::matrix`] on a core without vectors.

use super::dot::dot;
use crate::element::Element;
use crate::part::{Part, PartMut};

/// A Bᵀ, every entry by a dot product.
#[inline(always)]
pub(crate) fn product<T: Element, U: Element>(a: Part<'_, T>, b: Part<'_, U>, mut out: PartMut<'_>) {
    for i in 0..a.rows() {
        let row = a.row(i);
        for (j, out) in out.row_from(i, 0).iter_mut().enumerate() {
            *out = dot(row, b.row(j)) as f32;
        }
    }
}

/// C + w·x xᵀ, row by row.
#[inline(always)]
pub(crate) fn add_outer(weight: f32, x: &[f32], packed: &mut [f32]) {
    let mut packed = packed.iter_mut();
    for (i, &row) in x.iter().enumerate() {
        let factor = weight * row;
        for (x, entry) in x.iter().take(i + 1).zip(&mut packed) {
            *entry += factor * x;
        }
    }
}

/// M + Uᵀ V, member by member of the batch.
#[inline(always)]
pub(crate) fn add_products<T: Element>(u: Part<'_, f32>, v: Part<'_, T>, mut m: PartMut<'_>) {
    for b in 0..v.rows() {
        for (i, u) in u.row(b).iter().enumerate() {
            for (to, v) in m.row_from(i, 0).iter_mut().zip(v.row(b)) {
                *to += u * v.widen();
            }
        }
    }
}

/// β·y + α·x.
#[inline(always)]
pub(crate) fn scale_add<T: Element>(alpha: f32, x: &[T], beta: f32, y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = beta * *y + alpha * x.widen();
    }
}
