//! The symmetric eigenproblem in `f64`, in the caller's buffers.
//!
//! For what is too delicate for `f32` and small enough for `f64`: the eigenvectors of a
//! Krylov space's or of a layer's second moments. Everything runs in one order on every
//! target.
//!
//! May import `error` only.

use crate::error::{Error, check_length};
use gradsieve_kernels::double::{axpy, dot};
use gradsieve_kernels::{Certain, cannot_happen};

/// Eigenvalues and eigenvectors of a symmetric matrix of `n` rows: Householder's
/// tridiagonal form, then QR steps with Wilkinson's shift (Golub & Van Loan, Matrix
/// Computations, 8.3).
///
/// `a` becomes the eigenvectors, a row each, in falling order of the `values`. Both
/// triangles are read. `scratch` has `n` numbers. Backward error a few n·2⁻⁵³ of the
/// largest eigenvalue. *Cost*: about 6·n³ multiply–adds.
///
/// # Errors
/// [`Error::Length`]; [`Error::NonFinite`] if `a` has entries that are not finite, or too
/// large to be squared; `a` then holds nothing of use.
pub(crate) fn eigen(n: usize, a: &mut [f64], values: &mut [f64], scratch: &mut [f64]) -> Result<(), Error> {
    check_length(n.saturating_mul(n), a.len())?;
    check_length(n, values.len())?;
    check_length(n, scratch.len())?;
    if !a.iter().all(|x| x.is_finite()) {
        return Err(Error::NonFinite);
    }
    tridiagonalise(n, a, values, scratch);
    if !values.iter().chain(&*scratch).all(|x| x.is_finite()) {
        return Err(Error::NonFinite);
    }
    accumulate(n, a);
    if !diagonalise(n, values, scratch, a) {
        return Err(Error::NonFinite);
    }
    sort(n, values, a);
    Ok(())
}

/// Row k of `a` becomes the k-th reflector I − vvᵀ, ‖v‖² = 2 or 0, in its places k+1..;
/// `diagonal` and `off` (the last one 0) the tridiagonal matrix.
fn tridiagonalise(n: usize, a: &mut [f64], diagonal: &mut [f64], off: &mut [f64]) {
    let n = n.max(1);
    for k in 0..diagonal.len() {
        let (above, below) = a.split_at_mut_checked((k + 1) * n).certain();
        let row = above.get_mut(k * n..).certain();
        let Some((entry, v)) = row.get_mut(k..).and_then(<[f64]>::split_first_mut) else {
            cannot_happen!("the diagonal has no more entries than a row");
            return;
        };
        put(diagonal, k, *entry);
        let edge = reflector(v);
        put(off, k, edge);
        // B ← (I − vvᵀ) B (I − vvᵀ) = B − v wᵀ − w vᵀ with p = B v, w = p − (pᵀv/2) v. w
        // stands where later edges will.
        let w = off.get_mut(k + 1..).certain();
        for (w, row) in w.iter_mut().zip(below.chunks_exact(n)) {
            *w = dot(row.get(k + 1..).certain(), v).certain();
        }
        let half = -0.5 * dot(w, v).certain();
        axpy(half, v, w).certain();
        for ((row, &v_i), &w_i) in below.chunks_exact_mut(n).zip(&*v).zip(&*w) {
            let row = row.get_mut(k + 1..).certain();
            for ((entry, v), w) in row.iter_mut().zip(&*v).zip(&*w) {
                *entry -= v_i * w + w_i * v;
            }
        }
    }
}

/// Replaces x by the v of the reflector that maps it to an edge times the first unit
/// vector, and returns the edge.
fn reflector(x: &mut [f64]) -> f64 {
    let norm = libm::sqrt(dot(x, x).certain());
    if norm == 0.0 {
        x.fill(0.0);
        return 0.0;
    }
    let first = at(x, 0);
    let rest_is_zero = x.iter().skip(1).all(|&x| x == 0.0);
    if rest_is_zero {
        x.fill(0.0);
        return first;
    }
    let edge = if first > 0.0 { -norm } else { norm };
    put(x, 0, first - edge);
    let scale = libm::sqrt(2.0 / dot(x, x).certain());
    x.iter_mut().for_each(|x| *x *= scale);
    edge
}

/// Multiplies the reflectors in the rows of `a` into Qᵀ, from the last to the first.
fn accumulate(n: usize, a: &mut [f64]) {
    let n = n.max(1);
    for k in (0..a.len() / n).rev() {
        let (above, below) = a.split_at_mut_checked((k + 1) * n).certain();
        let row = above.get_mut(k * n..).certain();
        let v = row.get(k + 1..).certain();
        for other in below.chunks_exact_mut(n) {
            put(other, k, 0.0);
            let other = other.get_mut(k + 1..).certain();
            let along = dot(other, v).certain();
            axpy(-along, v, other).certain();
        }
        row.fill(0.0);
        put(row, k, 1.0);
    }
}

/// QR steps until no edge is left, and whether that came about; every rotation turns two
/// rows of `z`.
fn diagonalise(n: usize, d: &mut [f64], e: &mut [f64], z: &mut [f64]) -> bool {
    let n = n.max(1);
    let negligible = |d: &[f64], e: &[f64], i: usize| {
        let edge = at(e, i).abs();
        edge <= f64::EPSILON * 0.5 * (at(d, i).abs() + at(d, i + 1).abs()) || edge < f64::MIN_POSITIVE
    };
    let mut last = d.len().saturating_sub(1);
    // Three steps an eigenvalue are usual; a matrix that needs sixty is unheard of.
    let mut left = d.len().saturating_mul(60);
    while last > 0 && left > 0 {
        if negligible(d, e, last - 1) {
            last -= 1;
            continue;
        }
        let mut first = last - 1;
        while first > 0 && !negligible(d, e, first - 1) {
            first -= 1;
        }
        left -= 1;
        let (below, edge) = (at(d, last), at(e, last - 1));
        let half = 0.5 * (at(d, last - 1) - below);
        let root = libm::hypot(half, edge);
        let shift = below - edge * (edge / (if half < 0.0 { half - root } else { half + root }));
        let (mut x, mut bulge) = (at(d, first) - shift, at(e, first));
        for k in first..last {
            let length = libm::hypot(x, bulge);
            let (c, s) = if length > 0.0 { (x / length, bulge / length) } else { (1.0, 0.0) };
            if k > first {
                put(e, k - 1, length);
            }
            let (one, two, edge) = (at(d, k), at(d, k + 1), at(e, k));
            let cross = 2.0 * c * s * edge;
            put(d, k, c * c * one + cross + s * s * two);
            put(d, k + 1, s * s * one - cross + c * c * two);
            let edge = c * s * (two - one) + (c * c - s * s) * edge;
            put(e, k, edge);
            if k + 1 < last {
                x = edge;
                bulge = s * at(e, k + 1);
                put(e, k + 1, c * at(e, k + 1));
            }
            let rows = z.get_mut(k * n..(k + 2) * n).certain();
            let (upper, lower) = rows.split_at_mut(n.min(rows.len()));
            for (x, y) in upper.iter_mut().zip(lower) {
                (*x, *y) = (c * *x + s * *y, c * *y - s * *x);
            }
        }
    }
    last == 0
}

/// An entry that is there.
fn at(x: &[f64], index: usize) -> f64 {
    x.get(index).copied().certain()
}

/// Replaces an entry that is there.
fn put(x: &mut [f64], index: usize, value: f64) {
    cannot_happen!(index >= x.len(), "rows, diagonals and reflectors have the matrix's size");
    if let Some(entry) = x.get_mut(index) {
        *entry = value;
    }
}

/// The largest value first.
fn sort(n: usize, values: &mut [f64], rows: &mut [f64]) {
    let n = n.max(1);
    for i in 0..values.len() {
        let Some((value, rest)) = values.get_mut(i..).and_then(<[f64]>::split_first_mut) else {
            cannot_happen!("there is a value i");
            return;
        };
        let mut best: Option<(usize, f64)> = None;
        for (j, &other) in rest.iter().enumerate() {
            if other > best.map_or(*value, |(_, most)| most) {
                best = Some((j, other));
            }
        }
        let Some((j, other)) = best else { continue };
        put(rest, j, *value);
        *value = other;
        let (upper, lower) = rows.split_at_mut_checked((i + 1) * n).certain();
        let row = upper.get_mut(i * n..).certain();
        let other = lower.get_mut(j * n..(j + 1) * n).certain();
        row.iter_mut().zip(other).for_each(|(x, y)| core::mem::swap(x, y));
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use gradsieve_kernels::hash::word;
    use std::vec;
    use std::vec::Vec;

    fn numbers(seed: u64, n: usize) -> Vec<f64> {
        (0..n as u64).map(|i| (word(seed, i) as i64) as f64 / 2.0_f64.powi(62)).collect()
    }

    /// A symmetric matrix with those eigenvalues, for random reflections.
    fn with_values(seed: u64, values: &[f64]) -> Vec<f64> {
        let n = values.len();
        let mut a = vec![0.0; n * n];
        for (i, value) in values.iter().enumerate() {
            a[i * n + i] = *value;
        }
        for round in 0..3 {
            let mut v = numbers(seed + round, n);
            let scale = (2.0 / dot(&v, &v).unwrap()).sqrt();
            v.iter_mut().for_each(|v| *v *= scale);
            for row in a.chunks_exact_mut(n) {
                let along = dot(row, &v).unwrap();
                axpy(-along, &v, row).unwrap();
            }
            for j in 0..n {
                let along: f64 = (0..n).map(|i| a[i * n + j] * v[i]).sum();
                (0..n).for_each(|i| a[i * n + j] -= along * v[i]);
            }
        }
        for i in 0..n {
            for j in 0..i {
                a[i * n + j] = a[j * n + i];
            }
        }
        a
    }

    #[test]
    fn eigenvectors_diagonalise_and_are_orthonormal() {
        for n in 1..24 {
            let spread: Vec<f64> = (0..n).map(|i| 3.0 - 0.7 * i as f64).collect();
            let tied: Vec<f64> = (0..n).map(|i| if i < n / 2 { 2.0 } else { 0.0 }).collect();
            let steep: Vec<f64> = (0..n).map(|i| 10.0_f64.powi(-(i as i32))).collect();
            for expected in [spread, tied, steep] {
                let original = with_values(n as u64, &expected);
                let (mut a, mut values, mut scratch) = (original.clone(), vec![0.0; n], vec![0.0; n]);
                eigen(n, &mut a, &mut values, &mut scratch).unwrap();
                let scale = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
                for (value, expected) in values.iter().zip(&expected) {
                    assert!((value - expected).abs() <= 1e-13 * scale, "{n}: {values:?}");
                }
                for i in 0..n {
                    let x = &a[i * n..][..n];
                    for j in 0..n {
                        let unit = if i == j { 1.0 } else { 0.0 };
                        assert!((dot(x, &a[j * n..][..n]).unwrap() - unit).abs() < 1e-13);
                        let image = dot(&original[j * n..][..n], x).unwrap();
                        assert!((image - values[i] * x[j]).abs() <= 1e-13 * scale, "{n}: row {i}");
                    }
                }
            }
        }
    }

    #[test]
    fn diagonal_zero_and_non_finite_matrices_have_their_answers() {
        let (mut values, mut scratch) = ([0.0; 3], [0.0; 3]);
        let mut a = [1.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 2.0];
        eigen(3, &mut a, &mut values, &mut scratch).unwrap();
        assert_eq!((values, a), ([3.0, 2.0, 1.0], [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]));
        let mut a = [0.0; 9];
        eigen(3, &mut a, &mut values, &mut scratch).unwrap();
        assert_eq!(values, [0.0; 3]);
        let mut a = [1.0, f64::NAN, 0.0, f64::NAN, 3.0, 0.0, 0.0, 0.0, 2.0];
        assert_eq!(eigen(3, &mut a, &mut values, &mut scratch), Err(Error::NonFinite));
        assert!(eigen(2, &mut a, &mut values, &mut scratch).is_err());
    }
}
