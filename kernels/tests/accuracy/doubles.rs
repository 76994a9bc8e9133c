//! Sums and updates in `f64`, of numbers in `f32`, whose products are exact there.

use crate::Line;
use crate::inputs::{KINDS, numbers};
use crate::worst::{Sum, Worst};
use gradsieve_kernels::double::{add_outers, dot};

pub(crate) const LINES: &[Line] = &[
    Line {
        file: "double.rs",
        kernel: "dot in `f64`",
        bound: "(⌈n/8⌉ + 3)·2⁻⁵³·Σ\\|xᵢyᵢ\\|",
        reason: "exact products; a lane's sums, and three of the fold",
        check: dots,
    },
    Line {
        file: "double.rs",
        kernel: "add R outer products in `f64`",
        bound: "R·2⁻⁵³·(\\|before\\| + Σ\\|products\\|)",
        reason: "exact products; R sums",
        check: outers,
    },
];

/// 2⁻⁵³.
const UNIT: f64 = f64::EPSILON / 2.0;

fn product(x: f32, y: f32) -> f64 {
    f64::from(x) * f64::from(y)
}

fn dots(worst: &mut Worst) {
    for kind in KINDS {
        for n in [1, 7, 8, 9, 100, 1001] {
            let (x, y) = (numbers::<f32>(kind, 1, n), numbers::<f32>(kind, 2, n));
            let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            let products = || x.iter().zip(&y).map(|(&x, &y)| product(x, y));
            let exact: Sum = products().collect();
            let magnitude: f64 = products().map(f64::abs).sum();
            let bound = (n.div_ceil(8) + 3) as f64 * UNIT * magnitude;
            worst.see(dot(&wide, &y).unwrap(), exact.value(), bound, (kind, n));
        }
    }
}

fn outers(worst: &mut Worst) {
    for kind in KINDS {
        let (k, rows) = (17, 9);
        let x = numbers::<f32>(kind, 1, rows * k);
        let before = numbers::<f32>(kind, 2, k * (k + 1) / 2);
        let mut found: Vec<f64> = before.iter().map(|&x| f64::from(x)).collect();
        add_outers(&[1.0; 9], k, &x, &mut found).unwrap();
        for i in 0..k {
            for j in 0..=i {
                let at = i * (i + 1) / 2 + j;
                let first = std::iter::once(f64::from(before[at]));
                let terms = || first.clone().chain((0..rows).map(|r| product(x[r * k + i], x[r * k + j])));
                let exact: Sum = terms().collect();
                let bound = rows as f64 * UNIT * terms().map(f64::abs).sum::<f64>();
                worst.see(found[at], exact.value(), bound, (kind, i, j));
            }
        }
    }
}
