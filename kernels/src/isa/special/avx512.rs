//! Whole kernels of AVX-512: sums of products of bytes by VNNI, counts of bits by
//! VPOPCNTDQ.

use super::prefetch::prefetch;
use crate::bits::LEVELS;
use crate::cannot_happen;
use crate::certain::Certain;
use crate::isa::masks::first;
use crate::scalar::bytes::every_byte;
use crate::simd::Distances;
use crate::vector::ahead::ahead;
use core::arch::x86_64::{
    __m512i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm512_add_epi32, _mm512_and_si512, _mm512_broadcast_i32x4,
    _mm512_dpbusd_epi32, _mm512_loadu_si512, _mm512_mask_storeu_epi32, _mm512_maskz_loadu_epi8,
    _mm512_mullo_epi32, _mm512_popcnt_epi32, _mm512_reduce_add_epi32, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_shuffle_i32x4, _mm512_sll_epi32, _mm512_sra_epi32,
    _mm512_srl_epi32, _mm512_storeu_si512, _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64, _mm512_xor_si512,
};

/// The operation `dot_bytes` with one instruction for 64 products. Not inlined into the
/// callers, who lack its feature; a call is nothing beside a tile.
///
/// # Safety
/// The machine has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(crate) unsafe fn dot_bytes_vnni<const R: usize, const C: usize>(
    rows: &[&[u8]; R],
    queries: &[&[u8]; C],
    ahead: usize,
) -> [[i32; R]; C] {
    let mut sums = [[_mm512_setzero_si512(); R]; C];
    let steps = queries.first().map_or(0, |query| query.len() / 64);
    let mut x: [&[[u8; 64]]; R] = [&[]; R];
    let mut q: [&[[u8; 64]]; C] = [&[]; C];
    for (x, row) in x.iter_mut().zip(rows) {
        *x = row.as_chunks().0.get(..steps).certain();
    }
    for (q, query) in q.iter_mut().zip(queries) {
        *q = query.as_chunks().0.get(..steps).certain();
    }
    // SAFETY: 64 bytes.
    let load = |from: &[u8; 64]| unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
    for i in 0..steps {
        let mut row = [_mm512_setzero_si512(); R];
        for (row, x) in row.iter_mut().zip(x) {
            let Some(x) = x.get(i) else {
                cannot_happen!("all rows have the query's places");
                continue;
            };
            if ahead > 0 {
                prefetch(x, ahead);
            }
            *row = load(x);
        }
        for (sums, q) in sums.iter_mut().zip(q) {
            let Some(q) = q.get(i) else {
                cannot_happen!("all queries are as long as the first");
                continue;
            };
            let q = load(q);
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum = _mm512_dpbusd_epi32(*sum, x, q);
            }
        }
    }
    let done = 64 * steps;
    // SAFETY: the mask has a bit for each byte, and what is masked out is not read.
    let part = |from: &[u8]| unsafe {
        let rest = from.get(done..).certain();
        _mm512_maskz_loadu_epi8((1_u64 << rest.len().min(63)) - 1, rest.as_ptr().cast())
    };
    if queries.first().is_some_and(|query| query.len() > done) {
        for (sums, query) in sums.iter_mut().zip(queries) {
            let q = part(query);
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = _mm512_dpbusd_epi32(*sum, part(row), q);
            }
        }
    }
    let mut out = [[0; R]; C];
    let sixteen = sums.as_flattened().first_chunk().filter(|_| R * C == 16);
    if let (Some(sums), Some(out)) = (sixteen, out.as_flattened_mut().first_chunk_mut::<16>()) {
        // SAFETY: the array is 64 bytes.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sum_16(sums)) };
    } else {
        for (out, sum) in out.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
            *out = _mm512_reduce_add_epi32(*sum);
        }
    }
    out
}

/// Lane *i* = the sum of all lanes of the *i*th.
#[inline]
#[target_feature(enable = "avx512f")]
fn sum_16(a: &[__m512i; 16]) -> __m512i {
    let twos: [__m512i; 8] = core::array::from_fn(|i| {
        let (x, y) = (a[2 * i], a[2 * i + 1]);
        _mm512_add_epi32(_mm512_unpacklo_epi32(x, y), _mm512_unpackhi_epi32(x, y))
    });
    let fours: [__m512i; 4] = core::array::from_fn(|i| {
        let (x, y) = (twos[2 * i], twos[2 * i + 1]);
        _mm512_add_epi32(_mm512_unpacklo_epi64(x, y), _mm512_unpackhi_epi64(x, y))
    });
    let blocks = |x, y| {
        let even = _mm512_shuffle_i32x4::<0b10_00_10_00>(x, y);
        _mm512_add_epi32(even, _mm512_shuffle_i32x4::<0b11_01_11_01>(x, y))
    };
    blocks(blocks(fours[0], fours[1]), blocks(fours[2], fours[3]))
}

/// The operation `dot_quads` with one instruction for 64 products.
///
/// # Safety
/// The machine has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(crate) unsafe fn dot_quads_vnni<const G: usize, const W: usize, const FIRST: usize, const C: usize>(
    groups: &[&[[[u8; 4]; 16]]; G],
    queries: &[[[u8; 4]; W]],
    fetch: bool,
) -> [[[i32; 16]; G]; C] {
    let mut sums = [[_mm512_setzero_si512(); G]; C];
    let ahead = ahead(groups);
    let mut x = *groups;
    for x in &mut x {
        *x = x.get(..queries.len()).certain();
    }
    for (i, q) in queries.iter().enumerate() {
        let mut row = [_mm512_setzero_si512(); G];
        for (row, x) in row.iter_mut().zip(x) {
            let Some(x) = x.get(i) else {
                cannot_happen!("all rows have the query's places");
                continue;
            };
            if fetch {
                prefetch(x, ahead);
            }
            // SAFETY: 64 bytes.
            *row = unsafe { _mm512_loadu_si512(x.as_ptr().cast()) };
        }
        for (c, sums) in sums.iter_mut().enumerate() {
            let q = _mm512_set1_epi32(i32::from_le_bytes(q[FIRST + c]));
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum = _mm512_dpbusd_epi32(*sum, x, q);
            }
        }
    }
    let mut out = [[[0; 16]; G]; C];
    for (out, sum) in out.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
        // SAFETY: 64 bytes.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), *sum) };
    }
    out
}

/// The operation `dot_codes` with one instruction for 64 products. Against one query,
/// codes of 1 and 2 bits are not shifted: each place within a byte has sums of its own,
/// which are shifted at the end.
///
/// # Safety
/// The machine has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(crate) unsafe fn dot_codes_vnni<
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
    let lowest = _mm512_set1_epi32(every_byte::<BITS>().cast_signed());
    // Instructions multiply unsigned bytes by signed ones, so levels are + 128.
    let unsigned: [u8; 16] = LEVELS.map(|level| level.cast_unsigned() ^ 0x80);
    // SAFETY: 16 bytes.
    let levels = _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(unsigned.as_ptr().cast()) });
    let zero = _mm512_setzero_si512();
    let (alone, ahead) = (C == 1 && BITS < 4, ahead(groups));
    let mut sums = [[[zero; 8]; G]; C];
    for (i, queries) in queries.chunks_exact(8 / BITS).enumerate() {
        let mut words = [zero; G];
        for (words, group) in words.iter_mut().zip(groups) {
            let Some(from) = group.get(i) else {
                cannot_happen!("all groups have the queries' places");
                continue;
            };
            if fetch {
                prefetch(from, ahead);
            }
            // SAFETY: 64 bytes.
            *words = unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
        }
        for (j, queries) in queries.iter().enumerate() {
            let shift = _mm_cvtsi32_si128((BITS * j) as i32);
            let codes = words.map(|words| match (alone, BITS) {
                (true, _) => _mm512_and_si512(words, _mm512_sll_epi32(lowest, shift)),
                (_, 4) => {
                    _mm512_shuffle_epi8(levels, _mm512_and_si512(_mm512_srl_epi32(words, shift), lowest))
                }
                _ => _mm512_and_si512(_mm512_srl_epi32(words, shift), lowest),
            });
            for (c, sums) in sums.iter_mut().enumerate() {
                let q = _mm512_set1_epi32(i32::from_le_bytes(queries[FIRST + c]));
                for (sums, codes) in sums.iter_mut().zip(codes) {
                    // One query's sums would wait for each other.
                    let sum = &mut sums[if C == 1 { j % 8 } else { 0 }];
                    *sum = _mm512_dpbusd_epi32(*sum, codes, q);
                }
            }
        }
    }
    let mut out = [[[0; 16]; G]; C];
    for (c, (out, sums)) in out.iter_mut().zip(sums).enumerate() {
        let total = i32::from_le_bytes(totals[FIRST + c]);
        for (out, each) in out.iter_mut().zip(sums) {
            let mut sum = zero;
            for (j, each) in each.into_iter().enumerate().take(if C == 1 { 8 / BITS } else { 1 }) {
                let shift = if alone { BITS * j } else { 0 };
                sum = _mm512_add_epi32(sum, _mm512_sra_epi32(each, _mm_cvtsi32_si128(shift as i32)));
            }
            // What `of_codes` does, and what the levels' 128 take.
            let (start, times) = if BITS == 4 { (-128, 1) } else { ((1 << BITS) - 1, -2) };
            let sum = _mm512_mullo_epi32(sum, _mm512_set1_epi32(times));
            let sum = _mm512_add_epi32(sum, _mm512_set1_epi32(start * total));
            // SAFETY: 64 bytes.
            unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sum) };
        }
    }
    out
}

/// The operation `differences` with one instruction that counts in sixteen words. One
/// query takes group by group, so that memory is read in order; more take two groups at a
/// time, for fewer loads of queries.
///
/// # Safety
/// The machine has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq")]
pub(crate) unsafe fn differences_vpopcntdq<const W: usize>(
    groups: &[[u32; 16]],
    masks: &[u32],
    queries: &[[u32; W]],
    fetch: bool,
    mut to: Distances<'_>,
) {
    let length = masks.len().max(1);
    let (abreast, ahead) = if W == 1 { (1, IN_ORDER) } else { (2, 4096) };
    let ahead = if fetch { ahead } else { 0 };
    for (groups, first) in groups.chunks(abreast * length).zip((0..).step_by(abreast)) {
        let (near, far) = groups.split_at(length.min(groups.len()));
        if W == 1 {
            put(&mut to, first, 0, count_alone(near, masks, queries.as_flattened(), ahead));
            continue;
        }
        // The last one may be alone: then its second column goes nowhere.
        let far = if far.is_empty() { near } else { far };
        for (q, sums) in count_two([near, far], masks, queries, ahead).into_iter().enumerate() {
            put(&mut to, first, q, sums[0]);
            put(&mut to, first + 1, q, sums[1]);
        }
    }
}

/// Writes the distances of sixteen rows, or of as many as there are.
#[inline]
#[target_feature(enable = "avx512f")]
fn put(to: &mut Distances<'_>, group: usize, query: usize, sums: __m512i) {
    let to = to.of(group, query);
    if to.len() == 16 {
        // SAFETY: 64 bytes.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), sums) };
    } else {
        // SAFETY: the mask has a bit for each element, and what is masked out is not
        // written.
        unsafe { _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), first(to.len()), sums) };
    }
}

/// How far ahead to ask for memory that is read in order, in bytes.
const IN_ORDER: usize = 2048;

/// One group and one query. Places come in pairs.
#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn count_alone(group: &[[u32; 16]], masks: &[u32], query: &[u32], ahead: usize) -> __m512i {
    const X_XOR_Q_AND_MASK: i32 = 0x28;
    let mut sums = [_mm512_setzero_si512(); 2];
    let places = masks.as_chunks::<2>().0.iter().zip(query.as_chunks::<2>().0);
    for (x, (masks, query)) in group.as_chunks::<2>().0.iter().zip(places) {
        for (i, sum) in sums.iter_mut().enumerate() {
            if ahead > 0 {
                prefetch(&x[i], ahead);
            }
            // SAFETY: 64 bytes.
            let x = unsafe { _mm512_loadu_si512(x[i].as_ptr().cast()) };
            let (q, mask) = (query[i].cast_signed(), masks[i].cast_signed());
            let differ = _mm512_ternarylogic_epi32::<X_XOR_Q_AND_MASK>(
                x,
                _mm512_set1_epi32(q),
                _mm512_set1_epi32(mask),
            );
            *sum = _mm512_add_epi32(*sum, _mm512_popcnt_epi32(differ));
        }
    }
    _mm512_add_epi32(sums[0], sums[1])
}

/// Two groups and W queries, whose words have no bits that the masks don't have.
#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn count_two<const W: usize>(
    groups: [&[[u32; 16]]; 2],
    masks: &[u32],
    queries: &[[u32; W]],
    ahead: usize,
) -> [[__m512i; 2]; W] {
    let mut sums = [[_mm512_setzero_si512(); 2]; W];
    let places = groups[0].iter().zip(groups[1]).zip(queries.iter().zip(masks));
    for ((first, second), (queries, mask)) in places {
        let mask = _mm512_set1_epi32(mask.cast_signed());
        if ahead > 0 {
            prefetch(first, ahead);
            prefetch(second, ahead);
        }
        // SAFETY: 64 bytes.
        let load = |from: &[u32; 16]| unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
        let x = [_mm512_and_si512(load(first), mask), _mm512_and_si512(load(second), mask)];
        for (sums, q) in sums.iter_mut().zip(queries) {
            let q = _mm512_set1_epi32(q.cast_signed());
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = _mm512_add_epi32(*sum, _mm512_popcnt_epi32(_mm512_xor_si512(x, q)));
            }
        }
    }
    sums
}
