//! Scores of stored rows, and where a sealed segment keeps what an open one holds.
//!
//! A score in floats is 16 partial sums: term *i* goes to partial sum *i* mod 16, and the
//! sixteen are folded by adding the upper half to the lower. An open and a sealed segment
//! have the same scores. Scores stand query after query: that of row *r* and query *q*
//! is number q·n + r of n rows.

use super::Format;
use super::codec::{code, code_of, level, scale_of, sign};
use super::norm::max_abs;
use super::sum::{fold, or_wide};
use half::f16;

/// Rows of a sealed group, of which the values of one place stand side by side.
const GROUP: usize = 16;

/// Partial sums a score.
const LANES: usize = 16;

/// The order of the partial sums in a sealed row: that of reversed bits, so that the two
/// which the fold adds first follow each other.
const ORDER: [usize; LANES] = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];

/// ⟨row, query⟩ for each row and query, of k values each. A score that leaves the range
/// of sums in `f32` is taken again in `f64`, and rounded.
pub fn score_floats<T: Format>(rows: &[T], k: usize, queries: &[f32], scores: &mut [f32]) {
    each(rows.len() / k, scores, |r, q| {
        let mut lanes = [0.0; LANES];
        for i in 0..k {
            lanes[i % LANES] += rows[r * k + i].value() * queries[q * k + i];
        }
        fold(&mut lanes, 1);
        let exact = |i: usize| f64::from(rows[r * k + i].value()) * f64::from(queries[q * k + i]);
        or_wide(f64::from(lanes[0]), k, exact) as f32
    });
}

/// (Σ cᵢ·dᵢ)·row's scale·query's scale, for the codes c of a row and d of a query: the
/// sum is exact and is rounded to `f32`, and so is each product. Queries are finite.
pub fn score_int8(codes: &[u8], scales: &[f32], k: usize, queries: &[f32], scores: &mut [f32]) {
    each(scales.len(), scores, |r, q| {
        let query = &queries[q * k..][..k];
        let scale = scale_of(max_abs(query));
        let products = (0..k).map(|i| (i32::from(codes[r * k + i]) - 128) * code(query[i], scale));
        of_integers(products.sum(), scales[r], scale)
    });
}

/// (Σ levelᵢ·dᵢ)·row's scale·query's scale, for codes of so many bits and queries in
/// int8: the sum is exact and is rounded to `f32`, and so is each product. Queries are
/// finite.
pub fn score_bits(bits: usize, words: &[u32], scales: &[f16], k: usize, queries: &[f32], scores: &mut [f32]) {
    let length = 2 * bits * k.div_ceil(64);
    each(scales.len(), scores, |r, q| {
        let (row, query) = (&words[r * length..][..length], &queries[q * k..][..k]);
        let scale = scale_of(max_abs(query));
        let products = (0..k).map(|i| level(bits, code_of(bits, row, i)) * code(query[i], scale));
        of_integers(products.sum(), scales[r].value(), scale)
    });
}

/// The score of an exact sum.
fn of_integers(sum: i32, row: f32, query: f32) -> f32 {
    let product = sum as f32 * row;
    let score = product * query;
    if product.is_normal() && score.is_normal() {
        score
    } else {
        (f64::from(sum) * f64::from(row) * f64::from(query)) as f32
    }
}

/// In how many of k signs each row and each query differ; `length` words a row.
pub fn hamming(words: &[u32], length: usize, k: usize, queries: &[f32], distances: &mut [u32]) {
    each(words.len() / length, distances, |r, q| {
        let row = &words[r * length..][..length];
        (0..k).map(|i| sign(row, i) ^ u32::from(queries[q * k + i].is_sign_negative())).sum()
    });
}

/// Writes the score of each row and query to its place.
fn each<T>(rows: usize, scores: &mut [T], score: impl Fn(usize, usize) -> T) {
    for (at, to) in scores.iter_mut().enumerate() {
        *to = score(at % rows, at / rows);
    }
}

/// Where a sealed segment keeps value `i` of row `row`, in floats: places of one partial
/// sum follow each other, and partial sums stand in the order of reversed bits.
pub fn place_of_float(k: usize, row: usize, i: usize) -> usize {
    let before = |lane: &usize| *lane != i % LANES;
    let earlier: usize = ORDER.iter().take_while(|lane| before(lane)).map(|lane| places(k, *lane)).sum();
    place(k, row, earlier + i / LANES)
}

/// How many of k places belong to partial sum `lane`.
fn places(k: usize, lane: usize) -> usize {
    k.saturating_sub(lane).div_ceil(LANES)
}

/// Where a sealed segment keeps code `i` of row `row`: four codes of a row together.
pub fn place_of_int8(k: usize, row: usize, i: usize) -> usize {
    4 * place(k.div_ceil(4), row, i / 4) + i % 4
}

/// Where place number `at` of row `row` stands, of rows of `length` places.
fn place(length: usize, row: usize, at: usize) -> usize {
    (row / GROUP * length + at) * GROUP + row % GROUP
}

/// The values of an open segment as a sealed one, with zeros where there is no row.
pub fn seal_floats<T: Format>(rows: &[T], k: usize, sealed: &mut [T]) {
    sealed.fill(T::nearest(0.0));
    for (at, x) in rows.iter().enumerate() {
        sealed[place_of_float(k, at / k, at % k)] = *x;
    }
}

/// The codes of an open segment as a sealed one, with zeros where there is none.
pub fn seal_int8(codes: &[u8], k: usize, sealed: &mut [u8]) {
    sealed.fill(0);
    for (at, code) in codes.iter().enumerate() {
        sealed[place_of_int8(k, at / k, at % k)] = *code;
    }
}

/// The codes of rows one after the other, in groups of sixteen: word after word of the
/// sixteen, with zeros where there is no row.
pub fn seal_bits(bits: usize, words: &[u32], k: usize, sealed: &mut [u32]) {
    sealed.fill(0);
    let length = 2 * bits * k.div_ceil(64);
    for (at, word) in words.iter().enumerate() {
        sealed[place(length, at / length, at % length)] = *word;
    }
}

/// The signs of queries as they meet an open segment: which bits of a row's words are
/// signs, then the words of each query.
pub fn pack_signs(queries: &[f32], k: usize, packed: &mut [u32]) {
    packed.fill(0);
    let length = 2 * k.div_ceil(64);
    for i in 0..k {
        packed[i / 32] |= 1 << (i % 32);
    }
    for (at, x) in queries.iter().enumerate() {
        let (q, i) = (at / k, at % k);
        packed[(1 + q) * length + i / 32] |= u32::from(x.is_sign_negative()) << (i % 32);
    }
}

/// The same as they meet a sealed segment: with the words of eight queries side by side,
/// or of 1, 2, 4 or 8 for what is left of them.
pub fn pack_signs_sealed(queries: &[f32], k: usize, packed: &mut [u32]) {
    packed.fill(0);
    let length = 2 * k.div_ceil(64);
    for i in 0..k {
        packed[i / 32] |= 1 << (i % 32);
    }
    for (at, x) in queries.iter().enumerate() {
        let (q, i) = (at / k, at % k);
        let (tile, column) = (q / 8, q % 8);
        let width = (queries.len() / k - 8 * tile).next_power_of_two().min(8);
        let to = length + 8 * tile * length + i / 32 * width + column;
        packed[to] |= u32::from(x.is_sign_negative()) << (i % 32);
    }
}
