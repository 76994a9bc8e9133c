//! Updates of a vector, and conversions.

use crate::inputs::{Kind, edges, for_all, kind, numbers};
use crate::outputs::{bits, defined, floats, written};
use gradsieve_kernels::spec::{self, Format};
use gradsieve_kernels::{Level, axpy_with, narrow_with, widen_with};
use gradsieve_vectors::record::Value;
use half::{bf16, f16};
use proptest::prelude::*;

crate::claims! {
    axpy_has_the_bits_of_the_definition
    axpy_of_every_short_length_has_the_bits_of_the_definition
    conversions_have_the_bits_of_the_definition
    every_f16_and_bf16_widens_and_narrows_as_defined
    floats_around_every_f16_and_bf16_narrow_as_defined
}

fn axpy<T: Format>(level: Level, kind: Kind, seed: u64, n: usize, start: usize, alpha: f32) {
    let (x, y) = (&numbers::<T>(kind, seed, n + start)[start..], numbers::<f32>(kind, !seed, n));
    let found = floats(&y, |y| axpy_with(level, alpha, x, y));
    assert_eq!(found, defined(&y, |y| spec::axpy(alpha, x, y)), "{}, {n}", T::NAME);
}

fn axpy_has_the_bits_of_the_definition(level: Level) {
    let inputs = (kind(), any::<u64>(), 0_usize..300, 0_usize..5, -2.0_f32..2.0);
    for_all(256, inputs, |(kind, seed, n, start, alpha)| {
        axpy::<f32>(level, kind, seed, n, start, alpha);
        axpy::<f16>(level, kind, seed, n, start, alpha);
        axpy::<bf16>(level, kind, seed, n, start, alpha);
    });
}

fn axpy_of_every_short_length_has_the_bits_of_the_definition(level: Level) {
    for n in edges().take_while(|&n| n < 1100) {
        axpy::<f32>(level, Kind::Graded, 1, n, 1, -0.3);
        axpy::<f16>(level, Kind::Graded, 1, n, 1, -0.3);
        axpy::<bf16>(level, Kind::Graded, 1, n, 1, -0.3);
    }
}

fn convert<T: Format + Value>(level: Level, wide: &[f32]) {
    let zeros = vec![T::nearest(0.0); wide.len()];
    let found = written(&zeros, T::nearest(-77.0), |to| narrow_with(level, wide, to));
    assert_eq!(found, defined(&zeros, |to| spec::narrow(wide, to)), "to {}", T::NAME);
    let narrow: Vec<T> = wide.iter().map(|&x| T::nearest(x)).collect();
    widened(level, &narrow);
}

fn widened<T: Format>(level: Level, narrow: &[T]) {
    let zeros = vec![0.0; narrow.len()];
    let found = floats(&zeros, |to| widen_with(level, narrow, to));
    assert_eq!(found, defined(&zeros, |to| spec::widen(narrow, to)), "from {}", T::NAME);
}

fn conversions_have_the_bits_of_the_definition(level: Level) {
    for_all(256, (kind(), any::<u64>(), 0_usize..300, 0_usize..5), |(kind, seed, n, start)| {
        let x = &numbers::<f32>(kind, seed, n + start)[start..];
        convert::<f32>(level, x);
        convert::<f16>(level, x);
        convert::<bf16>(level, x);
    });
}

fn every_f16_and_bf16_widens_and_narrows_as_defined(level: Level) {
    fn check<T: Format + Value>(level: Level, all: &[T]) {
        widened(level, all);
        let wide: Vec<f32> = all.iter().map(|x| x.value()).collect();
        let mut back = vec![T::nearest(0.0); all.len()];
        narrow_with(level, &wide, &mut back).unwrap();
        assert_eq!(bits(&back), bits(all), "{}", T::NAME);
    }
    check(level, &(0..=u16::MAX).map(f16::from_bits).collect::<Vec<_>>());
    check(level, &(0..=u16::MAX).map(bf16::from_bits).collect::<Vec<_>>());
}

/// Halfway between two neighbours, and a little beside that.
fn floats_around_every_f16_and_bf16_narrow_as_defined(level: Level) {
    let steps = [-1, 0, 1].map(|step| move |bits: u32| bits.wrapping_add_signed(step));
    let of_f16 = (0..0x7C00).map(|bits| f16::from_bits(bits).value().to_bits() + 0x1000);
    let of_bf16 = (0..0x7F80).map(|bits: u32| (bits << 16) + 0x8000);
    let around: Vec<f32> = of_f16
        .chain(of_bf16)
        .flat_map(|bits| steps.map(|step| f32::from_bits(step(bits))))
        .flat_map(|x| [x, -x])
        .collect();
    convert::<f16>(level, &around);
    convert::<bf16>(level, &around);
}
