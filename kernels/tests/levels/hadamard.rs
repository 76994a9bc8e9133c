//! The Walsh–Hadamard transform.

use crate::inputs::{Kind, for_all, kind, kinds, numbers};
use crate::outputs::{defined, floats};
use gradsieve_kernels::spec;
use gradsieve_kernels::{Error, Level, hadamard_with};
use proptest::prelude::*;

crate::claims! {
    transforms_have_the_bits_of_the_definition
    long_transforms_have_the_bits_of_the_definition
    a_length_that_is_no_power_of_two_is_refused_and_the_slice_left_alone
}

fn transform(level: Level, kind: Kind, seed: u64, log: u32) {
    let x = numbers::<f32>(kind, seed, 1 << log);
    let found = floats(&x, |x| hadamard_with(level, x));
    assert_eq!(found, defined(&x, spec::hadamard), "{kind:?}, 2^{log}");
}

fn transforms_have_the_bits_of_the_definition(level: Level) {
    for log in 0..=12 {
        kinds().for_each(|kind| transform(level, kind, 1, log));
    }
    for_all(64, (kind(), any::<u64>(), 0_u32..14), |(kind, seed, log)| transform(level, kind, seed, log));
}

fn long_transforms_have_the_bits_of_the_definition(level: Level) {
    for log in 14..20 {
        transform(level, Kind::Graded, 1, log);
        transform(level, Kind::SignedZeros, 1, log);
    }
}

fn a_length_that_is_no_power_of_two_is_refused_and_the_slice_left_alone(level: Level) {
    assert_eq!(hadamard_with(level, &mut []), Err(Error::Width { multiple: 1, found: 0 }));
    for length in [3, 5, 17, 48, 1000, 4097] {
        let mut x = vec![1.5; length];
        let multiple = length.next_power_of_two();
        assert_eq!(hadamard_with(level, &mut x), Err(Error::Width { multiple, found: length }));
        assert_eq!(x, vec![1.5; length]);
    }
}
