//! Rows in a byte or a bit a value, and back. A refusal is an answer, too.

use super::{first, kernel, make};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::codec::int8::{decode_int8_with, encode_int8_with};
use gradsieve_kernels::codec::sign::{decode_signs, encode_signs_with, sign_words};
use gradsieve_kernels::spec;

/// What is published.
pub const FAMILY: Family = Family {
    name: "codec",
    published: include_str!("../../../vectors/codec.json"),
    kernels: &[kernel("int8", int8), kernel("sign", sign)],
};

fn int8(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let x = first::<f32>(case, &mut memory.x, record)?;
    let (codes, _) = memory.codes.split_at_mut(x.len());
    let scale = match by {
        Answers::Spec => spec::codec::encode_int8(x, codes),
        Answers::Of(level) => encode_int8_with(level, x, codes),
    };
    record.answer("refused", &[u8::from(scale.is_err())])?;
    let Ok(scale) = scale else { return Ok(()) };
    record.answer("scale", &[scale])?;
    record.answer("codes", codes)?;
    let (decoded, _) = memory.out.split_at_mut(x.len());
    match by {
        Answers::Spec => spec::codec::decode_int8(codes, scale, decoded),
        Answers::Of(level) => decode_int8_with(level, codes, scale, decoded).map_err(|_| fmt::Error)?,
    }
    record.answer("decoded", decoded)
}

/// Of rows of at most 1,024 values, and of one where the length is zero.
fn sign(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let n = (case.length % 1025).max(1);
    let x = make::<f32>("x", case, case.seed, n, &mut memory.x, record)?;
    let (words, _) = memory.words.split_at_mut(sign_words(n));
    let scale = match by {
        Answers::Spec => spec::codec::encode_signs(x, words),
        Answers::Of(level) => encode_signs_with(level, x, words),
    };
    record.answer("refused", &[u8::from(scale.is_err())])?;
    let Ok(scale) = scale else { return Ok(()) };
    record.answer("scale", &[scale])?;
    record.answer("words", words)?;
    let (decoded, _) = memory.out.split_at_mut(n);
    match by {
        Answers::Spec => spec::codec::decode_signs(words, scale, decoded),
        Answers::Of(_) => decode_signs(words, scale, decoded).map_err(|_| fmt::Error)?,
    }
    record.answer("decoded", decoded)
}
