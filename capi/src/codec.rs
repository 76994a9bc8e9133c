//! How the numbers of a row are stored and sent.

use crate::status::Refusal;
use gradsieve::Codec;

/// As they are: 4 bytes a number.
pub const GRADSIEVE_CODEC_F32: u32 = 0;
/// IEEE half precision and a power of two a row: 2 bytes a number, off by 2⁻¹¹ of itself.
pub const GRADSIEVE_CODEC_F16: u32 = 1;
/// The upper half of a float and a power of two a row: 2 bytes a number, off by 2⁻⁸ of
/// itself.
pub const GRADSIEVE_CODEC_BF16: u32 = 2;
/// Signed bytes and a scale a row: a byte a number, off by 1/254 of the row's largest.
pub const GRADSIEVE_CODEC_INT8: u32 = 3;
/// Signs of the rotated row and a scale a row: a bit a number.
pub const GRADSIEVE_CODEC_ONE_BIT: u32 = 6;
/// Four levels of the rotated row and a scale a row: two bits a number.
pub const GRADSIEVE_CODEC_TWO_BITS: u32 = 7;
/// Sixteen levels of the rotated row and a scale a row: four bits a number.
pub const GRADSIEVE_CODEC_FOUR_BITS: u32 = 8;

const _: () = assert!(
    GRADSIEVE_CODEC_F32 == Codec::F32 as u32
        && GRADSIEVE_CODEC_F16 == Codec::F16 as u32
        && GRADSIEVE_CODEC_BF16 == Codec::Bf16 as u32
        && GRADSIEVE_CODEC_INT8 == Codec::Int8 as u32
        && GRADSIEVE_CODEC_ONE_BIT == Codec::OneBit as u32
        && GRADSIEVE_CODEC_TWO_BITS == Codec::TwoBits as u32
        && GRADSIEVE_CODEC_FOUR_BITS == Codec::FourBits as u32
);

/// The codec of a number.
pub(crate) fn codec(number: u32) -> Result<Codec, Refusal> {
    let codec = u8::try_from(number).ok().and_then(Codec::from_number);
    codec.ok_or(Refusal::setting("codec", "one of GRADSIEVE_CODEC_…"))
}
