//! The rotation of stored rows.

use crate::inputs::{Kind, for_all, kind, kinds, numbers};
use crate::outputs::bits;
use gradsieve_kernels::Level;
use gradsieve_kernels::rotation::{BLOCK, rotate_back_with, rotated_with};
use gradsieve_kernels::spec;
use proptest::prelude::*;

crate::claims! {
    rotated_rows_have_the_bits_of_the_definition
    rows_that_are_rotated_back_are_what_they_were_but_for_rounding
}

/// The rotation of a row, block by block.
fn rotation(level: Level, x: &[f32], factor: f32) -> Vec<f32> {
    let blocks = (0..x.len().div_ceil(BLOCK)).flat_map(|block| rotated_with(level, x, factor, block));
    let mut rotated: Vec<f32> = blocks.collect();
    assert!(rotated.split_off(x.len()).iter().all(|beyond| beyond.to_bits() == 0));
    rotated
}

fn row(level: Level, kind: Kind, seed: u64, k: usize) {
    let x = numbers::<f32>(kind, seed, k);
    let mut expected = vec![0.0; k];
    spec::rotation::rotation(&x, &mut expected);
    assert_eq!(bits(&rotation(level, &x, 1.0)), bits(&expected), "{kind:?}, {k}");
    let halves: Vec<f32> = x.iter().map(|x| x * 0.5).collect();
    spec::rotation::rotation(&halves, &mut expected);
    assert_eq!(bits(&rotation(level, &x, 0.5)), bits(&expected), "half of {kind:?}, {k}");
}

fn rotated_rows_have_the_bits_of_the_definition(level: Level) {
    for k in (0..200).chain([512, 544, 1024, 1210]) {
        kinds().for_each(|kind| row(level, kind, 1, k));
    }
    for_all(32, (kind(), any::<u64>(), 0_usize..3000), |(kind, seed, k)| row(level, kind, seed, k));
}

/// Each number is the sum of 64 that were rounded six times, and is rounded as often
/// again: it is off by some 2⁻²⁰ of the largest of them.
fn rows_that_are_rotated_back_are_what_they_were_but_for_rounding(level: Level) {
    for k in (1..200).chain([512, 544, 1210]) {
        let x = numbers::<f32>(Kind::Graded, k as u64, k);
        let mut back = vec![7.0; k];
        for block in 0..k.div_ceil(BLOCK) {
            let mut numbers = rotated_with(level, &x, 1.0, block);
            rotate_back_with(level, &mut numbers, block, &mut back);
        }
        let largest = x.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        for (x, back) in x.iter().zip(&back) {
            assert!((x - back).abs() <= largest * 1e-6, "{k}: {x} became {back}");
        }
    }
}
