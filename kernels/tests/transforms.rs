//! The transforms and dense projections: every level has the bits of the scalar text, and the scalar text is right to within the
//! error that its documentation states.
//!
//! As in `levels.rs`, one macro stamps each claim for each level, and a level that the machine lacks is reported as skipped.

use gradsieve_kernels::{Error, Level, hadamard, hadamard_with, hash};
use proptest::prelude::*;

/// Half of the distance from 1 to the next number: the largest relative error of one rounding.
const UNIT: f64 = 1.0 / (1_u64 << 24) as f64;

/// Kinds of input, each with its own arithmetic trouble.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Uniform,
    Tiny,
    HeavyTailed,
    Subnormal,
    Huge,
    WithNonFinite,
    SignedZeros,
    /// Distinct values of a prime period, so that swapped blocks show.
    Painted,
}

const KINDS: [Kind; 8] = [
    Kind::Uniform,
    Kind::Tiny,
    Kind::HeavyTailed,
    Kind::Subnormal,
    Kind::Huge,
    Kind::WithNonFinite,
    Kind::SignedZeros,
    Kind::Painted,
];

fn numbers(kind: Kind, seed: u64, length: usize) -> Vec<f32> {
    (0..length as u64)
        .map(|i| {
            let word = hash::word(seed, i);
            let unit = (word >> 40) as f32 / (1 << 24) as f32;
            let signed = 2.0 * unit - 1.0;
            match kind {
                Kind::Uniform => signed,
                Kind::Tiny => 1e-4 * signed,
                Kind::HeavyTailed => signed / (1e-6 + unit * unit),
                Kind::Subnormal => f32::from_bits(word as u32 & 0x80FF_FFFF),
                Kind::Huge => 3e38 * signed,
                Kind::WithNonFinite => match word % 997 {
                    0 => f32::NAN,
                    1 => f32::INFINITY,
                    2 => f32::NEG_INFINITY,
                    _ => signed,
                },
                Kind::SignedZeros => [0.0, -0.0, 1.0, -1.0][word as usize % 4],
                Kind::Painted => (i % 251) as f32 + 1.0,
            }
        })
        .collect()
}

/// Bits, with every NaN made one.
fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() }).collect()
}

/// Guard words around an output: what stands there must stay.
const GUARD: f32 = -12345.678;
/// How many stand on each side: odd, so that what lies between is not aligned.
const GUARDS: usize = 17;

fn guarded(inner: &[f32]) -> Vec<f32> {
    [&[GUARD; GUARDS][..], inner, &[GUARD; GUARDS][..]].concat()
}

/// The part between the guard words.
fn inner(guarded: &mut [f32]) -> &mut [f32] {
    let end = guarded.len() - GUARDS;
    &mut guarded[GUARDS..end]
}

/// The level of that name, or a word about its absence.
fn level_or_skip(name: &str) -> Option<Level> {
    let level = Level::named(name).ok();
    if level.is_none() {
        eprintln!("skipped: this machine has no {name}");
    }
    level
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(&KINDS[..])
}

fn transforms(level: Level, x: &[f32]) {
    let (mut expected, mut found) = (guarded(x), guarded(x));
    hadamard_with(Level::SCALAR, inner(&mut expected)).unwrap();
    hadamard_with(level, inner(&mut found)).unwrap();
    assert_eq!(bits(&found), bits(&expected), "{} elements", x.len());
}

macro_rules! for_each_level {
    ($($level:ident)*) => {$(
        mod $level {
            use super::*;

            proptest! {
                #[test]
                fn transforms_have_the_bits_of_the_definition(kind in kind(), seed: u64, log in 0_u32..14) {
                    let Some(level) = level_or_skip(stringify!($level)) else { return Ok(()) };
                    transforms(level, &numbers(kind, seed, 1 << log));
                }
            }

            #[test]
            fn long_transforms_have_the_bits_of_the_definition() {
                let Some(level) = level_or_skip(stringify!($level)) else { return };
                for log in 14..20 {
                    for kind in [Kind::Uniform, Kind::Painted, Kind::WithNonFinite] {
                        transforms(level, &numbers(kind, log, 1 << log));
                    }
                }
            }

            #[test]
            fn a_length_that_is_no_power_of_two_is_refused_and_the_slice_left_alone() {
                let Some(level) = level_or_skip(stringify!($level)) else { return };
                assert_eq!(hadamard_with(level, &mut []), Err(Error::Width { multiple: 1, found: 0 }));
                for length in [3, 5, 17, 48, 1000, 4097] {
                    let x = numbers(Kind::Uniform, 1, length);
                    let mut found = x.clone();
                    let multiple = length.next_power_of_two();
                    assert_eq!(hadamard_with(level, &mut found), Err(Error::Width { multiple, found: length }));
                    assert_eq!(bits(&found), bits(&x));
                }
            }
        }
    )*};
}

for_each_level!(scalar avx2 avx512);

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
    fn transforms_keep_to_their_bound(kind in 0_usize..4, seed: u64, log in 0_u32..15) {
        let x = numbers(KINDS[kind], seed, 1 << log);
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
