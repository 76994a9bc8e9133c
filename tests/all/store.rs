//! Stores: rows as their codecs keep them, scores with the bits of the kernels, and what
//! is kept of a stream that is too long.

use crate::detectors::score;
use crate::source::{normals, uniform};
use gradsieve::outlier::{SelfInfluence, SelfInfluenceSettings};
use gradsieve::store::{
    Codec, Entry, Largest, LargestSettings, Queries, QueriesSettings, Reservoir, ReservoirSettings, Row,
    Store, StoreSettings, TopK, TopKSettings,
};
use gradsieve::{
    Element, Error, Field, Fingerprint, Kind, Layout, LayoutId, Repeat, Sketch, SketchId, Summary, bf16, f16,
};
use gradsieve_kernels::codec::int8::{decode_int8, encode_int8};
use gradsieve_kernels::codec::sign::{encode_signs, sign_words};
use gradsieve_kernels::score::float::score_rows;
use gradsieve_kernels::score::int8::score_int8_rows;
use gradsieve_kernels::score::sign::score_sign_rows;
use gradsieve_kernels::score::{int8, sign};
use proptest::prelude::*;

/// What the tests' rows are sketches of.
pub(crate) fn id_of(width: usize) -> SketchId {
    let layout = Layout::flat(1_000_000).unwrap().id();
    SketchId { kind: Kind::Sjlt, width, key: Fingerprint::Seed(7), repeat: Repeat::One, settings: 0, layout }
}

/// A sketch with measures of its own.
pub(crate) fn sketch_of(values: &[f32]) -> Sketch<'_> {
    let own = gradsieve_kernels::summarize(values);
    let measures = Summary { l1: own.l1 * 3.0, count: 1_000_000, ..own };
    Sketch::from_parts(id_of(values.len()), values, measures).unwrap().in_group(values.len() as u32 % 7)
}

/// A store without rows, in memory that held something else.
pub(crate) fn store_of(codec: Codec, width: usize, rows: usize) -> Store<Vec<u64>> {
    let settings = StoreSettings { codec, width, rows };
    Store::new(settings, vec![u64::MAX; settings.memory().others]).unwrap()
}

/// A store of these rows, whose samples are 100, 101, … .
pub(crate) fn filled(codec: Codec, width: usize, rows: &[f32]) -> Store<Vec<u64>> {
    let mut store = store_of(codec, width, rows.len() / width);
    for (id, row) in (100..).zip(rows.chunks(width)) {
        store.append(id, &sketch_of(row)).unwrap();
    }
    store
}

/// Queries against rows of a codec.
pub(crate) fn queries_of(codec: Codec, id: SketchId, values: &[f32]) -> Queries<Vec<f32>> {
    let settings = QueriesSettings { codec, width: id.width, count: values.len() / id.width };
    let mut queries = Queries::new(settings, vec![f32::NAN; settings.memory().f32s]).unwrap();
    queries.pack(id, values).unwrap();
    queries
}

pub(crate) fn top_k(k: usize) -> TopK<Vec<Entry>> {
    TopK::new(TopKSettings { k }, vec![Entry::default(); k]).unwrap()
}

pub(crate) fn sorted(mut top: TopK<Vec<Entry>>) -> Vec<Entry> {
    top.sorted().copied().collect()
}

pub(crate) fn scores_of(store: &Store<Vec<u64>>, queries: &[f32]) -> Vec<f32> {
    try_scores_of(store, queries).unwrap()
}

fn try_scores_of(store: &Store<Vec<u64>>, queries: &[f32]) -> Result<Vec<f32>, Error> {
    let StoreSettings { codec, width, .. } = store.settings();
    let queries = queries_of(codec, id_of(width), queries);
    let mut scores = vec![f32::NAN; queries.count() * store.len()];
    store.score(&queries, &mut scores)?;
    Ok(scores)
}

/// The scores of open rows in the kernels' own words.
fn expected(codec: Codec, width: usize, rows: &[f32], queries: &[f32]) -> Vec<f32> {
    let n = rows.len() / width;
    let mut scores = vec![0.0; n * (queries.len() / width)];
    match codec {
        Codec::F32 => score_rows(rows, width, queries, &mut scores).unwrap(),
        Codec::F16 => scaled::<f16>(width, rows, queries, &mut scores),
        Codec::Bf16 => scaled::<bf16>(width, rows, queries, &mut scores),
        Codec::Int8 => {
            let mut codes = vec![0; rows.len()];
            let encode = |(row, codes): (&[f32], &mut [u8])| encode_int8(row, codes).unwrap();
            let scales: Vec<f32> = rows.chunks(width).zip(codes.chunks_mut(width)).map(encode).collect();
            let mut scratch = vec![0; int8::Queries::open_len(queries.len() / width, width)];
            let queries = int8::Queries::open(queries, width, &mut scratch).unwrap();
            score_int8_rows(int8::Rows { codes: &codes, scales: &scales }, queries, &mut scores).unwrap();
        }
        Codec::Sign => {
            // Each row is divided by a power of two, and the score multiplied by it.
            let powers = powers(width, rows);
            let mut words = vec![0; n * sign_words(width)];
            let mut scales = Vec::new();
            for ((row, words), power) in
                rows.chunks(width).zip(words.chunks_mut(sign_words(width))).zip(&powers)
            {
                let scaled: Vec<f32> = row.iter().map(|x| x / power).collect();
                encode_signs(&scaled, words).unwrap();
                let sum = |norm: fn(&[f32]) -> f64| scaled.chunks(64).map(norm).sum::<f64>();
                let scale = sum(gradsieve_kernels::squared_norm) / sum(gradsieve_kernels::l1_norm);
                // By way of `f32`, as the codec does: a tie there is not one in `f64`.
                scales.push(f16::from_f32(if scale.is_nan() { 0.0 } else { scale as f32 }));
            }
            let rows = sign::Rows { words: &words, scales: &scales };
            score_sign_rows(rows, width, queries, &mut scores).unwrap();
            multiply(&mut scores, &powers);
        }
    }
    scores
}

fn scaled<T: Element>(width: usize, rows: &[f32], queries: &[f32], scores: &mut [f32]) {
    let powers = powers(width, rows);
    let row = |(row, power): (&[f32], &f32)| row.iter().map(|x| T::narrow(x / power)).collect::<Vec<T>>();
    let stored: Vec<T> = rows.chunks(width).zip(&powers).flat_map(row).collect();
    score_rows(&stored, width, queries, scores).unwrap();
    multiply(scores, &powers);
}

/// The power of two at or below each row's largest number.
fn powers(width: usize, rows: &[f32]) -> Vec<f32> {
    rows.chunks(width)
        .map(|row| match f64::from(gradsieve_kernels::max_abs(row)) {
            0.0 => 1.0,
            max => 2.0_f32.powi((max.log2().floor() as i32).clamp(-126, 126)),
        })
        .collect()
}

fn multiply(scores: &mut [f32], factors: &[f32]) {
    for scores in scores.chunks_mut(factors.len().max(1)) {
        scores.iter_mut().zip(factors).for_each(|(score, factor)| *score *= factor);
    }
}

fn codec() -> impl Strategy<Value = Codec> {
    prop::sample::select(&Codec::ALL[..])
}

/// Rows of gradients' sizes: from those that vanish in `f16` to large ones.
fn rows_of(seed: u64, n: usize, width: usize) -> Vec<f32> {
    let mut rows = normals(seed, n * width);
    for (r, row) in rows.chunks_mut(width).enumerate() {
        let size = 10.0_f32.powi((uniform(!seed, r as u64) * 24.0) as i32 - 20);
        row.iter_mut().for_each(|x| *x *= size);
    }
    rows
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn scores_have_the_bits_of_open_rows_in_the_kernels(
        codec in codec(), seed: u64, n in 0_usize..50, width in 1_usize..140, count in 0_usize..12,
    ) {
        let (rows, queries) = (rows_of(seed, n, width), normals(!seed, count * width));
        let store = filled(codec, width, &rows);
        prop_assert_eq!(store.len(), n);
        let found = scores_of(&store, &queries);
        prop_assert_eq!(bits(&found), bits(&expected(codec, width, &rows, &queries)));
    }

    #[test]
    fn a_row_is_read_back_with_its_id_group_and_exact_measures(
        codec in codec(), seed: u64, n in 1_usize..40, width in 1_usize..140,
    ) {
        let rows = rows_of(seed, n, width);
        let store = filled(codec, width, &rows);
        let mut values = vec![f32::NAN; width];
        for (r, row) in rows.chunks(width).enumerate() {
            let Row { id, sketch } = store.get(r, &mut values).unwrap();
            let expected = sketch_of(row);
            prop_assert_eq!((id, sketch.id), (100 + r as u64, expected.id));
            prop_assert_eq!((sketch.measures, sketch.group), (expected.measures, expected.group));
            let max = expected.measures.max;
            for (found, x) in sketch.values.iter().zip(row) {
                let error = (found - x).abs();
                let allowed = match codec {
                    Codec::F32 => 0.0,
                    Codec::F16 => (x.abs() / 2048.0).max(max * 2.0_f32.powi(-25)),
                    Codec::Bf16 => (x.abs() / 256.0).max(f32::MIN_POSITIVE),
                    Codec::Int8 => max / 253.9,
                    Codec::Sign => f32::INFINITY,
                };
                prop_assert!(error <= allowed, "{codec:?}: {x:e} became {found:e}");
                if codec == Codec::Sign {
                    let mean = expected.measures.l2_squared / (expected.measures.l1 / 3.0);
                    prop_assert_eq!(found.is_sign_negative(), x.is_sign_negative());
                    prop_assert!((f64::from(found.abs()) - mean).abs() <= mean / 2047.0);
                }
            }
        }
    }

    #[test]
    fn the_best_of_each_query_are_those_of_all_scores(
        codec in codec(), seed: u64, n in 0_usize..100, count in 1_usize..6, k in 0_usize..9, tiles in 1_usize..4,
    ) {
        let width = 33;
        let (rows, queries) = (normals(seed, n * width), normals(!seed, count * width));
        let store = filled(codec, width, &rows);
        let scores = scores_of(&store, &queries);

        let packed = queries_of(codec, id_of(width), &queries);
        let mut tops: Vec<_> = (0..count).map(|_| top_k(k)).collect();
        let left_out = store.top(&packed, &mut vec![0.0; count * (16 * tiles + 5)], &mut tops).unwrap();
        prop_assert_eq!(left_out, 0);
        for (q, top) in tops.into_iter().enumerate() {
            let mut expected = top_k(k);
            for (id, score) in (100..).zip(&scores[q * n..(q + 1) * n]) {
                expected.push(Entry { id, score: f64::from(*score) }).unwrap();
            }
            prop_assert_eq!(sorted(top), sorted(expected));
        }
    }

    #[test]
    fn rows_that_were_replaced_or_merged_are_as_if_they_had_been_appended(
        codec in codec(), seed: u64, first in 0_usize..40, second in 0_usize..40, width in 1_usize..100,
    ) {
        let (a, b) = (rows_of(seed, first, width), rows_of(!seed, second, width));
        let queries = normals(3, 2 * width);
        let right = filled(codec, width, &b);
        let mut left = store_of(codec, width, 80);
        for row in a.chunks(width) {
            left.append(5, &sketch_of(&vec![1.0; width])).unwrap();
            left.replace(left.len() - 1, 6, &sketch_of(row)).unwrap();
        }
        left.merge(&right).unwrap();
        let all = [a, b].concat();
        let whole = filled(codec, width, &all);
        prop_assert_eq!(bits(&scores_of(&left, &queries)), bits(&scores_of(&whole, &queries)));
        prop_assert_eq!(left.squared_norms(), whole.squared_norms());
        prop_assert_eq!(&left.ids()[first..], right.ids());
    }

    #[test]
    fn a_reservoir_keeps_the_same_samples_in_every_order_and_from_merged_parts(
        seed: u64, n in 0_usize..120, cut in 0_usize..120, order in Just((0..120_u64).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let width = 5;
        let value = |id: u64| normals(id, width);
        let new = || reservoir_of(ReservoirSettings { seed, codec: Codec::F32, width, rows: 32 });
        let kept = |ids: &[u64]| {
            let mut reservoir = new();
            for &id in ids {
                reservoir.offer(id, &sketch_of(&value(id))).unwrap();
            }
            sorted_rows(reservoir.store())
        };
        let shuffled: Vec<u64> = order.iter().copied().filter(|&id| id < n as u64).collect();
        let in_order: Vec<u64> = (0..n as u64).collect();
        let expected = kept(&in_order);
        prop_assert_eq!(expected.len(), n.min(32));
        prop_assert_eq!(&kept(&shuffled), &expected);
        prop_assert_eq!(&kept(&[shuffled.clone(), in_order].concat()), &expected);

        let (mut one, mut other) = (new(), new());
        for (i, &id) in shuffled.iter().enumerate() {
            let into = if i < cut { &mut one } else { &mut other };
            into.offer(id, &sketch_of(&value(id))).unwrap();
        }
        one.merge(&other).unwrap();
        prop_assert_eq!(one.offered(), n as u64);
        prop_assert_eq!(sorted_rows(one.store()), expected);
    }

    #[test]
    fn the_largest_are_those_of_a_sort_whatever_the_order_and_the_parts(
        offers in prop::collection::vec((0..60_u64, -4..5_i32), 0..150), cut in 0_usize..150,
    ) {
        let width = 3;
        let value = |id: u64| normals(id, width);
        let new = || largest_of(LargestSettings { codec: Codec::Bf16, width, rows: 16 });
        let (mut one, mut other) = (new(), new());
        for (i, &(id, score)) in offers.iter().enumerate() {
            let into = if i < cut { &mut one } else { &mut other };
            let score = if score == 0 { -0.0 } else { f64::from(score) };
            let kept = into.offer(id, &sketch_of(&value(id)), score).unwrap();
            prop_assert_eq!(kept && !into.store().ids().contains(&id), false);
        }
        one.merge(&other).unwrap();
        // The largest score of each id, then the best sixteen.
        let mut best = std::collections::BTreeMap::new();
        for &(id, score) in &offers {
            let place = best.entry(id).or_insert(score);
            *place = score.max(*place);
        }
        let mut expected: Vec<(i32, u64)> = best.into_iter().map(|(id, score)| (-score, id)).collect();
        expected.sort_unstable();
        expected.truncate(16);
        let mut found: Vec<(i32, u64)> =
            one.scores().iter().zip(one.store().ids()).map(|(score, id)| (-*score as i32, *id)).collect();
        found.sort_unstable();
        prop_assert_eq!(found, expected);
        let mut row = vec![0.0; width];
        for r in 0..one.store().len() {
            let Row { id, sketch } = one.store().get(r, &mut row).unwrap();
            prop_assert_eq!(sketch.measures.l1, sketch_of(&value(id)).measures.l1);
        }
    }
}

pub(crate) fn reservoir_of(settings: ReservoirSettings) -> Reservoir<Vec<u64>> {
    Reservoir::new(settings, vec![9; settings.memory().others]).unwrap()
}

pub(crate) fn largest_of(settings: LargestSettings) -> Largest<Vec<u64>, Vec<f64>> {
    let memory = settings.memory();
    Largest::new(settings, vec![9; memory.others], vec![1.0; memory.f64s]).unwrap()
}

/// Ids and numbers of all rows, by id.
fn sorted_rows(store: &Store<Vec<u64>>) -> Vec<(u64, Vec<f32>)> {
    let mut rows = Vec::new();
    let mut values = vec![0.0; store.settings().width];
    store
        .for_each(&mut values, |row| {
            rows.push((row.id, row.sketch.values.to_vec()));
            Ok(())
        })
        .unwrap();
    rows.sort_by_key(|row| row.0);
    rows
}

#[test]
fn a_reservoir_keeps_every_sample_as_often_as_any_other_over_seeds() {
    let mut counts = [0_u32; 60];
    for seed in 0..3_000 {
        let mut reservoir = reservoir_of(ReservoirSettings { seed, codec: Codec::F32, width: 1, rows: 16 });
        for id in 0..60 {
            reservoir.offer(id, &sketch_of(&[1.0])).unwrap();
        }
        assert_eq!(reservoir.store().len(), 16);
        reservoir.store().ids().iter().for_each(|&id| counts[id as usize] += 1);
    }
    // Mean 800, standard deviation 24: five of them, for 60 ids, false alarm below 10⁻⁴.
    assert!(counts.iter().all(|count| count.abs_diff(800) < 121), "{counts:?}");
}

#[test]
fn tiny_gradients_are_kept_to_the_codec_s_precision() {
    let row: Vec<f32> = normals(5, 256).iter().map(|x| x * 1e-12).collect();
    let exact: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
    for (codec, allowed) in [
        (Codec::F32, 1e-6),
        (Codec::F16, 1e-3),
        (Codec::Bf16, 1e-2),
        (Codec::Int8, 1e-2),
        (Codec::Sign, 1e-3),
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
        if codec == Codec::Sign {
            let (sum, squares): (f64, f64) = row.iter().map(|x| (size(x), size(x) * size(x))).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
            let scale = if sum > 0.0 { squares / sum } else { 0.0 };
            for (x, found) in row.iter().zip(&values) {
                prop_assert_eq!(found.is_sign_negative(), x.is_sign_negative());
                prop_assert!((size(found) - scale).abs() <= scale / 1000.0 + ulp, "{found:e} for {scale:e}");
            }
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
        let (exact, magnitude) = (products().sum::<f64>(), products().map(f64::abs).sum::<f64>());
        // What is read back is rounded where it is subnormal.
        let of_reading = query.iter().map(|q| f64::from(q.abs())).sum::<f64>() * 2.0_f64.powi(-150);
        let allowed = magnitude * 12.0 * 2.0_f64.powi(-24) + of_reading + 2.0_f64.powi(-149);
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
        let found = f64::from(scores_of(&filled(Codec::Sign, 200, &row), &query)[0]);
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
    let ratio = sum(Codec::Sign) / sum(Codec::F32);
    assert!((ratio - 1.0).abs() < 0.02, "{ratio}");
}

#[test]
fn a_detector_fed_from_a_store_of_f32_is_the_detector_that_was_fed_with_the_sketches() {
    const K: usize = 8;
    let rows = normals(1, 30 * K);
    let store = filled(Codec::F32, K, &rows);
    const SETTINGS: SelfInfluenceSettings = SelfInfluenceSettings::new(K);
    let new = || SelfInfluence::<[f64; SETTINGS.memory().f64s]>::owned(SETTINGS).unwrap();
    let (mut direct, mut stored) = (new(), new());
    rows.chunks(K).for_each(|row| direct.observe(&sketch_of(row)).unwrap());
    store.for_each(&mut [0.0; K], |row| stored.observe(&row.sketch)).unwrap();
    direct.fit().unwrap();
    stored.fit().unwrap();
    for row in rows.chunks(K) {
        assert_eq!(score(&stored, &sketch_of(row)), score(&direct, &sketch_of(row)));
    }
}

#[test]
fn what_does_not_belong_is_refused_and_the_store_is_as_it_was() {
    const K: usize = 4;
    for codec in Codec::ALL {
        let settings = StoreSettings { codec, width: K, rows: 16 };
        let expected = settings.memory().others;
        let none = Store::new(StoreSettings { width: 0, ..settings }, vec![0; expected]).unwrap_err();
        assert_eq!(none, Error::Width { multiple: 1, found: 0 });
        let short = Store::new(settings, vec![0; expected - 1]).unwrap_err();
        assert_eq!(short, Error::Length { expected, found: expected - 1 });

        let mut store = store_of(codec, K, 16);
        assert_eq!((store.settings(), store.is_empty()), (settings, true));
        assert_eq!(store.get(0, &mut [0.0; K]).unwrap_err(), Error::Row { rows: 0, found: 0 });
        let row = [1.0, -2.0, 3.0, -4.0];
        for id in 0..16 {
            store.append(id, &sketch_of(&row)).unwrap();
        }
        let before = scores_of(&store, &row);
        let sketch = sketch_of(&row);
        let full = Err(Error::Full { capacity: 16 });
        assert_eq!(store.append(16, &sketch), full);
        let infinite = [1.0, f32::INFINITY, 0.0, 0.0];
        let id = SketchId { layout: LayoutId::from_bits(1), ..sketch.id };
        let seed = SketchId { key: Fingerprint::Seed(8), ..sketch.id };
        for (odd, error) in [
            (Sketch { values: &infinite, ..sketch }, Error::NonFinite),
            (Sketch { values: &row[..3], ..sketch }, Error::Length { expected: K, found: 3 }),
            (Sketch { id, ..sketch }, Error::Mismatch(Field::Layout)),
            (Sketch { id: seed, ..sketch }, Error::Mismatch(Field::Key)),
            (
                Sketch { measures: Summary { count: 5, ..sketch.measures }, ..sketch },
                Error::Mismatch(Field::Layout),
            ),
        ] {
            assert_eq!(store.append(16, &odd), Err(error));
            assert_eq!(store.replace(0, 16, &odd), Err(error));
        }
        assert_eq!(store.replace(16, 16, &sketch), Err(Error::Row { rows: 16, found: 16 }));
        assert_eq!(store.get(0, &mut [0.0; 3]).unwrap_err(), Error::Length { expected: K, found: 3 });
        assert_eq!((scores_of(&store, &row), store.ids()), (before, &(0..16).collect::<Vec<u64>>()[..]));

        let foreign = queries_of(codec, id, &row);
        assert_eq!(store.score(&foreign, &mut [0.0; 16]), Err(Error::Mismatch(Field::Layout)));
        let other = if codec == Codec::Int8 { Codec::Sign } else { Codec::Int8 };
        let foreign = queries_of(other, sketch.id, &row);
        assert_eq!(store.score(&foreign, &mut [0.0; 16]), Err(Error::Mismatch(Field::Codec)));
        let queries = queries_of(codec, sketch.id, &row);
        let mut scores = [7.0; 16];
        let length = |expected, found| Err(Error::Length { expected, found });
        assert_eq!(store.score(&queries, &mut scores[1..]), length(16, 15));
        assert!(matches!(store.score_rows(3..16, &queries, &mut scores[3..]), Err(Error::Setting { .. })));
        assert_eq!(store.score_rows(0..17, &queries, &mut scores), Err(Error::Row { rows: 16, found: 17 }));
        assert_eq!(scores, [7.0; 16]);
        let none: &mut [TopK<Vec<Entry>>] = &mut [];
        assert_eq!(store.top(&queries, &mut scores, none), Err(Error::Length { expected: 1, found: 0 }));
        let mut top = [top_k(0)];
        assert_eq!(
            store.top(&queries, &mut scores[1..], &mut top),
            Err(Error::Length { expected: 16, found: 15 })
        );

        store.reset();
        assert_eq!((store.len(), store.id()), (0, None));
        store.append(3, &Sketch { id, ..sketch }).unwrap();
    }
    let wide = int8::MOST + 1;
    let settings = StoreSettings { codec: Codec::Int8, width: wide, rows: 1 };
    let memory = vec![0; settings.memory().others];
    assert!(matches!(Store::new(settings, memory), Err(Error::Setting { .. })));
}

#[test]
fn stores_and_reservoirs_that_differ_are_not_merged() {
    let row = [1.0, 2.0];
    let mut store = filled(Codec::F16, 2, &row);
    let other = filled(Codec::Bf16, 2, &row);
    assert_eq!(store.merge(&other), Err(Error::Mismatch(Field::Codec)));
    let mut full = filled(Codec::F16, 2, &[1.0; 32]);
    assert_eq!(full.merge(&store), Err(Error::Full { capacity: 16 }));
    assert_eq!(full.len(), 16);
    let new = |seed| reservoir_of(ReservoirSettings { seed, codec: Codec::F16, width: 2, rows: 16 });
    let (mut seeds, other) = (new(1), new(2));
    assert_eq!(seeds.merge(&other), Err(Error::Mismatch(Field::StateSettings)));
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

/// The inverse rounding of a decoded row changes nothing: an int8 row that was read back
/// and stored again is the same.
#[test]
fn int8_rows_of_a_store_decode_as_the_kernels_do() {
    let row = normals(9, 100);
    let (mut codes, mut decoded) = (vec![0; 100], vec![0.0; 100]);
    let store = filled(Codec::Int8, 100, &row);
    let scale = encode_int8(&row, &mut codes).unwrap();
    decode_int8(&codes, scale, &mut decoded).unwrap();
    let mut values = [0.0; 100];
    assert_eq!(store.get(0, &mut values).unwrap().sketch.values, decoded);
}

#[test]
fn queries_that_do_not_fit_are_refused_and_those_before_stay() {
    const K: usize = 4;
    for codec in Codec::ALL {
        let settings = QueriesSettings { codec, width: K, count: 2 };
        let f32s = settings.memory().f32s;
        let short = Queries::new(settings, vec![0.0; f32s - 1]).unwrap_err();
        assert_eq!(short, Error::Length { expected: f32s, found: f32s - 1 });
        let none = Queries::new(QueriesSettings { width: 0, ..settings }, [0.0; 0]).unwrap_err();
        assert_eq!(none, Error::Width { multiple: 1, found: 0 });

        let store = filled(codec, K, &[1.0, -2.0, 3.0, -4.0]);
        let mut queries = Queries::new(settings, vec![f32::NAN; f32s]).unwrap();
        assert_eq!((queries.count(), queries.id()), (0, None));
        assert_eq!(store.score(&queries, &mut []), Ok(()));
        queries.pack(id_of(K), &[1.0; K]).unwrap();
        let mut before = [0.0];
        store.score(&queries, &mut before).unwrap();
        for (id, values, error) in [
            (id_of(3), &[2.0; 3][..], Error::Mismatch(Field::Width)),
            (id_of(K), &[2.0; 5], Error::Length { expected: 4, found: 5 }),
            (id_of(K), &[2.0; 12], Error::Full { capacity: 2 }),
            (id_of(K), &[f32::INFINITY; 8], Error::NonFinite),
        ] {
            assert_eq!(queries.pack(id, values), Err(error), "{codec:?}");
            let mut after = [0.0];
            store.score(&queries, &mut after).unwrap();
            assert_eq!(after, before, "{codec:?}");
        }
    }
}

#[test]
fn states_in_arrays_of_their_own_are_made_at_compile_time() {
    const STORE: StoreSettings = StoreSettings { codec: Codec::Sign, width: 3, rows: 20 };
    const SAMPLE: ReservoirSettings = ReservoirSettings { seed: 1, codec: Codec::Sign, width: 3, rows: 20 };
    const LARGEST: LargestSettings = LargestSettings { codec: Codec::Sign, width: 3, rows: 20 };
    const QUERIES: QueriesSettings = QueriesSettings { codec: Codec::Sign, width: 3, count: 2 };
    const TOP: TopKSettings = TopKSettings { k: 2 };
    const WORDS: usize = STORE.memory().others;
    const _: () = assert!(Store::<[u64; WORDS]>::owned(STORE).is_ok());
    const _: () = assert!(Store::<[u64; WORDS - 1]>::owned(STORE).is_err());
    const _: () = assert!(Reservoir::<[u64; WORDS]>::owned(SAMPLE).is_ok());
    const _: () = assert!(Largest::<[u64; WORDS], [f64; 20]>::owned(LARGEST).is_ok());
    const _: () = assert!(Largest::<[u64; WORDS], [f64; 19]>::owned(LARGEST).is_err());
    const _: () = assert!(Queries::<[f32; QUERIES.memory().f32s]>::owned(QUERIES).is_ok());
    const _: () = assert!(TopK::<[Entry; 2]>::owned(TOP).is_ok());
    const _: () = assert!(TopK::<[Entry; 3]>::owned(TOP).is_err());
    static STORE_IN_A_CELL: std::sync::Mutex<Store<[u64; WORDS]>> =
        std::sync::Mutex::new(match Store::owned(STORE) {
            Ok(store) => store,
            Err(_) => panic!("the array is as long as the settings say"),
        });
    let mut store = STORE_IN_A_CELL.lock().unwrap();
    store.append(1, &sketch_of(&[1.0, 2.0, 3.0])).unwrap();
    assert_eq!(store.ids(), [1]);
}
