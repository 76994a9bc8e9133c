//! AVX-512 (F, BW, DQ, VL): the sixteen lanes are one register.

use super::masks::first;
use super::special;
use super::special::prefetch::prefetch;
use crate::cannot_happen;
use crate::hash::{MIX_1, MIX_2, State};
use crate::kernel::Kernel;
use crate::level::{has_vbmi, has_vnni, has_vpopcntdq};
use crate::simd::{Distances, Simd, Tables};
use core::arch::x86_64::{
    __m256i, __m512, __m512d, __m512i, _CMP_GE_OQ, _CMP_ORD_Q, _CMP_UNORD_Q, _MM_FROUND_NO_EXC,
    _MM_FROUND_TO_NEAREST_INT, _mm_storeu_si128, _mm256_add_pd, _mm256_add_ps, _mm256_loadu_ps,
    _mm256_loadu_si256, _mm256_maskz_loadu_epi16, _mm256_storeu_si256, _mm512_abs_ps, _mm512_add_epi32,
    _mm512_add_epi64, _mm512_add_pd, _mm512_add_ps, _mm512_and_si512, _mm512_castpd_ps,
    _mm512_castpd512_pd256, _mm512_castps_pd, _mm512_castps_si512, _mm512_castps512_ps256,
    _mm512_castsi512_ps, _mm512_castsi512_si256, _mm512_cmp_ps_mask, _mm512_cvtepi32_epi8,
    _mm512_cvtepi32_epi16, _mm512_cvtepu16_epi32, _mm512_cvtph_ps, _mm512_cvtps_epi32, _mm512_cvtps_pd,
    _mm512_cvtps_ph, _mm512_div_ps, _mm512_extractf32x8_ps, _mm512_extractf64x4_pd,
    _mm512_extracti64x4_epi64, _mm512_fmadd_ps, _mm512_fpclass_ps_mask, _mm512_loadu_pd, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_mask_add_epi16, _mm512_mask_blend_ps, _mm512_mask_mov_epi32,
    _mm512_mask_or_epi32, _mm512_mask_xor_ps, _mm512_maskz_cvttps_epi32, _mm512_maskz_loadu_epi16,
    _mm512_maskz_loadu_ps, _mm512_max_ps, _mm512_mul_pd, _mm512_mul_ps, _mm512_mullo_epi64,
    _mm512_permute_pd, _mm512_permute_ps, _mm512_permutexvar_epi16, _mm512_permutexvar_ps,
    _mm512_reduce_max_ps, _mm512_set1_epi16, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_set1_pd,
    _mm512_set1_ps, _mm512_setr_epi32, _mm512_setzero_pd, _mm512_shuffle_f32x4, _mm512_shuffle_f64x2,
    _mm512_shuffle_ps, _mm512_slli_epi32, _mm512_sllv_epi32, _mm512_srli_epi32, _mm512_srli_epi64,
    _mm512_storeu_pd, _mm512_storeu_ps, _mm512_storeu_si512, _mm512_sub_epi32, _mm512_sub_ps,
    _mm512_ternarylogic_epi32, _mm512_unpackhi_pd, _mm512_unpacklo_pd, _mm512_xor_si512,
};
use half::{bf16, f16};

/// Token: proof that the machine has AVX-512 F, BW, DQ and VL. Made only by [`run`].
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

/// Runs a kernel with this instruction set.
///
/// # Safety
/// The machine has all the features named below.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2")]
pub(crate) unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.vector(Avx512(()))
}

/// Lane *i* of row *p* is *i* XOR *p*.
#[repr(align(64))]
struct Xor<T, const N: usize>([[T; N]; N]);

static XOR_16: Xor<u32, 16> = {
    let mut table = [[0; 16]; 16];
    let mut p = 0;
    while p < 16 {
        let mut i = 0;
        while i < 16 {
            table[p][i] = (i ^ p) as u32;
            i += 1;
        }
        p += 1;
    }
    Xor(table)
};

static XOR_32: Xor<u16, 32> = {
    let mut table = [[0; 32]; 32];
    let mut p = 0;
    while p < 32 {
        let mut i = 0;
        while i < 32 {
            table[p][i] = (i ^ p) as u16;
            i += 1;
        }
        p += 1;
    }
    Xor(table)
};

/// One register for every two. A loop, because a closure that the standard library calls
/// may miss this set's features.
#[inline(always)]
fn in_pairs<const N: usize, const HALF: usize>(
    from: [__m512; N],
    join: impl Fn(__m512, __m512) -> __m512,
) -> [__m512; HALF] {
    let mut to = [from[0]; HALF];
    for (i, to) in to.iter_mut().enumerate() {
        *to = join(from[2 * i], from[2 * i + 1]);
    }
    to
}

impl Avx512 {
    /// The sixteen lanes of 32 that bits 32..36 of `word` permute with; bit 36 is the
    /// caller's.
    #[inline(always)]
    fn permutation_16(self, word: u64) -> __m512i {
        let row = &XOR_16.0[(word >> 32) as usize & 15];
        // SAFETY: the token; a row is 64 bytes.
        unsafe { _mm512_loadu_si512(row.as_ptr().cast()) }
    }

    /// The sign of lane *i* flipped if bit `FIRST` + *i* of `word` is set. By shifts,
    /// because moving a word to a mask register costs more than broadcasting it.
    #[inline(always)]
    fn flip<const FIRST: i32>(self, x: __m512, word: u64) -> __m512 {
        const X_XOR_SHIFTED_AND_SIGN: i32 = 0x78;
        by_token!(self, {
            let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let left = _mm512_sub_epi32(_mm512_set1_epi32(31 - FIRST), lanes);
            let shifted = _mm512_sllv_epi32(_mm512_set1_epi32(word as i32), left);
            let (x, sign) = (_mm512_castps_si512(x), _mm512_set1_epi32(i32::MIN));
            _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<X_XOR_SHIFTED_AND_SIGN>(x, shifted, sign))
        })
    }

    /// Signs flipped and lanes permuted as [`Simd::scatter`] says, for 32 elements of 16
    /// bits.
    #[inline(always)]
    fn flip_and_permute_16_bit(self, from: *const __m512i, word: u64) -> __m512i {
        let row = &XOR_32.0[(word >> 32) as usize & 31];
        // SAFETY: the token; both callers pass a pointer to 32 elements of 16 bits, and
        // a row is 64 bytes. Adding the sign bit modulo 2¹⁶ flips it.
        unsafe {
            let x = _mm512_loadu_si512(from);
            let x = _mm512_mask_add_epi16(x, word as u32, x, _mm512_set1_epi16(i16::MIN));
            _mm512_permutexvar_epi16(_mm512_loadu_si512(row.as_ptr().cast()), x)
        }
    }

    #[inline(always)]
    fn add_to(self, value: __m512, to: &mut [f32; 16]) {
        self.store(self.add(self.load(to), value), to);
    }

    /// The `bf16` of even places, and those of odd places.
    #[inline(always)]
    fn widen_pairs(self, x: __m512i) -> [__m512; 2] {
        // A `bf16` is the upper half of the same value as `f32`.
        by_token!(self, {
            let upper = _mm512_set1_epi32(0xFFFF_0000_u32 as i32);
            [_mm512_castsi512_ps(_mm512_slli_epi32::<16>(x)), _mm512_castsi512_ps(_mm512_and_si512(x, upper))]
        })
    }

    #[inline(always)]
    fn widen_bf16(self, x: __m256i) -> __m512 {
        by_token!(self, _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(x))))
    }
}

impl Simd for Avx512 {
    type F = __m512;
    type Wide = [__m512d; 2];
    type Eight = __m512d;
    const ROOMY: bool = true;

    #[inline(always)]
    fn splat_8(self, value: f64) -> __m512d {
        by_token!(self, _mm512_set1_pd(value))
    }

    #[inline(always)]
    fn load_8(self, from: &[f64; 8]) -> __m512d {
        // SAFETY: the token; the array is 64 bytes.
        unsafe { _mm512_loadu_pd(from.as_ptr()) }
    }

    #[inline(always)]
    fn widen_8(self, from: &[f32; 8]) -> __m512d {
        // SAFETY: the token; the array is 32 bytes.
        unsafe { _mm512_cvtps_pd(_mm256_loadu_ps(from.as_ptr())) }
    }

    #[inline(always)]
    fn store_8(self, value: __m512d, to: &mut [f64; 8]) {
        // SAFETY: the token; the array is 64 bytes.
        unsafe { _mm512_storeu_pd(to.as_mut_ptr(), value) };
    }

    #[inline(always)]
    fn add_8(self, a: __m512d, b: __m512d) -> __m512d {
        by_token!(self, _mm512_add_pd(a, b))
    }

    #[inline(always)]
    fn mul_8(self, a: __m512d, b: __m512d) -> __m512d {
        by_token!(self, _mm512_mul_pd(a, b))
    }

    #[inline(always)]
    fn fold_8(self, [a, b, c, d]: [__m512d; 4]) -> [f64; 4] {
        let mut out = [0.0; 8];
        // SAFETY: the token; the array is 64 bytes. Lower halves of two are added to
        // their upper ones, then lower quarters of four, then even lanes to odd ones.
        unsafe {
            let halves = |a, b| {
                let (low, high) = (
                    _mm512_shuffle_f64x2::<0b01_00_01_00>(a, b),
                    _mm512_shuffle_f64x2::<0b11_10_11_10>(a, b),
                );
                _mm512_add_pd(low, high)
            };
            let (a, b) = (halves(a, b), halves(c, d));
            let (low, high) =
                (_mm512_shuffle_f64x2::<0b10_00_10_00>(a, b), _mm512_shuffle_f64x2::<0b11_01_11_01>(a, b));
            let pairs = _mm512_add_pd(low, high);
            let sums = _mm512_add_pd(pairs, _mm512_permute_pd::<0b0101_0101>(pairs));
            _mm512_storeu_pd(out.as_mut_ptr(), sums);
        }
        [out[0], out[2], out[4], out[6]]
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        by_token!(self, _mm512_set1_ps(value))
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> __m512 {
        // SAFETY: the token; the array is 64 bytes.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn load_f16(self, from: &[f16; 16]) -> __m512 {
        // SAFETY: the token; the array is 32 bytes.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn load_bf16(self, from: &[bf16; 16]) -> __m512 {
        // SAFETY: the token; the array is 32 bytes.
        self.widen_bf16(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) })
    }

    #[inline(always)]
    fn load_part(self, from: &[f32]) -> __m512 {
        // SAFETY: the token; the mask has a bit for each element, and what is masked
        // out is not read.
        unsafe { _mm512_maskz_loadu_ps(first(from.len()), from.as_ptr()) }
    }

    #[inline(always)]
    fn load_part_f16(self, from: &[f16]) -> __m512 {
        // SAFETY: the token; the mask has a bit for each element, and what is masked
        // out is not read.
        unsafe { _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(from.len()), from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn load_part_bf16(self, from: &[bf16]) -> __m512 {
        // SAFETY: the token; the mask has a bit for each element, and what is masked
        // out is not read.
        self.widen_bf16(unsafe { _mm256_maskz_loadu_epi16(first(from.len()), from.as_ptr().cast()) })
    }

    #[inline(always)]
    fn load_bf16_pairs(self, from: &[bf16; 32]) -> [__m512; 2] {
        // SAFETY: the token; the array is 64 bytes.
        self.widen_pairs(unsafe { _mm512_loadu_si512(from.as_ptr().cast()) })
    }

    #[inline(always)]
    fn load_part_bf16_pairs(self, from: &[bf16]) -> [__m512; 2] {
        let mask = ((1_u64 << from.len().min(32)) - 1) as u32;
        // SAFETY: the token; the mask has a bit for each element, and what is masked
        // out is not read.
        self.widen_pairs(unsafe { _mm512_maskz_loadu_epi16(mask, from.as_ptr().cast()) })
    }

    #[inline(always)]
    fn store(self, value: __m512, to: &mut [f32; 16]) {
        // SAFETY: the token; the array is 64 bytes.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn store_f16(self, value: __m512, to: &mut [f16; 16]) {
        // SAFETY: the token; the array is 32 bytes.
        unsafe {
            let narrow = _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(value);
            _mm256_storeu_si256(to.as_mut_ptr().cast(), narrow);
        }
    }

    #[inline(always)]
    fn store_bf16(self, value: __m512, to: &mut [bf16; 16]) {
        // SAFETY: the token; the array is 32 bytes. Half of the dropped bits' range is
        // added, less one where the last kept bit is even: round to nearest, ties to
        // even. A NaN keeps its upper bits and is made quiet.
        unsafe {
            let bits = _mm512_castps_si512(value);
            let upper = _mm512_srli_epi32::<16>(bits);
            let odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
            let rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF)));
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(value, value);
            let rounded = _mm512_srli_epi32::<16>(rounded);
            let narrow = _mm512_mask_or_epi32(rounded, nan, upper, _mm512_set1_epi32(0x40));
            _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(narrow));
        }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        by_token!(self, _mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        by_token!(self, _mm512_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        by_token!(self, _mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn mul_exact_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        by_token!(self, _mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn abs(self, a: __m512) -> __m512 {
        by_token!(self, _mm512_abs_ps(a))
    }

    #[inline(always)]
    fn max_or(self, a: __m512, best: __m512) -> __m512 {
        // The instruction returns its second operand where one is a
        // NaN.
        by_token!(self, _mm512_max_ps(a, best))
    }

    #[inline(always)]
    fn count_non_finite(self, a: __m512) -> u32 {
        const QUIET_NAN: i32 = 0x01;
        const INFINITY: i32 = 0x08 | 0x10;
        const SIGNALLING_NAN: i32 = 0x80;
        let mask = by_token!(self, _mm512_fpclass_ps_mask::<{ QUIET_NAN | INFINITY | SIGNALLING_NAN }>(a));
        mask.count_ones()
    }

    #[inline(always)]
    fn fold(self, a: __m512) -> f32 {
        let eight = by_token!(self, _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a)));
        super::avx2::fold_8(eight)
    }

    #[inline(always)]
    fn fold_two_to_8(self, a: __m512, b: __m512) -> __m512 {
        by_token!(self, {
            let low = _mm512_shuffle_f32x4::<0b01_00_01_00>(a, b);
            _mm512_add_ps(low, _mm512_shuffle_f32x4::<0b11_10_11_10>(a, b))
        })
    }

    #[inline(always)]
    fn wide(self) -> Self::Wide {
        by_token!(self, [_mm512_setzero_pd(); 2])
    }

    #[inline(always)]
    fn add_wide(self, [low, high]: Self::Wide, a: __m512) -> Self::Wide {
        by_token!(self, {
            let a = [_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a)];
            [_mm512_add_pd(low, _mm512_cvtps_pd(a[0])), _mm512_add_pd(high, _mm512_cvtps_pd(a[1]))]
        })
    }

    #[inline(always)]
    fn fold_wide(self, [low, high]: Self::Wide, paired: bool) -> f64 {
        by_token!(self, {
            let halves = |x| (_mm512_castpd512_pd256(x), _mm512_extractf64x4_pd::<1>(x));
            if !paired {
                let (low, high) = halves(_mm512_add_pd(low, high));
                return super::avx2::fold_4(_mm256_add_pd(low, high));
            }
            let (even, odd) = (halves(low), halves(high));
            super::avx2::fold_4(_mm256_add_pd(even.0, even.1))
                + super::avx2::fold_4(_mm256_add_pd(odd.0, odd.1))
        })
    }

    #[inline(always)]
    fn fold_16(self, a: [__m512; 16]) -> [f32; 16] {
        // Each step adds two halves of each of its registers, and so puts two registers
        // into one. The last two steps take registers from both ends of a run of four, so
        // that the first two must be given them in transposed order.
        let mut eights = a;
        for (i, a) in a.into_iter().enumerate() {
            eights[4 * (i % 4) + i / 4] = a;
        }
        let mut out = [0.0; 16];
        let folded = by_token!(self, {
            let eights = in_pairs::<16, 8>(
                eights,
                #[inline(always)]
                |x, y| {
                    let (low, high) = (
                        _mm512_shuffle_f32x4::<0b01_00_01_00>(x, y),
                        _mm512_shuffle_f32x4::<0b11_10_11_10>(x, y),
                    );
                    _mm512_add_ps(low, high)
                },
            );
            let fours = in_pairs::<8, 4>(
                eights,
                #[inline(always)]
                |x, y| {
                    let (low, high) = (
                        _mm512_shuffle_f32x4::<0b10_00_10_00>(x, y),
                        _mm512_shuffle_f32x4::<0b11_01_11_01>(x, y),
                    );
                    _mm512_add_ps(low, high)
                },
            );
            let twos = in_pairs::<4, 2>(
                fours,
                #[inline(always)]
                |x, y| {
                    let (x, y) = (_mm512_castps_pd(x), _mm512_castps_pd(y));
                    let (low, high) = (_mm512_unpacklo_pd(x, y), _mm512_unpackhi_pd(x, y));
                    _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high))
                },
            );
            let [x, y] = twos;
            let (low, high) =
                (_mm512_shuffle_ps::<0b10_00_10_00>(x, y), _mm512_shuffle_ps::<0b11_01_11_01>(x, y));
            _mm512_add_ps(low, high)
        });
        self.store(folded, &mut out);
        out
    }

    #[inline(always)]
    fn fold_max(self, a: __m512) -> f32 {
        by_token!(self, _mm512_reduce_max_ps(a))
    }

    #[inline(always)]
    fn flip(self, a: __m512, bits: u16) -> __m512 {
        by_token!(self, _mm512_mask_xor_ps(a, bits, a, _mm512_set1_ps(-0.0)))
    }

    #[inline(always)]
    fn cut(self, a: __m512) -> [i32; 16] {
        let mut out = [0; 16];
        // SAFETY: the token; the array is 64 bytes.
        unsafe {
            let is_number = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(a, a);
            let is_beyond = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(a, _mm512_set1_ps(2_147_483_648.0));
            let cut = _mm512_maskz_cvttps_epi32(is_number, a);
            let cut = _mm512_mask_mov_epi32(cut, is_beyond, _mm512_set1_epi32(i32::MAX));
            _mm512_storeu_si512(out.as_mut_ptr().cast(), cut);
        }
        out
    }

    #[inline(always)]
    fn divide_and_round(self, a: __m512, by: f32) -> [i8; 16] {
        let mut out = [0; 16];
        // SAFETY: the token; the array is 16 bytes.
        unsafe {
            let codes = _mm512_cvtps_epi32(_mm512_div_ps(a, _mm512_set1_ps(by)));
            _mm_storeu_si128(out.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(codes));
        }
        out
    }

    #[inline(always)]
    fn dot_bytes<const R: usize, const C: usize>(
        self,
        rows: &[&[u8]; R],
        queries: &[&[u8]; C],
        ahead: usize,
    ) -> [[i32; R]; C] {
        if has_vnni() {
            // SAFETY: the token, and VNNI was found.
            return unsafe { special::avx512::dot_bytes_vnni(rows, queries, ahead) };
        }
        // SAFETY: the token: this level has AVX2's set.
        unsafe { special::avx2::dot_bytes(rows, queries, ahead) }
    }

    #[inline(always)]
    fn dot_quads<const G: usize, const W: usize, const FIRST: usize, const C: usize>(
        self,
        groups: &[&[[[u8; 4]; 16]]; G],
        queries: &[[[u8; 4]; W]],
        fetch: bool,
    ) -> [[[i32; 16]; G]; C] {
        if has_vnni() {
            // SAFETY: the token, and VNNI was found.
            return unsafe { special::avx512::dot_quads_vnni::<G, W, FIRST, C>(groups, queries, fetch) };
        }
        // SAFETY: the token: this level has AVX2's set.
        unsafe { special::avx2::dot_quads::<G, W, FIRST, C>(groups, queries, fetch) }
    }

    #[inline(always)]
    fn dot_codes<const BITS: usize, const G: usize, const W: usize, const FIRST: usize, const C: usize>(
        self,
        groups: &[&[[u32; 16]]; G],
        queries: &[[[u8; 4]; W]],
        totals: &[[u8; 4]; W],
        fetch: bool,
    ) -> [[[i32; 16]; G]; C] {
        if has_vnni() {
            // SAFETY: the token, and VNNI was found.
            return unsafe {
                special::avx512::dot_codes_vnni::<BITS, G, W, FIRST, C>(groups, queries, totals, fetch)
            };
        }
        // SAFETY: the token: this level has AVX2's set.
        unsafe { special::avx2::dot_codes::<BITS, G, W, FIRST, C>(groups, queries, totals, fetch) }
    }

    #[inline(always)]
    fn has_tables(self) -> bool {
        has_vbmi()
    }

    #[inline(always)]
    fn tabulate(self, codes: &[[u8; 4]], width: usize, tables: &mut [Tables]) {
        if has_vbmi() {
            // SAFETY: the token, and VNNI and VBMI were found.
            unsafe { special::ones::tabulate_vbmi(codes, width, tables) };
        } else {
            cannot_happen!("there are tables");
        }
    }

    #[inline(always)]
    fn add_ones(
        self,
        groups: &[[u32; 16]],
        words: (usize, usize),
        tables: &[Tables],
        fetch: bool,
        sums: &mut [[i32; 16]],
    ) {
        if has_vbmi() {
            // SAFETY: the token, and VNNI and VBMI were found.
            unsafe { special::ones::add_ones_vbmi(groups, words, tables, fetch, sums) };
        } else {
            cannot_happen!("there are tables");
        }
    }

    #[inline(always)]
    fn differences<const W: usize>(
        self,
        groups: &[[u32; 16]],
        masks: &[u32],
        queries: &[[u32; W]],
        fetch: bool,
        to: Distances<'_>,
    ) {
        if has_vpopcntdq() {
            // SAFETY: the token, and VPOPCNTDQ was found.
            return unsafe { special::avx512::differences_vpopcntdq(groups, masks, queries, fetch, to) };
        }
        // SAFETY: the token: this level has AVX2's set.
        unsafe { special::avx2::differences(groups, masks, queries, fetch, to) }
    }

    #[inline(always)]
    fn prefetch<T>(self, from: &T, ahead: usize) {
        prefetch(from, ahead);
    }

    #[inline(always)]
    fn scatter(self, [low, high]: [__m512; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        let permutation = self.permutation_16(word);
        let (low, high) = by_token!(self, {
            let (low, high) = (self.flip::<0>(low, word), self.flip::<16>(high, word));
            (_mm512_permutexvar_ps(permutation, low), _mm512_permutexvar_ps(permutation, high))
        });
        // Bit 4 of the permutation, at its own weight: the element of `to` from which the
        // lower half is added.
        let first = (word >> 32) as usize & 16;
        let to = to.as_mut_ptr().cast::<f32>();
        // SAFETY: the token; `to` has 32 elements, so sixteen lie behind 0 and behind
        // 16.
        unsafe {
            let (near, far) = (to.add(first), to.add(first ^ 16));
            _mm512_storeu_ps(near, _mm512_add_ps(_mm512_loadu_ps(near), low));
            _mm512_storeu_ps(far, _mm512_add_ps(_mm512_loadu_ps(far), high));
        }
    }

    #[inline(always)]
    fn scatter_f16(self, from: &[[f16; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        let x = self.flip_and_permute_16_bit(from.as_ptr().cast(), word);
        let (low, high) = by_token!(self, {
            let (low, high) = (_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64::<1>(x));
            (_mm512_cvtph_ps(low), _mm512_cvtph_ps(high))
        });
        self.add_to(low, &mut to[0]);
        self.add_to(high, &mut to[1]);
    }

    #[inline(always)]
    fn scatter_bf16(self, from: &[[bf16; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        let x = self.flip_and_permute_16_bit(from.as_ptr().cast(), word);
        let (low, high) = by_token!(self, (_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64::<1>(x)));
        self.add_to(self.widen_bf16(low), &mut to[0]);
        self.add_to(self.widen_bf16(high), &mut to[1]);
    }

    #[inline(always)]
    fn hadamard_16(self, a: __m512) -> __m512 {
        // A lane's partner, plus the lane itself with its sign flipped where it is the
        // second of the two: the product with ±1 is exact, so the fused operation rounds
        // once.
        const SWAP_1: i32 = 0b10_11_00_01;
        const SWAP_2: i32 = 0b01_00_11_10;
        by_token!(self, {
            let (plus, minus) = (_mm512_set1_ps(1.0), _mm512_set1_ps(-1.0));
            let signs = _mm512_mask_blend_ps(0xAAAA, plus, minus);
            let a = _mm512_fmadd_ps(a, signs, _mm512_permute_ps::<SWAP_1>(a));
            let signs = _mm512_mask_blend_ps(0xCCCC, plus, minus);
            let a = _mm512_fmadd_ps(a, signs, _mm512_permute_ps::<SWAP_2>(a));
            let signs = _mm512_mask_blend_ps(0xF0F0, plus, minus);
            let a = _mm512_fmadd_ps(a, signs, _mm512_shuffle_f32x4::<SWAP_1>(a, a));
            let signs = _mm512_mask_blend_ps(0xFF00, plus, minus);
            _mm512_fmadd_ps(a, signs, _mm512_shuffle_f32x4::<SWAP_2>(a, a))
        })
    }

    #[inline(always)]
    fn hash_state(self, first: State) -> __m512 {
        let mut states = [0_u64; 8];
        for (m, state) in (0..).zip(&mut states) {
            *state = first.ahead(m);
        }
        // SAFETY: the token; the array is 64 bytes.
        unsafe { _mm512_castsi512_ps(_mm512_loadu_si512(states.as_ptr().cast())) }
    }

    #[inline(always)]
    fn hash_words(self, state: &mut __m512, step: u64) -> __m512 {
        by_token!(self, {
            let x = _mm512_castps_si512(*state);
            let step = _mm512_set1_epi64(step.wrapping_mul(8) as i64);
            *state = _mm512_castsi512_ps(_mm512_add_epi64(x, step));
            let x = _mm512_xor_si512(x, _mm512_srli_epi64::<30>(x));
            let x = _mm512_mullo_epi64(x, _mm512_set1_epi64(MIX_1 as i64));
            let x = _mm512_xor_si512(x, _mm512_srli_epi64::<27>(x));
            let x = _mm512_mullo_epi64(x, _mm512_set1_epi64(MIX_2 as i64));
            _mm512_castsi512_ps(_mm512_xor_si512(x, _mm512_srli_epi64::<31>(x)))
        })
    }

    #[inline(always)]
    fn look_up_odd<const SHIFT: u32>(self, table: __m512, words: __m512) -> __m512 {
        // The permutation takes its lanes' numbers from the lowest
        // four bits.
        by_token!(self, _mm512_permutexvar_ps(_mm512_srli_epi32::<SHIFT>(_mm512_castps_si512(words)), table))
    }
}
