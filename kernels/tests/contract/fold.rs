//! What a folded factor is, how it varies over keys, and what is refused.

use crate::inputs::{kind, numbers};
use gradsieve_kernels::fold::{KEPT, LONGEST};
use gradsieve_kernels::spec::{self, Format};
use gradsieve_kernels::{Error, Fold, Key, fold, tame};
use half::{bf16, f16};
use proptest::prelude::*;

fn single(out: &[f32]) -> Vec<u32> {
    out.iter().map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() }).collect()
}

/// A factor of this format has the bits of the definition.
fn defined<T: Format>(x: &[T], width: usize, key: Key) -> Result<(), TestCaseError> {
    let Some(by) = Fold::new(x.len() as u64, width, key) else { return Ok(()) };
    let (mut found, mut expected) = (vec![f32::NAN; width], vec![0.0; width]);
    let measures = fold(&by, x, false, &mut found).unwrap();
    spec::fold(key, x, &mut expected);
    prop_assert_eq!(single(&found), single(&expected));
    prop_assert_eq!(measures, spec::tame(x));
    prop_assert_eq!(tame(x, false), measures);
    Ok(())
}

proptest! {
    #[test]
    fn a_factor_is_folded_and_measured_as_it_is_defined(
        kind in kind(), seed: u64, n in 0..1600_usize, log in 0..5_u32, secret: Option<[u8; 16]>,
    ) {
        let width = if log == 4 { n } else { 1 << log };
        let key = secret.map_or(Key::seed(seed), Key::secret);
        defined::<f32>(&numbers(kind, seed, n), width, key)?;
        defined::<f16>(&numbers(kind, seed, n), width, key)?;
        defined::<bf16>(&numbers(kind, seed, n), width, key)?;
    }

    #[test]
    fn a_bias_is_a_one_behind_the_factor(kind in kind(), seed: u64, n in 0..1600_usize, log in 0..5_u32) {
        let x: Vec<f32> = numbers(kind, seed, n);
        let with: Vec<f32> = x.iter().copied().chain([1.0]).collect();
        let width = if log == 4 { n + 1 } else { 1 << log };
        let Some(by) = Fold::new(n as u64 + 1, width, Key::seed(seed)) else { return Ok(()) };
        let (mut biased, mut longer) = (vec![0.0; width], vec![0.0; width]);
        let measures = fold(&by, &x, true, &mut biased).unwrap();
        prop_assert_eq!(measures, fold(&by, &with, false, &mut longer).unwrap());
        prop_assert_eq!(single(&biased), single(&longer));
        prop_assert_eq!(tame(&x, true), measures);
    }

    #[test]
    fn each_entry_goes_where_its_place_says(seed: u64, n in 1..200_usize, log in 0..5_u32, at: prop::sample::Index) {
        let (width, at) = (if log == 4 { n } else { 1 << log }, at.index(n));
        let Some(by) = Fold::new(n as u64, width, Key::seed(seed)) else { return Ok(()) };
        let (mut x, mut out) = (vec![0.0_f32; n], vec![0.0; width]);
        x[at] = 3.0;
        fold(&by, &x, false, &mut out).unwrap();
        let (place, flipped) = by.place(at as u64);
        let mut expected = vec![0.0; width];
        expected[place] = if flipped { -3.0 } else { 3.0 };
        prop_assert_eq!(out, expected);
    }
}

#[test]
fn products_are_unbiased_and_vary_as_is_said() {
    let (n, keys) = (50, 20_000);
    let x: Vec<f32> = (0..n).map(|i| ((i * 7 % 11) as f32 - 4.0) / 4.0).collect();
    let y: Vec<f32> = (0..n).map(|i| ((i * 5 % 13) as f32 - 7.0) / 5.0 + 0.5 * x[i]).collect();
    let exact: f64 = x.iter().zip(&y).map(|(x, y)| f64::from(x * y)).sum();
    for width in [1, 2, 4, 8] {
        let products = (0..keys).map(|seed| {
            let by = Fold::new(n as u64, width, Key::seed(seed)).unwrap();
            let (mut a, mut b) = ([0.0; 8], [0.0; 8]);
            fold(&by, &x, false, &mut a[..width]).unwrap();
            fold(&by, &y, false, &mut b[..width]).unwrap();
            a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>()
        });
        let (sum, squares) =
            products.fold((0.0, 0.0), |(sum, squares), p| (sum + p, squares + (p - exact).powi(2)));
        let mut variance = 0.0;
        for i in 0..n {
            for j in (0..n).filter(|&j| j != i && i % width == j % width) {
                let [a, b, c, d] = [x[i], y[j], x[j], y[i]].map(f64::from);
                variance += a * a * b * b + a * d * c * b;
            }
        }
        let found = squares / keys as f64;
        let error = (variance / keys as f64).sqrt();
        assert!(
            (sum / keys as f64 - exact).abs() < 4.0 * error,
            "{width}: {} for {exact}",
            sum / keys as f64
        );
        assert!((found / variance - 1.0).abs() < 0.1, "{width}: {found} for {variance}");
    }
}

#[test]
fn widths_and_lengths_that_do_not_fit_are_refused() {
    for (entries, width) in [(24, 0), (24, 3), (24, 16), (24, 23), (0, 0), (KEPT as u64 + 1, KEPT + 1)] {
        assert_eq!(Fold::new(entries, width, Key::seed(1)), None, "{entries} to {width}");
    }
    let by = Fold::new(24, 4, Key::seed(1)).unwrap();
    let mut out = [7.0; 5];
    assert_eq!(fold(&by, &[1.0_f32; 24], false, &mut out), Err(Error::Length { expected: 4, found: 5 }));
    let kept = Fold::new(5, 5, Key::seed(1)).unwrap();
    for (x, biased, found) in [(4, false, 4), (5, true, 6), (6, false, 6)] {
        let refused = fold(&kept, &vec![1.0_f32; x], biased, &mut out);
        assert_eq!(refused, Err(Error::Length { expected: 5, found }));
    }
    assert_eq!(out, [7.0; 5]);
    assert!(tame(&[1.0_f32; LONGEST], false).is_some() && tame(&[1.0_f32; LONGEST], true).is_none());
}
