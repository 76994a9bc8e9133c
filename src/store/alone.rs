//! A row that stands alone, outside of a store: its scale, and then its numbers one after
//! the other, as bytes.

use super::codec::{Codec, Coder, Form, PART, Scale, Stored, exponent_of, narrowed, parts, power, scale_up};
use crate::error::{Error, check_length};
use gradsieve_kernels::codec::bits::{BLOCK, Bits, WORDS, decode_block};
use gradsieve_kernels::codec::int8::{decode_int8, encode_int8_part, scale_of};
use gradsieve_kernels::rotation::rotate_back;
use gradsieve_kernels::{Certain, max_abs, widen};
use half::{bf16, f16};

/// The two formats of two bytes.
trait Half: Stored {
    fn to_bytes(self) -> [u8; 2];
    fn from_bytes(bytes: [u8; 2]) -> Self;
}

macro_rules! half {
    ($($half:ty),*) => {$(
        impl Half for $half {
            fn to_bytes(self) -> [u8; 2] {
                self.to_le_bytes()
            }
            fn from_bytes(bytes: [u8; 2]) -> Self {
                Self::from_le_bytes(bytes)
            }
        }
    )*};
}

half!(f16, bf16);

impl Codec {
    /// Bytes of a row of `width` numbers that stands alone: its scale, and its numbers.
    pub(crate) const fn alone_bytes(self, width: usize) -> usize {
        let numbers = match self.form() {
            Form::F32 => width.saturating_mul(4),
            Form::F16 | Form::Bf16 => width.saturating_mul(2),
            Form::Int8 => width,
            Form::Bits(of) => width.saturating_mul(of.count()).div_ceil(8),
        };
        numbers.saturating_add(self.scale_bytes())
    }

    /// Writes a row of finite numbers to bytes that are as many as
    /// [`Codec::alone_bytes`] says.
    pub(crate) fn write_alone(self, values: &[f32], to: &mut [u8]) -> Result<(), Error> {
        check_length(self.alone_bytes(values.len()), to.len())?;
        let (scale, numbers) = to.split_at_mut_checked(self.scale_bytes()).certain();
        match self.form() {
            Form::F32 => {
                for (to, value) in numbers.as_chunks_mut().0.iter_mut().zip(values) {
                    *to = value.to_le_bytes();
                }
                Ok(())
            }
            Form::F16 => write_halves::<f16>(values, scale, numbers),
            Form::Bf16 => write_halves::<bf16>(values, scale, numbers),
            Form::Int8 => {
                let factor = scale_of(max_abs(values));
                put(scale, factor.to_le_bytes());
                for ((part, _), codes) in parts(values).zip(numbers.chunks_mut(PART)) {
                    encode_int8_part(part, factor, codes)?;
                }
                Ok(())
            }
            Form::Bits(of) => write_bits(of, values, scale, numbers),
        }
    }

    /// Reads a row that stands alone.
    pub(crate) fn read_alone(self, from: &[u8], values: &mut [f32]) -> Result<(), Error> {
        check_length(self.alone_bytes(values.len()), from.len())?;
        let (scale, numbers) = from.split_at_checked(self.scale_bytes()).certain();
        match self.form() {
            Form::F32 => {
                for (value, bytes) in values.iter_mut().zip(numbers.as_chunks().0) {
                    *value = f32::from_le_bytes(*bytes);
                }
                Ok(())
            }
            Form::F16 => read_halves::<f16>(scale, numbers, values),
            Form::Bf16 => read_halves::<bf16>(scale, numbers, values),
            Form::Int8 => Ok(decode_int8(numbers, f32::from_le_bytes(taken(scale)), values)?),
            Form::Bits(of) => read_bits(of, scale, numbers, values),
        }
    }
}

/// The codes of a block after the other, and no more bytes than a row needs.
fn write_bits(bits: Bits, values: &[f32], scale: &mut [u8], numbers: &mut [u8]) -> Result<(), Error> {
    let mut coder = Coder::new(bits, values);
    for (to, block) in numbers.chunks_mut(BLOCK / 8 * bits.count()).zip(0..) {
        let words = coder.block(block).map(u32::to_le_bytes);
        to.iter_mut().zip(words.as_flattened()).for_each(|(to, byte)| *to = *byte);
    }
    let Scale { half, exponent, .. } = coder.scale();
    let [low, high] = half.to_le_bytes();
    put(scale, [low, high, exponent.to_le_bytes()[0]]);
    Ok(())
}

fn read_bits(bits: Bits, scale: &[u8], numbers: &[u8], values: &mut [f32]) -> Result<(), Error> {
    let [low, high, exponent] = taken(scale);
    let half = f16::from_le_bytes([low, high]).to_f32();
    for (bytes, block) in numbers.chunks(BLOCK / 8 * bits.count()).zip(0..) {
        let mut words = [[0; 4]; WORDS];
        words.as_flattened_mut().iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
        rotate_back(&mut decode_block(bits, &words.map(u32::from_le_bytes), half), block, values);
    }
    scale_up(values, i8::from_le_bytes([exponent]));
    Ok(())
}

fn write_halves<T: Half>(values: &[f32], scale: &mut [u8], numbers: &mut [u8]) -> Result<(), Error> {
    let exponent = exponent_of(max_abs(values));
    put(scale, exponent.to_le_bytes());
    for ((part, _), to) in parts(values).zip(numbers.chunks_mut(2 * PART)) {
        for (to, half) in to.as_chunks_mut().0.iter_mut().zip(narrowed::<T>(part, exponent)?) {
            *to = half.to_bytes();
        }
    }
    Ok(())
}

fn read_halves<T: Half>(scale: &[u8], numbers: &[u8], values: &mut [f32]) -> Result<(), Error> {
    let factor = power(i8::from_le_bytes(taken(scale)));
    for (part, from) in values.chunks_mut(PART).zip(numbers.chunks(2 * PART)) {
        let mut halves = [T::ZERO; PART];
        for (half, bytes) in halves.iter_mut().zip(from.as_chunks().0) {
            *half = T::from_bytes(*bytes);
        }
        widen(halves.get(..part.len()).certain(), part)?;
        part.iter_mut().for_each(|value| *value *= factor);
    }
    Ok(())
}

/// Writes a scale, whose length its codec has said.
fn put<const N: usize>(scale: &mut [u8], bytes: [u8; N]) {
    scale.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
}

/// A scale, whose length its codec has said.
fn taken<const N: usize>(scale: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(scale).for_each(|(to, byte)| *to = *byte);
    bytes
}
