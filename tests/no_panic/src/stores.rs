//! Stored rows: kernels, stores, and what keeps rows of longer streams in them.

use super::{opaque, parts, rest};
use core::hint::black_box;
use gradsieve::store::{
    Codec, Entry, Largest, LargestSettings, Queries, QueriesSettings, Reservoir, ReservoirSettings,
    Shortlist, ShortlistSettings, Signs, SignsSettings, Store, StoreSettings, TopK, TopKSettings,
};
use gradsieve::{Error, Sketch, f16};
use gradsieve_kernels as kernels;

/// Codecs and scores of stored rows, in both layouts. `k` and all lengths are unknown to
/// the optimiser.
pub(super) fn stores(
    floats: &mut [f32],
    words: &mut [u32],
    bytes: &mut [u8],
    half: &[f16],
) -> Result<f32, kernels::Error> {
    use kernels::codec::bits::{Bits, decode_block, encode_block};
    use kernels::codec::int8::*;
    use kernels::score::{bits, float, hamming, int8};
    let k = black_box(8);
    let (rows, rest) = floats.split_at_mut_checked(black_box(64)).ok_or(kernels::Error::Level)?;
    let (scores, scratch) = rest.split_at_mut_checked(black_box(64)).ok_or(kernels::Error::Level)?;
    let scale = encode_int8(rows, bytes)?;
    decode_int8(bytes, scale, scratch)?;

    float::score_rows(half, k, rows, scores)?;
    float::seal(scores, k, scratch)?;
    let packed = float::Packed::new(rows, k, scratch)?;
    float::score_sealed(half, packed, scores)?;

    let (codes, sealed) = bytes.split_at_mut(black_box(3).min(bytes.len()));
    int8::seal(codes, k, sealed)?;
    let queries = int8::Queries::open(rows, k, sealed)?;
    int8::score_int8_rows(int8::Rows { codes, scales: rows }, queries, scores)?;
    let queries = int8::Queries::sealed(rows, k, sealed)?;
    int8::score_int8_sealed(int8::Rows { codes, scales: rows }, queries, scores)?;

    let (signs, sealed) = words.split_at_mut(black_box(3).min(words.len()));
    let of = Bits::ALL.get(black_box(2)).copied().unwrap_or(Bits::One);
    let mut block = [black_box(0.5); 64];
    let mut sum = 0.0;
    for of in Bits::ALL {
        let (words, product) = encode_block(of, &block, black_box(2.0));
        block = decode_block(of, &words, black_box(0.5));
        sum += product;
    }
    bits::seal(of, signs, k, sealed)?;
    bits::put(of, k, |block| [block as u32; 8], black_box(3), sealed)?;
    bits::take(of, sealed, k, black_box(3), |_, words| sum += words[0] as f32)?;
    let queries = bits::Queries::sealed(of, rows, k, bytes)?;
    bits::score_bits_sealed(bits::Rows { words: signs, scales: half }, queries, scores)?;
    let (scratch, distances) = sealed.split_at_mut(black_box(3).min(sealed.len()));
    let queries = hamming::Queries::open(rows, k, scratch)?;
    hamming::hamming_rows(signs, queries, distances)?;
    let queries = hamming::Queries::sealed(rows, k, scratch)?;
    hamming::hamming_sealed(signs, queries, distances)?;
    Ok(sum + scores.iter().sum::<f32>() + float::sealed_place(k, k, 3) as f32)
}

/// Stores of every codec, and what keeps rows of longer streams in them.
pub(super) fn kept(
    words: &mut [u64],
    scores: &mut [f64],
    floats: &mut [f32],
    sketch: &Sketch<'_>,
) -> Result<f64, Error> {
    let codec =
        Codec::from_number(black_box(1)).ok_or(Error::Setting { name: "memory", expected: "longer" })?;
    let width = black_box(8);
    let (left, right) = parts(words, black_box(900))?;
    let (values, scratch) = parts(floats, black_box(64))?;
    let settings = StoreSettings { codec, width, rows: black_box(16) };
    let mut store = Store::new(settings, &mut left[..])?;
    let mut other = Store::new(settings, &mut right[..])?;
    store.append(black_box(1), sketch)?;
    other.append(black_box(2), sketch)?;
    store.replace(black_box(0), black_box(3), sketch)?;
    store.merge(&other)?;
    let mut sum = store.get(black_box(1), values)?.sketch.measures.l1;
    store.for_each(values, |row| {
        sum += f64::from(row.sketch.group);
        Ok(())
    })?;
    sum += (settings.memory().bytes_with::<u64>() + settings.memory().bytes_at_rest) as f64;
    let (scratch, tile) = parts(scratch, black_box(500))?;
    let settings = QueriesSettings { codec, width, count: black_box(8) };
    let mut queries = Queries::new(settings, scratch)?;
    queries.pack(sketch.id, values)?;
    store.score(&queries, tile)?;
    store.score_rows(black_box(0)..black_box(3), &queries, tile)?;
    let mut entries = [Entry::default(); 8];
    let mut tops = [TopK::new(TopKSettings { k: black_box(8) }, opaque(&mut entries))?];
    sum += store.top(&queries, tile, opaque(&mut tops))? as f64;
    let [top] = &mut tops;
    sum += shortlist(&store, values, &queries, top)?;
    sum += store.squared_norms().iter().sum::<f64>() + store.ids().len() as f64 + store.groups().len() as f64;

    let bytes = &mut [0; 2000];
    sum += rest(&mut store, opaque(bytes))? as f64;
    let settings = ReservoirSettings { seed: black_box(7), codec, width, rows: black_box(16) };
    let mut reservoir = Reservoir::new(settings, &mut left[..])?;
    let mut second = Reservoir::new(settings, &mut right[..])?;
    second.offer(black_box(5), sketch)?;
    reservoir.offer(black_box(5), sketch)?;
    reservoir.merge(&second)?;
    sum += rest(&mut reservoir, opaque(bytes))? as f64;
    sum += reservoir.into_store().len() as f64;
    let (one, two) = parts(scores, black_box(16))?;
    let settings = LargestSettings { codec, width, rows: black_box(16) };
    let mut largest = Largest::new(settings, left, one)?;
    let mut second = Largest::new(settings, right, two)?;
    second.offer(black_box(5), sketch, black_box(1.0))?;
    largest.offer(black_box(5), sketch, black_box(1.0))?;
    largest.merge(&second)?;
    sum += rest(&mut largest, opaque(bytes))? as f64;
    Ok(sum + largest.scores().iter().sum::<f64>())
}

/// Counts of signs that differ, the list that is made by them, and its rows' scores.
pub(super) fn shortlist(
    store: &Store<&mut [u64]>,
    values: &[f32],
    query: &Queries<&mut [f32]>,
    top: &mut TopK<&mut [Entry]>,
) -> Result<f64, Error> {
    let (words, counts) = (&mut [0; 64], &mut [0; 64]);
    let (words, counts) = (opaque(words), opaque(counts));
    let settings = SignsSettings { width: black_box(8), count: black_box(8) };
    let mut signs = Signs::new(settings, words)?;
    signs.pack(query.id().ok_or(Error::NotFitted)?, values)?;
    store.differences(&signs, counts)?;
    store.differences_rows(black_box(0)..black_box(3), &signs, counts)?;
    let mut entries = [Entry::default(); 8];
    let mut lists = [Shortlist::new(ShortlistSettings { rows: black_box(8) }, opaque(&mut entries))?];
    store.shortlist(&signs, counts, opaque(&mut lists))?;
    let [list] = &lists;
    Ok(store.top_of(list, query, top)? as f64 + list.rows().iter().map(|row| row.score).sum::<f64>())
}
