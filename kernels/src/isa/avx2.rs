//! AVX2 with FMA, F16C and BMI2: the sixteen lanes are two registers, lanes 0..8 and
//! 8..16.

use super::special::prefetch::prefetch;
use super::{padded, special::avx2 as special};
use crate::cannot_happen;
use crate::hash::{MIX_1, MIX_2, State};
use crate::kernel::Kernel;
use crate::simd::{Distances, Simd};
use core::arch::x86_64::{
    __m128i, __m256, __m256d, __m256i, _CMP_GE_OQ, _CMP_ORD_Q, _CMP_UNORD_Q, _MM_FROUND_TO_NEAREST_INT,
    _mm_add_pd, _mm_add_ps, _mm_add_sd, _mm_add_ss, _mm_cvtsd_f64, _mm_cvtsi32_si128, _mm_cvtss_f32,
    _mm_loadu_ps, _mm_loadu_si128, _mm_max_ps, _mm_max_ss, _mm_movehdup_ps, _mm_movehl_ps, _mm_packs_epi16,
    _mm_storeu_si128, _mm_unpackhi_pd, _mm256_add_epi32, _mm256_add_epi64, _mm256_add_pd, _mm256_add_ps,
    _mm256_and_ps, _mm256_and_si256, _mm256_blend_ps, _mm256_blendv_epi8, _mm256_castpd_ps,
    _mm256_castpd256_pd128, _mm256_castps_pd, _mm256_castps_si256, _mm256_castps256_ps128,
    _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_cmpgt_epi32, _mm256_cvtepu16_epi32,
    _mm256_cvtph_ps, _mm256_cvtps_epi32, _mm256_cvtps_pd, _mm256_cvtps_ph, _mm256_cvttps_epi32,
    _mm256_div_ps, _mm256_extractf128_pd, _mm256_extractf128_ps, _mm256_extracti128_si256, _mm256_fmadd_ps,
    _mm256_loadu_pd, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_maskload_ps, _mm256_max_ps,
    _mm256_movemask_ps, _mm256_mul_epu32, _mm256_mul_pd, _mm256_mul_ps, _mm256_or_si256, _mm256_packs_epi32,
    _mm256_packus_epi32, _mm256_permute_ps, _mm256_permute2f128_pd, _mm256_permute2f128_ps,
    _mm256_permute4x64_epi64, _mm256_permutevar8x32_ps, _mm256_set1_epi32, _mm256_set1_epi64x,
    _mm256_set1_pd, _mm256_set1_ps, _mm256_setr_epi32, _mm256_setr_epi64x, _mm256_setzero_pd,
    _mm256_shuffle_ps, _mm256_sll_epi32, _mm256_slli_epi32, _mm256_slli_epi64, _mm256_sllv_epi32,
    _mm256_srl_epi32, _mm256_srli_epi32, _mm256_srli_epi64, _mm256_storeu_pd, _mm256_storeu_ps,
    _mm256_storeu_si256, _mm256_sub_ps, _mm256_unpackhi_pd, _mm256_unpacklo_pd, _mm256_xor_ps,
    _mm256_xor_si256,
};
use half::{bf16, f16};

/// Token: proof that the machine has AVX2, FMA, F16C and BMI2. Made only by [`run`].
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

/// Runs a kernel with this instruction set.
///
/// # Safety
/// The machine has all the features named below.
#[target_feature(enable = "avx2,fma,f16c,bmi2")]
pub(crate) unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.vector(Avx2(()))
}

/// Eight lanes folded: 4, 2, 1. Called by operations of AVX2 and of AVX-512 only.
#[inline(always)]
pub(super) fn fold_8(eight: __m256) -> f32 {
    // SAFETY: the callers' tokens: both levels have AVX.
    unsafe {
        let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
}

/// Four lanes of `f64` folded: 2, 1. Called by operations of AVX2 and of AVX-512 only.
#[inline(always)]
pub(super) fn fold_4(four: __m256d) -> f64 {
    // SAFETY: the callers' tokens: both levels have AVX.
    unsafe {
        let two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd::<1>(four));
        _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)))
    }
}

/// One register for every two. A loop, because a closure that the standard library calls
/// may miss this set's features.
#[inline(always)]
fn in_pairs<const N: usize, const HALF: usize>(
    from: [__m256; N],
    join: impl Fn(__m256, __m256) -> __m256,
) -> [__m256; HALF] {
    let mut to = [from[0]; HALF];
    for (i, to) in to.iter_mut().enumerate() {
        *to = join(from[2 * i], from[2 * i + 1]);
    }
    to
}

impl Avx2 {
    /// One of the two registers, by a function of eight lanes.
    #[inline(always)]
    fn load_8(self, from: &[f32; 16], half: usize) -> __m256 {
        // SAFETY: the token; `half` is 0 or 1 in every call, so that eight elements lie
        // behind 8·half.
        unsafe { _mm256_loadu_ps(from.as_ptr().add(8 * half)) }
    }

    /// Eight 16-bit elements.
    #[inline(always)]
    fn load_16_bit<T>(self, from: &[T; 16], half: usize) -> __m128i {
        const { assert!(size_of::<T>() == 2) }
        // SAFETY: the token; `half` is 0 or 1 in every call, so that eight elements of
        // 16 bits lie behind 8·half.
        unsafe { _mm_loadu_si128(from.as_ptr().add(8 * half).cast()) }
    }

    #[inline(always)]
    fn store_16_bit<T>(self, value: __m128i, to: &mut [T; 16], half: usize) {
        const { assert!(size_of::<T>() == 2) }
        // SAFETY: the token; `half` is 0 or 1 in every call, so that eight elements of
        // 16 bits lie behind 8·half.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().add(8 * half).cast(), value) }
    }

    #[inline(always)]
    fn narrow_bf16(self, value: __m256) -> __m128i {
        // Half of the dropped bits' range is added, less one where
        // the last kept bit is even: round to nearest, ties to even. A NaN keeps its
        // upper bits and is made quiet.
        by_token!(self, {
            let bits = _mm256_castps_si256(value);
            let upper = _mm256_srli_epi32::<16>(bits);
            let odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
            let rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
            let nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(value, value));
            let quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
            let narrow = _mm256_blendv_epi8(_mm256_srli_epi32::<16>(rounded), quiet, nan);
            let packed = _mm256_packus_epi32(narrow, narrow);
            _mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b1000>(packed))
        })
    }

    /// The first three stages of [`Simd::hadamard_16`]: a lane's partner, plus the lane
    /// itself with its sign flipped where it is the second of the two. The product with
    /// ±1 is exact, so the fused operation rounds once.
    #[inline(always)]
    fn hadamard_8(self, a: __m256) -> __m256 {
        const SWAP_1: i32 = 0b10_11_00_01;
        const SWAP_2: i32 = 0b01_00_11_10;
        by_token!(self, {
            let (plus, minus) = (_mm256_set1_ps(1.0), _mm256_set1_ps(-1.0));
            let a = _mm256_fmadd_ps(a, _mm256_blend_ps::<0xAA>(plus, minus), _mm256_permute_ps::<SWAP_1>(a));
            let a = _mm256_fmadd_ps(a, _mm256_blend_ps::<0xCC>(plus, minus), _mm256_permute_ps::<SWAP_2>(a));
            let swapped = _mm256_permute2f128_ps::<1>(a, a);
            _mm256_fmadd_ps(a, _mm256_blend_ps::<0xF0>(plus, minus), swapped)
        })
    }

    /// The low 64 bits of four products with a constant.
    #[inline(always)]
    fn mul_64(self, a: __m256i, b: u64) -> __m256i {
        // Low halves are multiplied in full; of the products with a
        // high half, only the low half counts.
        by_token!(self, {
            let (low, high) = (_mm256_set1_epi64x(b as i64), _mm256_set1_epi64x((b >> 32) as i64));
            let cross = _mm256_mul_epu32(_mm256_srli_epi64::<32>(a), low);
            let cross = _mm256_add_epi64(cross, _mm256_mul_epu32(a, high));
            _mm256_add_epi64(_mm256_mul_epu32(a, low), _mm256_slli_epi64::<32>(cross))
        })
    }

    /// [`crate::hash::mix`] of four states.
    #[inline(always)]
    fn mix_4(self, state: __m256) -> __m256 {
        by_token!(self, {
            let x = _mm256_castps_si256(state);
            let x = self.mul_64(_mm256_xor_si256(x, _mm256_srli_epi64::<30>(x)), MIX_1);
            let x = self.mul_64(_mm256_xor_si256(x, _mm256_srli_epi64::<27>(x)), MIX_2);
            _mm256_castsi256_ps(_mm256_xor_si256(x, _mm256_srli_epi64::<31>(x)))
        })
    }

    /// Eight lanes of [`Simd::look_up_odd`]: by the three lower bits, and the fourth
    /// gives the sign.
    #[inline(always)]
    fn look_up_8<const SHIFT: u32>(self, table: __m256, words: __m256) -> __m256 {
        // The permutation takes its lanes' numbers from the lowest
        // three bits.
        by_token!(self, {
            let words = _mm256_castps_si256(words);
            let value =
                _mm256_permutevar8x32_ps(table, _mm256_srl_epi32(words, _mm_cvtsi32_si128(SHIFT as i32)));
            let left = _mm_cvtsi32_si128(28 - SHIFT as i32);
            let sign = _mm256_and_si256(_mm256_sll_epi32(words, left), _mm256_set1_epi32(i32::MIN));
            _mm256_xor_ps(value, _mm256_castsi256_ps(sign))
        })
    }

    /// The sign bits that `word` flips of the eight elements from 8·`eighth` on.
    #[inline(always)]
    fn flips(self, word: __m256i, eighth: i32) -> __m256 {
        let top = 31 - 8 * eighth;
        by_token!(self, {
            let left = _mm256_setr_epi32(top, top - 1, top - 2, top - 3, top - 4, top - 5, top - 6, top - 7);
            let sign = _mm256_set1_epi32(i32::MIN);
            _mm256_castsi256_ps(_mm256_and_si256(_mm256_sllv_epi32(word, left), sign))
        })
    }
}

impl Simd for Avx2 {
    type F = [__m256; 2];
    type Wide = [__m256d; 4];
    type Eight = [__m256d; 2];
    const ROOMY: bool = false;

    #[inline(always)]
    fn splat_8(self, value: f64) -> Self::Eight {
        by_token!(self, [_mm256_set1_pd(value); 2])
    }

    #[inline(always)]
    fn load_8(self, from: &[f64; 8]) -> Self::Eight {
        let from = from.as_ptr();
        // SAFETY: the token; the array is twice four numbers.
        unsafe { [_mm256_loadu_pd(from), _mm256_loadu_pd(from.add(4))] }
    }

    #[inline(always)]
    fn widen_8(self, from: &[f32; 8]) -> Self::Eight {
        let from = from.as_ptr();
        // SAFETY: the token; the array is twice four numbers.
        unsafe { [_mm256_cvtps_pd(_mm_loadu_ps(from)), _mm256_cvtps_pd(_mm_loadu_ps(from.add(4)))] }
    }

    #[inline(always)]
    fn store_8(self, [low, high]: Self::Eight, to: &mut [f64; 8]) {
        let to = to.as_mut_ptr();
        // SAFETY: the token; the array is twice four numbers.
        unsafe {
            _mm256_storeu_pd(to, low);
            _mm256_storeu_pd(to.add(4), high);
        }
    }

    #[inline(always)]
    fn add_8(self, a: Self::Eight, b: Self::Eight) -> Self::Eight {
        by_token!(self, [_mm256_add_pd(a[0], b[0]), _mm256_add_pd(a[1], b[1])])
    }

    #[inline(always)]
    fn mul_8(self, a: Self::Eight, b: Self::Eight) -> Self::Eight {
        by_token!(self, [_mm256_mul_pd(a[0], b[0]), _mm256_mul_pd(a[1], b[1])])
    }

    #[inline(always)]
    fn fold_8(self, all: [Self::Eight; 4]) -> [f64; 4] {
        let mut out = [0.0; 4];
        // SAFETY: the token; the array is 32 bytes. Of each the lower half is added to
        // the upper one, then lower halves of two, then even lanes of four to odd ones.
        unsafe {
            let [a, b, c, d] = all.map(|[low, high]| _mm256_add_pd(low, high));
            let halves = |a, b| {
                let (low, high) =
                    (_mm256_permute2f128_pd::<0x20>(a, b), _mm256_permute2f128_pd::<0x31>(a, b));
                _mm256_add_pd(low, high)
            };
            let (a, b) = (halves(a, b), halves(c, d));
            let sums = _mm256_add_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            _mm256_storeu_pd(out.as_mut_ptr(), sums);
        }
        [out[0], out[2], out[1], out[3]]
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [by_token!(self, _mm256_set1_ps(value)); 2]
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> Self::F {
        [self.load_8(from, 0), self.load_8(from, 1)]
    }

    #[inline(always)]
    fn load_f16(self, from: &[f16; 16]) -> Self::F {
        let (low, high) = (self.load_16_bit(from, 0), self.load_16_bit(from, 1));
        by_token!(self, [_mm256_cvtph_ps(low), _mm256_cvtph_ps(high)])
    }

    #[inline(always)]
    fn load_bf16(self, from: &[bf16; 16]) -> Self::F {
        let (low, high) = (self.load_16_bit(from, 0), self.load_16_bit(from, 1));
        by_token!(
            self,
            [
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(low))),
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(high))),
            ]
        )
    }

    #[inline(always)]
    fn load_part(self, from: &[f32]) -> Self::F {
        // Sixteen entries from `16 - length` on have their sign set in the first `length`
        // of them.
        static MASKS: [i32; 32] = {
            let mut masks = [0; 32];
            let mut i = 0;
            while i < 16 {
                masks[i] = -1;
                i += 1;
            }
            masks
        };
        let masks = MASKS.as_ptr().wrapping_add(16 - from.len().min(16));
        let high = from.as_ptr().wrapping_add(8);
        // SAFETY: the token; the masks lie within the table, and what is masked out is
        // not read.
        unsafe {
            [
                _mm256_maskload_ps(from.as_ptr(), _mm256_loadu_si256(masks.cast())),
                _mm256_maskload_ps(high, _mm256_loadu_si256(masks.add(8).cast())),
            ]
        }
    }

    #[inline(always)]
    fn load_part_f16(self, from: &[f16]) -> Self::F {
        self.load_f16(&padded(from, f16::ZERO))
    }

    #[inline(always)]
    fn load_part_bf16(self, from: &[bf16]) -> Self::F {
        self.load_bf16(&padded(from, bf16::ZERO))
    }

    #[inline(always)]
    fn load_bf16_pairs(self, from: &[bf16; 32]) -> [Self::F; 2] {
        let from = from.as_ptr().cast::<__m256i>();
        // SAFETY: the token; the array is 64 bytes, twice 32. A `bf16` is the upper
        // half of the same value as `f32`.
        unsafe {
            let (low, high) = (_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1)));
            let upper = _mm256_set1_epi32(0xFFFF_0000_u32 as i32);
            let even = [_mm256_slli_epi32::<16>(low), _mm256_slli_epi32::<16>(high)];
            let odd = [_mm256_and_si256(low, upper), _mm256_and_si256(high, upper)];
            [
                [_mm256_castsi256_ps(even[0]), _mm256_castsi256_ps(even[1])],
                [_mm256_castsi256_ps(odd[0]), _mm256_castsi256_ps(odd[1])],
            ]
        }
    }

    #[inline(always)]
    fn load_part_bf16_pairs(self, from: &[bf16]) -> [Self::F; 2] {
        self.load_bf16_pairs(&padded(from, bf16::ZERO))
    }

    #[inline(always)]
    fn store(self, [low, high]: Self::F, to: &mut [f32; 16]) {
        // SAFETY: the token; the array is 64 bytes.
        unsafe {
            _mm256_storeu_ps(to.as_mut_ptr(), low);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), high);
        }
    }

    #[inline(always)]
    fn store_f16(self, [low, high]: Self::F, to: &mut [f16; 16]) {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT;
        let (low, high) =
            by_token!(self, (_mm256_cvtps_ph::<NEAREST>(low), _mm256_cvtps_ph::<NEAREST>(high)));
        self.store_16_bit(low, to, 0);
        self.store_16_bit(high, to, 1);
    }

    #[inline(always)]
    fn store_bf16(self, [low, high]: Self::F, to: &mut [bf16; 16]) {
        self.store_16_bit(self.narrow_bf16(low), to, 0);
        self.store_16_bit(self.narrow_bf16(high), to, 1);
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        by_token!(self, [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        by_token!(self, [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        by_token!(self, [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])])
    }

    #[inline(always)]
    fn mul_exact_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        by_token!(self, [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])])
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        by_token!(self, {
            let magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(i32::MAX));
            [_mm256_and_ps(a[0], magnitude), _mm256_and_ps(a[1], magnitude)]
        })
    }

    #[inline(always)]
    fn max_or(self, a: Self::F, best: Self::F) -> Self::F {
        // The instruction returns its second operand where one is a
        // NaN.
        by_token!(self, [_mm256_max_ps(a[0], best[0]), _mm256_max_ps(a[1], best[1])])
    }

    #[inline(always)]
    fn count_non_finite(self, a: Self::F) -> u32 {
        let mut count = 0;
        for a in self.abs(a) {
            // As integers, the magnitudes' bits are ordered, and all
            // non-finite ones are above the largest finite.
            count += by_token!(self, {
                let largest = _mm256_set1_epi32(f32::MAX.to_bits() as i32);
                let above = _mm256_cmpgt_epi32(_mm256_castps_si256(a), largest);
                _mm256_movemask_ps(_mm256_castsi256_ps(above)).count_ones()
            });
        }
        count
    }

    #[inline(always)]
    fn fold(self, [low, high]: Self::F) -> f32 {
        fold_8(by_token!(self, _mm256_add_ps(low, high)))
    }

    #[inline(always)]
    fn fold_two_to_8(self, a: Self::F, b: Self::F) -> Self::F {
        by_token!(self, [_mm256_add_ps(a[0], a[1]), _mm256_add_ps(b[0], b[1])])
    }

    #[inline(always)]
    fn wide(self) -> Self::Wide {
        by_token!(self, [_mm256_setzero_pd(); 4])
    }

    #[inline(always)]
    fn add_wide(self, mut wide: Self::Wide, a: Self::F) -> Self::Wide {
        for (wide, a) in wide.as_chunks_mut::<2>().0.iter_mut().zip(a) {
            by_token!(self, {
                wide[0] = _mm256_add_pd(wide[0], _mm256_cvtps_pd(_mm256_castps256_ps128(a)));
                wide[1] = _mm256_add_pd(wide[1], _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(a)));
            })
        }
        wide
    }

    #[inline(always)]
    fn fold_wide(self, [a, b, c, d]: Self::Wide, paired: bool) -> f64 {
        by_token!(self, {
            if paired {
                return fold_4(_mm256_add_pd(a, b)) + fold_4(_mm256_add_pd(c, d));
            }
            fold_4(_mm256_add_pd(_mm256_add_pd(a, c), _mm256_add_pd(b, d)))
        })
    }

    #[inline(always)]
    fn fold_16(self, a: [Self::F; 16]) -> [f32; 16] {
        // Each step adds two halves of each of its registers, and so puts two registers
        // into one; where a lane ends up is undone by the order in which the sixteen are
        // taken.
        let mut eights = [a[0][0]; 16];
        for (i, eight) in eights.iter_mut().enumerate() {
            let [low, high] = a[i / 8 * 8 + i % 2 * 4 + i % 8 / 2];
            *eight = by_token!(self, _mm256_add_ps(low, high));
        }
        let mut out = [0.0; 16];
        by_token!(self, {
            let fours = in_pairs::<16, 8>(
                eights,
                #[inline(always)]
                |x, y| {
                    _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(x, y), _mm256_permute2f128_ps::<0x31>(x, y))
                },
            );
            let twos = in_pairs::<8, 4>(
                fours,
                #[inline(always)]
                |x, y| {
                    let (x, y) = (_mm256_castps_pd(x), _mm256_castps_pd(y));
                    let (low, high) = (_mm256_unpacklo_pd(x, y), _mm256_unpackhi_pd(x, y));
                    _mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high))
                },
            );
            let ones = in_pairs::<4, 2>(
                twos,
                #[inline(always)]
                |x, y| {
                    let (low, high) =
                        (_mm256_shuffle_ps::<0b10_00_10_00>(x, y), _mm256_shuffle_ps::<0b11_01_11_01>(x, y));
                    _mm256_add_ps(low, high)
                },
            );
            self.store(ones, &mut out);
        });
        out
    }

    #[inline(always)]
    fn fold_max(self, [low, high]: Self::F) -> f32 {
        by_token!(self, {
            let eight = _mm256_max_ps(low, high);
            let four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
        })
    }

    #[inline(always)]
    fn flip(self, [low, high]: Self::F, bits: u16) -> Self::F {
        by_token!(self, {
            let bits = _mm256_set1_epi32(bits.into());
            [_mm256_xor_ps(low, self.flips(bits, 0)), _mm256_xor_ps(high, self.flips(bits, 1))]
        })
    }

    #[inline(always)]
    fn cut(self, halves: Self::F) -> [i32; 16] {
        let mut out = [[0; 8]; 2];
        for (out, a) in out.iter_mut().zip(halves) {
            // SAFETY: the token; the array is 32 bytes. What does not fit becomes the
            // lowest number, whose bits are the opposite of those of the highest.
            unsafe {
                let is_number = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_ORD_Q>(a, a));
                let end = _mm256_set1_ps(2_147_483_648.0);
                let is_beyond = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_GE_OQ>(a, end));
                let cut = _mm256_xor_si256(_mm256_cvttps_epi32(a), is_beyond);
                _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm256_and_si256(cut, is_number));
            }
        }
        core::array::from_fn(|i| out[i / 8][i % 8])
    }

    #[inline(always)]
    fn divide_and_round(self, [low, high]: Self::F, by: f32) -> [i8; 16] {
        let mut out = [0; 16];
        // SAFETY: the token; the array is 16 bytes. Packing to 16 bits takes the
        // registers' halves in turn, which the permutation undoes.
        unsafe {
            let by = _mm256_set1_ps(by);
            let (low, high) = (_mm256_div_ps(low, by), _mm256_div_ps(high, by));
            let words = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
            let (low, high) = (_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(out.as_mut_ptr().cast(), _mm_packs_epi16(low, high));
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
        by_token!(self, special::dot_bytes(rows, queries, ahead))
    }

    #[inline(always)]
    fn dot_quads<const G: usize, const W: usize, const FIRST: usize, const C: usize>(
        self,
        groups: &[&[[[u8; 4]; 16]]; G],
        queries: &[[[u8; 4]; W]],
        fetch: bool,
    ) -> [[[i32; 16]; G]; C] {
        by_token!(self, special::dot_quads::<G, W, FIRST, C>(groups, queries, fetch))
    }

    #[inline(always)]
    fn dot_codes<const BITS: usize, const G: usize, const W: usize, const FIRST: usize, const C: usize>(
        self,
        groups: &[&[[u32; 16]]; G],
        queries: &[[[u8; 4]; W]],
        totals: &[[u8; 4]; W],
        fetch: bool,
    ) -> [[[i32; 16]; G]; C] {
        by_token!(self, special::dot_codes::<BITS, G, W, FIRST, C>(groups, queries, totals, fetch))
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
        by_token!(self, special::differences(groups, masks, queries, fetch, to))
    }

    #[inline(always)]
    fn prefetch<T>(self, from: &T, ahead: usize) {
        prefetch(from, ahead);
    }

    #[inline(always)]
    fn scatter(self, [low, high]: [Self::F; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        let eighths = [low[0], low[1], high[0], high[1]];
        let within = (word >> 32) as i32 & 7;
        let across = (word >> 35) as usize & 3;
        let to = to.as_flattened_mut().as_chunks_mut::<8>().0;
        let (bits, permutation) = by_token!(self, {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            (_mm256_set1_epi32(word as i32), _mm256_xor_si256(lanes, _mm256_set1_epi32(within)))
        });
        for (eighth, x) in (0..).zip(eighths) {
            let Some(to) = to.get_mut(eighth ^ across) else {
                cannot_happen!("four eighths are permuted among themselves");
                continue;
            };
            // SAFETY: the token; `to` is eight elements.
            unsafe {
                let x = _mm256_xor_ps(x, self.flips(bits, eighth as i32));
                let x = _mm256_permutevar8x32_ps(x, permutation);
                _mm256_storeu_ps(to.as_mut_ptr(), _mm256_add_ps(_mm256_loadu_ps(to.as_ptr()), x));
            }
        }
    }

    #[inline(always)]
    fn hadamard_16(self, [low, high]: Self::F) -> Self::F {
        let (low, high) = (self.hadamard_8(low), self.hadamard_8(high));
        by_token!(self, [_mm256_add_ps(low, high), _mm256_sub_ps(low, high)])
    }

    #[inline(always)]
    fn hash_state(self, first: State) -> Self::F {
        let state = |m: u64| first.ahead(m) as i64;
        by_token!(self, {
            let low = _mm256_setr_epi64x(state(0), state(1), state(2), state(3));
            let high = _mm256_setr_epi64x(state(4), state(5), state(6), state(7));
            [_mm256_castsi256_ps(low), _mm256_castsi256_ps(high)]
        })
    }

    #[inline(always)]
    fn hash_words(self, state: &mut Self::F, step: u64) -> Self::F {
        let words = [self.mix_4(state[0]), self.mix_4(state[1])];
        by_token!(self, {
            let step = _mm256_set1_epi64x(step.wrapping_mul(8) as i64);
            let [low, high] = *state;
            *state = [
                _mm256_castsi256_ps(_mm256_add_epi64(_mm256_castps_si256(low), step)),
                _mm256_castsi256_ps(_mm256_add_epi64(_mm256_castps_si256(high), step)),
            ];
        });
        words
    }

    #[inline(always)]
    fn look_up_odd<const SHIFT: u32>(self, table: Self::F, words: Self::F) -> Self::F {
        [self.look_up_8::<SHIFT>(table[0], words[0]), self.look_up_8::<SHIFT>(table[0], words[1])]
    }
}
