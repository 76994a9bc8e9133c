//! Directions in whole numbers, and their sums.

use crate::inputs::{Kind, edges, for_all, kind, length, numbers};
use gradsieve_kernels::direction::{add_with, product_with, squares_with};
use gradsieve_kernels::spec::{self, hash};
use gradsieve_kernels::{Factor, Level};
use proptest::prelude::*;

crate::claims! {
    sums_of_directions_are_those_of_the_definition
    sums_of_directions_of_every_short_length_are_those_of_the_definition
}

/// Every sum of a direction, whose entries as defined stand beside it, and numbers of so
/// many bits.
fn summed(level: Level, factor: impl Factor, x: &[f32], direction: &[i32], seed: u64, bits: u32) {
    let sums: Vec<i64> =
        (0..x.len() as u64).map(|i| hash::word(seed, i) as i64 >> (64 - bits.clamp(1, 64))).collect();
    let weight = hash::word(seed, 1 << 40) as i32;
    let (mut found, mut expected) = (sums.clone(), sums.clone());
    assert_eq!(
        add_with(level, factor, x, weight, &mut found),
        Ok(spec::direction::add(direction, weight, &mut expected))
    );
    assert_eq!(found, expected);
    for shift in [0, 1, 7, 31, 32, 33, 40, 63] {
        let product = spec::direction::product(direction, &sums, shift);
        assert_eq!(product_with(level, factor, x, &sums, shift), Ok(product), "{shift}");
        assert_eq!(squares_with(level, &sums, shift), spec::direction::squares(&sums, shift), "{shift}");
    }
}

/// Of factors that leave numbers as they are, that make the largest of them no number of
/// 32 bits, and that come near 2²³.
fn every_sum(level: Level, kind: Kind, seed: u64, n: usize, start: usize, bits: u32) {
    let x = &numbers::<f32>(kind, seed, n + start)[start..];
    for factor in [1.0_f32, 3e38, 8_388_608.0, 1e-3] {
        let direction: Vec<i32> = x.iter().map(|x| spec::direction::whole(factor, *x)).collect();
        summed(level, factor, x, &direction, seed, bits);
        let factor = f64::from(factor) * 1e30;
        let direction: Vec<i32> = x.iter().map(|x| spec::direction::wide_whole(factor, *x)).collect();
        summed(level, factor, x, &direction, seed, bits);
    }
}

fn sums_of_directions_are_those_of_the_definition(level: Level) {
    let inputs = (kind(), any::<u64>(), length(), 0_usize..5, 1_u32..=64);
    for_all(128, inputs, |(kind, seed, n, start, bits)| every_sum(level, kind, seed, n, start, bits));
}

fn sums_of_directions_of_every_short_length_are_those_of_the_definition(level: Level) {
    for n in edges() {
        every_sum(level, Kind::Graded, n as u64, n, 0, 48);
    }
}
