//! Sums of a query's codes over the ones of rows of 1 bit, by tables: four bits of a row
//! say which sum of four codes it has, and VBMI looks 64 of them up at once.
//!
//! A sum of four codes has ten bits. Its lower eight and its upper two have a table each:
//! lower ones are added by VNNI, four of a row at a time; upper ones, −2 to 1, are added
//! as bytes, and go to their rows at the end. 64 words are the most whose upper bytes
//! have room in one: each half of a word adds −2 at least.

use super::prefetch::prefetch;
use crate::certain::Certain;
use crate::simd::{Table, Tables};
use core::arch::x86_64::{
    __m512i, _mm512_add_epi8, _mm512_add_epi16, _mm512_add_epi32, _mm512_and_si512, _mm512_dpbusd_epi32,
    _mm512_loadu_si512, _mm512_maddubs_epi16, _mm512_maskz_shuffle_epi8, _mm512_packs_epi16,
    _mm512_packus_epi16, _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_slli_epi32, _mm512_srai_epi16, _mm512_srli_epi16, _mm512_storeu_si512,
    _mm512_ternarylogic_epi32, _mm512_unpackhi_epi8, _mm512_unpacklo_epi8,
};

/// How far ahead to ask for memory, in bytes.
const AHEAD: usize = 16 << 10;

/// The operation `tabulate`: two tables of a word's lower four bits of each byte, then
/// two of the upper.
///
/// # Safety
/// The machine has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi")]
pub(crate) unsafe fn tabulate_vbmi(codes: &[[u8; 4]], width: usize, tables: &mut [Tables]) {
    let mut quads = codes.iter().step_by(width.max(1));
    for [low, more_low, high, more_high] in tables {
        for [lower, upper] in [[low, more_low], [high, more_high]] {
            let mut four = [[0; 4]; 4];
            four.iter_mut().zip(quads.by_ref()).for_each(|(to, quad)| *to = *quad);
            let sums = sums_of_four(&four);
            for (to, from) in [lower, upper].into_iter().zip(sums) {
                // SAFETY: 64 bytes.
                unsafe { _mm512_storeu_si512(to.0.as_mut_ptr().cast(), from) };
            }
        }
    }
}

/// The operation `add_ones`.
///
/// # Safety
/// The machine has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi")]
pub(crate) unsafe fn add_ones_vbmi(
    groups: &[[u32; 16]],
    (words, first): (usize, usize),
    tables: &[Tables],
    fetch: bool,
    sums: &mut [[i32; 16]],
) {
    for (group, sums) in groups.chunks_exact(words.max(1)).zip(sums) {
        add(group.get(first..).certain(), tables, if fetch { AHEAD } else { 0 }, sums);
    }
}

/// The sums of four codes of each byte of a word, as their lower bytes and their upper
/// ones: code *b* of byte *p* is `codes[b][p]`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn sums_of_four(codes: &[[u8; 4]; 4]) -> [__m512i; 2] {
    /// The places whose number has bit *b*.
    const WITH: [u64; 4] =
        [0xAAAA_AAAA_AAAA_AAAA, 0xCCCC_CCCC_CCCC_CCCC, 0xF0F0_F0F0_F0F0_F0F0, 0xFF00_FF00_FF00_FF00];
    /// The byte of each place.
    const BYTE: [u8; 64] = {
        let mut byte = [0; 64];
        let mut place = 0;
        while place < 64 {
            byte[place] = (place / 16) as u8;
            place += 1;
        }
        byte
    };
    // SAFETY: 64 bytes.
    let byte = unsafe { _mm512_loadu_si512(BYTE.as_ptr().cast()) };
    let mut each = [byte; 4];
    for ((each, codes), with) in each.iter_mut().zip(codes).zip(WITH) {
        let codes = _mm512_set1_epi32(i32::from_le_bytes(*codes));
        *each = _mm512_maskz_shuffle_epi8(with, codes, byte);
    }
    let [a, b, c, d] = each;
    let one = _mm512_set1_epi8(1);
    let sum = |x, y| _mm512_add_epi16(_mm512_maddubs_epi16(one, x), _mm512_maddubs_epi16(one, y));
    let first = sum(_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, d));
    let second = sum(_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, d));
    let low = |x| _mm512_and_si512(x, _mm512_set1_epi16(0xFF));
    let lower = _mm512_packus_epi16(low(first), low(second));
    let upper = _mm512_packs_epi16(_mm512_srai_epi16::<8>(first), _mm512_srai_epi16::<8>(second));
    [lower, upper]
}

/// Adds what the tables say of some words of sixteen rows.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vbmi")]
fn add(words: &[[u32; 16]], tables: &[Tables], ahead: usize, sums: &mut [i32; 16]) {
    const X_OR_Y_AND_Z: i32 = 0xF8;
    // SAFETY: 64 bytes.
    let load = |from: &[u32; 16]| unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
    // SAFETY: 64 bytes.
    let table = |from: &Table| unsafe { _mm512_loadu_si512(from.0.as_ptr().cast()) };
    let (one, four) = (_mm512_set1_epi8(1), _mm512_set1_epi8(0xF));
    // Where the places of a byte's sums begin.
    let begin = _mm512_set1_epi32(0x3020_1000);
    let mut lower = [_mm512_setzero_si512(); 2];
    let mut upper = [_mm512_setzero_si512(); 2];
    for (words, tables) in words.iter().zip(tables) {
        if ahead > 0 {
            prefetch(words, ahead);
        }
        let words = load(words);
        for (half, bits) in [words, _mm512_srli_epi16::<4>(words)].into_iter().enumerate() {
            let places = _mm512_ternarylogic_epi32::<X_OR_Y_AND_Z>(begin, bits, four);
            let found = |from: &Table| _mm512_permutexvar_epi8(places, table(from));
            lower[half] = _mm512_dpbusd_epi32(lower[half], found(&tables[2 * half]), one);
            upper[half] = _mm512_add_epi8(upper[half], found(&tables[2 * half + 1]));
        }
    }
    let add = |x: [__m512i; 2]| _mm512_add_epi32(x[0], x[1]);
    let upper = add(upper.map(|upper| _mm512_dpbusd_epi32(_mm512_setzero_si512(), one, upper)));
    // SAFETY: 64 bytes.
    let before = unsafe { _mm512_loadu_si512(sums.as_ptr().cast()) };
    let sum = _mm512_add_epi32(before, _mm512_add_epi32(add(lower), _mm512_slli_epi32::<8>(upper)));
    // SAFETY: 64 bytes.
    unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), sum) };
}
