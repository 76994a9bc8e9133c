//! Scores of stored rows, of open segments and of sealed ones.

use crate::inputs::{Kind, finite, for_all, kind, numbers};
use crate::outputs::{defined, floats, written};
use gradsieve_kernels::codec::bits::Bits;
use gradsieve_kernels::score::float::{Packed, score_rows_with, score_sealed_with, sealed_len};
use gradsieve_kernels::score::hamming::{self, hamming_rows_with, hamming_sealed_with};
use gradsieve_kernels::score::{bits, int8};
use gradsieve_kernels::spec::{self, Format};
use gradsieve_kernels::{Level, hash};
use half::{bf16, f16};
use proptest::prelude::*;

crate::claims! {
    float_scores_have_the_bits_of_the_definition_in_both_layouts
    float_scores_of_every_tile_have_the_bits_of_the_definition
    int8_scores_have_the_bits_of_the_definition_in_both_layouts
    int8_scores_of_every_tile_have_the_bits_of_the_definition
    int8_scores_of_the_longest_rows_have_the_bits_of_the_definition
    scores_of_few_bits_have_the_bits_of_the_definition
    scores_of_few_bits_of_every_tile_have_the_bits_of_the_definition
    scores_of_few_bits_of_the_longest_rows_have_the_bits_of_the_definition
    scores_of_few_bits_of_many_rows_have_the_bits_of_the_definition
    distances_are_those_of_the_definition_in_both_layouts
    distances_of_every_tile_are_those_of_the_definition
    distances_of_rows_that_differ_everywhere_are_right_however_long_they_are
}

/// Rows of k values and queries: how many of each.
#[derive(Clone, Copy, Debug)]
struct Shape {
    n: usize,
    k: usize,
    queries: usize,
}

/// Shapes that have paths of their own: groups that are full, begun or many; tiles of
/// one, two, four and eight queries and what is left of them; widths on either side of a
/// register and of a block of signs.
fn tiles() -> impl Iterator<Item = Shape> {
    let counts = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17];
    let full = counts.into_iter().flat_map(|queries| {
        [1, 15, 16, 17, 33, 64, 65].map(|n| (n, [1, 15, 16, 17, 33, 64, 65, 130][(n + queries) % 8], queries))
    });
    let wide =
        [(130, 64, 8), (129, 100, 4), (300, 5, 2), (257, 64, 1), (40, 512, 64), (20, 1100, 9), (3, 2048, 3)];
    full.chain(wide).map(|(n, k, queries)| Shape { n, k, queries })
}

fn shape(most: usize, queries: usize) -> impl Strategy<Value = Shape> {
    let k = prop_oneof![6 => 1_usize..150, 1 => Just(256_usize), 1 => Just(512), 2 => 500_usize..530];
    (0..most, k, 0..queries).prop_map(|(n, k, queries)| Shape { n, k, queries })
}

fn float<T: Format>(level: Level, kind: Kind, seed: u64, Shape { n, k, queries }: Shape) {
    let (rows, q) = (numbers::<T>(kind, seed, n * k), numbers::<f32>(kind, !seed, queries * k));
    let start = vec![7.0; n * queries];
    let expected = defined(&start, |scores| spec::score::score_floats(&rows, k, &q, scores));
    let found = floats(&start, |scores| score_rows_with(level, &rows, k, &q, scores));
    assert_eq!(found, expected, "{} open: {n} rows of {k}, {queries}", T::NAME);
    let mut sealed = vec![T::ZERO; sealed_len(n, k)];
    spec::score::seal_floats(&rows, k, &mut sealed);
    let mut scratch = vec![f32::NAN; Packed::len(queries, k)];
    let packed = Packed::new(&q, k, &mut scratch).unwrap();
    let found = floats(&start, |scores| score_sealed_with(level, &sealed, packed, scores));
    assert_eq!(found, expected, "{} sealed: {n} rows of {k}, {queries}", T::NAME);
}

fn float_scores_have_the_bits_of_the_definition_in_both_layouts(level: Level) {
    for_all(96, (kind(), any::<u64>(), shape(70, 20)), |(kind, seed, shape)| {
        float::<f32>(level, kind, seed, shape);
        float::<f16>(level, kind, seed, shape);
        float::<bf16>(level, kind, seed, shape);
    });
}

fn float_scores_of_every_tile_have_the_bits_of_the_definition(level: Level) {
    for shape in tiles() {
        float::<f32>(level, Kind::Graded, 5, shape);
        float::<f16>(level, Kind::Graded, 5, shape);
        float::<bf16>(level, Kind::Graded, 5, shape);
    }
}

fn integers<T>(seed: u64, length: usize, of_word: impl Fn(u64) -> T) -> Vec<T> {
    (0..length as u64).map(|i| of_word(hash::word(seed, i))).collect()
}

fn int8_scores(level: Level, kind: Kind, seed: u64, Shape { n, k, queries }: Shape) {
    let (codes, scales) = (integers(seed, n * k, |word| word as u8), numbers::<f32>(kind, seed ^ 1, n));
    let q = numbers::<f32>(kind, !seed, queries * k);
    let start = vec![7.0; n * queries];
    let expected = defined(&start, |scores| spec::score::score_int8(&codes, &scales, k, &q, scores));
    let mut scratch = vec![7; int8::Queries::open_len(queries, k)];
    let open = int8::Queries::open(&q, k, &mut scratch).unwrap();
    let rows = int8::Rows { codes: &codes, scales: &scales };
    let found = floats(&start, |scores| int8::score_int8_rows_with(level, rows, open, scores));
    assert_eq!(found, expected, "open: {n} rows of {k}, {queries}");
    let mut sealed = vec![9; int8::sealed_len(n, k)];
    spec::score::seal_int8(&codes, k, &mut sealed);
    let mut scratch = vec![7; int8::Queries::sealed_len(queries, k)];
    let packed = int8::Queries::sealed(&q, k, &mut scratch).unwrap();
    let rows = int8::Rows { codes: &sealed, scales: &scales };
    let found = floats(&start, |scores| int8::score_int8_sealed_with(level, rows, packed, scores));
    assert_eq!(found, expected, "sealed: {n} rows of {k}, {queries}");
}

fn int8_scores_have_the_bits_of_the_definition_in_both_layouts(level: Level) {
    for_all(96, (finite(), any::<u64>(), shape(70, 20)), |(kind, seed, shape)| {
        int8_scores(level, kind, seed, shape);
    });
}

fn int8_scores_of_every_tile_have_the_bits_of_the_definition(level: Level) {
    tiles().for_each(|shape| int8_scores(level, Kind::Graded, 5, shape));
}

/// The largest sums there are: codes of 255 and of 0, queries of 127.
fn int8_scores_of_the_longest_rows_have_the_bits_of_the_definition(level: Level) {
    let k = int8::MOST;
    let codes = [vec![255; k], vec![0; k], vec![1; k]].concat();
    let (scales, q) = ([1.0; 3], [vec![1.0; k], vec![-1.0; k]].concat());
    let start = vec![7.0; 6];
    let mut scratch = vec![7; int8::Queries::open_len(2, k)];
    let open = int8::Queries::open(&q, k, &mut scratch).unwrap();
    let rows = int8::Rows { codes: &codes, scales: &scales };
    let found = floats(&start, |scores| int8::score_int8_rows_with(level, rows, open, scores));
    assert_eq!(found, defined(&start, |scores| spec::score::score_int8(&codes, &scales, k, &q, scores)));
}

fn of_few_bits(level: Level, kind: Kind, seed: u64, Shape { n, k, queries }: Shape) {
    for bits in Bits::ALL {
        // What fills up a row is anything: it has no say.
        let words = integers(seed, n * bits.words(k), |word| word as u32);
        let (scales, q) = (numbers::<f16>(kind, seed ^ 1, n), numbers::<f32>(kind, !seed, queries * k));
        let start = vec![7.0; n * queries];
        let expected =
            defined(&start, |to| spec::score::score_bits(bits.count(), &words, &scales, k, &q, to));
        let mut sealed = vec![9; bits::sealed_len(bits, n, k)];
        spec::score::seal_bits(bits.count(), &words, k, &mut sealed);
        let mut scratch = vec![7; bits::Queries::sealed_len(queries, k)];
        let packed = bits::Queries::sealed(bits, &q, k, &mut scratch).unwrap();
        let rows = bits::Rows { words: &sealed, scales: &scales };
        let found = floats(&start, |to| bits::score_bits_sealed_with(level, rows, packed, to));
        assert_eq!(found, expected, "{bits:?}: {n} rows of {k}, {queries}");
    }
}

fn scores_of_few_bits_have_the_bits_of_the_definition(level: Level) {
    for_all(64, (finite(), any::<u64>(), shape(150, 10)), |(kind, seed, shape)| {
        of_few_bits(level, kind, seed, shape);
    });
}

fn scores_of_few_bits_of_every_tile_have_the_bits_of_the_definition(level: Level) {
    tiles().for_each(|shape| of_few_bits(level, Kind::Graded, 5, shape));
}

/// The largest sums there are: the outermost levels, and queries of 127.
fn scores_of_few_bits_of_the_longest_rows_have_the_bits_of_the_definition(level: Level) {
    for (bits, furthest) in Bits::ALL.into_iter().zip([[0, 1], [0, 3], [7, 15]]) {
        let (k, each) = (bits.most(), 32 / bits.count());
        let word = |code: u32| (0..each).fold(0, |word, i| word | code << (i * bits.count()));
        let words = furthest.map(|code| vec![word(code); bits.words(k)]).concat();
        let (scales, q) = ([f16::ONE; 2], [vec![1.0; k], vec![-1.0; k]].concat());
        let start = vec![7.0; 4];
        let expected =
            defined(&start, |to| spec::score::score_bits(bits.count(), &words, &scales, k, &q, to));
        let mut sealed = vec![9; bits::sealed_len(bits, 2, k)];
        spec::score::seal_bits(bits.count(), &words, k, &mut sealed);
        let mut scratch = vec![7; bits::Queries::sealed_len(2, k)];
        let rows = bits::Rows { words: &sealed, scales: &scales };
        let packed = bits::Queries::sealed(bits, &q, k, &mut scratch).unwrap();
        let found = floats(&start, |to| bits::score_bits_sealed_with(level, rows, packed, to));
        assert_eq!(found, expected, "{bits:?}: two queries");
        let mut scratch = vec![7; bits::Queries::sealed_len(1, k)];
        let packed = bits::Queries::sealed(bits, &q[k..], k, &mut scratch).unwrap();
        let found = floats(&start[2..], |to| bits::score_bits_sealed_with(level, rows, packed, to));
        assert_eq!(found, expected[2..], "{bits:?}: one query");
    }
}

/// Sums over ones are made by tables of some words, for many rows together: the largest
/// and smallest sums, in one and in several such stretches.
fn scores_of_few_bits_of_many_rows_have_the_bits_of_the_definition(level: Level) {
    for (n, k, queries) in [(128, 1024, 1), (130, 1025, 2), (2100, 1100, 1), (2049, 65, 3), (144, 2200, 9)] {
        of_few_bits(level, Kind::Graded, 5, Shape { n, k, queries });
        let length = Bits::One.words(k);
        let words: Vec<u32> =
            (0..n).flat_map(|row| vec![[u32::MAX, 0, 0x8000_0001][row % 3]; length]).collect();
        let scales = vec![f16::ONE; n];
        let q: Vec<f32> = (0..queries).flat_map(|q| vec![[1.0, -1.0][q % 2]; k]).collect();
        let start = vec![7.0; n * queries];
        let expected = defined(&start, |to| spec::score::score_bits(1, &words, &scales, k, &q, to));
        let mut sealed = vec![9; bits::sealed_len(Bits::One, n, k)];
        spec::score::seal_bits(1, &words, k, &mut sealed);
        let mut scratch = vec![7; bits::Queries::sealed_len(queries, k)];
        let packed = bits::Queries::sealed(Bits::One, &q, k, &mut scratch).unwrap();
        let rows = bits::Rows { words: &sealed, scales: &scales };
        let found = floats(&start, |to| bits::score_bits_sealed_with(level, rows, packed, to));
        assert_eq!(found, expected, "{n} rows of {k}, {queries}");
    }
}

fn distances(level: Level, kind: Kind, seed: u64, Shape { n, k, queries }: Shape) {
    let words = integers(seed, n * Bits::One.words(k), |word| word as u32);
    let q = numbers::<f32>(kind, !seed, queries * k);
    let start = vec![7; n * queries];
    let expected = defined(&start, |to| spec::score::hamming(&words, Bits::One.words(k), k, &q, to));
    let mut scratch = vec![7; hamming::Queries::open_len(queries, k)];
    let open = hamming::Queries::open(&q, k, &mut scratch).unwrap();
    let found = written(&start, 0xDEAD_BEEF, |to| hamming_rows_with(level, &words, open, to));
    assert_eq!(found, expected, "open: {n} rows of {k}, {queries}");
    let mut sealed = vec![9; bits::sealed_len(Bits::One, n, k)];
    spec::score::seal_bits(1, &words, k, &mut sealed);
    let mut scratch = vec![7; hamming::Queries::sealed_len(queries, k)];
    let packed = hamming::Queries::sealed(&q, k, &mut scratch).unwrap();
    let found = written(&start, 0xDEAD_BEEF, |to| hamming_sealed_with(level, &sealed, packed, to));
    assert_eq!(found, expected, "sealed: {n} rows of {k}, {queries}");
}

fn distances_are_those_of_the_definition_in_both_layouts(level: Level) {
    let k = prop_oneof![4 => 1_usize..530, 1 => 970_usize..1100, 1 => Just(2048_usize)];
    let shapes = (0_usize..150, k, 0_usize..20).prop_map(|(n, k, queries)| Shape { n, k, queries });
    for_all(96, (kind(), any::<u64>(), shapes), |(kind, seed, shape)| distances(level, kind, seed, shape));
}

fn distances_of_every_tile_are_those_of_the_definition(level: Level) {
    tiles().for_each(|shape| distances(level, Kind::SignedZeros, 5, shape));
    distances(level, Kind::SignedZeros, 6, Shape { n: 300, k: 64, queries: 9 });
}

/// Where bits are counted in bytes, these overflow first.
fn distances_of_rows_that_differ_everywhere_are_right_however_long_they_are(level: Level) {
    for k in [31 * 32, 31 * 32 + 1, 1024, 2048, 4100, 20_000] {
        let (n, length) = (3, Bits::One.words(k));
        let q = [vec![1.0; k], vec![-1.0; k]].concat();
        let (words, start) = (vec![u32::MAX; n * length], vec![7; 2 * n]);
        let expected = defined(&start, |to| spec::score::hamming(&words, length, k, &q, to));
        let mut scratch = vec![7; hamming::Queries::open_len(2, k)];
        let open = hamming::Queries::open(&q, k, &mut scratch).unwrap();
        assert_eq!(written(&start, 1, |to| hamming_rows_with(level, &words, open, to)), expected, "{k}");
        let mut sealed = vec![9; bits::sealed_len(Bits::One, n, k)];
        spec::score::seal_bits(1, &words, k, &mut sealed);
        let mut scratch = vec![7; hamming::Queries::sealed_len(2, k)];
        let packed = hamming::Queries::sealed(&q, k, &mut scratch).unwrap();
        assert_eq!(written(&start, 1, |to| hamming_sealed_with(level, &sealed, packed, to)), expected, "{k}");
    }
}
