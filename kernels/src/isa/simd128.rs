//! WebAssembly's 128-bit vectors: the sixteen lanes are four of them, lanes 0..4, 4..8,
//! 8..12 and 12..16.
//!
//! A module either uses the instruction set or it does not, so the compiler knows and
//! nothing is detected. There are no conversions from and to `f16`: they are made of
//! integer arithmetic and one exact product. The intrinsics without pointers are safe.

use super::padded;
use super::special::BYTES_OF_BITS;
use crate::cannot_happen;
use crate::kernel::Kernel;
use crate::simd::{Distances, Simd};
use core::arch::wasm32::{
    f32x4_abs, f32x4_add, f32x4_extract_lane, f32x4_mul, f32x4_ne, f32x4_pmax, f32x4_splat, f64x2_add,
    f64x2_extract_lane, f64x2_promote_low_f32x4, i8x16, i8x16_add, i8x16_popcnt, i8x16_splat, i8x16_swizzle,
    i16x8, i16x8_mul, i16x8_splat, i32x4, i32x4_add, i32x4_bitmask, i32x4_ge, i32x4_gt, i32x4_lt, i32x4_mul,
    i32x4_shl, i32x4_shuffle, i32x4_splat, i32x4_sub, u16x8_extadd_pairwise_u8x16, u16x8_narrow_i32x4,
    u32x4_extadd_pairwise_u16x8, u32x4_extend_high_u16x8, u32x4_extend_low_u16x8, u32x4_shr, u32x4_splat,
    v128, v128_and, v128_andnot, v128_bitselect, v128_load, v128_or, v128_store, v128_xor,
};
use half::{bf16, f16};

/// Token: proof that the module uses 128-bit vectors. Made only by [`run`].
#[derive(Clone, Copy)]
pub(crate) struct Simd128(());

/// Runs a kernel with this instruction set, which every engine that has loaded the module
/// has.
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.vector(Simd128(()))
}

/// A register of each of two vectors after the other.
#[inline(always)]
fn each(a: [v128; 4], b: [v128; 4], f: impl Fn(v128, v128) -> v128) -> [v128; 4] {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

/// The sign of an `f32`.
const SIGN: i32 = i32::MIN;
/// The bits of an infinity.
const INFINITY: i32 = f32::INFINITY.to_bits() as i32;

/// Sixteen bytes, for instance four elements of 32 bits.
#[inline(always)]
fn load_16_bytes<T, const N: usize>(from: &[T; N]) -> v128 {
    const { assert!(size_of::<[T; N]>() == 16) }
    // SAFETY: the array is sixteen bytes of numbers; the instruction wants no alignment.
    unsafe { v128_load(from.as_ptr().cast()) }
}

#[inline(always)]
fn store_16_bytes<T, const N: usize>(value: v128, to: &mut [T; N]) {
    const { assert!(size_of::<[T; N]>() == 16) }
    // SAFETY: the array is sixteen bytes of numbers, for which every pattern of bits is a
    // value; the instruction wants no alignment.
    unsafe { v128_store(to.as_mut_ptr().cast(), value) }
}

/// The pieces of an array that fill a register each.
#[inline(always)]
fn pieces<T: Copy, const N: usize, const EACH: usize, const COUNT: usize>(from: &[T; N]) -> [v128; COUNT] {
    const { assert!(EACH * COUNT == N) }
    let mut registers = [i32x4_splat(0); COUNT];
    for (register, piece) in registers.iter_mut().zip(from.as_chunks::<EACH>().0) {
        *register = load_16_bytes(piece);
    }
    registers
}

#[inline(always)]
fn widen_f16(value: v128) -> [v128; 2] {
    [u32x4_extend_low_u16x8(value), u32x4_extend_high_u16x8(value)].map(|bits| {
        // Exponent and fraction at their places in an `f32`: the value is 2⁻¹¹² of what
        // is meant, exactly, also where it is subnormal; but for the largest exponent,
        // which stands for infinities and NaNs in both.
        let shifted = i32x4_shl(v128_and(bits, i32x4_splat(0x7FFF)), 13);
        let scaled = f32x4_mul(shifted, f32x4_splat(f32::from_bits((127 + 112) << 23)));
        let special = i32x4_gt(shifted, i32x4_splat(0x0F7F_FFFF));
        let sign = v128_and(i32x4_shl(bits, 16), i32x4_splat(SIGN));
        v128_or(v128_or(scaled, sign), v128_and(special, i32x4_splat(INFINITY)))
    })
}

#[inline(always)]
fn narrow_f16(low: v128, high: v128) -> v128 {
    let [low, high] = [low, high].map(|value| {
        // The exponents' biases differ by 112.
        const SMALLEST_NORMAL: i32 = 113 << 23;
        const TOO_LARGE: i32 = 143 << 23;
        // One half, whose last bit weighs as much as the last bit of a subnormal `f16`.
        const HALF: i32 = 126 << 23;
        let magnitude = v128_andnot(value, i32x4_splat(SIGN));
        // Half of the dropped bits' range is added, less one where the last kept bit is
        // even; what overflows is an infinity.
        let odd = v128_and(u32x4_shr(magnitude, 13), i32x4_splat(1));
        let rounded = i32x4_add(i32x4_add(magnitude, i32x4_splat(0xFFF - (112 << 23))), odd);
        let normal = u32x4_shr(rounded, 13);
        // One addition rounds a subnormal.
        let subnormal = i32x4_sub(f32x4_add(magnitude, i32x4_splat(HALF)), i32x4_splat(HALF));
        let nan = i32x4_gt(magnitude, i32x4_splat(INFINITY));
        let special = v128_bitselect(i32x4_splat(0x7E00), i32x4_splat(0x7C00), nan);
        let finite = v128_bitselect(subnormal, normal, i32x4_lt(magnitude, i32x4_splat(SMALLEST_NORMAL)));
        let narrow = v128_bitselect(special, finite, i32x4_ge(magnitude, i32x4_splat(TOO_LARGE)));
        v128_or(narrow, u32x4_shr(v128_and(value, i32x4_splat(SIGN)), 16))
    });
    u16x8_narrow_i32x4(low, high)
}

#[inline(always)]
fn widen_bf16(value: v128) -> [v128; 2] {
    [i32x4_shl(u32x4_extend_low_u16x8(value), 16), i32x4_shl(u32x4_extend_high_u16x8(value), 16)]
}

/// Half of the dropped bits' range is added, less one where the last kept bit is even:
/// round to nearest, ties to even. A NaN keeps its upper bits and is made quiet.
#[inline(always)]
fn narrow_bf16(low: v128, high: v128) -> v128 {
    let [low, high] = [low, high].map(|value| {
        let odd = v128_and(u32x4_shr(value, 16), i32x4_splat(1));
        let rounded = i32x4_add(value, i32x4_add(odd, i32x4_splat(0x7FFF)));
        let quiet = v128_or(value, i32x4_splat(0x40_0000));
        u32x4_shr(v128_bitselect(quiet, rounded, f32x4_ne(value, value)), 16)
    });
    u16x8_narrow_i32x4(low, high)
}

/// The byte numbers of a register, each XOR `distance`: a shuffle by table that takes
/// element *i* from *i* XOR *p*, where `distance` is *p* times the bytes of an element.
#[inline(always)]
fn exchange(distance: i8) -> v128 {
    v128_xor(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16_splat(distance))
}

#[inline(always)]
fn add_to(value: v128, to: &mut [f32; 4]) {
    store_16_bytes(f32x4_add(load_16_bytes(to), value), to);
}

/// [`Simd::scatter`] of 32 elements of 16 bits, which are flipped and shuffled before
/// they are widened: half the work.
#[inline(always)]
fn scatter_16_bit<T: Copy>(
    from: &[[T; 16]; 2],
    word: u64,
    to: &mut [[f32; 16]; 2],
    widen: impl Fn(v128) -> [v128; 2],
) {
    let [first, second] = from;
    let ([a, b], [c, d]) = (pieces::<T, 16, 8, 2>(first), pieces::<T, 16, 8, 2>(second));
    let exchange = exchange(((word >> 32) % 8 * 2) as i8);
    let across = (word >> 35) as usize % 4;
    let to = to.as_flattened_mut().as_chunks_mut::<4>().0.as_chunks_mut::<2>().0;
    for (eighth, x) in [a, b, c, d].into_iter().enumerate() {
        let Some([near, far]) = to.get_mut(eighth ^ across) else {
            cannot_happen!("four eighths are permuted among themselves");
            continue;
        };
        // Bit i of the eight that belong to these elements comes to the top of lane i: a
        // shift to the left by 15 − i.
        let bits = i16x8_splat((word >> (8 * eighth)) as i16);
        let top =
            i16x8_mul(bits, i16x8(i16::MIN, 1 << 14, 1 << 13, 1 << 12, 1 << 11, 1 << 10, 1 << 9, 1 << 8));
        let flipped = v128_xor(x, v128_and(top, i16x8_splat(i16::MIN)));
        let [low, high] = widen(i8x16_swizzle(flipped, exchange));
        add_to(low, near);
        add_to(high, far);
    }
}

impl Simd for Simd128 {
    type F = [v128; 4];
    type Wide = [v128; 8];
    const ROOMY: bool = false;

    crate::simd::eight_in_an_array!();

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [f32x4_splat(value); 4]
    }

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> Self::F {
        pieces::<f32, 16, 4, 4>(from)
    }

    #[inline(always)]
    fn load_f16(self, from: &[f16; 16]) -> Self::F {
        let [low, high] = pieces::<f16, 16, 8, 2>(from);
        let ([a, b], [c, d]) = (widen_f16(low), widen_f16(high));
        [a, b, c, d]
    }

    #[inline(always)]
    fn load_bf16(self, from: &[bf16; 16]) -> Self::F {
        let [low, high] = pieces::<bf16, 16, 8, 2>(from);
        let ([a, b], [c, d]) = (widen_bf16(low), widen_bf16(high));
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
        // A `bf16` is the upper half of the same value as `f32`.
        let pairs = pieces::<bf16, 32, 8, 4>(from);
        [pairs.map(|x| i32x4_shl(x, 16)), pairs.map(|x| v128_and(x, i32x4_splat(0xFFFF_0000_u32 as i32)))]
    }

    #[inline(always)]
    fn load_part_bf16_pairs(self, from: &[bf16]) -> [Self::F; 2] {
        self.load_bf16_pairs(&padded(from, bf16::ZERO))
    }

    #[inline(always)]
    fn store(self, value: Self::F, to: &mut [f32; 16]) {
        for (value, to) in value.into_iter().zip(to.as_chunks_mut::<4>().0) {
            store_16_bytes(value, to);
        }
    }

    #[inline(always)]
    fn store_f16(self, [a, b, c, d]: Self::F, to: &mut [f16; 16]) {
        for (value, to) in [narrow_f16(a, b), narrow_f16(c, d)].into_iter().zip(to.as_chunks_mut::<8>().0) {
            store_16_bytes(value, to);
        }
    }

    #[inline(always)]
    fn store_bf16(self, [a, b, c, d]: Self::F, to: &mut [bf16; 16]) {
        for (value, to) in [narrow_bf16(a, b), narrow_bf16(c, d)].into_iter().zip(to.as_chunks_mut::<8>().0) {
            store_16_bytes(value, to);
        }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        each(a, b, |a, b| f32x4_add(a, b))
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        each(a, b, |a, b| f32x4_mul(a, b))
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        a.map(|a| f32x4_abs(a))
    }

    #[inline(always)]
    fn max_or(self, a: Self::F, best: Self::F) -> Self::F {
        // The "pseudo-maximum" is its second operand where the first is less, and else
        // the first: also where the second is a NaN.
        each(a, best, |a, best| f32x4_pmax(best, a))
    }

    #[inline(always)]
    fn count_non_finite(self, a: Self::F) -> u32 {
        let mut count = 0;
        for a in self.abs(a) {
            // As integers, the magnitudes' bits are ordered, and all non-finite ones are
            // above the largest finite.
            count += i32x4_bitmask(i32x4_gt(a, i32x4_splat(f32::MAX.to_bits() as i32))).count_ones();
        }
        count
    }

    #[inline(always)]
    fn fold(self, [a, b, c, d]: Self::F) -> f32 {
        let four = f32x4_add(f32x4_add(a, c), f32x4_add(b, d));
        let two = f32x4_add(four, i32x4_shuffle::<2, 3, 2, 3>(four, four));
        f32x4_extract_lane::<0>(two) + f32x4_extract_lane::<1>(two)
    }

    #[inline(always)]
    fn fold_two_to_8(self, a: Self::F, b: Self::F) -> Self::F {
        [f32x4_add(a[0], a[2]), f32x4_add(a[1], a[3]), f32x4_add(b[0], b[2]), f32x4_add(b[1], b[3])]
    }

    #[inline(always)]
    fn wide(self) -> Self::Wide {
        [i32x4_splat(0); 8]
    }

    #[inline(always)]
    fn add_wide(self, mut wide: Self::Wide, a: Self::F) -> Self::Wide {
        for (wide, a) in wide.as_chunks_mut::<2>().0.iter_mut().zip(a) {
            let upper = i32x4_shuffle::<2, 3, 2, 3>(a, a);
            wide[0] = f64x2_add(wide[0], f64x2_promote_low_f32x4(a));
            wide[1] = f64x2_add(wide[1], f64x2_promote_low_f32x4(upper));
        }
        wide
    }

    #[inline(always)]
    fn fold_wide(self, [a, b, c, d, e, f, g, h]: Self::Wide, paired: bool) -> f64 {
        let ends = |two| f64x2_extract_lane::<0>(two) + f64x2_extract_lane::<1>(two);
        if paired {
            let even = f64x2_add(f64x2_add(a, c), f64x2_add(b, d));
            let odd = f64x2_add(f64x2_add(e, g), f64x2_add(f, h));
            return ends(even) + ends(odd);
        }
        let (ae, cg) = (f64x2_add(a, e), f64x2_add(c, g));
        let (bf, dh) = (f64x2_add(b, f), f64x2_add(d, h));
        ends(f64x2_add(f64x2_add(ae, cg), f64x2_add(bf, dh)))
    }

    #[inline(always)]
    fn fold_max(self, [a, b, c, d]: Self::F) -> f32 {
        let four = f32x4_pmax(f32x4_pmax(a, b), f32x4_pmax(c, d));
        let two = f32x4_pmax(four, i32x4_shuffle::<2, 3, 2, 3>(four, four));
        let one = f32x4_pmax(two, i32x4_shuffle::<1, 1, 1, 1>(two, two));
        f32x4_extract_lane::<0>(one)
    }

    #[inline(always)]
    fn differences<const W: usize>(
        self,
        groups: &[[u32; 16]],
        masks: &[u32],
        queries: &[[u32; W]],
        _fetch: bool,
        mut to: Distances<'_>,
    ) {
        let mut out = [[0; 16]; W];
        for (g, group) in groups.chunks_exact(masks.len().max(1)).enumerate() {
            for quarter in 0..4 {
                let mut totals = [i32x4_splat(0); W];
                let some = masks.chunks(BYTES_OF_BITS).zip(queries.chunks(BYTES_OF_BITS));
                for (rows, (masks, queries)) in group.chunks(BYTES_OF_BITS).zip(some) {
                    let mut counts = [i8x16_splat(0); W];
                    for (rows, (mask, queries)) in rows.iter().zip(masks.iter().zip(queries)) {
                        let Some(rows) = rows.as_chunks::<4>().0.get(quarter) else {
                            cannot_happen!("sixteen rows are four times four");
                            continue;
                        };
                        let rows = v128_and(load_16_bytes(rows), u32x4_splat(*mask));
                        for (count, q) in counts.iter_mut().zip(queries) {
                            *count = i8x16_add(*count, i8x16_popcnt(v128_xor(rows, u32x4_splat(*q))));
                        }
                    }
                    for (total, count) in totals.iter_mut().zip(counts) {
                        let fours = u32x4_extadd_pairwise_u16x8(u16x8_extadd_pairwise_u8x16(count));
                        *total = i32x4_add(*total, fours);
                    }
                }
                for (out, total) in out.iter_mut().zip(totals) {
                    if let Some(to) = out.as_chunks_mut::<4>().0.get_mut(quarter) {
                        store_16_bytes(total, to);
                    }
                }
            }
            for (q, out) in out.iter().enumerate() {
                to.put(g, q, out);
            }
        }
    }

    /// There is no such instruction.
    #[inline(always)]
    fn prefetch<T>(self, _from: &T, _ahead: usize) {}

    #[inline(always)]
    fn scatter(self, [low, high]: [Self::F; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        let quarters = [low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]];
        let exchange = exchange(((word >> 32) % 4 * 4) as i8);
        let across = (word >> 34) as usize % 8;
        let to = to.as_flattened_mut().as_chunks_mut::<4>().0;
        // Bit 4·q + i comes to bit 4·q + 3 of lane i: a shift to the left by 3 − i.
        let bits = i32x4_mul(i32x4_splat(word as i32), i32x4(8, 4, 2, 1));
        for (quarter, x) in quarters.into_iter().enumerate() {
            let Some(to) = to.get_mut(quarter ^ across) else {
                cannot_happen!("eight quarters are permuted among themselves");
                continue;
            };
            let flips = v128_and(i32x4_shl(bits, 28 - 4 * quarter as u32), i32x4_splat(SIGN));
            add_to(i8x16_swizzle(v128_xor(x, flips), exchange), to);
        }
    }

    #[inline(always)]
    fn scatter_f16(self, from: &[[f16; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        scatter_16_bit(from, word, to, widen_f16);
    }

    #[inline(always)]
    fn scatter_bf16(self, from: &[[bf16; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        scatter_16_bit(from, word, to, widen_bf16);
    }
}
