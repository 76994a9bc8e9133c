//! Dot products, norms and pairs: the canonical sums.

use crate::inputs::{Kind, edges, for_all, kind, length, numbers};
use crate::outputs::bits;
use gradsieve_kernels::dot::{Carried, carried_for, dots_with};
use gradsieve_kernels::spec::{self, Format};
use gradsieve_kernels::sum::TILE;
use gradsieve_kernels::{Level, Pair, dot_with, l1_norm_with, max_abs_with, pair_with, squared_norm_with};
use half::{bf16, f16};
use proptest::prelude::*;

crate::claims! {
    dots_have_the_bits_of_the_definition
    pairs_have_the_bits_of_the_definition
    norms_have_the_bits_of_the_definition
    sums_of_every_short_length_and_tile_have_the_bits_of_the_definition
    short_sums_have_the_bits_of_the_definition_whatever_their_terms
    sums_of_many_tiles_have_the_bits_of_the_definition_though_f64_rounds
    dots_in_pieces_have_the_bits_of_the_whole
    dots_of_all_pairs_have_the_bits_of_each
    a_maximum_passes_over_a_signalling_nan
}

#[inline(never)]
fn dot<T: Format, U: Format>(level: Level, x: &[T], y: &[U]) {
    let (found, expected) = (dot_with(level, x, y).unwrap(), spec::dot(x, y));
    assert_eq!(bits(&[found]), bits(&[expected]), "{} · {}, {} terms", T::NAME, U::NAME, x.len());
}

#[inline(never)]
fn pair<T: Format, U: Format>(level: Level, x: &[T], y: &[U]) {
    let four = |pair: Pair| bits(&[pair.dot, pair.x_squared, pair.y_squared, pair.x_l1]);
    let (found, expected) = (pair_with(level, x, y).unwrap(), spec::pair(x, y));
    assert_eq!(four(found), four(expected), "{}, {}, {} terms", T::NAME, U::NAME, x.len());
}

#[inline(never)]
fn norms<T: Format>(level: Level, x: &[T]) {
    let found = [squared_norm_with(level, x), l1_norm_with(level, x), max_abs_with(level, x).into()];
    let expected = [spec::squared_norm(x), spec::l1_norm(x), spec::max_abs(x).into()];
    assert_eq!(bits(&found), bits(&expected), "{}, {} terms", T::NAME, x.len());
}

/// Two vectors of one length, in any two formats, that start `start` elements into their
/// buffers.
fn both<T: Format, U: Format>(
    level: Level,
    (kind, seed, n, start): (Kind, u64, usize, usize),
    check: fn(Level, &[T], &[U]),
) {
    let (x, y) = (numbers::<T>(kind, seed, n + start), numbers::<U>(kind, !seed, n + start));
    check(level, &x[start..], &y[start..]);
}

fn one<T: Format>(level: Level, (kind, seed, n, start): (Kind, u64, usize, usize)) {
    norms(level, &numbers::<T>(kind, seed, n + start)[start..]);
}

fn every_dot(level: Level, input: (Kind, u64, usize, usize)) {
    both::<f32, f32>(level, input, dot);
    both::<f16, f16>(level, input, dot);
    both::<bf16, bf16>(level, input, dot);
    both::<f32, f16>(level, input, dot);
    both::<f32, bf16>(level, input, dot);
    both::<f16, bf16>(level, input, dot);
}

fn every_pair(level: Level, input: (Kind, u64, usize, usize)) {
    both::<f32, f32>(level, input, pair);
    both::<f16, f16>(level, input, pair);
    both::<bf16, bf16>(level, input, pair);
    both::<bf16, f32>(level, input, pair);
    both::<f32, bf16>(level, input, pair);
}

fn every_norm(level: Level, input: (Kind, u64, usize, usize)) {
    one::<f32>(level, input);
    one::<f16>(level, input);
    one::<bf16>(level, input);
}

fn dots_have_the_bits_of_the_definition(level: Level) {
    for_all(256, (kind(), any::<u64>(), length(), 0_usize..5), |input| every_dot(level, input));
}

fn pairs_have_the_bits_of_the_definition(level: Level) {
    for_all(256, (kind(), any::<u64>(), length(), 0_usize..5), |input| every_pair(level, input));
}

fn norms_have_the_bits_of_the_definition(level: Level) {
    for_all(256, (kind(), any::<u64>(), length(), 0_usize..5), |input| every_norm(level, input));
}

fn sums_of_every_short_length_and_tile_have_the_bits_of_the_definition(level: Level) {
    for n in edges() {
        for start in [0, 1] {
            let input = (Kind::Graded, n as u64, n, start);
            every_dot(level, input);
            every_pair(level, input);
            every_norm(level, input);
        }
    }
}

/// Lengths that are summed in fewer registers than the canonical 64 lanes, of terms that
/// a missing lane could spoil: a lane that is left out holds +0, which must change
/// nothing.
fn short_sums_have_the_bits_of_the_definition_whatever_their_terms(level: Level) {
    let odd = [-0.0, 0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-45, -1e-45, 3e38, -3e38];
    for n in [1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100_usize] {
        for (value, rest) in odd.into_iter().flat_map(|value| [(value, -0.0), (value, 1.5)]) {
            for place in (0..n).step_by(13).chain([n - 1]) {
                let mut x = vec![rest; n];
                x[place] = value;
                let y = vec![if place % 2 == 0 { 1.0 } else { -1.0 }; n];
                short::<f32>(level, &x, &y);
                short::<f16>(level, &x, &y);
                short::<bf16>(level, &x, &y);
            }
        }
    }
}

fn short<T: Format>(level: Level, x: &[f32], y: &[f32]) {
    let as_format = |x: &[f32]| x.iter().map(|&x| T::nearest(x)).collect::<Vec<_>>();
    let (x, small) = (as_format(x), as_format(y));
    dot(level, &x, &small);
    dot(level, &x, y);
    pair(level, &x, &small);
    norms(level, &x);
}

/// Tiles whose sums are of many sizes: each addition in `f64` is rounded, and another
/// order of lanes gives other bits.
fn sums_of_many_tiles_have_the_bits_of_the_definition_though_f64_rounds(level: Level) {
    let lengths = [1025, 1500, 2048, 2100, 3000, 4096, 5000, 12_289_usize];
    for (seed, n) in (0..32).zip(lengths.into_iter().cycle()) {
        let input = (Kind::Graded, seed, n, 0);
        every_dot(level, input);
        every_pair(level, input);
        every_norm(level, input);
    }
}

fn dots_in_pieces_have_the_bits_of_the_whole(level: Level) {
    fn check<T: Format, U: Format>(level: Level, seed: u64, n: usize) {
        let (x, y) = (numbers::<T>(Kind::Graded, seed, n), numbers::<U>(Kind::Graded, !seed, n));
        for tiles in 0..n.div_ceil(TILE) {
            let mut carried = Carried::new();
            let ((x_head, x_rest), (y_head, y_rest)) = (x.split_at(tiles * TILE), y.split_at(tiles * TILE));
            for (x, y) in x_head.chunks(2 * TILE).zip(y_head.chunks(2 * TILE)) {
                carried.add_with(level, x, y).unwrap();
            }
            let found = carried.finish_with(level, x_rest, y_rest).unwrap();
            assert_eq!(bits(&[found]), bits(&[spec::dot(&x, &y)]), "{tiles} tiles of {n}");
        }
    }
    for (seed, n) in (0..).zip([1, 100, 1023, 1024, 1025, 2048, 2049, 5000, 8193]) {
        check::<f32, f32>(level, seed, n);
        check::<f16, f16>(level, seed, n);
        check::<bf16, bf16>(level, seed, n);
        check::<f32, bf16>(level, seed, n);
    }
}

fn dots_of_all_pairs_have_the_bits_of_each(level: Level) {
    fn check<T: Format, U: Format>(level: Level, rows: usize, others: usize, width: usize) {
        let x = numbers::<T>(Kind::Graded, 5, rows * width);
        let y = numbers::<U>(Kind::Graded, 6, others * width);
        let mut carried = vec![Carried::new(); carried_for(rows, others, width)];
        let mut found = vec![f64::NAN; rows * others];
        dots_with(level, &x, &y, width, &mut carried, &mut found).unwrap();
        for (i, x) in x.chunks_exact(width).enumerate() {
            for (j, y) in y.chunks_exact(width).enumerate() {
                let found = found[i * others + j];
                assert_eq!(
                    bits(&[found]),
                    bits(&[spec::dot(x, y)]),
                    "({i}, {j}) of {rows} × {others} × {width}"
                );
            }
        }
    }
    // Rows that begin anywhere, and end in the midst of a tile, of a step, or of neither.
    for (rows, others, width) in [
        (1, 1, 1),
        (4, 7, 3 * TILE + 17),
        (8, 8, 3 * TILE + 17),
        (9, 11, 2 * TILE),
        (10, 9, 100),
        (35, 13, TILE),
        (67, 8, TILE + 1),
        (8, 133, 65),
        (34, 130, TILE + 960),
    ] {
        check::<f32, f32>(level, rows, others, width);
    }
    check::<f16, f32>(level, 9, 10, 2 * TILE + 3);
    check::<f16, f16>(level, 9, 10, TILE + 31);
    check::<bf16, bf16>(level, 11, 8, 2 * TILE + 90);
    // What leaves f32 on the way is taken again.
    for size in [2.0_f32.powi(100), 1.0, 2.0_f32.powi(-100)] {
        let x: Vec<f32> =
            numbers::<f32>(Kind::Graded, 7, 2 * TILE + 3).iter().map(|x| x.clamp(-9.0, 9.0) * size).collect();
        let mut carried = Carried::new();
        carried.add_with(level, &x[..2 * TILE], &x[..2 * TILE]).unwrap();
        let found = carried.finish_whole(2 * TILE, &x, &x).unwrap();
        assert_eq!(bits(&[found]), bits(&[spec::dot(&x, &x)]), "{size}");
        assert!(carried.finish_whole(2 * TILE + 4, &x, &x).is_err());
    }
}

/// Some instructions for maxima don't.
fn a_maximum_passes_over_a_signalling_nan(level: Level) {
    for place in 0..130 {
        let mut x: Vec<f32> = (1..=130).map(|i| i as f32).collect();
        x[place] = f32::from_bits(0x7F80_0001);
        assert_eq!(max_abs_with(level, &x), spec::max_abs(&x), "at {place}");
    }
}
