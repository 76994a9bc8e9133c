//! The two loops that all time goes into, written so that the compiler vectorises them
//! without changing a bit: a product is rounded, then added; sums run over 16 interleaved
//! lanes (term i in lane i mod 16), folded 16→8→4→2→1 by adding the upper half to the
//! lower.

const LANES: usize = 16;

/// Σ xᵢyᵢ over the shorter length.
pub(super) fn dot(x: &[f32], y: &[f32]) -> f32 {
    let n = x.len().min(y.len());
    let (x, y) = (&x[..n], &y[..n]);
    let mut lanes = [0.0f32; LANES];
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ys, y_rest) = y.as_chunks::<LANES>();
    for (a, b) in xs.iter().zip(ys) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += a * b;
    }
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// y ← y + αx over the shorter length.
pub(super) fn axpy(alpha: f32, x: &[f32], y: &mut [f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}
