//! The number formats that a gradient may come in.

use crate::cannot_happen;
use crate::simd::Simd;
use half::{bf16, f16};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for half::f16 {}
    impl Sealed for half::bf16 {}
}

/// A gradient entry: `f32`, [`struct@f16`] or [`bf16`]. The two small formats widen
/// exactly, then take the `f32` path.
///
/// The trait is sealed; its hidden methods are the format's vector
/// operations.
///
/// ```
/// use gradsieve_kernels::Element;
///
/// fn sum<T: Element>(gradient: &[T]) -> f32 {
///     gradient.iter().map(|entry| entry.widen()).sum()
/// }
/// assert_eq!(sum(&[0.5_f32, 0.25]), 0.75);
/// assert_eq!(sum(&[half::f16::narrow(0.5), half::f16::narrow(0.25)]), 0.75);
/// ```
pub trait Element: sealed::Sealed + Copy + PartialEq + core::fmt::Debug + 'static {
    /// Zero.
    const ZERO: Self;
    /// The format's name, as NumPy writes it where NumPy has it.
    const NAME: &'static str;

    /// The same value as `f32`; exact.
    fn widen(self) -> f32;

    /// The nearest value of this format, ties to even; overflow gives an infinity.
    fn narrow(value: f32) -> Self;

    /// [`Element::widen`] of several at once, where that is cheaper.
    #[doc(hidden)]
    #[inline(always)]
    fn widen_8(from: &[Self; 8]) -> [f32; 8] {
        from.map(Self::widen)
    }

    #[doc(hidden)]
    #[allow(private_bounds, private_interfaces)]
    fn load<S: Simd>(s: S, from: &[Self; 16]) -> S::F;

    #[doc(hidden)]
    #[allow(private_bounds, private_interfaces)]
    fn load_part<S: Simd>(s: S, from: &[Self]) -> S::F;

    /// Whether [`Element::load_32`] can load elements of even places apart from those of
    /// odd places, and is faster so.
    #[doc(hidden)]
    const PAIRED: bool = false;

    /// 32 elements: in order, or, if `paired` and the format is, even places first.
    #[doc(hidden)]
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load_32<S: Simd>(s: S, from: &[Self; 32], _paired: bool) -> [S::F; 2] {
        let mut lanes = [s.splat(0.0); 2];
        for (lane, from) in lanes.iter_mut().zip(from.as_chunks().0) {
            *lane = Self::load(s, from);
        }
        lanes
    }

    /// [`Element::load_32`] of at most 32 elements, with zeros behind.
    #[doc(hidden)]
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load_part_32<S: Simd>(s: S, from: &[Self], _paired: bool) -> [S::F; 2] {
        let (low, high) = from.split_at(from.len().min(16));
        [Self::load_part(s, low), Self::load_part(s, high)]
    }

    #[doc(hidden)]
    #[allow(private_bounds, private_interfaces)]
    fn store<S: Simd>(s: S, value: S::F, to: &mut [Self; 16]);

    #[doc(hidden)]
    #[allow(private_bounds, private_interfaces)]
    fn scatter<S: Simd>(s: S, from: &[[Self; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]);

    /// Whether a product of two values of this format is always exact in `f32`, so that a
    /// fused multiply–add gives the bits of multiply, then add.
    ///
    /// `f16 · f16` has 22 bits and an exponent that fits. `bf16 · bf16` has 16 bits, but
    /// its exponent can leave the range of `f32`: fused, such a product would not be
    /// rounded to a subnormal or to an infinity first.
    #[doc(hidden)]
    const EXACT_SQUARE: bool = false;
}

impl Element for f32 {
    const ZERO: Self = 0.0;
    const NAME: &'static str = "float32";
    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }
    #[inline(always)]
    fn narrow(value: f32) -> Self {
        value
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load<S: Simd>(s: S, from: &[Self; 16]) -> S::F {
        s.load(from)
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load_part<S: Simd>(s: S, from: &[Self]) -> S::F {
        s.load_part(from)
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn store<S: Simd>(s: S, value: S::F, to: &mut [Self; 16]) {
        s.store(value, to);
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn scatter<S: Simd>(s: S, from: &[[Self; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        s.scatter([s.load(&from[0]), s.load(&from[1])], word, to);
    }
}

impl Element for f16 {
    const ZERO: Self = f16::ZERO;
    const NAME: &'static str = "float16";
    const EXACT_SQUARE: bool = true;
    #[inline(always)]
    fn widen(self) -> f32 {
        // The sign, and exponent and mantissa in the places that f32 has for them.
        let moved = (i32::from(self.to_bits().cast_signed()) << 13).cast_unsigned() & 0x8FFF_E000;
        if moved & 0x0F80_0000 == 0x0F80_0000 {
            return f32::from_bits(moved | 0x7F80_0000);
        }
        // That is 2⁻¹¹² of the value, for the exponents' biases are 15 and 127;
        // subnormals too, so the product is exact.
        f32::from_bits(moved) * f32::from_bits((127 + 112) << 23)
    }
    /// Two in a word, and one look for infinities and NaNs in all eight: adding 1 to an
    /// exponent of 31 carries into the sign's place.
    #[inline(always)]
    fn widen_8(from: &[Self; 8]) -> [f32; 8] {
        const MOVED: u32 = 0x8FFF_E000;
        let scale = f32::from_bits((127 + 112) << 23);
        let mut wide = [0.0; 8];
        let mut carries = 0;
        for (wide, from) in wide.as_chunks_mut::<2>().0.iter_mut().zip(from.as_chunks::<2>().0) {
            let [low, high] = from.map(|half| u32::from(half.to_bits()));
            let word = low | high << 16;
            carries |= (word & 0x7C00_7C00) + 0x0400_0400;
            let moved = [word << 16, word].map(|word| (word.cast_signed() >> 3).cast_unsigned() & MOVED);
            *wide = moved.map(|bits| f32::from_bits(bits) * scale);
        }
        if carries & 0x8000_8000 != 0 { from.map(Self::widen) } else { wide }
    }
    #[inline(always)]
    fn narrow(value: f32) -> Self {
        f16::from_f32(value)
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load<S: Simd>(s: S, from: &[Self; 16]) -> S::F {
        s.load_f16(from)
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load_part<S: Simd>(s: S, from: &[Self]) -> S::F {
        s.load_part_f16(from)
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn store<S: Simd>(s: S, value: S::F, to: &mut [Self; 16]) {
        s.store_f16(value, to);
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn scatter<S: Simd>(s: S, from: &[[Self; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        s.scatter_f16(from, word, to);
    }
}

impl Element for bf16 {
    const ZERO: Self = bf16::ZERO;
    const NAME: &'static str = "bfloat16";
    const PAIRED: bool = true;
    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
    #[inline(always)]
    fn narrow(value: f32) -> Self {
        bf16::from_f32(value)
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load<S: Simd>(s: S, from: &[Self; 16]) -> S::F {
        s.load_bf16(from)
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load_part<S: Simd>(s: S, from: &[Self]) -> S::F {
        s.load_part_bf16(from)
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load_32<S: Simd>(s: S, from: &[Self; 32], paired: bool) -> [S::F; 2] {
        if paired {
            return s.load_bf16_pairs(from);
        }
        let [low, high] = from.as_chunks().0 else {
            cannot_happen!("32 are twice sixteen");
            return [s.splat(0.0); 2];
        };
        [s.load_bf16(low), s.load_bf16(high)]
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn load_part_32<S: Simd>(s: S, from: &[Self], paired: bool) -> [S::F; 2] {
        if paired {
            return s.load_part_bf16_pairs(from);
        }
        let (low, high) = from.split_at(from.len().min(16));
        [s.load_part_bf16(low), s.load_part_bf16(high)]
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn store<S: Simd>(s: S, value: S::F, to: &mut [Self; 16]) {
        s.store_bf16(value, to);
    }
    #[inline(always)]
    #[allow(private_bounds, private_interfaces)]
    fn scatter<S: Simd>(s: S, from: &[[Self; 16]; 2], word: u64, to: &mut [[f32; 16]; 2]) {
        s.scatter_bf16(from, word, to);
    }
}
