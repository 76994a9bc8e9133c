//! Factors that are folded and measured.

use crate::inputs::{Kind, edges, for_all, kind, length, numbers};
use crate::outputs::bits;
use gradsieve_kernels::fold::{KEPT, fold_with, tame_with};
use gradsieve_kernels::spec::{self, Format};
use gradsieve_kernels::{Fold, Key, Level};
use half::{bf16, f16};
use proptest::prelude::*;

crate::claims! {
    folds_have_the_bits_of_the_definition
    folds_of_every_short_length_have_the_bits_of_the_definition
}

/// A factor that may start unaligned, to each width; with a 1 behind it and without.
fn folded<T: Format>(level: Level, kind: Kind, seed: u64, n: usize, start: usize) {
    let x = &numbers::<T>(kind, seed, n + start)[start..];
    let with: Vec<T> = x.iter().copied().chain([T::nearest(1.0)]).collect();
    for (biased, whole) in [(false, x), (true, &with[..])] {
        for width in [1, 2, 4, 8, whole.len().min(KEPT)] {
            let Some(by) = Fold::new(whole.len() as u64, width, Key::seed(seed)) else { continue };
            let (mut found, mut expected) = (vec![f32::NAN; width], vec![0.0; width]);
            let measures = fold_with(level, &by, x, biased, &mut found).unwrap();
            spec::fold(Key::seed(seed), whole, &mut expected);
            assert_eq!(bits(&found), bits(&expected), "{}, {n} to {width}, {biased}", T::NAME);
            assert_eq!(measures, spec::tame(whole), "{}, {n}, {biased}", T::NAME);
        }
        assert_eq!(tame_with(level, x, biased), spec::tame(whole), "{}, {n}, {biased}", T::NAME);
    }
}

fn folds_have_the_bits_of_the_definition(level: Level) {
    let inputs = (kind(), any::<u64>(), length(), 0_usize..5);
    for_all(256, inputs, |(kind, seed, n, start)| {
        folded::<f32>(level, kind, seed, n, start);
        folded::<f16>(level, kind, seed, n, start);
        folded::<bf16>(level, kind, seed, n, start);
    });
}

fn folds_of_every_short_length_have_the_bits_of_the_definition(level: Level) {
    for n in edges() {
        folded::<f32>(level, Kind::Graded, n as u64, n, 0);
        folded::<f16>(level, Kind::Graded, n as u64, n, 1);
        folded::<bf16>(level, Kind::Graded, n as u64, n, 1);
    }
}
