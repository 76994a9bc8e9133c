//! Sums, updates and outer products in `f64`.

use super::sum::fold;
use crate::real::Real;

/// Σ xᵢ·yᵢ: term *i* goes to lane *i* mod 8, and the lanes are folded.
pub fn dot<T: Real>(x: &[f64], y: &[T]) -> f64 {
    assert_eq!(x.len(), y.len());
    let mut lanes = [0.0_f64; 8];
    for i in 0..x.len() {
        lanes[i % 8] += x[i] * y[i].into();
    }
    fold(&mut lanes, 1);
    lanes[0]
}

/// The dot product of each vector of `k` numbers of `x` with each of `y`, added to `out`.
pub fn add_dots<T: Real>(k: usize, x: &[f64], y: &[T], out: &mut [f64]) {
    let rows = y.len() / k;
    for (q, x) in x.chunks(k).enumerate() {
        for (r, y) in y.chunks(k).enumerate() {
            out[q * rows + r] += dot(x, y);
        }
    }
}

/// y + Σᵣ wᵣ·xᵣ of each vector y of `k` numbers and its weights, row after row.
pub fn add_rows<T: Real>(k: usize, weights: &[f64], rows: &[T], y: &mut [f64]) {
    let count = rows.len() / k;
    for (q, y) in y.chunks_mut(k).enumerate() {
        for r in 0..count {
            axpy(weights[q * count + r], &rows[r * k..(r + 1) * k], y);
        }
    }
}

/// y + α·x.
pub fn axpy<T: Real>(alpha: f64, x: &[T], y: &mut [f64]) {
    assert_eq!(x.len(), y.len());
    for i in 0..x.len() {
        y[i] += alpha * x[i].into();
    }
}

/// C + Σᵣ wᵣ·xᵣ xᵣᵀ, where C is a packed lower triangle: row *i* has the entries (i, 0)
/// to (i, i).
pub fn add_outers(weights: &[f64], k: usize, rows: &[f32], packed: &mut [f64]) {
    for r in 0..weights.len() {
        let x = |i: usize| f64::from(rows[r * k + i]);
        for i in 0..k {
            for j in 0..=i {
                packed[i * (i + 1) / 2 + j] += (weights[r] * x(i)) * x(j);
            }
        }
    }
}
