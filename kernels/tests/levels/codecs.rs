//! Rows in a byte a value.

use crate::inputs::{finite, finite_kinds, for_all, numbers};
use crate::outputs::{bits, defined, floats, written};
use gradsieve_kernels::codec::int8::{decode_int8_with, encode_int8_part_with, encode_int8_with};
use gradsieve_kernels::spec::codec;
use gradsieve_kernels::{Error, Level};
use proptest::prelude::*;

crate::claims! {
    int8_rows_have_the_codes_and_the_values_of_the_definition
    int8_rows_of_every_short_length_have_the_codes_of_the_definition
    int8_rows_of_the_smallest_and_the_largest_numbers_have_the_codes_of_the_definition
    rows_with_non_finite_values_are_refused_and_nothing_is_written
}

fn int8(level: Level, row: &[f32]) {
    let mut expected = vec![7; row.len()];
    let expected_scale = codec::encode_int8(row, &mut expected).unwrap();
    let mut scale = f32::NAN;
    let found = written(&vec![7; row.len()], 77, |codes| {
        scale = encode_int8_with(level, row, codes)?;
        Ok(())
    });
    assert_eq!((bits(&[scale]), found), (bits(&[expected_scale]), bits(&expected)), "{row:?}");
    let part = &row[..row.len() / 2];
    let found = written(&vec![7; part.len()], 77, |codes| encode_int8_part_with(level, part, scale, codes));
    assert_eq!(found, bits(&expected[..part.len()]), "a part of {row:?}");
    let zeros = vec![0.0; row.len()];
    let found = floats(&zeros, |to| decode_int8_with(level, &expected, scale, to));
    assert_eq!(found, defined(&zeros, |to| codec::decode_int8(&expected, scale, to)));
}

fn int8_rows_have_the_codes_and_the_values_of_the_definition(level: Level) {
    for_all(256, (finite(), any::<u64>(), 0_usize..600), |(kind, seed, k)| {
        int8(level, &numbers(kind, seed, k));
    });
}

fn int8_rows_of_every_short_length_have_the_codes_of_the_definition(level: Level) {
    for (kind, k) in finite_kinds().flat_map(|kind| (0..70).map(move |k| (kind, k))) {
        int8(level, &numbers(kind, 3, k));
    }
}

fn int8_rows_of_the_smallest_and_the_largest_numbers_have_the_codes_of_the_definition(level: Level) {
    int8(level, &[f32::MAX, f32::MIN, 0.0, -0.0]);
    int8(level, &[0.0; 20]);
    for most in 0..2000 {
        let row = (0..=most).step_by(1 + most as usize / 50).chain([most]);
        int8(level, &row.map(f32::from_bits).collect::<Vec<_>>());
    }
}

fn rows_with_non_finite_values_are_refused_and_nothing_is_written(level: Level) {
    for (at, odd) in (0..50).zip([f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().cycle()) {
        let (mut row, mut codes) = (vec![1.0; 50], vec![77; 50]);
        row[at] = odd;
        assert_eq!(encode_int8_with(level, &row, &mut codes), Err(Error::NonFinite));
        assert_eq!(codes, vec![77; 50]);
    }
}
