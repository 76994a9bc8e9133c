//! Accuracy, apart from equality: the sums against f64, within the bounds that their
//! documentation states.
//!
//! | sum | bound on the error | why |
//! |---|---|---|
//! | dot | 23 · 2⁻²⁴ · Σ\|xᵢyᵢ\| | 16 additions a lane and tile, 6 to fold, 1 for the product |
//! | squared norm | 23 · 2⁻²⁴ · Σxᵢ² | the same |
//! | L1 norm | 22 · 2⁻²⁴ · Σ\|xᵢ\| | no product |
//!
//! Each plus (⌈n/1024⌉ + 5) · 2⁻⁵³ of the same sum for the additions in f64. In practice
//! tiles err to either side, and the relative error of a sum of squares falls as one over
//! the root of its length.

use crate::source::{normal, uniform};
use gradsieve::f16;
use gradsieve_kernels::dot::Carried;
use gradsieve_kernels::{dot, l1_norm, squared_norm};
use proptest::prelude::*;

const EPSILON: f64 = 1.0 / (1_u64 << 24) as f64;

fn bound(terms: f64, factor: f64, n: usize) -> f64 {
    terms * (factor * EPSILON + (n.div_ceil(1024) + 5) as f64 * f64::EPSILON / 2.0)
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
        prop_assert!(error <= bound(absolute, 23.0, n), "dot: {error} > {}", bound(absolute, 23.0, n));

        let squares: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
        let error = (squared_norm(&x) - squares).abs();
        prop_assert!(error <= bound(squares, 23.0, n), "squared norm: {error}");

        let l1: f64 = x.iter().map(|&x| f64::from(x).abs()).sum();
        let error = (l1_norm(&x) - l1).abs();
        prop_assert!(error <= bound(l1, 22.0, n), "L1 norm: {error}");

        let halves: Vec<f16> = x.iter().map(|&x| f16::from_f32(x)).collect();
        let squares: f64 = halves.iter().map(|x| x.to_f64().powi(2)).sum();
        let error = (squared_norm(&halves) - squares).abs();
        prop_assert!(error <= bound(squares, 23.0, n) || squares.is_infinite(), "f16 squared norm: {error}");
    }
}

/// The relative error of the sum of squares of `n` draws. Piece by piece, so that no draw
/// is kept; the bits are those of [`squared_norm`] of them all. The oracle adds pieces of
/// 4,096 in f64, and then those: its own error is below 1e-14.
fn relative_error(n: u64, value: impl Fn(u64) -> f64) -> f64 {
    const PIECE: u64 = 4096;
    let (mut carried, mut exact, mut squares) = (Carried::new(), 0.0, None);
    for start in (0..n).step_by(PIECE as usize) {
        let x: Vec<f32> = (start..n.min(start + PIECE)).map(|i| value(i) as f32).collect();
        exact += x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        if start + PIECE < n {
            carried.add(&x, &x).unwrap();
        } else {
            squares = carried.finish(&x, &x).ok();
        }
    }
    (squares.unwrap() - exact) / exact
}

type Draw = (&'static str, fn(u64, u64) -> f64);

/// Kinds of draws for long sums.
const DRAWS: [Draw; 3] =
    [("uniform", uniform), ("normal", normal), ("normal, 1e-4", |seed, i| 1e-4 * normal(seed, i))];

/// What the relative error of a sum of n squares is, as a root of the mean square, times
/// √n. A rounding errs by 0.42·2⁻²⁴ of what it rounds, as such a root, to either side. Of
/// terms of mean μ, sums of k = 2..16 are rounded in a lane, and of 32 and 64 in the
/// fold: for a term, the squares of what is rounded come to Σk²/16 + 32 + 64 = 189 times
/// μ². That is √189·0.42·2⁻²⁴.
const ERROR_TIMES_ROOT: f64 = 3.5e-7;

#[test]
fn the_relative_error_of_a_sum_of_squares_falls_as_the_root_of_its_length() {
    for log in [15, 17, 20] {
        for (name, value) in DRAWS {
            let draws = if log == 20 { 1 } else { 8 };
            let squares: f64 =
                (0..draws).map(|seed| relative_error(1 << log, |i| value(seed, i)).powi(2)).sum();
            let rms = (squares / draws as f64).sqrt();
            let expected = ERROR_TIMES_ROOT / f64::from(1 << log).sqrt();
            println!("2^{log} {name}: {rms:.1e}, expected {expected:.1e}");
            let allowed = if draws == 1 { 4.0 } else { 2.5 };
            assert!(rms < allowed * expected, "2^{log} {name}: {rms:e}");
        }
    }
}

/// `cargo test --release --test all -- --ignored --nocapture 64_million` prints the
/// figures.
#[test]
#[ignore = "takes half a minute"]
fn a_sum_of_64_million_squares_has_a_relative_error_below_1e_10() {
    for (name, value) in DRAWS {
        for seed in 0..3 {
            let error = relative_error(1 << 26, |i| value(seed, i)).abs();
            println!("{name}, seed {seed}: {error:.1e}");
            assert!(error < 1e-10, "{name}, seed {seed}: {error:e}");
        }
    }
}

#[test]
fn a_sum_of_squares_in_pieces_is_the_squared_norm() {
    let x: Vec<f32> = (0..100_000).map(|i| normal(5, i) as f32).collect();
    let exact: f64 = x.iter().map(|&x| f64::from(x).powi(2)).sum();
    let error = relative_error(100_000, |i| normal(5, i));
    assert!((error - (squared_norm(&x) - exact) / exact).abs() < 1e-13);
    assert_eq!(squared_norm(&x), dot(&x, &x).unwrap());
}
