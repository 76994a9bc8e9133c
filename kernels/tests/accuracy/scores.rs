//! Scores of stored rows, open and sealed.

use crate::Line;
use crate::inputs::{KINDS, Kind, UNDERFLOW, UNIT, numbers};
use crate::worst::{Sum, Worst};
use gradsieve_kernels::Element;
use gradsieve_kernels::codec::bits::Bits;
use gradsieve_kernels::hash;
use gradsieve_kernels::score::bits::{self, score_bits_sealed};
use gradsieve_kernels::score::float::{self, Packed, score_rows, score_sealed};
use gradsieve_kernels::score::hamming::{self, hamming_rows, hamming_sealed};
use gradsieve_kernels::score::int8::{self, Queries, score_int8_rows, score_int8_sealed};
use gradsieve_kernels::spec;
use half::{bf16, f16};

pub(crate) const LINES: &[Line] = &[
    Line {
        file: "score/float.rs",
        kernel: "scores of `f32` rows of k",
        bound: "(⌈k/16⌉ + 5)·ε·Σ\\|xᵢqᵢ\\|",
        reason: "⌈k/16⌉ additions in a lane, 4 of the fold, a product",
        check: floats::<f32>,
    },
    Line {
        file: "score/float.rs",
        kernel: "scores of `f16` rows",
        bound: "(⌈k/16⌉ + 5)·ε·Σ\\|xᵢqᵢ\\|",
        reason: "the same; widening is exact",
        check: floats::<f16>,
    },
    Line {
        file: "score/float.rs",
        kernel: "scores of `bf16` rows",
        bound: "(⌈k/16⌉ + 5)·ε·Σ\\|xᵢqᵢ\\|",
        reason: "the same",
        check: floats::<bf16>,
    },
    Line {
        file: "score/int8.rs",
        kernel: "scores of int8 rows",
        bound: "3·ε·\\|score\\|",
        reason: "the sum of codes is exact; it is rounded to `f32`, then two products",
        check: int8s,
    },
    Line {
        file: "score/bits.rs",
        kernel: "scores of rows of 1, 2 and 4 bits",
        bound: "3·ε·\\|score\\|",
        reason: "the sum of levels times codes is exact; it is rounded to `f32`, then two products",
        check: few_bits,
    },
    Line {
        file: "score/hamming.rs",
        kernel: "signs in which 1-bit rows and queries differ",
        bound: "0",
        reason: "bits are counted",
        check: distances,
    },
];

const WIDTHS: [usize; 8] = [1, 3, 16, 17, 64, 65, 130, 512];
const ROWS: usize = 19;
const QUERIES: usize = 5;

fn floats<T: Element>(worst: &mut Worst) {
    for kind in KINDS {
        for k in WIDTHS {
            let (rows, queries) = (numbers::<T>(kind, 1, ROWS * k), numbers::<f32>(kind, 2, QUERIES * k));
            let (mut open, mut of_sealed) = (vec![0.0; ROWS * QUERIES], vec![0.0; ROWS * QUERIES]);
            score_rows(&rows, k, &queries, &mut open).unwrap();
            let mut sealed = vec![T::ZERO; float::sealed_len(ROWS, k)];
            float::seal(&rows, k, &mut sealed).unwrap();
            let mut scratch = vec![0.0; Packed::len(QUERIES, k)];
            score_sealed(&sealed, Packed::new(&queries, k, &mut scratch).unwrap(), &mut of_sealed).unwrap();
            for (at, found) in open.iter().zip(&of_sealed).enumerate() {
                let (row, query) = (&rows[at % ROWS * k..][..k], &queries[at / ROWS * k..][..k]);
                let terms = row.iter().zip(query).map(|(x, q)| f64::from(x.widen()) * f64::from(*q));
                let exact: Sum = terms.collect();
                let bound = (k.div_ceil(16) + 5) as f64 * UNIT * exact.magnitude + k as f64 * UNDERFLOW;
                worst.see((*found.0).into(), exact.value(), bound, (kind, k, at, "open"));
                worst.see((*found.1).into(), exact.value(), bound, (kind, k, at, "sealed"));
            }
        }
    }
}

/// The code of a query's value, by the documentation: to the nearest integer, ties to
/// even, of the rounded quotient.
fn code(x: f32, scale: f32) -> i64 {
    if scale == 0.0 { 0 } else { f64::from(x / scale).round_ties_even() as i64 }
}

fn int8s(worst: &mut Worst) {
    for kind in KINDS.into_iter().filter(|kind| !matches!(kind, Kind::WithInfinities | Kind::WithNans)) {
        // The longest rows, of the largest codes: a few are enough.
        let longest = (int8::MOST, 3, 2);
        for (k, n, count) in WIDTHS.map(|k| (k, ROWS, QUERIES)).into_iter().chain([longest]) {
            let byte =
                |i: usize| if k == int8::MOST { [0, 255][i % 2] } else { hash::word(5, i as u64) as u8 };
            let codes: Vec<u8> = (0..n * k).map(byte).collect();
            let scales: Vec<f32> = numbers::<f32>(Kind::Positive, 6, n);
            let queries = numbers::<f32>(kind, 2, count * k);
            let (mut open, mut of_sealed) = (vec![0.0; n * count], vec![0.0; n * count]);
            let mut scratch = vec![0; Queries::open_len(count, k)];
            let open_queries = Queries::open(&queries, k, &mut scratch).unwrap();
            score_int8_rows(int8::Rows { codes: &codes, scales: &scales }, open_queries, &mut open).unwrap();
            let mut sealed = vec![0; int8::sealed_len(n, k)];
            int8::seal(&codes, k, &mut sealed).unwrap();
            let mut scratch = vec![0; Queries::sealed_len(count, k)];
            let packed = Queries::sealed(&queries, k, &mut scratch).unwrap();
            score_int8_sealed(int8::Rows { codes: &sealed, scales: &scales }, packed, &mut of_sealed)
                .unwrap();
            for (at, found) in open.iter().zip(&of_sealed).enumerate() {
                let (row, query) = (&codes[at % n * k..][..k], &queries[at / n * k..][..k]);
                let most = query.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
                let mut scale = most / 127.0;
                if most / scale >= 127.5 {
                    scale = f32::from_bits(scale.to_bits() + 1);
                }
                let sum: i64 =
                    row.iter().zip(query).map(|(c, x)| (i64::from(*c) - 128) * code(*x, scale)).sum();
                let row_scale = f64::from(scales[at % n]);
                let exact = sum as f64 * row_scale * f64::from(scale);
                let bound = 3.0 * UNIT * (1.0 + 1e-6) * exact.abs() + UNDERFLOW;
                worst.see((*found.0).into(), exact, bound, (kind, k, at, "open"));
                worst.see((*found.1).into(), exact, bound, (kind, k, at, "sealed"));
            }
        }
    }
}

fn few_bits(worst: &mut Worst) {
    let finite = KINDS.into_iter().filter(|kind| !matches!(kind, Kind::WithInfinities | Kind::WithNans));
    for (of, kind) in finite.flat_map(|kind| Bits::ALL.map(|of| (of, kind))) {
        for k in WIDTHS {
            let words: Vec<u32> = (0..ROWS * of.words(k)).map(|i| hash::word(7, i as u64) as u32).collect();
            let scales: Vec<f16> = numbers(Kind::Positive, 6, ROWS);
            let queries = numbers::<f32>(kind, 2, QUERIES * k);
            let mut scores = vec![0.0; ROWS * QUERIES];
            let mut sealed = vec![0; bits::sealed_len(of, ROWS, k)];
            bits::seal(of, &words, k, &mut sealed).unwrap();
            let mut scratch = vec![0; bits::Queries::sealed_len(QUERIES, k)];
            let packed = bits::Queries::sealed(of, &queries, k, &mut scratch).unwrap();
            score_bits_sealed(bits::Rows { words: &sealed, scales: &scales }, packed, &mut scores).unwrap();
            for (at, found) in scores.iter().enumerate() {
                let (row, query) = (&words[at % ROWS * of.words(k)..], &queries[at / ROWS * k..][..k]);
                let most = query.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
                let mut scale = most / 127.0;
                if most / scale >= 127.5 {
                    scale = f32::from_bits(scale.to_bits() + 1);
                }
                let level =
                    |i| i64::from(spec::codec::level(of.count(), spec::codec::code_of(of.count(), row, i)));
                let sum: i64 = query.iter().enumerate().map(|(i, x)| level(i) * code(*x, scale)).sum();
                let exact = sum as f64 * scales[at % ROWS].to_f64() * f64::from(scale);
                let bound = 3.0 * UNIT * (1.0 + 1e-6) * exact.abs() + UNDERFLOW;
                worst.see((*found).into(), exact, bound, (of, kind, k, at));
            }
        }
    }
}

fn distances(worst: &mut Worst) {
    for kind in KINDS {
        for k in WIDTHS {
            let words: Vec<u32> =
                (0..ROWS * Bits::One.words(k)).map(|i| hash::word(7, i as u64) as u32).collect();
            let queries = numbers::<f32>(kind, 2, QUERIES * k);
            let (mut open, mut of_sealed) = (vec![0; ROWS * QUERIES], vec![0; ROWS * QUERIES]);
            let mut scratch = vec![0; hamming::Queries::open_len(QUERIES, k)];
            hamming_rows(&words, hamming::Queries::open(&queries, k, &mut scratch).unwrap(), &mut open)
                .unwrap();
            let mut sealed = vec![0; bits::sealed_len(Bits::One, ROWS, k)];
            bits::seal(Bits::One, &words, k, &mut sealed).unwrap();
            let mut scratch = vec![0; hamming::Queries::sealed_len(QUERIES, k)];
            let packed = hamming::Queries::sealed(&queries, k, &mut scratch).unwrap();
            hamming_sealed(&sealed, packed, &mut of_sealed).unwrap();
            for (at, found) in open.iter().zip(&of_sealed).enumerate() {
                let (row, query) = (&words[at % ROWS * Bits::One.words(k)..], &queries[at / ROWS * k..][..k]);
                let differ = |(i, q): &(usize, &f32)| row[i / 32] >> (i % 32) & 1 != q.to_bits() >> 31;
                let exact = query.iter().enumerate().filter(differ).count() as f64;
                worst.see((*found.0).into(), exact, 0.0, (kind, k, at, "open"));
                worst.see((*found.1).into(), exact, 0.0, (kind, k, at, "sealed"));
            }
        }
    }
}
