//! Codecs and scores of stored rows: what they refuse, where a sealed segment keeps a
//! row, and that the answers are right by `f64`.

use crate::inputs::{FINITE, Kind, finite, numbers};
use gradsieve_kernels::codec::bits::{Bits, decode_block, encode_block};
use gradsieve_kernels::codec::int8::{decode_int8_with, encode_int8_part, encode_int8_with};
use gradsieve_kernels::score::float::{
    Packed, score_rows_with, score_sealed_with, seal, sealed_len, sealed_place,
};
use gradsieve_kernels::score::hamming::{self, hamming_rows_with, hamming_sealed_with};
use gradsieve_kernels::score::{bits, float, int8};
use gradsieve_kernels::spec::{self, Format};
use gradsieve_kernels::{Element, Error, Level};
use half::{bf16, f16};
use proptest::prelude::*;

/// Row widths that cross registers, blocks of bits, and the usual ones.
fn width() -> impl Strategy<Value = usize> {
    prop_oneof![1_usize..150, Just(256_usize), Just(512), 500_usize..530]
}

fn as_format<T: Element>(x: &[f32]) -> Vec<T> {
    x.iter().map(|&x| T::narrow(x)).collect()
}

/// What stands in an output before, to show that it was not written.
const GUARD: f32 = -12345.678;

fn scored_open<T: Element>(level: Level, rows: &[T], k: usize, queries: &[f32]) -> Vec<f32> {
    let mut scores = vec![GUARD; rows.len() / k * (queries.len() / k)];
    score_rows_with(level, rows, k, queries, &mut scores).unwrap();
    scores
}

fn int8_rows(level: Level, rows: &[f32], k: usize) -> (Vec<u8>, Vec<f32>) {
    let mut codes = vec![0; rows.len()];
    let encode = |(row, codes): (&[f32], &mut [u8])| encode_int8_with(level, row, codes).unwrap();
    let scales = rows.chunks_exact(k).zip(codes.chunks_exact_mut(k)).map(encode).collect();
    (codes, scales)
}

/// Rows of codes, and Σ x·level of each.
fn rows_of_bits(of: Bits, rows: &[f32], k: usize, levels: f32) -> (Vec<u32>, Vec<f64>) {
    let (mut words, mut products) = (Vec::new(), Vec::new());
    for row in rows.chunks(k) {
        let mut row_product = 0.0;
        for block in 0..k.div_ceil(64) {
            let (codes, product) = encode_block(of, &block_of(row, block), levels);
            words.extend_from_slice(&codes[..2 * of.count()]);
            row_product += f64::from(product);
        }
        products.push(row_product);
    }
    (words, products)
}

/// Block `block` of a row, with zeros behind its end.
fn block_of(row: &[f32], block: usize) -> [f32; 64] {
    core::array::from_fn(|i| row.get(64 * block + i).copied().unwrap_or(0.0))
}

fn put_and_taken<T: Element>(rows: &[f32], k: usize, part: usize) {
    let (rows, n) = (as_format::<T>(rows), rows.len() / k);
    let mut expected = vec![T::ZERO; sealed_len(n, k)];
    seal(&rows, k, &mut expected).unwrap();
    let mut sealed = vec![T::ZERO; expected.len()];
    for (r, row) in rows.chunks(k).enumerate().rev() {
        let mut taken = vec![T::narrow(9.0); k];
        for (first, part) in (0..).step_by(part).zip(row.chunks(part)) {
            float::put(part, first, k, r, &mut sealed).unwrap();
            float::take(&sealed, k, r, first, &mut taken[first..first + part.len()]).unwrap();
        }
        assert_eq!(taken, row);
    }
    assert_eq!(sealed, expected);
}

proptest! {
    #[test]
    fn rows_put_one_by_one_are_the_sealed_segment_and_are_taken_as_they_were(
        kind in finite(), seed: u64, n in 1_usize..40, k in width(), part in 1_usize..100,
    ) {
        let rows = numbers::<f32>(kind, seed, n * k);
        put_and_taken::<f32>(&rows, k, part);
        put_and_taken::<bf16>(&rows, k, part);

        let (codes, scales) = int8_rows(Level::best(), &rows, k);
        let mut expected = vec![9; int8::sealed_len(n, k)];
        int8::seal(&codes, k, &mut expected).unwrap();
        let mut sealed = vec![0; expected.len()];
        for (r, (row, scale)) in rows.chunks(k).zip(&scales).enumerate() {
            for (first, part) in (0..).step_by(part).zip(row.chunks(part)) {
                let (mut now, mut taken) = (vec![0; part.len()], vec![0; part.len()]);
                encode_int8_part(part, *scale, &mut now).unwrap();
                int8::put(&now, first, k, r, &mut sealed).unwrap();
                int8::take(&sealed, k, r, first, &mut taken).unwrap();
                assert_eq!(taken, now);
            }
        }
        assert_eq!(sealed, expected);

        for of in Bits::ALL {
            let (words, _) = rows_of_bits(of, &rows, k, 1.0);
            let mut expected = vec![9; bits::sealed_len(of, n, k)];
            bits::seal(of, &words, k, &mut expected).unwrap();
            let mut sealed = vec![0; expected.len()];
            for (r, (row, words)) in rows.chunks(k).zip(words.chunks(of.words(k))).enumerate() {
                bits::put(of, k, |block| encode_block(of, &block_of(row, block), 1.0).0, r, &mut sealed).unwrap();
                let mut taken = Vec::new();
                bits::take(of, &sealed, k, r, |_, codes| taken.extend_from_slice(&codes[..2 * of.count()])).unwrap();
                assert_eq!(taken, words);
            }
            assert_eq!(sealed, expected);
        }
        assert_eq!(sealed, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sealed_segments_and_their_places_are_those_of_the_definition(
        kind in finite(), seed: u64, n in 0_usize..70, k in width(),
    ) {
        fn check<T: Format>(rows: &[T], k: usize) {
            let n = rows.len() / k;
            let (mut found, mut expected) = (vec![T::narrow(7.0); sealed_len(n, k)], vec![T::ZERO; sealed_len(n, k)]);
            seal(rows, k, &mut found).unwrap();
            spec::score::seal_floats(rows, k, &mut expected);
            assert_eq!(found, expected);
        }
        let rows = numbers::<f32>(kind, seed, n * k);
        check::<f32>(&rows, k);
        check::<f16>(&as_format(&rows), k);
        check::<bf16>(&as_format(&rows), k);
        for (r, i) in (0..n).flat_map(|r| (0..k).step_by(7).map(move |i| (r, i))) {
            assert_eq!(sealed_place(k, r, i), spec::score::place_of_float(k, r, i));
            assert_eq!(int8::sealed_place(k, r, i), spec::score::place_of_int8(k, r, i));
        }

        let word = |i: usize| gradsieve_kernels::hash::word(seed, i as u64);
        let codes: Vec<u8> = (0..n * k).map(|i| word(i) as u8).collect();
        let (mut found, mut expected) = (vec![7; int8::sealed_len(n, k)], vec![9; int8::sealed_len(n, k)]);
        int8::seal(&codes, k, &mut found).unwrap();
        spec::score::seal_int8(&codes, k, &mut expected);
        assert_eq!(found, expected);

        for of in Bits::ALL {
            let words: Vec<u32> = (0..n * of.words(k)).map(|i| word(i) as u32).collect();
            let length = bits::sealed_len(of, n, k);
            let (mut found, mut expected) = (vec![7; length], vec![9; length]);
            bits::seal(of, &words, k, &mut found).unwrap();
            spec::score::seal_bits(of.count(), &words, k, &mut expected);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn packed_signs_are_those_of_the_definition(kind in finite(), seed: u64, count in 0_usize..20, k in width()) {
        let queries = numbers::<f32>(kind, seed, count * k);
        let mut found = vec![7; hamming::Queries::open_len(count, k)];
        let mut expected = found.clone();
        hamming::Queries::open(&queries, k, &mut found).unwrap();
        spec::score::pack_signs(&queries, k, &mut expected);
        assert_eq!(found, expected);
        let mut found = vec![7; hamming::Queries::sealed_len(count, k)];
        let mut expected = found.clone();
        hamming::Queries::sealed(&queries, k, &mut found).unwrap();
        spec::score::pack_signs_sealed(&queries, k, &mut expected);
        assert_eq!(found, expected);
    }

    #[test]
    fn codes_of_few_bits_are_those_of_the_definition(kind in finite(), seed: u64, levels in 0.0_f32..60.0, scale in -9.0_f32..9.0) {
        let values: [f32; 64] = numbers::<f32>(kind, seed, 64).iter().map(|x| x.clamp(-1e34, 1e34)).collect::<Vec<_>>().try_into().unwrap();
        for of in Bits::ALL {
            let (words, product) = encode_block(of, &values, levels);
            let mut expected = vec![9; 2 * of.count()];
            let defined = spec::codec::encode_bits(of.count(), &values, levels, &mut expected);
            assert_eq!((&words[..expected.len()], product.to_bits()), (&expected[..], defined.to_bits()));
            assert!(words[expected.len()..].iter().all(|word| *word == 0));
            for (i, value) in decode_block(of, &words, scale).into_iter().enumerate() {
                let level = spec::codec::level(of.count(), spec::codec::code_of(of.count(), &words, i));
                assert_eq!(value, level as f32 * scale);
            }
        }
    }
}

#[test]
fn places_that_a_sealed_segment_does_not_have_are_refused() {
    let too_long = Err(Error::Length { expected: 10, found: 11 });
    let too_far = |expected, found| Err(Error::Length { expected, found });
    let none = Err(Error::Width { multiple: 1, found: 0 });
    let mut sealed = [7.0_f32; 160];
    assert_eq!(float::put(&[1.0; 3], 8, 10, 0, &mut sealed), too_long);
    assert_eq!(float::put(&[1.0; 3], 0, 10, 16, &mut sealed), too_far(320, 160));
    assert_eq!(float::take(&sealed, 0, 0, 0, &mut []), none);
    assert_eq!(float::put(&[1.0; 3], usize::MAX, 10, 0, &mut sealed), too_far(10, usize::MAX));
    assert_eq!(sealed, [7.0; 160]);
    let mut sealed = [7_u8; 192];
    assert_eq!(int8::put(&[1; 3], 8, 10, 0, &mut sealed), too_long);
    assert_eq!(int8::put(&[1; 3], 0, 10, 16, &mut sealed), too_far(384, 192));
    assert_eq!(int8::take(&sealed, 0, 0, 0, &mut []), none);
    assert_eq!(sealed, [7; 192]);
    let mut sealed = [7_u32; 32];
    assert_eq!(bits::put(Bits::One, 3, |_| [1; 8], 16, &mut sealed), too_far(64, 32));
    assert_eq!(bits::put(Bits::One, 0, |_| [1; 8], 0, &mut sealed), none);
    let never = |_, _: &[u32; 8]| panic!("there is no such row");
    assert_eq!(bits::take(Bits::Four, &sealed, 1, 0, never), too_far(128, 32));
    assert_eq!(bits::take(Bits::One, &sealed, 1, usize::MAX, never), too_far(usize::MAX, 32));
    assert_eq!(sealed, [7; 32]);
}

/// |computed − exact| ≤ (⌈k/16⌉ + 5)·2⁻²⁴·Σ|xᵢ·qᵢ|: a product, the additions of a partial sum, the fold.
#[test]
fn float_scores_are_within_their_bound_of_f64() {
    for kind in [Kind::Uniform, Kind::Tiny, Kind::HeavyTailed, Kind::Positive, Kind::Painted] {
        for k in [1, 16, 100, 512, 4096] {
            let (rows, queries) = (numbers::<f32>(kind, 1, 5 * k), numbers::<f32>(kind, 2, 3 * k));
            let scores = scored_open(Level::best(), &rows, k, &queries);
            for (at, score) in scores.iter().enumerate() {
                let terms = rows[at % 5 * k..][..k].iter().zip(&queries[at / 5 * k..][..k]);
                let terms = terms.map(|(&x, &q)| f64::from(x) * f64::from(q));
                let bound = (k.div_ceil(16) + 5) as f64 * f64::from(f32::EPSILON) / 2.0;
                let magnitude: f64 = terms.clone().map(f64::abs).sum();
                let error = (f64::from(*score) - terms.sum::<f64>()).abs();
                assert!(error <= bound * magnitude, "{kind:?}, k = {k}: {error:e} of {magnitude:e}");
            }
        }
    }
}

#[test]
fn lengths_that_do_not_fit_are_refused_and_nothing_is_written() {
    let (rows, mut scores) = ([1.0_f32; 12], [GUARD; 6]);
    let level = Level::best();
    let mut refused = |rows: &[f32], k, queries: &[f32], n: usize, error| {
        assert_eq!(score_rows_with(level, rows, k, queries, &mut scores[..n]), Err(error));
        assert_eq!(scores, [GUARD; 6]);
    };
    refused(&rows, 0, &rows, 6, Error::Width { multiple: 1, found: 0 });
    refused(&rows, 5, &rows[..5], 2, Error::Length { expected: 10, found: 12 });
    refused(&rows, 4, &rows[..7], 3, Error::Length { expected: 4, found: 7 });
    refused(&rows, 4, &rows[..8], 5, Error::Length { expected: 6, found: 5 });

    let mut scratch = [0.0; 32];
    let error = Packed::new(&rows, 4, &mut scratch).map(|_| ());
    assert_eq!(error, Err(Error::Length { expected: 16, found: 32 }));
    let packed = Packed::new(&rows[..8], 4, &mut scratch[..8]).unwrap();
    let sealed = [1.0_f32; 64];
    let mut refused = |sealed: &[f32], n: usize, error| {
        assert_eq!(score_sealed_with(level, sealed, packed, &mut scores[..n]), Err(error));
        assert_eq!(scores, [GUARD; 6]);
    };
    refused(&sealed, 5, Error::Length { expected: 4, found: 5 });
    refused(&sealed[..63], 6, Error::Length { expected: 64, found: 63 });
}

#[test]
fn queries_that_were_packed_before_give_the_same_scores() {
    const K: usize = 3;
    let (level, values) = (Level::best(), [1.0, -2.0, 3.0, 0.5, 0.25, -1.0]);
    let rows = [2.0, 1.0, -1.0, 4.0, -3.0, 0.5];

    let (mut sealed, mut scratch) = ([0.0; sealed_len(2, K)], [0.0; Packed::len(2, K)]);
    seal(&rows, K, &mut sealed).unwrap();
    let (mut found, mut expected) = ([GUARD; 4], [0.0; 4]);
    score_sealed_with(level, &sealed, Packed::new(&values, K, &mut scratch).unwrap(), &mut expected).unwrap();
    score_sealed_with(level, &sealed, Packed::from_packed(&scratch, K, 2).unwrap(), &mut found).unwrap();
    assert_eq!(found, expected);

    let codes = [[0b010, 0], [0b101, 0]].concat();
    let mut words = [0; bits::sealed_len(Bits::One, 2, K)];
    bits::seal(Bits::One, &codes, K, &mut words).unwrap();
    let mut scratch = [0; bits::Queries::sealed_len(2, K)];
    let of_bits = bits::Rows { words: &words, scales: &[f16::ONE; 2] };
    let queries = bits::Queries::sealed(Bits::One, &values, K, &mut scratch).unwrap();
    bits::score_bits_sealed_with(level, of_bits, queries, &mut expected).unwrap();
    let queries = bits::Queries::from_packed(Bits::One, &scratch, K, 2).unwrap();
    bits::score_bits_sealed_with(level, of_bits, queries, &mut found).unwrap();
    assert_eq!(found, expected);

    let mut scratch = [0; hamming::Queries::sealed_len(2, K)];
    let (mut distances, mut same) = ([7; 4], [9; 4]);
    let queries = hamming::Queries::sealed(&values, K, &mut scratch).unwrap();
    hamming_sealed_with(level, &words, queries, &mut distances).unwrap();
    let queries = hamming::Queries::from_packed(&scratch, K, 2).unwrap();
    hamming_sealed_with(level, &words, queries, &mut same).unwrap();
    assert_eq!(same, distances);

    let mut codes = [0; int8::sealed_len(2, K)];
    int8::put(&[1, 2, 3], 0, K, 0, &mut codes).unwrap();
    int8::put(&[250, 128, 3], 0, K, 1, &mut codes).unwrap();
    let mut scratch = [0; int8::Queries::sealed_len(2, K)];
    let rows_of_codes = int8::Rows { codes: &codes, scales: &[1.0, 0.5] };
    let queries = int8::Queries::sealed(&values, K, &mut scratch).unwrap();
    int8::score_int8_sealed_with(level, rows_of_codes, queries, &mut expected).unwrap();
    let queries = int8::Queries::from_packed(&scratch, K, 2).unwrap();
    int8::score_int8_sealed_with(level, rows_of_codes, queries, &mut found).unwrap();
    assert_eq!(found, expected);
}

#[test]
fn packed_queries_of_another_length_are_refused() {
    let none = Some(Error::Width { multiple: 1, found: 0 });
    let short = |expected| Some(Error::Length { expected, found: 1 });
    assert_eq!(Packed::from_packed(&[0.0], 0, 1).err(), none);
    assert_eq!(Packed::from_packed(&[0.0], 3, 1).err(), short(3));
    let of = |k| bits::Queries::from_packed(Bits::Two, &[0], k, 1).err();
    assert_eq!((of(0), of(3)), (none, short(bits::Queries::sealed_len(1, 3))));
    assert_eq!(int8::Queries::from_packed(&[0], 0, 1).err(), none);
    assert_eq!(int8::Queries::from_packed(&[0], 3, 1).err(), short(int8::Queries::sealed_len(1, 3)));
    assert_eq!(hamming::Queries::from_packed(&[0], 0, 1).err(), none);
    assert_eq!(hamming::Queries::from_packed(&[0], 3, 1).err(), short(hamming::Queries::sealed_len(1, 3)));
}

#[test]
fn distances_that_do_not_fit_are_refused_and_nothing_is_written() {
    let (queries, words, mut distances) = ([1.0; 8], [0; 64], [7; 6]);
    let (mut first, mut second) = ([7; 6], [7; 6]);
    let error = hamming::Queries::sealed(&queries, 3, &mut first).map(|_| ());
    assert_eq!(error, Err(Error::Length { expected: 6, found: 8 }));
    assert_eq!(
        hamming::Queries::open(&queries, 0, &mut first).err(),
        Some(Error::Width { multiple: 1, found: 0 })
    );
    let error = hamming::Queries::open(&queries, 4, &mut first[..5]).map(|_| ());
    assert_eq!((error, first), (Err(Error::Length { expected: 6, found: 5 }), [7; 6]));
    let open = hamming::Queries::open(&queries, 4, &mut first).unwrap();
    let sealed = hamming::Queries::sealed(&queries, 4, &mut second).unwrap();
    let level = Level::best();
    let mut refused = |of_rows, words: &[u32], queries, n: usize, error| {
        let kernel = if of_rows { hamming_rows_with } else { hamming_sealed_with };
        assert_eq!(kernel(level, words, queries, &mut distances[..n]), Err(error));
        assert_eq!(distances, [7; 6]);
    };
    refused(true, &words[..6], sealed, 6, Error::Layout);
    refused(false, &words[..32], open, 6, Error::Layout);
    refused(true, &words[..6], open, 5, Error::Length { expected: 4, found: 5 });
    refused(true, &words[..5], open, 6, Error::Length { expected: 6, found: 5 });
    refused(false, &words[..31], sealed, 6, Error::Length { expected: 32, found: 31 });
}

/// Half a scale, and the rounding of x/scale and of the product that decodes.
#[test]
fn int8_rows_decode_to_within_half_a_scale() {
    let spike: Vec<f32> = (0..100).map(|i| if i == 57 { -1e30 } else { 1e-10 }).collect();
    let mut rows: Vec<Vec<f32>> = FINITE.into_iter().map(|kind| numbers(kind, 5, 300)).collect();
    rows.extend([spike, vec![f32::MAX, f32::MIN, 0.0, -0.0], vec![0.0; 20]]);
    for most in 0..2000 {
        rows.push((0..=most).step_by(1 + most as usize / 50).chain([most]).map(f32::from_bits).collect());
    }
    for row in &rows {
        for level in Level::available() {
            let (mut codes, mut decoded) = (vec![0; row.len()], vec![f32::NAN; row.len()]);
            let scale = encode_int8_with(level, row, &mut codes).unwrap();
            decode_int8_with(level, &codes, scale, &mut decoded).unwrap();
            for (x, y) in row.iter().zip(decoded) {
                let error = (f64::from(*x) - f64::from(y)).abs();
                assert!(error <= 0.5 * f64::from(scale) * (1.0 + 2.0_f64.powi(-15)), "{x:e} became {y:e}");
            }
            assert!(codes.iter().all(|&code| code >= 1), "a code of -128");
        }
    }
}

#[test]
fn int8_rows_with_non_finite_values_are_refused() {
    for level in Level::available() {
        for (at, odd) in (0..50).zip([f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().cycle()) {
            let (mut row, mut codes) = (vec![1.0; 50], vec![77; 50]);
            row[at] = odd;
            assert_eq!(encode_int8_with(level, &row, &mut codes), Err(Error::NonFinite));
            assert_eq!(codes, vec![77; 50]);
            let mut scratch = vec![0; int8::Queries::open_len(1, 50)];
            assert_eq!(int8::Queries::open(&row, 50, &mut scratch).err(), Some(Error::NonFinite));
        }
    }
}

/// The sum is exact, so an int8 score is the product of the decoded vectors to three
/// roundings.
#[test]
fn int8_scores_are_the_products_of_what_was_decoded() {
    for k in [1, 64, 100, 512, int8::MOST] {
        let mut rows = numbers::<f32>(Kind::Uniform, 1, 2 * k);
        rows[..k].fill(1.0);
        let queries = vec![1.0; k];
        let (codes, scales) = int8_rows(Level::best(), &rows, k);
        let mut scratch = vec![0; int8::Queries::open_len(1, k)];
        let queries = int8::Queries::open(&queries, k, &mut scratch).unwrap();
        let mut scores = [0.0; 2];
        int8::score_int8_rows(int8::Rows { codes: &codes, scales: &scales }, queries, &mut scores).unwrap();
        for ((score, codes), scale) in scores.iter().zip(codes.chunks(k)).zip(scales) {
            let exact: f64 = codes.iter().map(|&code| f64::from(scale) * (f64::from(code) - 128.0)).sum();
            let error = (f64::from(*score) - exact).abs();
            assert!(error <= 4.0 * f64::from(f32::EPSILON) * exact.abs(), "{score} for {exact}, k = {k}");
        }
    }
    let mut scratch = vec![0; int8::Queries::open_len(1, int8::MOST + 1)];
    let found = int8::Queries::open(&vec![1.0; int8::MOST + 1], int8::MOST + 1, &mut scratch).err();
    assert_eq!(found, Some(Error::TooLong { most: int8::MOST, found: int8::MOST + 1 }));
}

#[test]
fn int8_queries_of_the_other_layout_are_refused() {
    let (codes, scales, mut scores) = ([128_u8; 64], [1.0], [GUARD]);
    let rows = int8::Rows { codes: &codes, scales: &scales };
    let mut scratch = [0; 12];
    let open = int8::Queries::open(&[1.0; 4], 4, &mut scratch).unwrap();
    assert_eq!(int8::score_int8_sealed(rows, open, &mut scores), Err(Error::Layout));
    let mut scratch = [0; 12];
    let sealed = int8::Queries::sealed(&[1.0; 4], 4, &mut scratch).unwrap();
    assert_eq!(int8::score_int8_rows(rows, sealed, &mut scores), Err(Error::Layout));
    assert_eq!(scores, [GUARD]);
}

/// The sum is exact, so a score is the product of the decoded row and the query's codes
/// to three roundings; and with the scale Σx²/Σx·level that with the row itself is Σx².
#[test]
fn scores_of_few_bits_are_the_products_of_what_was_decoded() {
    for (of, k) in Bits::ALL.into_iter().flat_map(|of| [1, 64, 100, 512, 4096].map(|k| (of, k))) {
        let (rows, query) =
            (numbers::<f32>(Kind::Uniform, 1, 5 * k), numbers::<f32>(Kind::HeavyTailed, 2, k));
        let (words, products) = rows_of_bits(of, &rows, k, of.levels());
        let squares = rows.chunks(k).map(|row| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>());
        let exact: Vec<f64> =
            squares.clone().zip(&products).map(|(squares, product)| squares / product).collect();
        let scales: Vec<f16> = exact.iter().map(|scale| f16::from_f64(*scale)).collect();
        let mut sealed = vec![0; bits::sealed_len(of, 5, k)];
        bits::seal(of, &words, k, &mut sealed).unwrap();
        let mut scratch = vec![0; bits::Queries::sealed_len(1, k)];
        let queries = bits::Queries::sealed(of, &query, k, &mut scratch).unwrap();
        let mut scores = [0.0; 5];
        bits::score_bits_sealed(bits::Rows { words: &sealed, scales: &scales }, queries, &mut scores)
            .unwrap();
        let largest = query.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        for (((score, row), words), scale) in
            scores.iter().zip(rows.chunks(k)).zip(words.chunks(of.words(k))).zip(&scales)
        {
            let decoded = words.chunks(2 * of.count()).flat_map(|words| {
                let mut codes = [0; 8];
                codes[..words.len()].copy_from_slice(words);
                decode_block(of, &codes, scale.to_f32())
            });
            let terms = decoded.clone().zip(&query).map(|(x, q)| f64::from(x) * f64::from(*q));
            let magnitude: f64 = decoded.clone().take(k).map(|x| f64::from(x.abs())).sum();
            // A query's place is off by up to 1/254 of its largest.
            let bound = magnitude * f64::from(largest) / 253.9 + f64::from(score.abs()) * 1e-6;
            let error = (f64::from(*score) - terms.sum::<f64>()).abs();
            assert!(error <= bound, "{of:?}, k = {k}: {error:e} of {bound:e}");
            let own: f64 = decoded.zip(row).map(|(x, y)| f64::from(x) * f64::from(*y)).sum();
            let squares: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
            assert!((own - squares).abs() <= 2.0_f64.powi(-11) * 1.001 * squares, "{own} for {squares}");
        }
    }
}

#[test]
fn queries_against_few_bits_that_are_wrong_are_refused() {
    for of in Bits::ALL {
        let mut scratch = vec![0; bits::Queries::sealed_len(1, 50)];
        for (at, odd) in (0..50).zip([f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().cycle()) {
            let mut row = [1.0; 50];
            row[at] = odd;
            assert_eq!(bits::Queries::sealed(of, &row, 50, &mut scratch).err(), Some(Error::NonFinite));
        }
        let k = of.most() + 1;
        let found =
            bits::Queries::sealed(of, &vec![1.0; k], k, &mut vec![0; bits::Queries::sealed_len(1, k)]).err();
        assert_eq!(found, Some(Error::TooLong { most: of.most(), found: k }));
        let queries = bits::Queries::sealed(of, &[1.0; 50], 50, &mut scratch).unwrap();
        let (words, mut scores) = (vec![0; bits::sealed_len(of, 1, 50)], [GUARD; 2]);
        let score = |words: &[u32], scores: &mut [f32]| {
            bits::score_bits_sealed(bits::Rows { words, scales: &[f16::ONE] }, queries, scores)
        };
        let length = words.len();
        assert_eq!(
            score(&words[1..], &mut scores[..1]),
            Err(Error::Length { expected: length, found: length - 1 })
        );
        assert_eq!(score(&words, &mut scores), Err(Error::Length { expected: 1, found: 2 }));
        assert_eq!(scores, [GUARD; 2]);
    }
}

#[test]
fn empty_input_of_any_width_is_scored_as_nothing() {
    for k in [1, 63, usize::MAX / 16, usize::MAX] {
        score_rows_with::<f32>(Level::best(), &[], k, &[], &mut []).unwrap();
        seal::<f32>(&[], k, &mut []).unwrap();
        let packed = Packed::new(&[], k, &mut []).unwrap();
        score_sealed_with::<f32>(Level::best(), &[], packed, &mut []).unwrap();
        int8::seal(&[], k, &mut []).unwrap();
        for of in Bits::ALL.into_iter().filter(|of| k <= of.most()) {
            bits::seal(of, &[], k, &mut []).unwrap();
            let queries = bits::Queries::sealed(of, &[], k, &mut []).unwrap();
            bits::score_bits_sealed(bits::Rows { words: &[], scales: &[] }, queries, &mut []).unwrap();
        }
    }
}
