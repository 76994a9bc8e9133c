//! Rows and queries of any size: a score is right, or the answer that it is no number.

use super::*;

#[test]
fn tiny_gradients_are_kept_to_the_codec_s_precision() {
    let row: Vec<f32> = normals(5, 256).iter().map(|x| x * 1e-12).collect();
    let exact: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
    for (codec, allowed) in [
        (Codec::F32, 1e-6),
        (Codec::F16, 1e-3),
        (Codec::Bf16, 1e-2),
        (Codec::Int8, 1e-2),
        (Codec::FourBits, 3e-3),
        (Codec::TwoBits, 3e-3),
        (Codec::OneBit, 3e-3),
    ] {
        let store = filled(codec, 256, &row);
        let found = f64::from(scores_of(&store, &row)[0]);
        assert!((found / exact - 1.0).abs() < allowed, "{codec:?}: {found:e} instead of {exact:e}");
    }
}

/// A finite number of any exponent, subnormal ones included.
fn of_any_size() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(|bits| {
        let x = f32::from_bits(bits);
        if x.is_finite() { x } else { f32::from_bits(bits & !(1 << 30)) }
    })
}

/// Rows whose numbers are of one size, or of all sizes.
fn row_of_any_size() -> impl Strategy<Value = Vec<f32>> {
    let alike = (of_any_size(), prop::collection::vec(-1.0_f32..1.0, 1..90))
        .prop_map(|(size, row)| row.into_iter().map(|x| x * size).collect());
    prop_oneof![alike, prop::collection::vec(of_any_size(), 1..90)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_finite_row_has_a_place_in_every_codec(codec in codec(), row in row_of_any_size()) {
        let store = filled(codec, row.len(), &row);
        let mut values = vec![f32::NAN; row.len()];
        store.get(0, &mut values).unwrap();
        let size = |x: &f32| f64::from(x.abs());
        let max = row.iter().map(size).fold(0.0, f64::max);
        let ulp = 2.0_f64.powi(-149);
        if is_few(codec) {
            // Its product with the row is the row's squared norm. One that is held at the
            // end of `f32` has less.
            let product = |with: &[f32]| row.iter().zip(with).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
            let (exact, found) = (product(&row), product(&values));
            let is_held = values.iter().any(|value| value.abs() == f32::MAX);
            let lost = exact / 1000.0 + max * 8.0 * ulp * row.len() as f64;
            prop_assert!(values.iter().all(|value| value.is_finite()));
            prop_assert!((found - exact).abs() <= lost || is_held && found > 0.0 && found < exact, "{found:e} for {exact:e}");
        } else {
            for (x, found) in row.iter().zip(&values) {
                let allowed = match codec {
                    Codec::F16 => (size(x) / 2048.0).max(max / f64::from(1 << 25)) + ulp,
                    Codec::Bf16 => (size(x) / 256.0).max(max * 2.0_f64.powi(-134)) + ulp,
                    Codec::Int8 => max / 253.9 + ulp,
                    _ => 0.0,
                };
                let error = (f64::from(*found) - f64::from(*x)).abs();
                prop_assert!(error <= allowed, "{codec:?}: {x:e} became {found:e}");
            }
        }
    }

    #[test]
    fn a_score_of_int8_rows_is_lost_only_where_it_is_no_number_of_f32(row in row_of_any_size(), seed: u64, size in of_any_size()) {
        let query: Vec<f32> = normals(seed, row.len()).iter().map(|x| (x / 8.0).clamp(-1.0, 1.0) * size).collect();
        let codes = |values: &[f32]| {
            let mut codes = vec![0; values.len()];
            let scale = encode_int8(values, &mut codes).unwrap();
            (codes.into_iter().map(|code| f64::from(code) - 128.0).collect::<Vec<_>>(), f64::from(scale))
        };
        let ((row_codes, row_scale), (query_codes, query_scale)) = (codes(&row), codes(&query));
        let sum: f64 = row_codes.iter().zip(&query_codes).map(|(a, b)| a * b).sum();
        let exact = sum * row_scale * query_scale;
        let found = try_scores_of(&filled(Codec::Int8, row.len(), &row), &query);
        let allowed = exact.abs() * 2.0_f64.powi(-22) + 2.0_f64.powi(-149);
        prop_assert!(is_right(&found, exact, allowed), "{found:?} for {exact:e}");
    }

    #[test]
    fn a_score_is_lost_only_where_it_is_no_number_of_f32(codec in codec(), row in row_of_any_size(), seed: u64, size in of_any_size(), within in 0..120_i32) {
        prop_assume!(codec != Codec::Int8);
        let query: Vec<f32> = normals(seed, row.len()).iter().enumerate().map(|(i, x)| {
            let own = if within > 0 { -((uniform(seed, i as u64) * 256.0) as i32) % within } else { 0 };
            (x / 8.0).clamp(-1.0, 1.0) * size * 2.0_f32.powi(own)
        }).collect();
        let store = filled(codec, row.len(), &row);
        let mut stored = vec![f32::NAN; row.len()];
        store.get(0, &mut stored).unwrap();
        let products = || stored.iter().zip(&query).map(|(x, q)| f64::from(*x) * f64::from(*q));
        // A row of few bits that is read is held at the end of `f32`, its scores are not.
        prop_assume!(!is_few(codec) || stored.iter().all(|x| x.abs() < f32::MAX));
        let exact = products().sum::<f64>();
        let norm = |x: &[f32]| x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let rounding = if is_few(codec) {
            // Rotated, every number has a part of all; a query's is off by up to 1/254 of
            // the largest.
            norm(&stored) * norm(&query) * (row.len() as f64).sqrt() / 253.0
        } else {
            products().map(f64::abs).sum::<f64>() * 12.0 * 2.0_f64.powi(-24)
        };
        // What is read back is rounded where it is subnormal.
        let of_reading = query.iter().map(|q| f64::from(q.abs())).sum::<f64>() * 2.0_f64.powi(-150);
        let allowed = rounding + of_reading + 2.0_f64.powi(-149);
        let found = try_scores_of(&store, &query);
        prop_assert!(is_right(&found, exact, allowed), "{found:?} for {exact:e} within {allowed:e}");
    }

    #[test]
    fn a_score_beyond_f32_is_told_and_costs_the_others_nothing(codec in codec(), seed: u64) {
        let mut rows = normals(seed, 40 * 20);
        rows[17 * 20..18 * 20].fill(3e38);
        let query: Vec<f32> = normals(!seed, 20).iter().map(|x| x.abs() + 1.0).collect();
        let expected = scores_of(&filled(codec, 20, &rows[..17 * 20]), &query);
        let store = filled(codec, 20, &rows);
        let (queries, mut scores) = (queries_of(codec, id_of(20), &query), [0.0; 40]);
        prop_assert_eq!(store.score(&queries, &mut scores), Err(Error::Range { what: "a score" }));
        prop_assert_eq!(&scores[..17], &expected[..]);
        prop_assert_eq!(scores.iter().filter(|score| !score.is_finite()).count(), 1);
        let mut top = [top_k(40)];
        prop_assert_eq!(store.top(&queries, &mut [0.0; 64], &mut top), Ok(1));
        let [top] = top;
        let best = sorted(top);
        prop_assert!(best.len() == 39 && best.iter().all(|entry| entry.id != 117 && entry.score.is_finite()));
    }
}

/// Whether a score is this one, or the answer that it is no number of `f32`.
fn is_right(found: &Result<Vec<f32>, Error>, exact: f64, allowed: f64) -> bool {
    let most = f64::from(f32::MAX);
    match found {
        Ok(scores) => scores.len() == 1 && (f64::from(scores[0]) - exact).abs() <= allowed,
        Err(error) => *error == Error::Range { what: "a score" } && exact.abs() + allowed >= most,
    }
}

#[test]
fn a_1_bit_row_s_score_with_itself_is_its_squared_norm() {
    for size in [1e-36, 1e-12, 1.0, 1e12, 1e36] {
        let row: Vec<f32> = normals(3, 200).iter().map(|x| x * size).collect();
        let query: Vec<f32> = row.iter().map(|x| x / size).collect();
        let exact: f64 = row.iter().zip(&query).map(|(x, q)| f64::from(*x) * f64::from(*q)).sum();
        let found = f64::from(scores_of(&filled(Codec::OneBit, 200, &row), &query)[0]);
        assert!((found / exact - 1.0).abs() < 1e-3, "{found:e} instead of {exact:e}");
    }
}

#[test]
fn scores_of_1_bit_rows_are_unbiased() {
    const WIDTH: usize = 512;
    let centre = normals(1, WIDTH);
    let near = |seed| -> Vec<f32> { normals(seed, WIDTH).iter().zip(&centre).map(|(x, c)| x + c).collect() };
    let rows: Vec<f32> = (0..300).flat_map(|i| near(10 + i)).collect();
    let queries: Vec<f32> = (0..5).flat_map(|i| near(1000 + i)).collect();
    let sum =
        |codec| scores_of(&filled(codec, WIDTH, &rows), &queries).iter().map(|&x| f64::from(x)).sum::<f64>();
    let ratio = sum(Codec::OneBit) / sum(Codec::F32);
    assert!((ratio - 1.0).abs() < 0.02, "{ratio}");
}

#[test]
fn products_whose_terms_cancel_beyond_f32_are_their_sum() {
    let rows = [f32::MAX, f32::MAX, f32::MAX, f32::MIN, 1.0, 0.0, f32::MIN, f32::MIN];
    let store = filled(Codec::F32, 2, &rows);
    let queries = queries_of(Codec::F32, id_of(2), &[2.0, 2.0]);
    let mut top = [top_k(2)];
    // The first and the last are beyond `f32`; the second cancels to 0.
    assert_eq!(store.top(&queries, &mut [0.0; 16], &mut top), Ok(2));
    let [top] = top;
    assert_eq!(sorted(top), [Entry { id: 102, score: 2.0 }, Entry { id: 101, score: 0.0 }]);
}
