//! Scores of stored rows, and where a sealed segment keeps what an open one holds.
//!
//! A score in floats is 16 partial sums: term *i* goes to partial sum *i* mod 16, and the
//! sixteen are folded by adding the upper half to the lower. An open and a sealed segment
//! have the same scores. Scores stand query after query: that of row *r* and query *q*
//! is number q·n + r of n rows.

use super::Format;
use super::codec::{code, scale_of, sign};
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
        let sum = products.sum::<i32>();
        let product = sum as f32 * scales[r];
        let score = product * scale;
        if product.is_normal() && score.is_normal() {
            score
        } else {
            (f64::from(sum) * f64::from(scales[r]) * f64::from(scale)) as f32
        }
    });
}

/// (Σ ±qᵢ)·row's scale, by the signs of a row. Of 64 values, four that lie 16 apart are
/// added to each other before they go to their partial sum.
pub fn score_signs(words: &[u32], scales: &[f16], k: usize, queries: &[f32], scores: &mut [f32]) {
    let length = words.len() / scales.len().max(1);
    each(scales.len(), scores, |r, q| {
        let row = &words[r * length..][..length];
        let t = |i: usize| {
            let value = if i < k { queries[q * k + i] } else { 0.0 };
            if i < k && sign(row, i) == 1 { -value } else { value }
        };
        let mut lanes = [0.0; LANES];
        for block in (0..k).step_by(64) {
            for (lane, sum) in lanes.iter_mut().enumerate() {
                let i = block + lane;
                *sum += (t(i) + t(i + 16)) + (t(i + 32) + t(i + 48));
            }
        }
        fold(&mut lanes, 1);
        lanes[0] * scales[r].value()
    });
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

/// Where a sealed segment keeps sign `i` of row `row`, by word and bit: the four signs of
/// a term together, terms in the order of their partial sums and then of blocks of 64,
/// eight terms a word.
pub fn place_of_sign(k: usize, row: usize, i: usize) -> (usize, u32) {
    let (block, of_term, lane) = (i / 64, i % 64 / 16, i % 16);
    let earlier = ORDER.iter().take_while(|other| **other != lane).count();
    let term = earlier * k.div_ceil(64) + block;
    (place(2 * k.div_ceil(64), row, term / 8), (4 * (term % 8) + of_term) as u32)
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

/// The signs of an open segment as a sealed one, with zeros where there is no row; what
/// fills up a row's last words goes with it.
pub fn seal_signs(words: &[u32], k: usize, sealed: &mut [u32]) {
    sealed.fill(0);
    let length = 2 * k.div_ceil(64);
    for (r, row) in words.chunks(length).enumerate() {
        for i in 0..32 * length {
            let (word, bit) = place_of_sign(k, r, i);
            sealed[word] |= sign(row, i) << bit;
        }
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

/// The same as they meet a sealed segment: in the order of a sealed row, with the words
/// of eight queries side by side, or of 1, 2, 4 or 8 for what is left of them.
pub fn pack_signs_sealed(queries: &[f32], k: usize, packed: &mut [u32]) {
    packed.fill(0);
    let length = 2 * k.div_ceil(64);
    for i in 0..k {
        let (word, bit) = place_of_sign(k, 0, i);
        packed[word / GROUP] |= 1 << bit;
    }
    for (at, x) in queries.iter().enumerate() {
        let (q, (word, bit)) = (at / k, place_of_sign(k, 0, at % k));
        let (tile, column) = (q / 8, q % 8);
        let width = (queries.len() / k - 8 * tile).next_power_of_two().min(8);
        let to = length + 8 * tile * length + word / GROUP * width + column;
        packed[to] |= u32::from(x.is_sign_negative()) << bit;
    }
}
