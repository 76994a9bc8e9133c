//! NEON on 64-bit Arm: the sixteen lanes are four registers, lanes 0..4, 4..8, 8..12 and
//! 12..16.
//!
//! NEON is part of the baseline of these targets, and so are its conversions from and to
//! `f16`: the compiler knows, and nothing is detected. Arithmetic is IEEE's, subnormals
//! included, while FPCR has its default value. The conversions are written as assembly:
//! their intrinsics would need Rust 1.94.

use super::padded;
use super::special::BYTES_OF_BITS;
use crate::cannot_happen;
use crate::kernel::Kernel;
use crate::simd::{Distances, Simd};
use core::arch::aarch64::{
    float32x4_t, float64x2_t, int32x4_t, uint8x16_t, uint16x8_t, uint32x4_t, vabsq_f32, vadd_f32, vaddq_f32,
    vaddq_f64, vaddq_s32, vaddq_u8, vaddq_u32, vaddv_f32, vaddvq_f64, vaddvq_s32, vandq_u16, vandq_u32,
    vbslq_f32, vbslq_u32, vceqq_f32, vcgtq_f32, vcgtq_u32, vcntq_u8, vcombine_u16, vcvt_f64_f32,
    vcvt_high_f64_f32, vdupq_n_f32, vdupq_n_f64, vdupq_n_s32, vdupq_n_u8, vdupq_n_u16, vdupq_n_u32, veorq_u8,
    veorq_u16, veorq_u32, vfmaq_f32, vget_high_f32, vget_high_u16, vget_low_f32, vget_low_u16, vld1q_f32,
    vld1q_s16, vld1q_s32, vld1q_u8, vld1q_u16, vld1q_u32, vmaxq_f32, vmaxvq_f32, vmulq_f32, vorrq_u32,
    vpadalq_u16, vpaddlq_u8, vqtbl1q_u8, vreinterpretq_f32_u8, vreinterpretq_f32_u32, vreinterpretq_s32_u32,
    vreinterpretq_u8_u16, vreinterpretq_u8_u32, vreinterpretq_u16_u8, vreinterpretq_u32_f32,
    vreinterpretq_u32_u16, vshll_high_n_u16, vshll_n_u16, vshlq_n_u32, vshlq_u16, vshlq_u32, vshrn_n_u32,
    vshrq_n_u32, vst1q_f32, vst1q_u16, vst1q_u32,
};
use core::arch::asm;
use half::{bf16, f16};

/// Token: proof that the machine has NEON. Made only by [`run`].
#[derive(Clone, Copy)]
pub(crate) struct Neon(());

/// Runs a kernel with this instruction set, which every machine of this target has.
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.vector(Neon(()))
}

/// A register of each of two vectors after the other.
#[inline(always)]
fn each<A: Copy, B: Copy, C>(a: [A; 4], b: [B; 4], f: impl Fn(A, B) -> C) -> [C; 4] {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

impl Neon {
    /// Eight elements of 16 bits: those from 8·`eighth` on.
    #[inline(always)]
    fn load_8<T, const N: usize>(self, from: &[T; N], eighth: usize) -> uint16x8_t {
        const { assert!(size_of::<T>() == 2) }
        // SAFETY: the token; in every call 8·`eighth` + 8 is at most `N`.
        unsafe { vld1q_u16(from.as_ptr().add(8 * eighth).cast()) }
    }

    #[inline(always)]
    fn store_8<T>(self, value: uint16x8_t, to: &mut [T; 16], half: usize) {
        const { assert!(size_of::<T>() == 2) }
        // SAFETY: the token; `half` is 0 or 1 in every call, so that eight elements of
        // 16 bits lie behind 8·half.
        unsafe { vst1q_u16(to.as_mut_ptr().add(8 * half).cast(), value) }
    }

    #[inline(always)]
    fn widen_f16(self, value: uint16x8_t) -> [float32x4_t; 2] {
        crate::simd::is_token(self);
        let (low, high): (float32x4_t, float32x4_t);
        // SAFETY: the token; they read and write registers alone.
        unsafe {
            asm!(
                "fcvtl {to:v}.4s, {from:v}.4h",
                to = lateout(vreg) low,
                from = in(vreg) value,
                options(pure, nomem, nostack, preserves_flags),
            );
            asm!(
                "fcvtl2 {to:v}.4s, {from:v}.8h",
                to = lateout(vreg) high,
                from = in(vreg) value,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        [low, high]
    }

    #[inline(always)]
    fn widen_bf16(self, value: uint16x8_t) -> [float32x4_t; 2] {
        by_token!(
            self,
            [
                vreinterpretq_f32_u32(vshll_n_u16::<16>(vget_low_u16(value))),
                vreinterpretq_f32_u32(vshll_high_n_u16::<16>(value)),
            ]
        )
    }

    #[inline(always)]
    fn narrow_f16(self, low: float32x4_t, high: float32x4_t) -> uint16x8_t {
        crate::simd::is_token(self);
        let mut both: uint16x8_t;
        // SAFETY: the token; they read and write registers alone. They round as FPCR
        // says: to nearest, ties to even.
        unsafe {
            asm!(
                "fcvtn {to:v}.4h, {from:v}.4s",
                to = lateout(vreg) both,
                from = in(vreg) low,
                options(pure, nomem, nostack, preserves_flags),
            );
            asm!(
                "fcvtn2 {to:v}.8h, {from:v}.4s",
                to = inlateout(vreg) both,
                from = in(vreg) high,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        both
    }

    #[inline(always)]
    fn narrow_bf16(self, low: float32x4_t, high: float32x4_t) -> uint16x8_t {
        // Half of the dropped bits' range is added, less one where
        // the last kept bit is even: round to nearest, ties to even. A NaN keeps its
        // upper bits and is made quiet.
        by_token!(self, {
            let [low, high] = [low, high].map(|value| {
                let bits = vreinterpretq_u32_f32(value);
                let odd = vandq_u32(vshrq_n_u32::<16>(bits), vdupq_n_u32(1));
                let rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7FFF)));
                let quiet = vorrq_u32(bits, vdupq_n_u32(0x40_0000));
                vshrn_n_u32::<16>(vbslq_u32(vceqq_f32(value, value), rounded, quiet))
            });
            vcombine_u16(low, high)
        })
    }

    /// The byte numbers of a register, each XOR `distance`: a shuffle by table that takes
    /// element *i* from *i* XOR *p*, where `distance` is *p* times the bytes of an
    /// element.
    #[inline(always)]
    fn exchange(self, distance: u8) -> uint8x16_t {
        static BYTES: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        // SAFETY: the token; the table has sixteen bytes.
        unsafe { veorq_u8(vld1q_u8(BYTES.as_ptr()), vdupq_n_u8(distance)) }
    }

    #[inline(always)]
    fn add_to(self, value: float32x4_t, to: &mut [f32; 4]) {
        // SAFETY: the token; `to` is sixteen bytes.
        unsafe { vst1q_f32(to.as_mut_ptr(), vaddq_f32(vld1q_f32(to.as_ptr()), value)) }
    }

    /// [`Simd::scatter`] of 32 elements of 16 bits, which are flipped and shuffled before
    /// they are widened: half the work.
    #[inline(always)]
    fn scatter_16_bit<T>(
        self,
        from: &[[T; 16]; 2],
        word: u64,
        to: &mut [[f32; 16]; 2],
        widen: impl Fn(uint16x8_t) -> [float32x4_t; 2],
    ) {
        static TO_THE_TOP: [i16; 8] = [15, 14, 13, 12, 11, 10, 9, 8];
        let [first, second] = from;
        let eighths =
            [self.load_8(first, 0), self.load_8(first, 1), self.load_8(second, 0), self.load_8(second, 1)];
        let exchange = self.exchange((word >> 32) as u8 % 8 * 2);
        let across = (word >> 35) as usize % 4;
        let to = to.as_flattened_mut().as_chunks_mut::<4>().0.as_chunks_mut::<2>().0;
        for (eighth, x) in eighths.into_iter().enumerate() {
            let Some([near, far]) = to.get_mut(eighth ^ across) else {
                cannot_happen!("four eighths are permuted among themselves");
                continue;
            };
            // SAFETY: the token; the table has eight entries. Bit i of the eight that
            // belong to these elements comes to the top of lane i.
            let x = unsafe {
                let bits = vdupq_n_u16((word >> (8 * eighth)) as u16);
                let flips = vandq_u16(vshlq_u16(bits, vld1q_s16(TO_THE_TOP.as_ptr())), vdupq_n_u16(0x8000));
                vreinterpretq_u16_u8(vqtbl1q_u8(vreinterpretq_u8_u16(veorq_u16(x, flips)), exchange))
            };
            let [low, high] = widen(x);
            self.add_to(low, near);
            self.add_to(high, far);
        }
    }
}

impl Simd for Neon {
    type F = [float32x4_t; 4];
    type Wide = [float64x2_t; 8];
    const ROOMY: bool = false;

    crate::simd::eight_in_an_array!();

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [by_token!(self, vdupq_n_f32(value)); 4]
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> Self::F {
        let from = from.as_ptr();
        // SAFETY: the token; the array is four times four elements.
        unsafe { [vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))] }
    }

    #[inline(always)]
    fn load_f16(self, from: &[f16; 16]) -> Self::F {
        let [a, b] = self.widen_f16(self.load_8(from, 0));
        let [c, d] = self.widen_f16(self.load_8(from, 1));
        [a, b, c, d]
    }

    #[inline(always)]
    fn load_bf16(self, from: &[bf16; 16]) -> Self::F {
        let [a, b] = self.widen_bf16(self.load_8(from, 0));
        let [c, d] = self.widen_bf16(self.load_8(from, 1));
        [a, b, c, d]
    }

    #[inline(always)]
    fn load_part(self, from: &[f32]) -> Self::F {
        self.load(&padded(from, 0.0))
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
        let pairs = [0, 1, 2, 3].map(|eighth| self.load_8(from, eighth));
        // A `bf16` is the upper half of the same value as `f32`.
        let even = pairs
            .map(|x| by_token!(self, vreinterpretq_f32_u32(vshlq_n_u32::<16>(vreinterpretq_u32_u16(x)))));
        let odd = pairs.map(|x| {
            by_token!(
                self,
                vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u16(x), vdupq_n_u32(0xFFFF_0000)))
            )
        });
        [even, odd]
    }

    #[inline(always)]
    fn load_part_bf16_pairs(self, from: &[bf16]) -> [Self::F; 2] {
        self.load_bf16_pairs(&padded(from, bf16::ZERO))
    }

    #[inline(always)]
    fn store(self, [a, b, c, d]: Self::F, to: &mut [f32; 16]) {
        let to = to.as_mut_ptr();
        // SAFETY: the token; the array is four times four elements.
        unsafe {
            vst1q_f32(to, a);
            vst1q_f32(to.add(4), b);
            vst1q_f32(to.add(8), c);
            vst1q_f32(to.add(12), d);
        }
    }

    #[inline(always)]
    fn store_f16(self, [a, b, c, d]: Self::F, to: &mut [f16; 16]) {
        self.store_8(self.narrow_f16(a, b), to, 0);
        self.store_8(self.narrow_f16(c, d), to, 1);
    }

    #[inline(always)]
    fn store_bf16(self, [a, b, c, d]: Self::F, to: &mut [bf16; 16]) {
        self.store_8(self.narrow_bf16(a, b), to, 0);
        self.store_8(self.narrow_bf16(c, d), to, 1);
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        each(a, b, |a, b| by_token!(self, vaddq_f32(a, b)))
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        each(a, b, |a, b| by_token!(self, vmulq_f32(a, b)))
    }

    #[inline(always)]
    fn mul_exact_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        by_token!(
            self,
            [
                vfmaq_f32(c[0], a[0], b[0]),
                vfmaq_f32(c[1], a[1], b[1]),
                vfmaq_f32(c[2], a[2], b[2]),
                vfmaq_f32(c[3], a[3], b[3]),
            ]
        )
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        a.map(|a| by_token!(self, vabsq_f32(a)))
    }

    #[inline(always)]
    fn max_or(self, a: Self::F, best: Self::F) -> Self::F {
        // Not the instruction for a maximum that passes over NaNs: it returns a NaN for a
        // signalling one.
        each(a, best, |a, best| by_token!(self, vbslq_f32(vcgtq_f32(a, best), a, best)))
    }

    #[inline(always)]
    fn count_non_finite(self, a: Self::F) -> u32 {
        // As integers, the magnitudes' bits are ordered, and all non-finite ones are
        // above the largest finite.
        let above = self.abs(a).map(|a| {
            let above: uint32x4_t =
                by_token!(self, vcgtq_u32(vreinterpretq_u32_f32(a), vdupq_n_u32(f32::MAX.to_bits())));
            // All bits set is −1.
            let minus_one: int32x4_t = by_token!(self, vreinterpretq_s32_u32(above));
            minus_one
        });
        let minus = by_token!(
            self,
            vaddvq_s32(vaddq_s32(vaddq_s32(above[0], above[1]), vaddq_s32(above[2], above[3])))
        );
        minus.unsigned_abs()
    }

    #[inline(always)]
    fn fold(self, [a, b, c, d]: Self::F) -> f32 {
        by_token!(self, {
            let four = vaddq_f32(vaddq_f32(a, c), vaddq_f32(b, d));
            vaddv_f32(vadd_f32(vget_low_f32(four), vget_high_f32(four)))
        })
    }

    #[inline(always)]
    fn fold_two_to_8(self, a: Self::F, b: Self::F) -> Self::F {
        by_token!(
            self,
            [vaddq_f32(a[0], a[2]), vaddq_f32(a[1], a[3]), vaddq_f32(b[0], b[2]), vaddq_f32(b[1], b[3])]
        )
    }

    #[inline(always)]
    fn wide(self) -> Self::Wide {
        by_token!(self, [vdupq_n_f64(0.0); 8])
    }

    #[inline(always)]
    fn add_wide(self, mut wide: Self::Wide, a: Self::F) -> Self::Wide {
        for (wide, a) in wide.as_chunks_mut::<2>().0.iter_mut().zip(a) {
            by_token!(self, {
                wide[0] = vaddq_f64(wide[0], vcvt_f64_f32(vget_low_f32(a)));
                wide[1] = vaddq_f64(wide[1], vcvt_high_f64_f32(a));
            })
        }
        wide
    }

    #[inline(always)]
    fn fold_wide(self, [a, b, c, d, e, f, g, h]: Self::Wide, paired: bool) -> f64 {
        by_token!(self, {
            if paired {
                let even = vaddq_f64(vaddq_f64(a, c), vaddq_f64(b, d));
                let odd = vaddq_f64(vaddq_f64(e, g), vaddq_f64(f, h));
                return vaddvq_f64(even) + vaddvq_f64(odd);
            }
            let (ae, cg) = (vaddq_f64(a, e), vaddq_f64(c, g));
            let (bf, dh) = (vaddq_f64(b, f), vaddq_f64(d, h));
            vaddvq_f64(vaddq_f64(vaddq_f64(ae, cg), vaddq_f64(bf, dh)))
        })
    }

    #[inline(always)]
    fn fold_max(self, [a, b, c, d]: Self::F) -> f32 {
        by_token!(self, vmaxvq_f32(vmaxq_f32(vmaxq_f32(a, b), vmaxq_f32(c, d))))
    }

    #[inline(always)]
    fn differences<const W: usize>(
        self,
        groups: &[[u32; 16]],
        masks: &[u32],
        queries: &[[u32; W]],
        fetch: bool,
        mut to: Distances<'_>,
    ) {
        let mut out = [[0; 16]; W];
        for (g, group) in groups.chunks_exact(masks.len().max(1)).enumerate() {
            for quarter in 0..4 {
                let mut totals = [by_token!(self, vdupq_n_u32(0)); W];
                let some = masks.chunks(BYTES_OF_BITS).zip(queries.chunks(BYTES_OF_BITS));
                for (rows, (masks, queries)) in group.chunks(BYTES_OF_BITS).zip(some) {
                    let mut counts = [by_token!(self, vdupq_n_u8(0)); W];
                    for (rows, (mask, queries)) in rows.iter().zip(masks.iter().zip(queries)) {
                        if fetch && quarter == 0 {
                            self.prefetch(rows, 4096);
                        }
                        // SAFETY: the token; 64 bytes, four times 16.
                        let rows = unsafe {
                            let rows = vld1q_u32(rows.as_ptr().add(4 * quarter));
                            vandq_u32(rows, vdupq_n_u32(*mask))
                        };
                        for (count, q) in counts.iter_mut().zip(queries) {
                            *count = by_token!(self, {
                                let differ = veorq_u32(rows, vdupq_n_u32(*q));
                                vaddq_u8(*count, vcntq_u8(vreinterpretq_u8_u32(differ)))
                            });
                        }
                    }
                    for (total, count) in totals.iter_mut().zip(counts) {
                        *total = by_token!(self, vpadalq_u16(*total, vpaddlq_u8(count)));
                    }
                }
                for (out, total) in out.iter_mut().zip(totals) {
                    // SAFETY: the token; 64 bytes, four times 16.
                    unsafe { vst1q_u32(out.as_mut_ptr().add(4 * quarter), total) };
                }
            }
            for (q, out) in out.iter().enumerate() {
                to.put(g, q, out);
            }
        }
    }

    #[inline(always)]
    fn prefetch<T>(self, from: &T, ahead: usize) {
        let start = core::ptr::from_ref(from).cast::<u8>();
        let mut line = 0;
        while line < size_of::<T>() {
            // SAFETY: a prefetch reads nothing that the program can see and never faults,
            // whatever the address.
            unsafe {
                core::arch::asm!(
                    "prfm pldl1keep, [{address}]",
                    address = in(reg) start.wrapping_add(ahead + line).addr(),
                    options(nomem, nostack, preserves_flags),
                );
            }
            line += 64;
        }
    }

    #[inline(always)]
    fn scatter(self, [low, high]: [Self::F; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        static TO_THE_NEXT_FOURTH: [i32; 4] = [3, 2, 1, 0];
        let quarters = [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]];
        let exchange = self.exchange((word >> 32) as u8 % 4 * 4);
        let across = (word >> 34) as usize % 8;
        let to = to.as_flattened_mut().as_chunks_mut::<4>().0;
        // SAFETY: the token; the table has four entries. Bit 4·q + i comes to bit 4·q +
        // 3 of lane i.
        let bits = unsafe { vshlq_u32(vdupq_n_u32(word as u32), vld1q_s32(TO_THE_NEXT_FOURTH.as_ptr())) };
        for (quarter, x) in quarters.into_iter().enumerate() {
            let Some(to) = to.get_mut(quarter ^ across) else {
                cannot_happen!("eight quarters are permuted among themselves");
                continue;
            };
            let x = by_token!(self, {
                let top = vshlq_u32(bits, vdupq_n_s32(28 - 4 * quarter as i32));
                let flipped = veorq_u32(vreinterpretq_u32_f32(x), vandq_u32(top, vdupq_n_u32(1 << 31)));
                vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_u32(flipped), exchange))
            });
            self.add_to(x, to);
        }
    }

    #[inline(always)]
    fn scatter_f16(self, from: &[[f16; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        self.scatter_16_bit(from, word, to, |x| self.widen_f16(x));
    }

    #[inline(always)]
    fn scatter_bf16(self, from: &[[bf16; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        self.scatter_16_bit(from, word, to, |x| self.widen_bf16(x));
    }
}
