//! Small dense matrices, row by row. `columns` says how long a row is.

use super::{Format, dot};

/// A x: the dot product of each row of A with x, rounded to `f32`.
pub fn matvec<T: Format, U: Format>(a: &[T], x: &[U], out: &mut [f32]) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = dot(row(a, i, x.len()), x) as f32;
    }
}

/// A Bᵀ: the dot product of each row of A with each row of B, rounded to `f32`. Rows
/// without entries cannot be counted: then every entry of the product is 0.
pub fn product<T: Format, U: Format>(columns: usize, a: &[T], b: &[U], out: &mut [f32]) {
    if columns == 0 {
        return out.fill(0.0);
    }
    let others = b.len() / columns;
    for (at, out) in out.iter_mut().enumerate() {
        *out = dot(row(a, at / others, columns), row(b, at % others, columns)) as f32;
    }
}

/// C + w·x xᵀ, where C is a packed lower triangle: row *i* has the entries (i, 0) to
/// (i, i).
pub fn add_outer(weight: f32, x: &[f32], packed: &mut [f32]) {
    for i in 0..x.len() {
        for j in 0..=i {
            packed[i * (i + 1) / 2 + j] += (weight * x[i]) * x[j];
        }
    }
}

/// M + Uᵀ V, where U and V have a row for each member of a batch: products are added in
/// the order of the batch.
pub fn add_products<T: Format>(batch: usize, u: &[f32], v: &[T], m: &mut [f32]) {
    for b in 0..batch {
        let (u, v) = (row(u, b, u.len() / batch), row(v, b, v.len() / batch));
        for i in 0..u.len() {
            for j in 0..v.len() {
                m[i * v.len() + j] += u[i] * v[j].value();
            }
        }
    }
}

/// β·y + α·x.
pub fn scale_add<T: Format>(alpha: f32, x: &[T], beta: f32, y: &mut [f32]) {
    assert_eq!(x.len(), y.len());
    for i in 0..x.len() {
        y[i] = beta * y[i] + alpha * x[i].value();
    }
}

fn row<T>(a: &[T], i: usize, columns: usize) -> &[T] {
    &a[i * columns..(i + 1) * columns]
}
