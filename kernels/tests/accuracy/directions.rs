//! Directions in whole numbers, and their sums.

use crate::Line;
use crate::inputs::{KINDS, LENGTHS, numbers};
use crate::worst::Worst;
use gradsieve_kernels::direction::{add, product, squares};

pub(crate) const LINES: &[Line] = &[
    Line {
        file: "direction.rs",
        kernel: "entry of a direction",
        bound: "1 + ε·\\|f·xᵢ\\|",
        reason: "a product, cut to a whole number",
        check: entries,
    },
    Line {
        file: "direction.rs",
        kernel: "sums and products of directions",
        bound: "0",
        reason: "they are of whole numbers",
        check: sums,
    },
];

/// ε.
const UNIT: f64 = f64::EPSILON * (1_u64 << 28) as f64;

/// What makes the largest of some numbers 2²³.
fn factor(x: &[f32]) -> Option<f32> {
    let largest = gradsieve_kernels::max_abs(x);
    let factor = (1 << 23) as f32 / largest;
    (factor.is_normal() && x.iter().all(|x| x.is_finite())).then_some(factor)
}

/// The entries of a direction.
fn direction(factor: f32, x: &[f32]) -> Vec<i64> {
    let mut sum = vec![0; x.len()];
    add(factor, x, 1, &mut sum).unwrap();
    sum
}

fn entries(worst: &mut Worst) {
    for kind in KINDS {
        for n in LENGTHS {
            let x = numbers::<f32>(kind, n as u64, n);
            let Some(factor) = factor(&x) else { continue };
            for (found, x) in direction(factor, &x).into_iter().zip(x) {
                let exact = f64::from(x) * f64::from(factor);
                worst.see(found as f64, exact, 1.0 + UNIT * exact.abs(), (kind, n));
            }
        }
    }
}

fn sums(worst: &mut Worst) {
    for kind in KINDS {
        for n in LENGTHS {
            let x = numbers::<f32>(kind, n as u64, n);
            let Some(factor) = factor(&x) else { continue };
            let entries = direction(factor, &x);
            let mut sum: Vec<i64> = (0..n as i64).map(|i| (i * 7919 % 1001 - 500) << 22).collect();
            let before = sum.clone();
            add(factor, &x, -300, &mut sum).unwrap();
            let place = (kind, n);
            for ((after, before), entry) in sum.iter().zip(before).zip(&entries) {
                worst.see_exact(*after as f64, (before - 300 * entry) as f64, place);
            }
            let shifted: Vec<i64> = sum.iter().map(|x| x >> 12).collect();
            let exact: i64 = entries.iter().zip(&shifted).map(|(x, y)| x * y).sum();
            worst.see_exact(product(factor, &x, &sum, 12).unwrap() as f64, exact as f64, place);
            let exact: i64 = shifted.iter().map(|x| x * x).sum();
            worst.see_exact(squares(&sum, 12) as f64, exact as f64, place);
        }
    }
}
