//! Store scoring: rows of k = 512 in every codec against 1, 8 and 64 queries. Our levels
//! score sealed segments; lines of their own show them on open ones, and the core's store
//! on its best level.
//!
//! The limit for 1 and 8 queries is a plain read of the rows; for 64, a loop that does
//! nothing but the arithmetic, over fewer rows. Rows of few bits are ten times as many,
//! so that theirs too come from memory and from no cache.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::{Buffer, digest};
use crate::{limits, plain, stores};
use gradsieve::store::Codec;
use gradsieve_kernels::codec::bits::{BLOCK, Bits, encode_block};
use gradsieve_kernels::codec::int8::encode_int8;
use gradsieve_kernels::score::float::{Packed, score_rows_with, score_sealed_with, seal, sealed_len};
use gradsieve_kernels::score::{bits, int8};
use gradsieve_kernels::{Element, Error, Level};
use half::{bf16, f16};
use std::cell::RefCell;
use std::hint::black_box;

/// Values a row.
const K: usize = 512;

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for (queries, [full, half, byte, four, one]) in [
        (1, [0.97, 0.85, 1.0, 0.8, 0.7]),
        (8, [0.84, 0.74, 0.66, f64::NAN, f64::NAN]),
        (64, [0.5, f64::NAN, 0.7, f64::NAN, f64::NAN]),
    ] {
        of_floats::<f32>(hall, queries, full);
        of_floats::<f16>(hall, queries, half);
        of_floats::<bf16>(hall, queries, f64::NAN);
        of_int8(hall, queries, byte);
        of_bits(hall, queries, Codec::FourBits, Bits::Four, four);
        of_bits(hall, queries, Codec::TwoBits, Bits::Two, f64::NAN);
        of_bits(hall, queries, Codec::OneBit, Bits::One, one);
    }
}

/// How many rows: 100,000, or a tenth of that where computing is the limit.
const fn rows_for(queries: usize) -> usize {
    if queries < 64 { 100_000 } else { 10_000 }
}

/// How many rows of few bits.
const fn rows_of_bits_for(queries: usize) -> usize {
    if queries < 64 { 1_000_000 } else { rows_for(queries) }
}

fn shape(queries: usize) -> String {
    format!("Q = {queries}")
}

/// A contest whose answer is a buffer of scores, with the limit for so many queries in
/// it. `ours` scores a sealed segment, `open` an open one, where there is such.
fn contest<'a, T: Element>(
    dtype: &str,
    queries: usize,
    target: f64,
    stored: &'a Buffer<T>,
    scores: &'a RefCell<Buffer<f32>>,
    ours: impl Fn(Level, &mut [f32]) -> Result<(), Error> + Copy + 'a,
    open: Option<impl Fn(Level, &mut [f32]) -> Result<(), Error> + Copy + 'a>,
) -> Contest<'a> {
    let done = |result: Result<(), Error>| result.map_or(f64::NAN, |()| 0.0);
    // Peers add in another order, or with other roundings.
    let _ = done(ours(Level::best(), &mut scores.borrow_mut()));
    let magnitude: f64 = scores
        .borrow()
        .iter()
        .zip((1..=251).cycle())
        .map(|(x, weight)| f64::from(x.abs()) * f64::from(weight))
        .sum();
    let mut contest = Contest::new("score", dtype, shape(queries), stored.bytes().len())
        .target(Target::Fraction(target))
        .tolerance(1e-4 * magnitude)
        .output(|| scores.borrow_mut().fill(0.0), || digest(&scores.borrow()));
    if queries < 64 {
        limits::read_one(&mut contest, stored);
    } else {
        limits::multiply_add(&mut contest, dtype, rows_for(queries) * K * queries);
    }
    contest.enter_ours(move |level| done(ours(level, &mut scores.borrow_mut())));
    let levels = Level::available().skip(1);
    for (level, open) in levels.filter_map(|level| Some((level, open?))) {
        contest.enter(Role::Variant, format!("{}, open", level.name()), move || {
            done(open(black_box(level), &mut scores.borrow_mut()))
        });
    }
    contest
}

fn of_floats<T: Element>(hall: &mut Hall, queries: usize, target: f64) {
    if !hall.wants("score", T::NAME, &shape(queries)) {
        return;
    }
    let n = rows_for(queries);
    let (rows, q) = (&Buffer::<T>::numbers(1, n * K), &Buffer::<f32>::numbers(2, queries * K));
    let mut sealed = Buffer::<T>::zeros(sealed_len(n, K));
    let mut scratch = Buffer::<f32>::zeros(Packed::len(queries, K));
    let (Ok(()), Ok(packed)) = (seal(rows, K, &mut sealed), Packed::new(q, K, &mut scratch)) else { return };
    let (sealed, scores) = (&sealed, &RefCell::new(Buffer::<f32>::zeros(queries * n)));
    let ours = |level, to: &mut [f32]| score_sealed_with(level, black_box(sealed), packed, to);
    let open = |level, to: &mut [f32]| score_rows_with(level, black_box(rows), K, q, to);
    let codec = if size_of::<T>() == 4 {
        Codec::F32
    } else if T::NAME == "float16" {
        Codec::F16
    } else {
        Codec::Bf16
    };
    let mut memory = stores::Memory::new(codec, n, K);
    let wide = rows.chunks_exact(K).map(|row| row.iter().map(|x| x.widen()).collect());
    let store = memory.filled(wide);
    let mut contest = contest(T::NAME, queries, target, rows, scores, ours, Some(open));
    stores::enter(&mut contest, store.as_ref(), stores::queries(codec, K, q), scores);

    let one = |x: &[T], q: &[f32]| plain::sum_two(x, q, |x, q| x.widen() * q) as f32;
    contest.enter(Role::Peer, "chunked, native", move || {
        let mut scores = scores.borrow_mut();
        plain::native(
            #[inline(always)]
            || score_each(black_box(rows), q, &mut scores, one),
        );
        0.0
    });
    if let Some(rows) = as_f32(rows) {
        gemms(&mut contest, rows, q, scores);
    }
    hall.hold(contest);
}

/// Row by row, and query by query while the row is near.
#[inline(always)]
fn score_each<T, U>(rows: &[T], queries: &[U], scores: &mut [f32], one: impl Fn(&[T], &[U]) -> f32) {
    let n = rows.len() / K;
    for (r, row) in rows.chunks_exact(K).enumerate() {
        for (q, query) in queries.chunks_exact(K).enumerate() {
            scores[q * n + r] = one(row, query);
        }
    }
}

fn as_f32<T: Element>(rows: &Buffer<T>) -> Option<&[f32]> {
    (size_of::<T>() == 4).then(|| {
        // SAFETY: the only `Element` of four bytes is `f32`.
        unsafe { std::slice::from_raw_parts(rows.as_ptr().cast(), rows.len()) }
    })
}

/// The matrix products and the dots of other crates.
fn gemms<'a>(contest: &mut Contest<'a>, rows: &'a [f32], q: &'a [f32], scores: &'a RefCell<Buffer<f32>>) {
    let (n, queries) = (rows.len() / K, q.len() / K);
    contest.enter(Role::Peer, "matrixmultiply", move || {
        let (mut scores, rows) = (scores.borrow_mut(), black_box(rows));
        let (k, wide) = (K as isize, n as isize);
        // SAFETY: a matrix of n×K, the transpose of one of queries×K, and the transpose
        // of one of queries×n.
        unsafe {
            let (a, b, c) = (rows.as_ptr(), q.as_ptr(), scores.as_mut_ptr());
            matrixmultiply::sgemm(n, K, queries, 1.0, a, k, 1, b, 1, k, 0.0, c, 1, wide);
        }
        0.0
    });
    contest.enter(Role::Peer, "nalgebra", move || {
        use nalgebra::{DMatrixView, DMatrixViewMut};
        let mut scores = scores.borrow_mut();
        let mut to = DMatrixViewMut::from_slice(&mut scores, n, queries);
        let (a, b) = (DMatrixView::from_slice(black_box(rows), K, n), DMatrixView::from_slice(q, K, queries));
        to.gemm_tr(1.0, &a, &b, 0.0);
        0.0
    });
    contest.enter(Role::Peer, "ndarray", move || {
        use ndarray::{ArrayView2, ArrayViewMut2, linalg::general_mat_mul};
        let mut scores = scores.borrow_mut();
        let views = (
            ArrayView2::from_shape((queries, K), q),
            ArrayView2::from_shape((n, K), black_box(rows)),
            ArrayViewMut2::from_shape((queries, n), &mut scores),
        );
        let (Ok(q), Ok(rows), Ok(mut to)) = views else { return f64::NAN };
        general_mat_mul(1.0, &q, &rows.t(), 0.0, &mut to);
        0.0
    });
    contest.enter(Role::Peer, "simsimd, dot by dot", move || {
        let one = |x: &[f32], q: &[f32]| simsimd::SpatialSimilarity::dot(x, q).map_or(f32::NAN, |x| x as f32);
        score_each(black_box(rows), q, &mut scores.borrow_mut(), one);
        0.0
    });
    contest.enter(Role::Peer, "numkong, dot by dot", move || {
        let one = |x: &[f32], q: &[f32]| numkong::Dot::dot(x, q).map_or(f32::NAN, |x| x as f32);
        score_each(black_box(rows), q, &mut scores.borrow_mut(), one);
        0.0
    });
}

fn of_int8(hall: &mut Hall, queries: usize, target: f64) {
    if !hall.wants("score", "int8", &shape(queries)) {
        return;
    }
    let n = rows_for(queries);
    let (numbers, q) = (Buffer::<f32>::numbers(1, n * K), &Buffer::<f32>::numbers(2, queries * K));
    let (mut codes, mut sealed) =
        (Buffer::<f32>::zeros(n * K / 4), Buffer::<f32>::zeros(int8::sealed_len(n, K) / 4));
    let encoded = numbers.chunks_exact(K).zip(codes.bytes_mut().chunks_exact_mut(K));
    let scales: Vec<f32> = encoded.map(|(row, codes)| encode_int8(row, codes).unwrap_or(f32::NAN)).collect();
    let mut scratch = vec![0; int8::Queries::open_len(queries, K)];
    let Ok(open_queries) = int8::Queries::open(q, K, &mut scratch) else { return };
    let mut scratch = vec![0; int8::Queries::sealed_len(queries, K)];
    let Ok(sealed_queries) = int8::Queries::sealed(q, K, &mut scratch) else { return };
    if int8::seal(codes.bytes(), K, sealed.bytes_mut()).is_err() {
        return;
    }
    let (stored, scores) = (&codes, &RefCell::new(Buffer::<f32>::zeros(queries * n)));
    let rows = int8::Rows { codes: codes.bytes(), scales: &scales };
    let groups = int8::Rows { codes: sealed.bytes(), scales: &scales };
    let ours =
        |level, to: &mut [f32]| int8::score_int8_sealed_with(level, black_box(groups), sealed_queries, to);
    let open = |level, to: &mut [f32]| int8::score_int8_rows_with(level, black_box(rows), open_queries, to);
    // The peers get signed bytes, and leave the scales to the caller.
    let signed: Vec<i8> = codes.bytes().iter().map(|code| (code ^ 0x80).cast_signed()).collect();
    let mut query_scales = vec![0.0; queries];
    let mut query_codes = vec![0_u8; queries * K];
    for ((q, codes), scale) in q.chunks_exact(K).zip(query_codes.chunks_exact_mut(K)).zip(&mut query_scales) {
        *scale = encode_int8(q, codes).unwrap_or(f32::NAN);
    }
    let query_codes: Vec<i8> = query_codes.iter().map(|code| (code ^ 0x80).cast_signed()).collect();
    let (signed, query_codes, scales, query_scales) = (&*signed, &*query_codes, &*scales, &*query_scales);
    let scale_all = move |scores: &mut [f32]| {
        for (scores, query) in scores.chunks_exact_mut(n).zip(query_scales) {
            for (score, row) in scores.iter_mut().zip(scales) {
                *score = *score * row * query;
            }
        }
    };
    let mut memory = stores::Memory::new(Codec::Int8, n, K);
    let store = memory.filled(numbers.chunks_exact(K).map(<[f32]>::to_vec));
    let mut contest = contest("int8", queries, target, stored, scores, ours, Some(open));
    stores::enter(&mut contest, store.as_ref(), stores::queries(Codec::Int8, K, q), scores);

    contest.enter(Role::Peer, "simsimd, dot by dot", move || {
        let one = |x: &[i8], q: &[i8]| simsimd::SpatialSimilarity::dot(x, q).map_or(f32::NAN, |x| x as f32);
        score_each(black_box(signed), query_codes, &mut scores.borrow_mut(), one);
        scale_all(&mut scores.borrow_mut());
        0.0
    });
    contest.enter(Role::Peer, "chunked, native", move || {
        let one = |x: &[i8], q: &[i8]| {
            x.iter().zip(q).map(|(x, q)| i32::from(i16::from(*x) * i16::from(*q))).sum::<i32>() as f32
        };
        let mut scores = scores.borrow_mut();
        plain::native(
            #[inline(always)]
            || score_each(black_box(signed), query_codes, &mut scores, one),
        );
        scale_all(&mut scores);
        0.0
    });
    hall.hold(contest);
}

/// Rows that are not rotated: that has no bearing on the time. A store's are, so that its
/// scores are others, and it does not run here.
fn of_bits(hall: &mut Hall, queries: usize, codec: Codec, of: Bits, target: f64) {
    if !hall.wants("score", codec.name(), &shape(queries)) {
        return;
    }
    // The numbers are not as many as the rows: they come again.
    let (n, different) = (rows_of_bits_for(queries), rows_for(queries));
    let (numbers, q) = (Buffer::<f32>::numbers(1, different * K), &Buffer::<f32>::numbers(2, queries * K));
    let length = of.words(K);
    let (mut stored, mut sealed) =
        (Buffer::<f32>::zeros(n * length), Buffer::<f32>::zeros(bits::sealed_len(of, n, K)));
    let blocks = numbers.as_chunks::<BLOCK>().0.iter();
    for (block, to) in blocks.zip(words_mut(&mut stored).chunks_exact_mut(2 * of.count())) {
        // Uniform numbers, whose root mean square is 1/√3.
        let (words, _) = encode_block(of, block, of.levels() * 1.732);
        to.copy_from_slice(&words[..to.len()]);
    }
    for copy in 1..n / different {
        stored.copy_within(..different * length, copy * different * length);
    }
    let scales = vec![f16::from_f32(0.01); n];
    let mut scratch = vec![0; bits::Queries::sealed_len(queries, K)];
    let Ok(packed) = bits::Queries::sealed(of, q, K, &mut scratch) else { return };
    if bits::seal(of, words(&stored), K, words_mut(&mut sealed)).is_err() {
        return;
    }
    let scores = &RefCell::new(Buffer::<f32>::zeros(queries * n));
    let groups = bits::Rows { words: words(&sealed), scales: &scales };
    let ours = |level, to: &mut [f32]| bits::score_bits_sealed_with(level, black_box(groups), packed, to);
    let mut contest = contest(
        codec.name(),
        queries,
        target,
        &stored,
        scores,
        ours,
        None::<fn(Level, &mut [f32]) -> Result<(), Error>>,
    );
    contest.enter(Role::Peer, "code by code, native", || {
        let mut scores = scores.borrow_mut();
        plain::native(
            #[inline(always)]
            || {
                for (r, row) in black_box(words(&stored)).chunks_exact(length).enumerate() {
                    for (q, query) in q.chunks_exact(K).enumerate() {
                        let mut lanes = [0.0_f32; 8];
                        let (width, each) = (of.count() as u32, 32 / of.count());
                        for (query, word) in query.chunks_exact(each).zip(row) {
                            for (i, q) in (0..).zip(query) {
                                lanes[i % 8] += q * f32::from(of.level(word >> (width * i as u32)));
                            }
                        }
                        scores[q * n + r] = lanes.iter().sum::<f32>() * 0.01;
                    }
                }
            },
        );
        0.0
    });
    hall.hold(contest);
}

fn words(buffer: &Buffer<f32>) -> &[u32] {
    // SAFETY: the same size and alignment, and any bits are a `u32`.
    unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast(), buffer.len()) }
}

fn words_mut(buffer: &mut Buffer<f32>) -> &mut [u32] {
    // SAFETY: the same size and alignment, and any bits are a `u32` and an `f32`.
    unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast(), buffer.len()) }
}
