//! Codecs and scores of stored rows: what they refuse, where a sealed segment keeps a
//! row, and that the answers are right by `f64`.

use crate::inputs::{FINITE, Kind, bits, finite, numbers};
use gradsieve_kernels::codec::int8::{decode_int8_with, encode_int8_part, encode_int8_with};
use gradsieve_kernels::codec::sign::{decode_signs, encode_signs_with, sign_words};
use gradsieve_kernels::score::float::{
    Packed, score_rows_with, score_sealed_with, seal, sealed_len, sealed_place,
};
use gradsieve_kernels::score::hamming::{self, hamming_rows_with, hamming_sealed_with};
use gradsieve_kernels::score::{float, int8, sign};
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

fn sign_rows(level: Level, rows: &[f32], k: usize) -> (Vec<u32>, Vec<f16>) {
    let mut words = vec![u32::MAX; rows.len() / k * sign_words(k)];
    let encode = |(row, words): (&[f32], &mut [u32])| encode_signs_with(level, row, words).unwrap();
    let rows = rows.chunks_exact(k).zip(words.chunks_exact_mut(sign_words(k)));
    let scales = rows.map(encode).collect();
    (words, scales)
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

/// A row in blocks, as [`sign::put`] asks for it.
fn blocks(row: &[f32]) -> impl FnMut(usize) -> [f32; 64] {
    move |block| core::array::from_fn(|i| row.get(64 * block + i).copied().unwrap_or(0.0))
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

        let tame: Vec<f32> = rows.iter().map(|x| x.clamp(-1e4, 1e4)).collect();
        let (words, _) = sign_rows(Level::best(), &tame, k);
        let mut expected = vec![9; sign::sealed_len(n, k)];
        sign::seal(&words, k, &mut expected).unwrap();
        let mut sealed = vec![0; expected.len()];
        let (mut taken, mut decoded) = (vec![0.0; k], vec![0.0; k]);
        for (r, (row, words)) in rows.chunks(k).zip(words.chunks(sign_words(k))).enumerate() {
            sign::put(k, blocks(row), r, &mut sealed).unwrap();
            let blocks = taken.chunks_mut(64).collect::<Vec<_>>();
            let mut blocks = blocks.into_iter();
            let each = |_, numbers: &mut [f32; 64]| {
                let to = blocks.next().unwrap();
                to.copy_from_slice(&numbers[..to.len()]);
            };
            sign::take(&sealed, k, r, 1.5, each).unwrap();
            decode_signs(words, f16::from_f32(1.5), &mut decoded).unwrap();
            assert_eq!(bits(&taken), bits(&decoded));
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

        let words: Vec<u32> = (0..n * sign_words(k)).map(|i| word(i) as u32).collect();
        let (mut found, mut expected) = (vec![7; sign::sealed_len(n, k)], vec![9; sign::sealed_len(n, k)]);
        sign::seal(&words, k, &mut found).unwrap();
        spec::score::seal_signs(&words, k, &mut expected);
        assert_eq!(found, expected);
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
    fn decoded_signs_are_those_of_the_definition(seed: u64, k in width(), scale in -9.0_f32..9.0) {
        let words: Vec<u32> = (0..sign_words(k)).map(|i| gradsieve_kernels::hash::word(seed, i as u64) as u32).collect();
        let (mut found, mut expected) = (vec![7.0; k], vec![9.0; k]);
        decode_signs(&words, f16::from_f32(scale), &mut found).unwrap();
        spec::codec::decode_signs(&words, f16::from_f32(scale), &mut expected);
        assert_eq!(bits(&found), bits(&expected));
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
    assert_eq!(sign::put(3, |_| [1.0; 64], 16, &mut sealed), too_far(64, 32));
    assert_eq!(sign::put(0, |_| [1.0; 64], 0, &mut sealed), none);
    let never = |_, _: &mut [f32; 64]| panic!("there is no such row");
    assert_eq!(sign::take(&sealed, 1, usize::MAX, 1.0, never), too_far(usize::MAX, 32));
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

    let mut words = [0; sign::sealed_len(2, K)];
    rows.chunks(K).zip(0..).for_each(|(row, r)| sign::put(K, blocks(row), r, &mut words).unwrap());
    let mut scratch = [0.0; sign::Tables::len(2, K)];
    let rows_of_signs = sign::Rows { words: &words, scales: &[f16::ONE; 2] };
    let tables = sign::Tables::new(&values, K, &mut scratch).unwrap();
    sign::score_sign_sealed_with(level, rows_of_signs, tables, &mut expected).unwrap();
    let tables = sign::Tables::from_packed(&scratch, K, 2).unwrap();
    sign::score_sign_sealed_with(level, rows_of_signs, tables, &mut found).unwrap();
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
    assert_eq!(sign::Tables::from_packed(&[0.0], 0, 1).err(), none);
    assert_eq!(sign::Tables::from_packed(&[0.0], 3, 1).err(), short(sign::Tables::len(1, 3)));
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

/// |computed − exact| ≤ (⌈k/64⌉ + 7)·2⁻²⁴·scale·Σ|qᵢ|: a term of four, a partial sum, the fold, the scale.
#[test]
fn sign_scores_are_within_their_bound_of_f64() {
    for kind in [Kind::Uniform, Kind::Tiny, Kind::HeavyTailed, Kind::Positive, Kind::Painted] {
        for k in [1, 64, 100, 512, 4096] {
            let (rows, queries) = (numbers::<f32>(Kind::Uniform, 1, 5 * k), numbers::<f32>(kind, 2, 3 * k));
            let (words, scales) = sign_rows(Level::best(), &rows, k);
            let mut scores = [0.0; 15];
            let stored = sign::Rows { words: &words, scales: &scales };
            sign::score_sign_rows(stored, k, &queries, &mut scores).unwrap();
            for (at, score) in scores.iter().enumerate() {
                let row = &rows[at % 5 * k..][..k];
                let sum = |power| row.iter().map(|x| f64::from(x.abs()).powi(power)).sum::<f64>();
                let (exact, scale) = (sum(2) / sum(1), scales[at % 5].to_f64());
                assert!((exact - scale).abs() <= 2.0_f64.powi(-11) * 1.001 * exact, "{exact} became {scale}");
                let terms = row.iter().zip(&queries[at / 5 * k..][..k]);
                let exact: f64 = terms.clone().map(|(x, q)| f64::from(q.copysign(*q * *x))).sum();
                let magnitude: f64 = terms.map(|(_, q)| f64::from(q.abs())).sum();
                let bound = (k.div_ceil(64) + 7) as f64 * f64::from(f32::EPSILON) / 2.0;
                let error = (f64::from(*score) - scale * exact).abs();
                assert!(error <= bound * scale * magnitude, "{kind:?}, k = {k}: {error:e} of {magnitude:e}");
            }
        }
    }
}

#[test]
fn a_sign_is_the_sign_bit_and_a_scale_is_what_f16_can_hold() {
    let mut words = [0; 2];
    let mut encode =
        |row: &[f32]| encode_signs_with(Level::best(), row, &mut words).map(|scale| (scale, words));
    assert_eq!(encode(&[0.0, -0.0, 1.0, -3.0]), Ok((f16::from_f32(10.0 / 4.0), [0b1010, 0])));
    assert_eq!(encode(&[0.0; 64]), Ok((f16::ZERO, [0, 0])));
    assert_eq!(encode(&[-65_504.0; 33]), Ok((f16::MAX, [u32::MAX, 1])));
    assert_eq!(encode(&[f32::from_bits(1); 5]), Ok((f16::ZERO, [0, 0])));
    // Once more than f16's smallest value, once less than half of it.
    assert_eq!(encode(&[6e-8; 5]).unwrap().0, f16::from_bits(1));
    assert_eq!(encode(&[2e-8; 5]).unwrap().0, f16::ZERO);
    assert_eq!(encode(&[65_520.0; 5]), Err(Error::NonFinite));
    assert_eq!(encode(&[f32::MAX; 5]), Err(Error::NonFinite));
    assert_eq!(encode(&[1.0, f32::NAN]), Err(Error::NonFinite));
    assert_eq!(encode(&[1.0, f32::NEG_INFINITY]), Err(Error::NonFinite));
    assert_eq!(encode(&[]), Err(Error::Width { multiple: 1, found: 0 }));
    assert_eq!(encode(&[1.0; 65]), Err(Error::Length { expected: 4, found: 2 }));
}

#[test]
fn empty_input_of_any_width_is_scored_as_nothing() {
    for k in [1, 63, usize::MAX / 16, usize::MAX] {
        score_rows_with::<f32>(Level::best(), &[], k, &[], &mut []).unwrap();
        seal::<f32>(&[], k, &mut []).unwrap();
        let packed = Packed::new(&[], k, &mut []).unwrap();
        score_sealed_with::<f32>(Level::best(), &[], packed, &mut []).unwrap();
        int8::seal(&[], k, &mut []).unwrap();
        sign::seal(&[], k, &mut []).unwrap();
        let tables = sign::Tables::new(&[], k, &mut []).unwrap();
        let rows = sign::Rows { words: &[], scales: &[] };
        sign::score_sign_sealed(rows, tables, &mut []).unwrap();
        sign::score_sign_rows(rows, k, &[], &mut []).unwrap();
    }
}
