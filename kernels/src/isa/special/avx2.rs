//! Whole kernels of AVX2: sums of products of bytes, and counts of bits.

use super::BYTES_OF_BITS;
use super::prefetch::prefetch;
use crate::bits::LEVELS;
use crate::cannot_happen;
use crate::certain::Certain;
use crate::scalar::bytes::{every_byte, of_codes};
use crate::simd::Distances;
use crate::vector::ahead::ahead;
use core::arch::x86_64::{
    __m256i, _mm_add_epi32, _mm_cvtsi32_si128, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_shuffle_epi32,
    _mm256_abs_epi8, _mm256_add_epi8, _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256,
    _mm256_broadcastsi128_si256, _mm256_castsi256_si128, _mm256_cvtepi8_epi16, _mm256_cvtepu8_epi16,
    _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi8,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_sign_epi8, _mm256_slli_epi16, _mm256_srai_epi16, _mm256_srl_epi32, _mm256_srli_epi16,
    _mm256_storeu_si256, _mm256_xor_si256,
};

/// The operation `dot_bytes`. Bytes are widened to 16 bits first: multiplying them as
/// bytes would saturate.
///
/// # Safety
/// The machine has AVX2.
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) unsafe fn dot_bytes<const R: usize, const C: usize>(
    rows: &[&[u8]; R],
    queries: &[&[u8]; C],
    ahead: usize,
) -> [[i32; R]; C] {
    const { assert!(R.is_multiple_of(4)) }
    let mut out = [[0; R]; C];
    for (c, (out, query)) in out.iter_mut().zip(queries).enumerate() {
        let ahead = if c == 0 { ahead } else { 0 };
        for (out, rows) in out.chunks_mut(4).zip(rows.chunks(4)) {
            let mut four: [&[u8]; 4] = [&[]; 4];
            for (slot, row) in four.iter_mut().zip(rows) {
                *slot = row;
            }
            for (to, sum) in out.iter_mut().zip(four_rows(four, query, ahead)) {
                *to = sum;
            }
        }
    }
    out
}

/// [`dot_bytes`] of four rows with one query.
#[inline]
#[target_feature(enable = "avx2")]
fn four_rows(rows: [&[u8]; 4], query: &[u8], ahead: usize) -> [i32; 4] {
    let (q, q_rest) = query.as_chunks::<16>();
    let x = rows.map(|row| row.as_chunks::<16>().0);
    let mut sums = [_mm256_setzero_si256(); 4];
    // SAFETY: 16 bytes.
    let load = |from: &[u8; 16]| unsafe { _mm_loadu_si128(from.as_ptr().cast()) };
    for (i, q) in q.iter().enumerate() {
        let q = _mm256_cvtepi8_epi16(load(q));
        for (sum, x) in sums.iter_mut().zip(x) {
            let Some(x) = x.get(i) else {
                cannot_happen!("a row is as long as the query");
                continue;
            };
            if ahead > 0 && i % 4 == 0 {
                prefetch(x, ahead);
            }
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(_mm256_cvtepu8_epi16(load(x)), q));
        }
    }
    let mut out = [0; 4];
    for ((out, sum), row) in out.iter_mut().zip(sums).zip(rows) {
        let four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
        let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b00_00_11_10>(four));
        let one = _mm_add_epi32(two, _mm_shuffle_epi32::<0b00_00_00_01>(two));
        let rest = row.get(16 * q.len()..).certain();
        *out = _mm_cvtsi128_si32(one) + crate::scalar::bytes::dot(rest, q_rest);
    }
    out
}

/// The operation `dot_quads`. Even and odd bytes are widened to 16 bits apart, which
/// needs no shuffles.
///
/// # Safety
/// The machine has AVX2.
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) unsafe fn dot_quads<const G: usize, const W: usize, const FIRST: usize, const C: usize>(
    groups: &[&[[[u8; 4]; 16]]; G],
    queries: &[[[u8; 4]; W]],
    fetch: bool,
) -> [[[i32; 16]; G]; C] {
    let mut out = [[[0; 16]; G]; C];
    let lower = _mm256_set1_epi16(0xFF);
    let ahead = ahead(groups);
    for (g, group) in groups.iter().enumerate() {
        let mut sums = [[_mm256_setzero_si256(); 2]; C];
        for (rows, queries) in group.iter().zip(queries) {
            if fetch {
                prefetch(rows, ahead);
            }
            let rows = rows.as_ptr().cast::<__m256i>();
            // SAFETY: 64 bytes, twice 32.
            let rows = unsafe { [_mm256_loadu_si256(rows), _mm256_loadu_si256(rows.add(1))] };
            let even = [_mm256_and_si256(rows[0], lower), _mm256_and_si256(rows[1], lower)];
            let odd = [_mm256_srli_epi16::<8>(rows[0]), _mm256_srli_epi16::<8>(rows[1])];
            for (c, sums) in sums.iter_mut().enumerate() {
                let q = _mm256_set1_epi32(i32::from_le_bytes(queries[FIRST + c]));
                let (q_even, q_odd) =
                    (_mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(q)), _mm256_srai_epi16::<8>(q));
                for ((sum, even), odd) in sums.iter_mut().zip(even).zip(odd) {
                    let pairs =
                        _mm256_add_epi32(_mm256_madd_epi16(even, q_even), _mm256_madd_epi16(odd, q_odd));
                    *sum = _mm256_add_epi32(*sum, pairs);
                }
            }
        }
        for (out, sums) in out.iter_mut().zip(sums) {
            let to = out[g].as_mut_ptr().cast::<__m256i>();
            // SAFETY: 64 bytes, twice 32.
            unsafe {
                _mm256_storeu_si256(to, sums[0]);
                _mm256_storeu_si256(to.add(1), sums[1]);
            }
        }
    }
    out
}

/// The operation `dot_codes`. Codes of 1 and 2 bits are so small that their products with
/// bytes are added up in 16 bits for a whole word. Products of levels of 4 bits with
/// magnitudes of bytes are, too, two of them.
///
/// # Safety
/// The machine has AVX2.
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) unsafe fn dot_codes<
    const BITS: usize,
    const G: usize,
    const W: usize,
    const FIRST: usize,
    const C: usize,
>(
    groups: &[&[[u32; 16]]; G],
    queries: &[[[u8; 4]; W]],
    totals: &[[u8; 4]; W],
    fetch: bool,
) -> [[[i32; 16]; G]; C] {
    let mut out = [[[0; 16]; G]; C];
    let lowest = _mm256_set1_epi32(every_byte::<BITS>().cast_signed());
    // SAFETY: 16 bytes.
    let levels = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(LEVELS.as_ptr().cast()) });
    let (zero, ones) = (_mm256_setzero_si256(), _mm256_set1_epi16(1));
    let ahead = ahead(groups);
    for (g, group) in groups.iter().enumerate() {
        for half in 0..2 {
            let mut sums = [zero; C];
            for (words, queries) in group.iter().zip(queries.chunks_exact(8 / BITS)) {
                if fetch && half == 0 {
                    prefetch(words, ahead);
                }
                // SAFETY: 64 bytes, twice 32.
                let mut words = unsafe { _mm256_loadu_si256(words.as_ptr().cast::<__m256i>().add(half)) };
                let mut pairs = [zero; C];
                for queries in queries {
                    let codes = _mm256_and_si256(words, lowest);
                    words = _mm256_srl_epi32(words, _mm_cvtsi32_si128(BITS as i32));
                    for (c, (sum, pairs)) in sums.iter_mut().zip(&mut pairs).enumerate() {
                        let q = _mm256_set1_epi32(i32::from_le_bytes(queries[FIRST + c]));
                        if BITS < 4 {
                            *pairs = _mm256_add_epi16(*pairs, _mm256_maddubs_epi16(codes, q));
                        } else {
                            let levels = _mm256_sign_epi8(_mm256_shuffle_epi8(levels, codes), q);
                            let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(q), levels);
                            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                        }
                    }
                }
                if BITS < 4 {
                    for (sum, pairs) in sums.iter_mut().zip(pairs) {
                        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
                    }
                }
            }
            for (c, (out, sum)) in out.iter_mut().zip(sums).enumerate() {
                let to = out[g].as_mut_ptr().cast::<__m256i>();
                // SAFETY: 64 bytes, twice 32.
                unsafe { _mm256_storeu_si256(to.add(half), sum) };
                if BITS < 4 && half == 1 {
                    let total = i32::from_le_bytes(totals[FIRST + c]);
                    out[g].iter_mut().for_each(|sum| *sum = of_codes::<BITS>(*sum, total));
                }
            }
        }
    }
    out
}

/// The operation `differences`. The bits of a byte are counted by a table of nibbles;
/// counts stay bytes for as many places as they can.
///
/// # Safety
/// The machine has AVX2.
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) unsafe fn differences<const W: usize>(
    groups: &[[u32; 16]],
    masks: &[u32],
    queries: &[[u32; W]],
    fetch: bool,
    mut to: Distances<'_>,
) {
    let mut out = [[0; 16]; W];
    #[rustfmt::skip]
    let bits = _mm256_setr_epi8(
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
    );
    let (nibble, zero) = (_mm256_set1_epi8(15), _mm256_setzero_si256());
    for (g, group) in groups.chunks_exact(masks.len().max(1)).enumerate() {
        for half in 0..2 {
            let mut totals = [zero; W];
            let some = masks.chunks(BYTES_OF_BITS).zip(queries.chunks(BYTES_OF_BITS));
            for (rows, (masks, queries)) in group.chunks(BYTES_OF_BITS).zip(some) {
                let mut counts = [zero; W];
                for (rows, (mask, queries)) in rows.iter().zip(masks.iter().zip(queries)) {
                    if fetch && half == 0 {
                        prefetch(rows, 4096);
                    }
                    // SAFETY: 64 bytes, twice 32.
                    let rows = unsafe { _mm256_loadu_si256(rows.as_ptr().cast::<__m256i>().add(half)) };
                    let rows = _mm256_and_si256(rows, _mm256_set1_epi32(mask.cast_signed()));
                    for (count, q) in counts.iter_mut().zip(queries) {
                        let x = _mm256_xor_si256(rows, _mm256_set1_epi32(q.cast_signed()));
                        let low = _mm256_shuffle_epi8(bits, _mm256_and_si256(x, nibble));
                        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(x), nibble);
                        let both = _mm256_add_epi8(low, _mm256_shuffle_epi8(bits, high));
                        *count = _mm256_add_epi8(*count, both);
                    }
                }
                for (total, count) in totals.iter_mut().zip(counts) {
                    let twos = _mm256_maddubs_epi16(count, _mm256_set1_epi8(1));
                    *total = _mm256_add_epi32(*total, _mm256_madd_epi16(twos, _mm256_set1_epi16(1)));
                }
            }
            for (out, total) in out.iter_mut().zip(totals) {
                // SAFETY: 64 bytes, twice 32.
                unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast::<__m256i>().add(half), total) };
            }
        }
        for (q, out) in out.iter().enumerate() {
            to.put(g, q, out);
        }
    }
}
