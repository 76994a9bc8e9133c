//! The Walsh–Hadamard transform and the Rademacher projection: right to within the error
//! that their documentation states, and what they refuse.

use crate::inputs::{UNIT, bounded, numbers};
use gradsieve_kernels::rademacher::Carry;
use gradsieve_kernels::{Error, Key, Rademacher, hadamard, hash, rademacher, rademacher_batch};
use proptest::prelude::*;

#[test]
fn a_transform_is_the_product_with_the_matrix_of_signs_in_natural_order() {
    for log in 0..10 {
        let n = 1_usize << log;
        let x: Vec<f32> = (0..n).map(|i| (hash::word(5, i as u64) % 201) as f32 - 100.0).collect();
        let mut found = x.clone();
        hadamard(&mut found).unwrap();
        // Small whole numbers: every sum is exact.
        for (i, found) in found.iter().enumerate() {
            let sign = |j: usize| if (i & j).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
            let expected: f32 = x.iter().enumerate().map(|(j, x)| sign(j) * x).sum();
            assert_eq!(*found, expected, "element {i} of {n}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn transforms_keep_to_their_bound(kind in bounded(), seed: u64, log in 0_u32..15) {
        let x = numbers::<f32>(kind, seed, 1 << log);
        let mut found = x.clone();
        hadamard(&mut found).unwrap();
        let mut exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        let mut half = 1;
        while half < exact.len() {
            for block in exact.chunks_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for (a, b) in low.iter_mut().zip(high) {
                    (*a, *b) = (*a + *b, *a - *b);
                }
            }
            half *= 2;
        }
        let total: f64 = x.iter().map(|&x| f64::from(x).abs()).sum();
        let bound = f64::from(log) * (UNIT * (1.0 + 1e-6) + f64::EPSILON) * total;
        for (found, exact) in found.iter().zip(&exact) {
            prop_assert!((f64::from(*found) - exact).abs() <= bound, "{found} for {exact}, bound {bound:e}");
        }
        // Twice, and divided by the length, it is the identity.
        hadamard(&mut found).unwrap();
        let n = x.len() as f64;
        for (found, x) in found.iter().zip(&x) {
            let back = f64::from(*found) / n;
            prop_assert!((back - f64::from(*x)).abs() <= 2.1 * bound, "{back} for {x}");
        }
    }
}

/// The sign of input `i` in output `j`, read off the documentation and not off the code.
fn sign(seed: u64, width: usize, i: u64, j: usize) -> f64 {
    let key = hash::key(seed, u64::from_be_bytes(*b"RADEMACH"));
    let word = hash::word(key, i / 32 * (width as u64 / 2) + j as u64 / 2);
    let nibble = word >> (32 * (j % 2)) >> (4 * (i % 32 / 4)) & 15;
    let whole = nibble >> 3 & 1;
    let own = if i % 4 == 3 { 0 } else { nibble >> (i % 4) & 1 };
    if own ^ whole == 1 { -1.0 } else { 1.0 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_projection_is_the_product_with_a_matrix_of_signs_within_its_bound(
        kind in bounded(), seed: u64, n in 0_usize..1000, offset in 0_u64..100,
    ) {
        let projection = Rademacher::new(128, Key::seed(seed)).unwrap();
        let x = numbers::<f32>(kind, seed, n);
        let mut found = [0.0; 128];
        rademacher(projection, offset, 1.0, &x, &mut found).unwrap();
        let total: f64 = x.iter().map(|&x| f64::from(x).abs()).sum();
        let groups = (n as u64).div_ceil(32) + 1;
        let bound = (7 + groups) as f64 * UNIT * (1.0 + 1e-4) * total;
        for (j, found) in found.iter().enumerate() {
            let exact: f64 = (offset..).zip(&x).map(|(i, &x)| sign(seed, 128, i, j) * f64::from(x)).sum();
            prop_assert!((f64::from(*found) - exact).abs() <= bound, "output {j}: {found} for {exact}, bound {bound:e}");
        }
    }
}

#[test]
fn a_projection_scales_by_one_over_the_root_of_its_width() {
    for width in (16..100_000).step_by(16) {
        let expected = (1.0 / (width as f64).sqrt()) as f32;
        assert_eq!(Rademacher::new(width, Key::seed(0)).unwrap().scale(), expected, "{width}");
    }
}

#[test]
fn wrong_widths_lengths_and_offsets_are_refused_and_nothing_is_written() {
    for width in [0, 1, 8, 24, 100] {
        assert_eq!(Rademacher::new(width, Key::seed(1)), Err(Error::Width { multiple: 16, found: width }));
    }
    let projection = Rademacher::new(64, Key::seed(1)).unwrap();
    let (x, mut out) = ([1.0_f32; 40], [0.5; 128]);
    let length = Error::Length { expected: 64, found: 128 };
    assert_eq!(rademacher(projection, 0, 1.0, &x, &mut out), Err(length));
    assert_eq!(rademacher(projection, u64::MAX, 1.0, &x, &mut out[..64]), Err(Error::Offset));
    assert_eq!(rademacher_batch(projection, 0, &[&x[..]], &mut out), Err(length));
    assert_eq!(rademacher_batch(projection, u64::MAX, &[&x[..], &x[..]], &mut out), Err(Error::Offset));
    let uneven = rademacher_batch(projection, 0, &[&x[..], &x[..39]], &mut out);
    assert_eq!(uneven, Err(Error::Length { expected: 40, found: 39 }));
    let mut carry = Carry::new();
    assert_eq!(carry.add(projection, 0, 1.0, &x, &mut out), Err(length));
    assert_eq!(carry.finish(projection, &mut out), Err(length));
    assert_eq!(carry, Carry::new());
    assert_eq!(out, [0.5; 128]);
}
