//! Stores: rows as their codecs keep them, scores with the bits of the kernels, and what
//! is kept of a stream that is too long.

mod kept;
mod range;
mod refused;

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
use gradsieve_kernels::codec::bits::Bits;
use gradsieve_kernels::codec::int8::{decode_int8, encode_int8};
use gradsieve_kernels::score::float::score_rows;
use gradsieve_kernels::score::int8;
use gradsieve_kernels::score::int8::score_int8_rows;
use gradsieve_kernels::spec;
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
        Codec::FourBits => of_bits(Bits::Four, width, rows, queries, &mut scores),
        Codec::TwoBits => of_bits(Bits::Two, width, rows, queries, &mut scores),
        Codec::OneBit => of_bits(Bits::One, width, rows, queries, &mut scores),
    }
    scores
}

/// Each row is divided by a power of two, rotated, and put into levels, by definition;
/// its score is multiplied by the power of its scale. The queries' powers change no bit.
fn of_bits(of: Bits, width: usize, rows: &[f32], queries: &[f32], scores: &mut [f32]) {
    let queries: Vec<f32> = queries.chunks(width).flat_map(rotation).collect();
    let (mut words, mut halves, mut factors) = (Vec::new(), Vec::new(), Vec::new());
    for (row, power) in rows.chunks(width).zip(powers(width, rows)) {
        let rotated = rotation(&row.iter().map(|x| x / power).collect::<Vec<_>>());
        let size = (gradsieve_kernels::squared_norm(row) / width as f64).sqrt() / f64::from(power);
        let levels = if size > 0.0 { (f64::from(of.levels()) / size) as f32 } else { 0.0 };
        let (mut squares, mut products) = (0.0, 0.0);
        for block in rotated.chunks(64) {
            let mut values = [0.0; 64];
            values[..block.len()].copy_from_slice(block);
            let mut codes = vec![0; 2 * of.count()];
            products += f64::from(spec::codec::encode_bits(of.count(), &values, levels, &mut codes));
            squares += gradsieve_kernels::squared_norm(&values);
            words.extend(codes);
        }
        let scale = if products > 0.0 { squares / products * f64::from(power) } else { 0.0 };
        let exponent = if scale > 0.0 { scale.log2().floor() as i32 } else { 0 };
        factors.push(2.0_f32.powi(exponent));
        halves.push(f16::from_f64(scale / 2.0_f64.powi(exponent)));
    }
    spec::score::score_bits(of.count(), &words, &halves, width, &queries, scores);
    multiply(scores, &factors);
}

/// Whether rows are kept in levels of few bits.
fn is_few(codec: Codec) -> bool {
    matches!(codec, Codec::FourBits | Codec::TwoBits | Codec::OneBit)
}

/// A row as it is rotated before its levels are taken, by definition.
pub(crate) fn rotation(row: &[f32]) -> Vec<f32> {
    let mut rotated = vec![f32::NAN; row.len()];
    spec::rotation::rotation(row, &mut rotated);
    rotated
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
                    Codec::FourBits | Codec::TwoBits | Codec::OneBit => f32::INFINITY,
                };
                prop_assert!(error <= allowed, "{codec:?}: {x:e} became {found:e}");
            }
            if is_few(codec) {
                // The product with the row itself is its squared norm.
                let product: f64 = sketch.values.iter().zip(row).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                let exact = expected.measures.l2_squared;
                prop_assert!((product - exact).abs() <= exact / 1000.0, "{codec:?}: {product:e} for {exact:e}");
            }
            if codec == Codec::OneBit {
                for (found, y) in rotation(sketch.values).iter().zip(rotation(row)) {
                    prop_assert_eq!(found.is_sign_negative(), y.is_sign_negative());
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
}

pub(crate) fn reservoir_of(settings: ReservoirSettings) -> Reservoir<Vec<u64>> {
    Reservoir::new(settings, vec![9; settings.memory().others]).unwrap()
}

pub(crate) fn largest_of(settings: LargestSettings) -> Largest<Vec<u64>, Vec<f64>> {
    let memory = settings.memory();
    Largest::new(settings, vec![9; memory.others], vec![1.0; memory.f64s]).unwrap()
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
fn states_in_arrays_of_their_own_are_made_at_compile_time() {
    const STORE: StoreSettings = StoreSettings { codec: Codec::OneBit, width: 3, rows: 20 };
    const SAMPLE: ReservoirSettings = ReservoirSettings { seed: 1, codec: Codec::OneBit, width: 3, rows: 20 };
    const LARGEST: LargestSettings = LargestSettings { codec: Codec::OneBit, width: 3, rows: 20 };
    const QUERIES: QueriesSettings = QueriesSettings { codec: Codec::OneBit, width: 3, count: 2 };
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
