//! Canonical sums and maxima.

use crate::Line;
use crate::inputs::{KINDS, LENGTHS, UNDERFLOW, UNIT, numbers};
use crate::worst::{Sum, Worst};
use gradsieve_kernels::matrix::{matvec, product};
use gradsieve_kernels::{Accumulator, Element, dot, l1_norm, max_abs, pair, squared_norm};
use half::{bf16, f16};

/// What `kernels/src/sum.rs` states: terms of a lane, and lanes, of a tile whose sum is
/// made in `f32`. Change it with that, and the three texts below.
const TERMS_A_LANE: usize = 16;
/// A summary's.
const TERMS_A_SUMMARY_LANE: usize = 64;
const LANES: usize = 64;

const PRODUCTS: &str = "(min(⌈n/64⌉, 16) + 7)·ε·Σ\\|xᵢyᵢ\\|";
const EXACT_PRODUCTS: &str = "(min(⌈n/64⌉, 16) + 6)·ε·Σ\\|xᵢyᵢ\\|";
const MAGNITUDES: &str = "(min(⌈n/64⌉, 16) + 6)·ε·Σ\\|xᵢ\\|";

/// What a canonical sum of terms with so many roundings of their own may be off by: an
/// addition for each term of a lane, six to fold 64 lanes, and the tiles' sums in `f64`.
/// Terms that underflow are off by `UNDERFLOW` each.
fn bound(sum: &Sum, roundings: f64) -> f64 {
    bound_of(TERMS_A_LANE, sum, roundings)
}

fn bound_of(terms_a_lane: usize, sum: &Sum, roundings: f64) -> f64 {
    let additions = sum.count.div_ceil(LANES).min(terms_a_lane) as f64 + 6.0;
    let tiles = (sum.count.div_ceil(LANES * terms_a_lane) as f64 + 5.0) * f64::EPSILON / 2.0;
    sum.magnitude * ((additions + roundings) * UNIT + tiles) + roundings * sum.count as f64 * UNDERFLOW
}

pub(crate) const LINES: &[Line] = &[
    Line {
        file: "dot.rs",
        kernel: "dot `f32`",
        bound: PRODUCTS,
        reason: "a term of a lane is an addition; 6 to fold; a product",
        check: dots::<f32, f32>,
    },
    Line {
        file: "dot.rs",
        kernel: "dot `bf16`",
        bound: PRODUCTS,
        reason: "a term of a lane is an addition; 6 to fold; a product",
        check: dots::<bf16, bf16>,
    },
    Line {
        file: "dot.rs",
        kernel: "dot `f32`, `f16`",
        bound: PRODUCTS,
        reason: "a term of a lane is an addition; 6 to fold; a product",
        check: dots::<f32, f16>,
    },
    Line {
        file: "dot.rs",
        kernel: "dot `f16`",
        bound: EXACT_PRODUCTS,
        reason: "the same; the product is exact",
        check: dots::<f16, f16>,
    },
    Line {
        file: "norm.rs",
        kernel: "squared norm",
        bound: PRODUCTS,
        reason: "a term of a lane is an addition; 6 to fold; a product",
        check: squared_norms,
    },
    Line {
        file: "norm.rs",
        kernel: "L1 norm",
        bound: MAGNITUDES,
        reason: "a term of a lane is an addition; 6 to fold",
        check: l1_norms,
    },
    Line {
        file: "norm.rs",
        kernel: "maximum",
        bound: "0",
        reason: "nothing is rounded; NaNs are passed over",
        check: maxima,
    },
    Line {
        file: "pair.rs",
        kernel: "pair",
        bound: "those of its sums",
        reason: "the same four sums",
        check: pairs,
    },
    Line {
        file: "summary.rs",
        kernel: "summary",
        bound: "(min(⌈n/64⌉, 64) + 6)·ε·Σ\\|xᵢ\\|, and 7 for the squares",
        reason: "its tiles are four times as long; maximum and counts are exact",
        check: summaries,
    },
    Line {
        file: "matrix.rs",
        kernel: "matrix products",
        bound: "that of a dot, + ε·\\|out\\|",
        reason: "a dot, rounded to `f32`",
        check: products,
    },
];

fn wide<T: Element>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| f64::from(x.widen())).collect()
}

fn sum_of_products(x: &[f64], y: &[f64]) -> Sum {
    x.iter().zip(y).map(|(x, y)| x * y).collect()
}

/// Calls `claim` with numbers of each kind and length.
fn each<T: Element>(mut claim: impl FnMut(&[T], &str)) {
    for kind in KINDS {
        for n in LENGTHS {
            claim(&numbers(kind, n as u64, n), &format!("{kind:?}, {n} of {}", T::NAME));
        }
    }
}

fn dots<T: Element, U: Element>(worst: &mut Worst) {
    // The product of two f16 has 22 bits, and its exponent fits.
    let roundings = if T::NAME == "float16" && U::NAME == "float16" { 0.0 } else { 1.0 };
    for kind in KINDS {
        for n in LENGTHS {
            let (x, y) = (numbers::<T>(kind, n as u64, n), numbers::<U>(kind, !(n as u64), n));
            let exact = sum_of_products(&wide(&x), &wide(&y));
            worst.see(dot(&x, &y).unwrap(), exact.value(), bound(&exact, roundings), (kind, n));
        }
    }
}

fn squared_norms(worst: &mut Worst) {
    fn of<T: Element>(worst: &mut Worst) {
        each::<T>(|x, place| {
            let exact = sum_of_products(&wide(x), &wide(x));
            worst.see(squared_norm(x), exact.value(), bound(&exact, 1.0), place);
        });
    }
    of::<f32>(worst);
    of::<f16>(worst);
    of::<bf16>(worst);
}

fn l1_norms(worst: &mut Worst) {
    fn of<T: Element>(worst: &mut Worst) {
        each::<T>(|x, place| {
            let exact: Sum = wide(x).iter().map(|x| x.abs()).collect();
            worst.see(l1_norm(x), exact.value(), bound(&exact, 0.0), place);
        });
    }
    of::<f32>(worst);
    of::<f16>(worst);
    of::<bf16>(worst);
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |largest, x| if x.abs() > largest { x.abs() } else { largest })
}

fn maxima(worst: &mut Worst) {
    fn of<T: Element>(worst: &mut Worst) {
        each::<T>(|x, place| worst.see_exact(max_abs(x).into(), largest(&wide(x)), place));
    }
    of::<f32>(worst);
    of::<f16>(worst);
    of::<bf16>(worst);
}

fn pairs(worst: &mut Worst) {
    for kind in KINDS {
        for n in LENGTHS {
            let (x, y) = (numbers::<bf16>(kind, n as u64, n), numbers::<f32>(kind, !(n as u64), n));
            let found = pair(&x, &y).unwrap();
            let (x, y) = (wide(&x), wide(&y));
            let ones: Vec<f64> = x.iter().map(|x| x.signum()).collect();
            for (found, x, y, roundings) in [
                (found.dot, &x, &y, 1.0),
                (found.x_squared, &x, &x, 1.0),
                (found.y_squared, &y, &y, 1.0),
                (found.x_l1, &x, &ones, 0.0),
            ] {
                let exact = sum_of_products(x, y);
                worst.see(found, exact.value(), bound(&exact, roundings), (kind, n));
            }
        }
    }
}

fn summaries(worst: &mut Worst) {
    each::<f32>(|x, place| {
        let mut state = Accumulator::new();
        let (head, tail) = x.split_at(x.len() / 3);
        state.add(head);
        state.add(tail);
        let found = state.summary();
        let x = wide(x);
        let squares = sum_of_products(&x, &x);
        let magnitudes: Sum = x.iter().map(|x| x.abs()).collect();
        worst.see(found.l2_squared, squares.value(), bound_of(TERMS_A_SUMMARY_LANE, &squares, 1.0), place);
        worst.see(found.l1, magnitudes.value(), bound_of(TERMS_A_SUMMARY_LANE, &magnitudes, 0.0), place);
        worst.see_exact(found.max.into(), largest(&x), place);
        let odd = x.iter().filter(|x| !x.is_finite()).count();
        worst.see_exact(found.non_finite as f64, odd as f64, place);
        worst.see_exact(found.count as f64, x.len() as f64, place);
    });
}

fn products(worst: &mut Worst) {
    for kind in KINDS {
        for columns in [1, 5, 64, 131, 1000, 4100] {
            let (a, b) = (numbers::<f16>(kind, 1, 3 * columns), numbers::<f32>(kind, 2, 2 * columns));
            let (mut out, mut vector) = ([0.0; 6], [0.0; 3]);
            product(columns, &a, &b, &mut out).unwrap();
            matvec(&a, &b[..columns], &mut vector).unwrap();
            let (a, b) = (wide(&a), wide(&b));
            for (i, a) in a.chunks(columns).enumerate() {
                for (j, b) in b.chunks(columns).enumerate() {
                    let exact = sum_of_products(a, b);
                    let bound = |out: f32| bound(&exact, 1.0) + UNIT * f64::from(out).abs() + UNDERFLOW;
                    let out = out[2 * i + j];
                    worst.see(out.into(), exact.value(), bound(out), (kind, columns));
                    if j == 0 {
                        worst.see(vector[i].into(), exact.value(), bound(vector[i]), (kind, columns));
                    }
                }
            }
        }
    }
}
