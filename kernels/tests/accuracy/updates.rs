//! Updates of vectors and matrices: a few roundings an entry.

use crate::Line;
use crate::inputs::{KINDS, Kind, UNDERFLOW, UNIT, numbers};
use crate::worst::{Sum, Worst};
use gradsieve_kernels::axpy;
use gradsieve_kernels::matrix::{add_outer, add_products, scale_add};
use half::bf16;

pub(crate) const LINES: &[Line] = &[
    Line {
        file: "axpy.rs",
        kernel: "axpy",
        bound: "ε·(\\|αx\\| + \\|out\\|)",
        reason: "a product and a sum",
        check: axpys,
    },
    Line {
        file: "matrix.rs",
        kernel: "scale–add",
        bound: "ε·(\\|βy\\| + \\|αx\\| + \\|out\\|)",
        reason: "two products and a sum",
        check: scale_adds,
    },
    Line {
        file: "matrix.rs",
        kernel: "add outer",
        bound: "ε·(2·\\|w xᵢ xⱼ\\| + \\|out\\|)",
        reason: "two products and a sum",
        check: outers,
    },
    Line {
        file: "matrix.rs",
        kernel: "add products of a batch of B",
        bound: "(B + 1)·ε·(\\|before\\| + Σ\\|products\\|)",
        reason: "a product and B sums",
        check: batches,
    },
];

/// Takes an entry that is the rounded sum of terms with so many roundings of their own
/// together.
fn see(worst: &mut Worst, found: f32, terms: &[(f64, f64)], place: (Kind, usize)) {
    let exact: Sum = terms.iter().map(|(term, _)| *term).collect();
    let own: f64 = terms.iter().map(|(term, roundings)| roundings * (UNIT * term.abs() + UNDERFLOW)).sum();
    worst.see(found.into(), exact.value(), own + UNIT * f64::from(found).abs(), place);
}

/// A factor, exact in `f64`.
const ALPHA: f32 = -0.37;
const BETA: f32 = 0.91;

fn axpys(worst: &mut Worst) {
    for kind in KINDS {
        let n = 1001;
        let (x, y) = (numbers::<bf16>(kind, 1, n), numbers::<f32>(kind, 2, n));
        let mut out = y.clone();
        axpy(ALPHA, &x, &mut out).unwrap();
        for ((x, y), out) in x.iter().zip(&y).zip(out) {
            see(worst, out, &[(f64::from(*y), 0.0), (f64::from(ALPHA) * x.to_f64(), 1.0)], (kind, n));
        }
    }
}

fn scale_adds(worst: &mut Worst) {
    for kind in KINDS {
        let n = 1001;
        let (x, y) = (numbers::<f32>(kind, 1, n), numbers::<f32>(kind, 2, n));
        let mut out = y.clone();
        scale_add(ALPHA, &x, BETA, &mut out).unwrap();
        for ((x, y), out) in x.iter().zip(&y).zip(out) {
            let terms = [(f64::from(BETA) * f64::from(*y), 1.0), (f64::from(ALPHA) * f64::from(*x), 1.0)];
            see(worst, out, &terms, (kind, n));
        }
    }
}

fn outers(worst: &mut Worst) {
    for kind in KINDS {
        let k = 67;
        let (x, before) = (numbers::<f32>(kind, 1, k), numbers::<f32>(kind, 2, k * (k + 1) / 2));
        let mut out = before.clone();
        add_outer(ALPHA, &x, &mut out).unwrap();
        let mut entries = out.iter().zip(&before);
        for i in 0..k {
            let row = f64::from(x[i]);
            for (x, (out, before)) in x[..=i].iter().zip(&mut entries) {
                let factor = f64::from(ALPHA) * row;
                see(worst, *out, &[(f64::from(*before), 0.0), (factor * f64::from(*x), 2.0)], (kind, i));
            }
        }
    }
}

fn batches(worst: &mut Worst) {
    for kind in KINDS {
        for (batch, rows, columns) in [(1, 3, 37), (8, 5, 33), (100, 2, 17)] {
            let (u, v) = (numbers::<f32>(kind, 1, batch * rows), numbers::<f32>(kind, 2, batch * columns));
            let before = numbers::<f32>(kind, 3, rows * columns);
            let mut out = before.clone();
            add_products(batch, &u, &v, &mut out).unwrap();
            for (at, (out, before)) in out.iter().zip(&before).enumerate() {
                let (i, j) = (at / columns, at % columns);
                let products = (0..batch).map(|b| f64::from(u[b * rows + i]) * f64::from(v[b * columns + j]));
                let exact: Sum = core::iter::once(f64::from(*before)).chain(products).collect();
                let bound = (batch + 1) as f64 * UNIT * exact.magnitude + batch as f64 * UNDERFLOW;
                worst.see((*out).into(), exact.value(), bound, (kind, batch));
            }
        }
    }
}
