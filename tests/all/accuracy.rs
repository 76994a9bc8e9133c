//! Accuracy, apart from equality: the sums against f64, within the bounds that their documentation states.
//!
//! | sum | bound on the error | why |
//! |---|---|---|
//! | dot | 71 · 2⁻²⁴ · Σ\|xᵢyᵢ\| | 64 additions a lane and tile, 6 to fold, 1 for the product |
//! | squared norm | 71 · 2⁻²⁴ · Σxᵢ² | the same |
//! | L1 norm | 70 · 2⁻²⁴ · Σ\|xᵢ\| | no product |
//!
//! Each plus ⌈n/4096⌉ · 2⁻⁵³ of the same sum for the tiles.

use crate::source::{normal, uniform};
use gradsieve::f16;
use gradsieve_kernels::{dot, l1_norm, squared_norm};
use proptest::prelude::*;

const EPSILON: f64 = 1.0 / (1_u64 << 24) as f64;

fn bound(terms: f64, factor: f64, n: usize) -> f64 {
    terms * (factor * EPSILON + n.div_ceil(4096) as f64 * f64::EPSILON)
}

/// Normal, 1e-4-scaled, heavy-tailed and all-positive numbers.
fn numbers(kind: u8, seed: u64, n: usize) -> Vec<f32> {
    let value = |i| match kind {
        0 => normal(seed, i),
        1 => 1e-4 * normal(seed, i),
        2 => normal(seed, i) / (1e-3 + uniform(!seed, i)),
        _ => uniform(seed, i),
    };
    (0..n as u64).map(|i| value(i) as f32).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sums_keep_to_their_bounds(kind in 0_u8..4, seed: u64, n in 0_usize..20_000) {
        let (x, y) = (numbers(kind, seed, n), numbers(kind, !seed, n));
        let terms: Vec<f64> = x.iter().zip(&y).map(|(&x, &y)| f64::from(x) * f64::from(y)).collect();
        let absolute: f64 = terms.iter().map(|t| t.abs()).sum();
        let error = (dot(&x, &y).unwrap() - terms.iter().sum::<f64>()).abs();
        prop_assert!(error <= bound(absolute, 71.0, n), "dot: {error} > {}", bound(absolute, 71.0, n));

        let squares: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
        let error = (squared_norm(&x) - squares).abs();
        prop_assert!(error <= bound(squares, 71.0, n), "squared norm: {error}");

        let l1: f64 = x.iter().map(|&x| f64::from(x).abs()).sum();
        let error = (l1_norm(&x) - l1).abs();
        prop_assert!(error <= bound(l1, 70.0, n), "L1 norm: {error}");

        let halves: Vec<f16> = x.iter().map(|&x| f16::from_f32(x)).collect();
        let squares: f64 = halves.iter().map(|x| x.to_f64().powi(2)).sum();
        let error = (squared_norm(&halves) - squares).abs();
        prop_assert!(error <= bound(squares, 71.0, n) || squares.is_infinite(), "f16 squared norm: {error}");
    }
}

#[test]
fn a_long_sum_of_squares_does_not_lose_digits_as_it_grows() {
    // One f32 sum of these loses all but a few digits. A tile's sum has a relative error of about 4e-8 (lanes and fold), of
    // either sign, so n/4096 tiles together have about 4e-8/√(n/4096): 6e-10 here. Six of those are allowed.
    let n = 1 << 24;
    let x: Vec<f32> = (0..n).map(|i| uniform(1, i) as f32).collect();
    let exact: f64 = x.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let relative = (squared_norm(&x) - exact).abs() / exact;
    assert!(relative < 4e-9, "relative error {relative:e}");
}

/// `cargo test --release --test all -- --ignored --nocapture 64_million` prints the figures.
#[test]
#[ignore = "takes seconds and 256 MiB"]
fn a_sum_of_64_million_squares_prints_its_relative_error() {
    let n = 1_u64 << 26;
    for (name, value) in [
        ("uniform", uniform as fn(u64, u64) -> f64),
        ("normal", normal),
        ("normal, 1e-4", |s, i| 1e-4 * normal(s, i)),
    ] {
        for seed in 0..3 {
            let x: Vec<f32> = (0..n).map(|i| value(seed, i) as f32).collect();
            // Sums of 4,096 in f64, then those: the oracle's own error is below 1e-14.
            let exact: f64 =
                x.chunks(4096).map(|x| x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>()).sum();
            println!("{name}, seed {seed}: {:.1e}", (squared_norm(&x) - exact).abs() / exact);
        }
    }
}
