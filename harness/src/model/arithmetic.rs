//! The two loops that all time goes into, written so that the compiler vectorises them
//! without changing a bit: a product is rounded, then added; sums run over `LANES`
//! interleaved lanes (term i in lane i mod `LANES`, a power of two), folded to one by
//! adding the upper half to the lower.

use core::ops::{AddAssign, Mul};

/// Σ xᵢyᵢ over the shorter length.
pub(super) fn dot<T: Copy + Default + AddAssign + Mul<Output = T>, const LANES: usize>(
    x: &[T],
    y: &[T],
) -> T {
    let n = x.len().min(y.len());
    let (x, y) = (&x[..n], &y[..n]);
    let mut lanes = [T::default(); LANES];
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ys, y_rest) = y.as_chunks::<LANES>();
    for (a, b) in xs.iter().zip(ys) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    for ((lane, &a), &b) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += a * b;
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            let upper = lanes[lane + half];
            lanes[lane] += upper;
        }
        half /= 2;
    }
    lanes[0]
}

/// y ← y + αx over the shorter length.
pub(super) fn axpy<T: Copy + AddAssign + Mul<Output = T>>(alpha: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}
