//! Codecs and scores of stored rows: rows of 512 values, by the values of the rows for
//! each query.

use crate::leave;
use crate::measure::Meter;
use crate::measured;
use core::hint::black_box;
use gradsieve_kernels::codec::bits::{BLOCK, Bits, decode_block, encode_block};
use gradsieve_kernels::codec::int8::{decode_int8, encode_int8};
use gradsieve_kernels::score::bits::{self, score_bits_sealed};
use gradsieve_kernels::score::float::{Packed, score_rows, score_sealed};
use gradsieve_kernels::score::int8::{self, Queries, score_int8_rows, score_int8_sealed};
use gradsieve_vectors::input::{Kind, value};
use half::f16;

/// Values a row.
const K: usize = 512;
/// Rows: a sealed group.
const ROWS: usize = 16;
/// Queries of the lines that have several.
const QUERIES: usize = 2;

#[inline(never)]
pub(crate) fn measure_all(meter: &mut Meter) {
    let (mut rows, mut queries) = ([0.0_f32; ROWS * K], [0.0_f32; QUERIES * K]);
    let mut half = [f16::ZERO; ROWS * K];
    for i in 0..rows.len() {
        rows[i] = value(Kind::Uniform, black_box(1), i as u64);
        half[i] = f16::from_f32(rows[i]);
    }
    for (i, query) in queries.iter_mut().enumerate() {
        *query = value(Kind::Uniform, black_box(2), i as u64);
    }
    codecs(meter, &mut rows);
    let scores = &mut [0.0_f32; ROWS * QUERIES];
    let mut packed = [0.0_f32; QUERIES * K];
    let (Some(one), Some(first)) = (queries.get(..K), scores.get_mut(..ROWS)) else { leave(false) };
    measured! { meter, ROWS * K;
        "score f32 open", None, score_rows(&rows, K, one, first);
        "score f16 open", None, score_rows(&half, K, one, first);
    }
    if let Ok(packed) = Packed::new(&queries, K, &mut packed) {
        // What stands where has no bearing on how many instructions it takes.
        measured! { meter, ROWS * QUERIES * K;
            "score f32 sealed", None, score_sealed(&rows, packed, scores);
        }
    }
    int8_scores(meter, &queries, scores);
    scores_of_bits(meter, &queries, scores);
}

fn codecs(meter: &mut Meter, rows: &mut [f32]) {
    let Some(row) = rows.get_mut(..K) else { leave(false) };
    let (mut codes, mut decoded) = ([0; K], [0.0; K]);
    measured! { meter, K;
        "encode int8", None, encode_int8(row, &mut codes);
        "decode int8", None, decode_int8(&codes, black_box(0.01), &mut decoded);
    }
    let Some(block) = row.first_chunk::<BLOCK>() else { leave(false) };
    let words = [black_box(3); 8];
    measured! { meter, BLOCK;
        "encode 1 bit", None, black_box(encode_block(Bits::One, block, black_box(1.0)));
        "encode 4 bits", None, black_box(encode_block(Bits::Four, block, black_box(46.0)));
        "decode 4 bits", None, black_box(decode_block(Bits::Four, &words, black_box(1.0)));
    }
}

#[inline(never)]
fn int8_scores(meter: &mut Meter, queries: &[f32], scores: &mut [f32]) {
    let mut codes = [0; ROWS * K];
    for (i, code) in codes.iter_mut().enumerate() {
        *code = black_box(i * 37) as u8;
    }
    let rows = int8::Rows { codes: &codes, scales: &[0.01; ROWS] };
    let scratch = &mut [0; Queries::open_len(QUERIES, K)];
    if let (Ok(queries), Some(scores)) =
        (Queries::open(&queries[..K], K, &mut scratch[..Queries::open_len(1, K)]), scores.get_mut(..ROWS))
    {
        measured! { meter, ROWS * K;
            "score int8 open", None, score_int8_rows(rows, queries, scores);
        }
    }
    if let Ok(queries) = Queries::sealed(queries, K, scratch) {
        measured! { meter, ROWS * QUERIES * K;
            "score int8 sealed", None, score_int8_sealed(rows, queries, scores);
        }
    }
}

#[inline(never)]
fn scores_of_bits(meter: &mut Meter, queries: &[f32], scores: &mut [f32]) {
    let mut words = [0; ROWS * K / 8];
    for (i, word) in words.iter_mut().enumerate() {
        *word = gradsieve_kernels::hash::word(black_box(3), i as u64) as u32;
    }
    let scratch = &mut [0; bits::Queries::sealed_len(QUERIES, K)];
    let of_bits = |of: Bits| words.get(..bits::sealed_len(of, ROWS, K)).unwrap_or_default();
    if let Ok(queries) = bits::Queries::sealed(Bits::One, queries, K, scratch) {
        let rows = bits::Rows { words: of_bits(Bits::One), scales: &[f16::ONE; ROWS] };
        measured! { meter, ROWS * QUERIES * K;
            "score 1 bit sealed", Some(4), score_bits_sealed(rows, queries, scores);
        }
    }
    if let Ok(queries) = bits::Queries::sealed(Bits::Two, queries, K, scratch) {
        let rows = bits::Rows { words: of_bits(Bits::Two), scales: &[f16::ONE; ROWS] };
        measured! { meter, ROWS * QUERIES * K;
            "score 2 bits sealed", None, score_bits_sealed(rows, queries, scores);
        }
    }
    if let Ok(queries) = bits::Queries::sealed(Bits::Four, queries, K, scratch) {
        let rows = bits::Rows { words: of_bits(Bits::Four), scales: &[f16::ONE; ROWS] };
        measured! { meter, ROWS * QUERIES * K;
            "score 4 bits sealed", None, score_bits_sealed(rows, queries, scores);
        }
    }
}
