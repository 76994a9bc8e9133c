//! How a row of K numbers is stored.
//!
//! | codec | bytes a row of K numbers | scale, bytes | a value is off by at most | a score is that of |
//! |---|---|---|---|---|
//! | `f32` | 4K | – | 0 | the row |
//! | `f16` | 2K | 2ᵉ, 1 | 2⁻¹¹ of itself, or 2⁻²⁵ of the largest | the stored row |
//! | `bf16` | 2K | 2ᵉ, 1 | 2⁻⁸ of itself, or 2⁻¹³⁴ of the largest | the stored row |
//! | int8 | K, to a multiple of 4 | max\|φ\|/127, 4 | 1/254 of the largest | the stored row and a query in int8, too |
//! | 4, 2, 1 bits | K/2, K/4, K/8, to a multiple of 32, 16, 8 | ‖Rφ‖²/⟨Rφ, levels⟩ as `f16`·2ᵉ, 3 | (a level of Rφ) | the stored row and a query in int8, too |
//!
//! Gradients are small: most of a training run's would be subnormal in `f16`, or zero. So
//! a row is divided by a power of two before it is stored, the one of its largest
//! magnitude, and its scores are multiplied by it, which is exact both ways. Int8 has its
//! scale in `f32` anyway. So every finite row has a place in every codec, from the
//! smallest `f32` to the largest.
//!
//! A row of few bits is rotated before, by [`gradsieve_kernels::rotation`], and so is a
//! query that it meets: then numbers are about normal, whatever the projection, and
//! levels for normal numbers suit them ([`gradsieve_kernels::codec::bits`]). Their scale
//! makes scores unbiased (RaBitQ, Gao & Long 2024): the stored row's inner product with φ
//! is ‖φ‖² itself, and with what is orthogonal to φ it is zero on average. The nearest
//! row of levels would give 2/π of each score with 1 bit, .88 with 2 and .99 with 4.

use core::ops::Range;
use gradsieve_kernels::codec::bits::{Bits, WORDS, decode_block, encode_block};
use gradsieve_kernels::codec::int8::{decode_int8, encode_int8_part, scale_of};
use gradsieve_kernels::rotation::{rotate_back, rotated};
use gradsieve_kernels::score::{GROUP, bits, float, int8};
use gradsieve_kernels::{Certain, Element, max_abs, narrow, squared_norm, widen};
use half::slice::HalfBitsSliceExt;
use half::{bf16, f16};

use crate::error::Error;

/// How the numbers of a row are stored. The codecs' numbers are part of the format at
/// rest.
///
/// ```
/// use gradsieve::Codec;
///
/// // Bytes of sixteen rows of 512 numbers.
/// assert_eq!(Codec::ALL.map(|codec| codec.group_bytes(512) / 16), [2048, 1024, 1024, 512, 256, 128, 64]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Codec {
    /// As they are.
    F32 = 0,
    /// IEEE half precision, eleven bits, and a power of two a row.
    F16 = 1,
    /// The upper half of an `f32`, eight bits, and a power of two a row.
    Bf16 = 2,
    /// Signed bytes, and a scale a row.
    Int8 = 3,
    /// Sixteen levels of the rotated row, and a scale a row.
    FourBits = 8,
    /// Four levels of the rotated row, and a scale a row.
    TwoBits = 7,
    /// Signs of the rotated row, and a scale a row. (Numbers 4 and 5 were signs, too, of
    /// rows as they are and in another order, before anything was published.)
    OneBit = 6,
}

/// How a codec's numbers stand: what tells codecs apart wherever it is not their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    F32,
    F16,
    Bf16,
    Int8,
    /// Levels of so many bits.
    Bits(Bits),
}

/// Numbers that are converted at a time, on the stack.
pub(super) const PART: usize = 64;

impl Codec {
    /// All of them, the most exact first.
    pub const ALL: [Self; 7] =
        [Self::F32, Self::F16, Self::Bf16, Self::Int8, Self::FourBits, Self::TwoBits, Self::OneBit];

    /// The codec's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
            Self::FourBits => "4-bit",
            Self::TwoBits => "2-bit",
            Self::OneBit => "1-bit",
        }
    }

    /// The codec of that number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::F32),
            1 => Some(Self::F16),
            2 => Some(Self::Bf16),
            3 => Some(Self::Int8),
            6 => Some(Self::OneBit),
            7 => Some(Self::TwoBits),
            8 => Some(Self::FourBits),
            _ => None,
        }
    }

    /// Bytes of the numbers of a group of sixteen rows: a multiple of eight.
    #[must_use]
    pub const fn group_bytes(self, width: usize) -> usize {
        match self.form() {
            Form::F32 => width.saturating_mul(4 * GROUP),
            Form::F16 | Form::Bf16 => width.saturating_mul(2 * GROUP),
            Form::Int8 => width.div_ceil(4).saturating_mul(4 * GROUP),
            Form::Bits(of) => of.words(width).saturating_mul(4 * GROUP),
        }
    }

    /// How its numbers stand.
    pub(super) const fn form(self) -> Form {
        match self {
            Self::F32 => Form::F32,
            Self::F16 => Form::F16,
            Self::Bf16 => Form::Bf16,
            Self::Int8 => Form::Int8,
            Self::FourBits => Form::Bits(Bits::Four),
            Self::TwoBits => Form::Bits(Bits::Two),
            Self::OneBit => Form::Bits(Bits::One),
        }
    }

    /// What levels of few bits lose of normal numbers: ‖x̂‖²/‖φ‖² − 1 of a row φ that is
    /// stored as x̂, whose inner product with φ is ‖φ‖². Of squared error D that is
    /// D/(1 − D).
    pub(crate) const fn lost_by_levels(self) -> Option<f64> {
        match self.form() {
            Form::F32 | Form::F16 | Form::Bf16 | Form::Int8 => None,
            Form::Bits(Bits::Four) => Some(0.009_6),
            Form::Bits(Bits::Two) => Some(0.134_8),
            Form::Bits(Bits::One) => Some(core::f64::consts::FRAC_PI_2 - 1.0),
        }
    }

    /// Bytes of a row's scale.
    #[must_use]
    pub const fn scale_bytes(self) -> usize {
        match self.form() {
            Form::F32 => 0,
            Form::F16 | Form::Bf16 => 1,
            Form::Int8 => 4,
            Form::Bits(_) => 3,
        }
    }

    /// Whether each row has a scale in `f32`.
    pub(super) const fn has_factors(self) -> bool {
        matches!(self.form(), Form::Int8)
    }

    /// Whether each row has a scale in `f16`.
    pub(super) const fn has_halves(self) -> bool {
        matches!(self.form(), Form::Bits(_))
    }

    /// Whether each row has a power of two as its scale, or as a factor of it.
    pub(super) const fn has_exponents(self) -> bool {
        matches!(self.form(), Form::F16 | Form::Bf16 | Form::Bits(_))
    }

    /// The widest row.
    const fn widest(self) -> usize {
        match self.form() {
            Form::Int8 => int8::MOST,
            Form::Bits(of) => of.most(),
            // A group's bytes have to be countable, on small machines too.
            _ => usize::MAX / (8 * GROUP),
        }
    }

    /// Refuses rows of no width, and wider ones than the codec can have.
    pub(super) const fn check_width(self, width: usize) -> Result<(), Error> {
        if width == 0 {
            Err(Error::Width { multiple: 1, found: 0 })
        } else if width > self.widest() {
            Err(Error::Setting { name: "width", expected: "at most the codec's widest row" })
        } else {
            Ok(())
        }
    }

    /// Writes a row's numbers, finite ones, to their places in the groups, and returns
    /// its scale.
    pub(super) fn put(self, values: &[f32], row: usize, groups: &mut [u64]) -> Result<Scale, Error> {
        let width = values.len();
        match self.form() {
            Form::F32 => {
                float::put(values, 0, width, row, <f32 as Stored>::of_mut(groups))?;
                Ok(Scale::NONE)
            }
            Form::F16 => put_floats::<f16>(values, row, groups),
            Form::Bf16 => put_floats::<bf16>(values, row, groups),
            Form::Int8 => {
                let groups = bytemuck::must_cast_slice_mut(groups);
                let factor = scale_of(max_abs(values));
                for (part, at) in parts(values) {
                    let mut codes = [0; PART];
                    let codes = codes.get_mut(..part.len()).certain();
                    encode_int8_part(part, factor, codes)?;
                    int8::put(codes, at, width, row, groups)?;
                }
                Ok(Scale { factor, ..Scale::NONE })
            }
            Form::Bits(of) => put_bits(of, values, row, groups),
        }
    }

    /// Reads a row's numbers.
    pub(super) fn take(
        self,
        groups: &[u64],
        row: usize,
        scale: Scale,
        values: &mut [f32],
    ) -> Result<(), Error> {
        let width = values.len();
        match self.form() {
            Form::F32 => Ok(float::take(<f32 as Stored>::of(groups), width, row, 0, values)?),
            Form::F16 => take_floats::<f16>(groups, row, scale, values),
            Form::Bf16 => take_floats::<bf16>(groups, row, scale, values),
            Form::Int8 => {
                let groups = bytemuck::must_cast_slice(groups);
                for (part, at) in values.chunks_mut(PART).zip((0..).step_by(PART)) {
                    let mut codes = [0; PART];
                    let codes = codes.get_mut(..part.len()).certain();
                    int8::take(groups, width, row, at, codes)?;
                    decode_int8(codes, scale.factor, part)?;
                }
                Ok(())
            }
            Form::Bits(of) => take_bits(of, groups, row, scale, values),
        }
    }

    /// Copies a row's numbers as they are stored.
    pub(super) fn copy(
        self,
        from: &[u64],
        from_row: usize,
        to: &mut [u64],
        to_row: usize,
        width: usize,
    ) -> Result<(), Error> {
        let group = |row: usize| groups_of(&(row..row.saturating_add(1)), self, width);
        let missing = |row: usize| Error::Row { rows: 0, found: row };
        let from = from.get(group(from_row)).ok_or(missing(from_row))?;
        let to = to.get_mut(group(to_row)).ok_or(missing(to_row))?;
        match self.form() {
            Form::F16 | Form::Bf16 => copy_lane::<u16>(
                bytemuck::must_cast_slice(from),
                from_row,
                bytemuck::must_cast_slice_mut(to),
                to_row,
            ),
            Form::F32 | Form::Int8 | Form::Bits(_) => copy_lane::<u32>(
                bytemuck::must_cast_slice(from),
                from_row,
                bytemuck::must_cast_slice_mut(to),
                to_row,
            ),
        }
        Ok(())
    }
}

/// Copies a row from group to group: sixteen rows' numbers, quads of codes or words of
/// codes stand side by side.
fn copy_lane<T: Copy>(from: &[T], from_row: usize, to: &mut [T], to_row: usize) {
    let places = from.as_chunks::<GROUP>().0.iter().zip(to.as_chunks_mut::<GROUP>().0);
    for (from, to) in places {
        if let (Some(to), Some(from)) = (to.get_mut(to_row % GROUP), from.get(from_row % GROUP)) {
            *to = *from;
        }
    }
}

/// What a row's numbers are multiplied by; each codec uses some of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// A power of two.
    pub(super) exponent: i8,
    /// Int8's scale.
    pub(super) factor: f32,
    /// The scale of levels, but for the power of two.
    pub(super) half: f16,
}

impl Scale {
    pub(super) const NONE: Self = Self { exponent: 0, factor: 1.0, half: f16::ONE };
}

/// The exponent of a magnitude: 0 for 0, and otherwise such that both its power of two
/// and the inverse are normal.
pub(super) fn exponent_of(magnitude: f32) -> i8 {
    if magnitude == 0.0 {
        return 0;
    }
    let exponent = (magnitude.to_bits() >> 23 & 0xFF) as i32 - 127;
    exponent.clamp(-i32::from(MOST_EXPONENT), i32::from(MOST_EXPONENT)) as i8
}

/// The largest exponent: that of a power of two whose inverse is normal.
const MOST_EXPONENT: i8 = 126;

/// 2ᵉ for −126 ≤ e ≤ 126; the nearest of those beyond.
pub(super) const fn power(exponent: i8) -> f32 {
    let exponent = if exponent < -126 { -126 } else { exponent };
    f32::from_bits(((exponent as i32 + 127) as u32) << 23)
}

/// Formats of which a group is an array.
pub(super) trait Stored: Element {
    /// The largest number of the format below 4, to which no power of two that is a scale
    /// gives an infinity.
    const BELOW_FOUR: f32;
    fn of(groups: &[u64]) -> &[Self];
    fn of_mut(groups: &mut [u64]) -> &mut [Self];
}

impl Stored for f32 {
    const BELOW_FOUR: f32 = 4.0_f32.next_down();
    fn of(groups: &[u64]) -> &[Self] {
        bytemuck::must_cast_slice(groups)
    }
    fn of_mut(groups: &mut [u64]) -> &mut [Self] {
        bytemuck::must_cast_slice_mut(groups)
    }
}

impl Stored for f16 {
    const BELOW_FOUR: f32 = 4.0 - 1.0 / 512.0;
    fn of(groups: &[u64]) -> &[Self] {
        bytemuck::must_cast_slice::<u64, u16>(groups).reinterpret_cast()
    }
    fn of_mut(groups: &mut [u64]) -> &mut [Self] {
        bytemuck::must_cast_slice_mut::<u64, u16>(groups).reinterpret_cast_mut()
    }
}

impl Stored for bf16 {
    const BELOW_FOUR: f32 = 4.0 - 1.0 / 64.0;
    fn of(groups: &[u64]) -> &[Self] {
        bytemuck::must_cast_slice::<u64, u16>(groups).reinterpret_cast()
    }
    fn of_mut(groups: &mut [u64]) -> &mut [Self] {
        bytemuck::must_cast_slice_mut::<u64, u16>(groups).reinterpret_cast_mut()
    }
}

/// A row in parts, and where each begins.
pub(super) fn parts(values: &[f32]) -> impl Iterator<Item = (&[f32], usize)> {
    values.chunks(PART).zip((0..).step_by(PART))
}

fn put_floats<T: Stored>(values: &[f32], row: usize, groups: &mut [u64]) -> Result<Scale, Error> {
    let groups = T::of_mut(groups);
    let exponent = exponent_of(max_abs(values));
    for (part, at) in parts(values) {
        let stored = narrowed::<T>(part, exponent)?;
        float::put(stored.get(..part.len()).certain(), at, values.len(), row, groups)?;
    }
    Ok(Scale { exponent, ..Scale::NONE })
}

/// A part of a row, divided by its power of two and rounded; zeros behind it.
pub(super) fn narrowed<T: Stored>(part: &[f32], exponent: i8) -> Result<[T; PART], Error> {
    // Rounding up must not make an infinity of a row's largest numbers.
    let most = if exponent == MOST_EXPONENT { T::BELOW_FOUR } else { 4.0 };
    let mut stored = [T::ZERO; PART];
    narrow(&scaled(part, exponent).map(|x| x.clamp(-most, most)), &mut stored)?;
    Ok(stored)
}

/// A part of a row, divided by a power of two; zeros behind it.
fn scaled(part: &[f32], exponent: i8) -> [f32; PART] {
    let (mut scaled, inverse) = ([0.0; PART], power(-exponent));
    for (to, x) in scaled.iter_mut().zip(part) {
        *to = x * inverse;
    }
    scaled
}

/// A row in few bits: divided by its power of two, rotated, and put into levels, block by
/// block.
pub(super) struct Coder<'v> {
    bits: Bits,
    values: &'v [f32],
    exponent: i8,
    /// Levels to the unit.
    levels: f32,
    /// Of the blocks so far: Σx², and Σx·level. The numbers are below 32, so their
    /// squares do not leave `f32`.
    squares: f64,
    products: f64,
}

impl<'v> Coder<'v> {
    pub(super) fn new(bits: Bits, values: &'v [f32]) -> Self {
        let exponent = exponent_of(max_abs(values));
        // The rotation keeps the norm, but for rounding.
        let root_mean_square = libm::sqrt(squared_norm(values) / values.len() as f64);
        let scaled = root_mean_square * f64::from(power(-exponent));
        let levels = if scaled > 0.0 { (f64::from(bits.levels()) / scaled) as f32 } else { 0.0 };
        Self { bits, values, exponent, levels, squares: 0.0, products: 0.0 }
    }

    /// The next block.
    pub(super) fn block(&mut self, block: usize) -> [u32; WORDS] {
        let numbers = rotated(self.values, power(-self.exponent), block);
        self.squares += squared_norm(&numbers);
        let (words, product) = encode_block(self.bits, &numbers, self.levels);
        self.products += f64::from(product);
        words
    }

    /// The scale, when all blocks were seen: from 1 to 2 times a power of two, or as much
    /// less as the smallest power asks for. Where a row is not zero, it is not.
    pub(super) fn scale(self) -> Scale {
        if self.products <= 0.0 {
            return Scale { half: f16::ZERO, exponent: 0, ..Scale::NONE };
        }
        let scale = self.squares / self.products * f64::from(power(self.exponent));
        let exponent = ((scale.to_bits() >> 52) as i32 - 1023).clamp(-126, 126) as i8;
        let half = f16::from_f64(scale / f64::from(power(exponent)));
        let least = f16::from_bits(1);
        Scale { exponent, half: if half > least { half } else { least }, ..Scale::NONE }
    }
}

fn put_bits(of: Bits, values: &[f32], row: usize, groups: &mut [u64]) -> Result<Scale, Error> {
    let mut coder = Coder::new(of, values);
    let groups = bytemuck::must_cast_slice_mut(groups);
    bits::put(of, values.len(), |block| coder.block(block), row, groups)?;
    Ok(coder.scale())
}

fn take_bits(of: Bits, groups: &[u64], row: usize, scale: Scale, values: &mut [f32]) -> Result<(), Error> {
    let (groups, half) = (bytemuck::must_cast_slice(groups), scale.half.to_f32());
    bits::take(of, groups, values.len(), row, |block, words| {
        rotate_back(&mut decode_block(of, words, half), block, values);
    })?;
    scale_up(values, scale.exponent);
    Ok(())
}

/// Multiplies a row by its power of two. What would leave `f32` is held at its end.
pub(super) fn scale_up(values: &mut [f32], exponent: i8) {
    let factor = power(exponent);
    for value in values {
        *value = (*value * factor).clamp(f32::MIN, f32::MAX);
    }
}

fn take_floats<T: Stored>(groups: &[u64], row: usize, scale: Scale, values: &mut [f32]) -> Result<(), Error> {
    let (groups, width, factor) = (T::of(groups), values.len(), power(scale.exponent));
    for (part, at) in values.chunks_mut(PART).zip((0..).step_by(PART)) {
        let mut stored = [T::ZERO; PART];
        let stored = stored.get_mut(..part.len()).certain();
        float::take(groups, width, row, at, stored)?;
        widen(stored, part)?;
        for value in part {
            *value *= factor;
        }
    }
    Ok(())
}

/// Where the `u64`s of the groups of some rows stand; `rows.start` is a multiple of
/// sixteen.
pub(super) const fn groups_of(rows: &Range<usize>, codec: Codec, width: usize) -> Range<usize> {
    let words = codec.group_bytes(width) / 8;
    (rows.start / GROUP).saturating_mul(words)..rows.end.div_ceil(GROUP).saturating_mul(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_and_their_inverses_are_normal_and_put_the_largest_below_four() {
        for magnitude in [f32::from_bits(1), 1e-40, f32::MIN_POSITIVE, 1e-7, 0.75, 1.0, 3.9, 1e30, f32::MAX] {
            let exponent = exponent_of(magnitude);
            let (scale, inverse) = (power(exponent), power(-exponent));
            assert!(scale.is_normal() && inverse.is_normal() && scale * inverse == 1.0);
            let scaled = magnitude * inverse;
            assert!(scaled < 4.0 && (scaled >= 1.0 || magnitude < f32::MIN_POSITIVE), "{magnitude:e}");
        }
        assert_eq!((exponent_of(0.0), power(0)), (0, 1.0));
    }

    #[test]
    fn groups_are_as_long_as_the_kernels_say() {
        for width in [1, 3, 4, 5, 63, 64, 65, 512] {
            assert_eq!(Codec::F32.group_bytes(width), 4 * float::sealed_len(1, width));
            assert_eq!(Codec::F16.group_bytes(width), 2 * float::sealed_len(1, width));
            assert_eq!(Codec::Bf16.group_bytes(width), 2 * float::sealed_len(1, width));
            assert_eq!(Codec::Int8.group_bytes(width), int8::sealed_len(1, width));
            for codec in Codec::ALL {
                if let Form::Bits(of) = codec.form() {
                    assert_eq!(codec.group_bytes(width), 4 * bits::sealed_len(of, 1, width));
                }
                assert_eq!(codec.group_bytes(width) % 8, 0);
                assert_eq!(Codec::from_number(codec as u8), Some(codec));
            }
        }
    }
}
