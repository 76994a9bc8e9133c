//! Rows in a byte or a bit a value, and back. A refusal is an answer, too.

use super::{first, kernel, make};
use crate::input::Case;
use crate::record::Record;
use crate::{Family, Memory};
use core::fmt;
use gradsieve_kernels::Level;
use gradsieve_kernels::codec::int8::{decode_int8_with, encode_int8_with};
use gradsieve_kernels::codec::sign::{decode_signs, encode_signs_with, sign_words};

/// What is published.
pub const FAMILY: Family = Family {
    name: "codec",
    published: include_str!("../../../vectors/codec.json"),
    kernels: &[kernel("int8", int8), kernel("sign", sign)],
};

fn int8(level: Level, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let x = first::<f32>(case, &mut memory.x, record)?;
    let (codes, _) = memory.codes.split_at_mut(x.len());
    let scale = encode_int8_with(level, x, codes);
    record.answer("refused", &[u8::from(scale.is_err())])?;
    let Ok(scale) = scale else { return Ok(()) };
    record.answer("scale", &[scale])?;
    record.answer("codes", codes)?;
    let (decoded, _) = memory.out.split_at_mut(x.len());
    decode_int8_with(level, codes, scale, decoded).map_err(|_| fmt::Error)?;
    record.answer("decoded", decoded)
}

/// Of rows of at most 1,024 values, and of one where the length is zero.
fn sign(level: Level, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let n = (case.length % 1025).max(1);
    let x = make::<f32>("x", case, case.seed, n, &mut memory.x, record)?;
    let (words, _) = memory.words.split_at_mut(sign_words(n));
    let scale = encode_signs_with(level, x, words);
    record.answer("refused", &[u8::from(scale.is_err())])?;
    let Ok(scale) = scale else { return Ok(()) };
    record.answer("scale", &[scale])?;
    record.answer("words", words)?;
    let (decoded, _) = memory.out.split_at_mut(n);
    decode_signs(words, scale, decoded).map_err(|_| fmt::Error)?;
    record.answer("decoded", decoded)
}
