//! Distances of signs by popcount: 1-bit rows of k = 512 against the signs of 1, 8 and 64
//! queries. Our levels count in sealed segments; lines of their own show open ones, and
//! the core's store, which makes a list of the 500 most promising rows for each query.
//!
//! The limit for one query is a plain read of the rows; for more, a loop that does
//! nothing but the exclusive ors, counts and additions in registers.

use crate::contest::{Contest, Hall, Role, Target};
use crate::data::Buffer;
use crate::{limits, plain, stores};
use gradsieve::store::Codec;
use gradsieve_kernels::codec::bits::{BLOCK, Bits, encode_block};
use gradsieve_kernels::score::bits;
use gradsieve_kernels::score::hamming::{Queries, hamming_rows_with, hamming_sealed_with};
use gradsieve_kernels::{Error, Level};
use numkong::{Dots, Hamming, Hammings, u1x8};
use simsimd::BinarySimilarity;
use std::cell::RefCell;
use std::hint::black_box;

/// Values a row.
const K: usize = 512;
/// Words a row.
const WORDS: usize = Bits::One.words(K);

/// Holds the contests.
pub fn hold(hall: &mut Hall) {
    for (queries, target) in [(1, 0.93), (8, 0.77), (64, 0.9)] {
        of_signs(hall, queries, target);
    }
}

fn of_signs(hall: &mut Hall, queries: usize, target: f64) {
    const DTYPE: &str = "1 bit by popcount";
    let shape = format!("Q = {queries}");
    if !hall.wants("score", DTYPE, &shape) {
        return;
    }
    let n = if queries < 64 { 100_000 } else { 10_000 };
    let (numbers, q) = (Buffer::<f32>::numbers(1, n * K), Buffer::<f32>::numbers(2, queries * K));
    let encode = |numbers: &[f32], to: &mut [u32]| {
        for (block, to) in numbers.as_chunks::<BLOCK>().0.iter().zip(to.chunks_exact_mut(2)) {
            to.copy_from_slice(&encode_block(Bits::One, block, 1.0).0[..2]);
        }
    };
    let (mut stored, mut groups) =
        (Buffer::<f32>::zeros(n * WORDS), Buffer::<f32>::zeros(bits::sealed_len(Bits::One, n, K)));
    let mut of_queries = vec![0; queries * WORDS];
    encode(&numbers, words_mut(&mut stored));
    encode(&q, &mut of_queries);
    if bits::seal(Bits::One, words(&stored), K, words_mut(&mut groups)).is_err() {
        return;
    }
    let (mut first, mut second) =
        (vec![0; Queries::open_len(queries, K)], vec![0; Queries::sealed_len(queries, K)]);
    let packed = (Queries::open(&q, K, &mut first), Queries::sealed(&q, K, &mut second));
    let (Ok(open), Ok(sealed)) = packed else { return };

    let distances = &RefCell::new(Buffer::<f32>::zeros(queries * n));
    let done = |result: Result<(), Error>| result.map_or(f64::NAN, |()| 0.0);
    let digest = |x: &[u32]| x.iter().zip((1..=251).cycle()).map(|(x, w)| f64::from(*x) * f64::from(w)).sum();
    let mut memory = stores::Memory::new(Codec::OneBit, n, K);
    let store = memory.filled(numbers.chunks_exact(K).map(<[f32]>::to_vec));
    let mut contest = Contest::new("score", DTYPE, shape, stored.bytes().len())
        .target(Target::Fraction(target))
        .output(|| distances.borrow_mut().fill(0.0), move || digest(words(&distances.borrow())));
    if queries == 1 {
        limits::read_one(&mut contest, &stored);
    } else {
        limits::count_bits(&mut contest, n * K * queries);
    }
    let (rows, groups) = (words(&stored), words(&groups));
    contest.enter_ours(move |level| {
        done(hamming_sealed_with(level, black_box(groups), sealed, words_mut(&mut distances.borrow_mut())))
    });
    for level in Level::available().skip(1) {
        contest.enter(Role::Variant, format!("{}, open", level.name()), move || {
            done(hamming_rows_with(
                black_box(level),
                black_box(rows),
                open,
                words_mut(&mut distances.borrow_mut()),
            ))
        });
    }

    stores::enter_signs(&mut contest, store.as_ref(), stores::signs(K, &q), move || {
        hamming_sealed_with(Level::best(), groups, sealed, words_mut(&mut distances.borrow_mut())).is_ok()
    });

    let of_queries = &*of_queries;
    let one = |x: &[u32], q: &[u32]| x.iter().zip(q).map(|(x, q)| (x ^ q).count_ones()).sum::<u32>();
    contest.enter(Role::Peer, "count_ones, native", move || {
        let mut distances = distances.borrow_mut();
        plain::native(
            #[inline(always)]
            || each(black_box(rows), of_queries, words_mut(&mut distances), one),
        );
        0.0
    });
    contest.enter(Role::Peer, "simsimd, row by row", move || {
        let one = |x: &[u32], q: &[u32]| {
            BinarySimilarity::hamming(bytes(x), bytes(q)).map_or(u32::MAX, |x| x as u32)
        };
        each(black_box(rows), of_queries, words_mut(&mut distances.borrow_mut()), one);
        0.0
    });
    contest.enter(Role::Peer, "numkong, row by row", move || {
        let one =
            |x: &[u32], q: &[u32]| Hamming::hamming(of_bits(x), of_bits(q)).map_or(u32::MAX, |x: u32| x);
        each(black_box(rows), of_queries, words_mut(&mut distances.borrow_mut()), one);
        0.0
    });
    let mut packed = vec![0_u8; u1x8::dots_packed_size(n, K)];
    // SAFETY: n rows of K bits, and as many bytes as the function before asked for.
    unsafe { u1x8::dots_pack(of_bits(rows).as_ptr(), n, K, K / 8, packed.as_mut_ptr()) };
    contest.enter(Role::Peer, "numkong, packed rows", move || {
        let (packed, mut distances) = (black_box(&packed), distances.borrow_mut());
        let to = words_mut(&mut distances);
        let of_queries = of_bits(of_queries).as_ptr();
        // SAFETY: the rows that were packed, as many queries and as many distances of
        // each.
        unsafe {
            u1x8::hammings_packed(of_queries, packed.as_ptr(), to.as_mut_ptr(), queries, n, K, K / 8, 4 * n);
        }
        0.0
    });
    hall.hold(contest);
}

/// Row by row, and query by query while the row is near.
#[inline(always)]
fn each(rows: &[u32], queries: &[u32], distances: &mut [u32], one: impl Fn(&[u32], &[u32]) -> u32) {
    let n = rows.len() / WORDS;
    for (r, row) in rows.chunks_exact(WORDS).enumerate() {
        for (q, query) in queries.chunks_exact(WORDS).enumerate() {
            distances[q * n + r] = one(row, query);
        }
    }
}

fn bytes(words: &[u32]) -> &[u8] {
    // SAFETY: four bytes a word.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), 4 * words.len()) }
}

fn of_bits(words: &[u32]) -> &[u1x8] {
    // SAFETY: four bytes a word, and the type is a byte.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), 4 * words.len()) }
}

fn words(buffer: &Buffer<f32>) -> &[u32] {
    // SAFETY: the same size and alignment, and any bits are a `u32`.
    unsafe { std::slice::from_raw_parts(buffer.as_ptr().cast(), buffer.len()) }
}

fn words_mut(buffer: &mut Buffer<f32>) -> &mut [u32] {
    // SAFETY: the same size and alignment, and any bits are a `u32` and an `f32`.
    unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast(), buffer.len()) }
}
