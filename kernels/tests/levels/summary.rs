//! The one-pass summary, however a gradient is cut.

use crate::inputs::{Kind, edges, for_all, kind, length, numbers};
use crate::outputs::bits;
use gradsieve_kernels::spec::{self, Format};
use gradsieve_kernels::{Accumulator, Level, Summary, summarize_with};
use half::{bf16, f16};
use proptest::prelude::*;

crate::claims! {
    summaries_have_the_bits_of_the_definition_however_the_slice_is_cut
    summaries_of_every_short_length_and_tile_have_the_bits_of_the_definition
    summaries_in_many_pieces_have_the_bits_of_the_definition
    a_summary_passes_over_a_signalling_nan
}

fn all(summary: Summary) -> Vec<u64> {
    let floats = bits(&[summary.l1, summary.l2_squared, summary.max.into()]);
    [floats, vec![summary.non_finite, summary.count]].concat()
}

fn pieces<'a, T: Format>(level: Level, pieces: impl Iterator<Item = &'a [T]>) -> Vec<u64> {
    let mut state = Accumulator::new();
    pieces.for_each(|piece| state.add_with(level, piece));
    all(state.summary())
}

fn in_two<T: Format>(level: Level, kind: Kind, seed: u64, n: usize, start: usize, cut: usize) {
    let x = &numbers::<T>(kind, seed, n + start)[start..];
    let (head, tail) = x.split_at(cut.min(n));
    let expected = all(spec::summarize(x));
    assert_eq!(pieces(level, [head, tail].into_iter()), expected, "{}, {n} in two", T::NAME);
    assert_eq!(all(summarize_with(level, x)), expected, "{}, {n}", T::NAME);
}

fn summaries_have_the_bits_of_the_definition_however_the_slice_is_cut(level: Level) {
    let inputs = (kind(), any::<u64>(), length(), 0_usize..5, length());
    for_all(256, inputs, |(kind, seed, n, start, cut)| {
        in_two::<f32>(level, kind, seed, n, start, cut);
        in_two::<f16>(level, kind, seed, n, start, cut);
        in_two::<bf16>(level, kind, seed, n, start, cut);
    });
}

fn summaries_of_every_short_length_and_tile_have_the_bits_of_the_definition(level: Level) {
    for n in edges() {
        for cut in [0, 1, 63, 64, 65, 4095, 4096, 5000] {
            in_two::<f32>(level, Kind::Graded, n as u64, n, 0, cut);
            in_two::<bf16>(level, Kind::Graded, n as u64, n, 1, cut);
        }
        in_two::<f16>(level, Kind::Graded, n as u64, n, 1, 64);
    }
}

fn summaries_in_many_pieces_have_the_bits_of_the_definition(level: Level) {
    let x = numbers::<f32>(Kind::Graded, 5, 9000);
    for length in [1, 7, 63, 64, 100, 1000, 4096] {
        assert_eq!(pieces(level, x.chunks(length)), all(spec::summarize(&x)), "pieces of {length}");
    }
}

fn a_summary_passes_over_a_signalling_nan(level: Level) {
    for place in 0..130 {
        let mut x: Vec<f32> = (1..=130).map(|i| i as f32).collect();
        x[place] = f32::from_bits(0x7F80_0001);
        assert_eq!(all(summarize_with(level, &x)), all(spec::summarize(&x)), "at {place}");
    }
}
