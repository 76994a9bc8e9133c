//! Rows in a byte a value and back, a refusal being an answer, too; and blocks of few
//! bits.

use super::{first, kernel, make};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::codec::bits::{BLOCK, Bits, decode_block, encode_block};
use gradsieve_kernels::codec::int8::{decode_int8_with, encode_int8_with};
use gradsieve_kernels::spec;

/// What is published.
pub const FAMILY: Family = Family {
    name: "codec",
    published: include_str!("../../../vectors/codec.json"),
    kernels: &[
        kernel("int8", int8),
        kernel("bits-1", |by, case, memory, record| few_bits(Bits::One, by, case, memory, record)),
        kernel("bits-2", |by, case, memory, record| few_bits(Bits::Two, by, case, memory, record)),
        kernel("bits-4", |by, case, memory, record| few_bits(Bits::Four, by, case, memory, record)),
    ],
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

/// A block, zeros for what is not finite; with levels that its case chooses.
fn few_bits(of: Bits, by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let x = make::<f32>("x", case, case.seed, BLOCK, &mut memory.x, record)?;
    let mut values = [0.0; BLOCK];
    for (to, x) in values.iter_mut().zip(x.iter()) {
        *to = if x.is_finite() { *x } else { 0.0 };
    }
    let levels = of.levels() * [1.0, 0.25, 8.0][(case.parameter(5) % 3) as usize];
    record.input("levels", &[levels])?;
    let mut words = [0; 8];
    let product = match by {
        Answers::Spec => {
            spec::codec::encode_bits(of.count(), &values, levels, words.split_at_mut(2 * of.count()).0)
        }
        Answers::Of(_) => {
            let (codes, product) = encode_block(of, &values, levels);
            words = codes;
            product
        }
    };
    record.answer("words", words.split_at(2 * of.count()).0)?;
    record.answer("product", &[product])?;
    let (decoded, _) = memory.out.split_at_mut(BLOCK);
    match by {
        Answers::Spec => {
            for (i, to) in decoded.iter_mut().enumerate() {
                let code = spec::codec::code_of(of.count(), &words, i);
                *to = spec::codec::level(of.count(), code) as f32 * 0.3;
            }
        }
        Answers::Of(_) => decoded.copy_from_slice(&decode_block(of, &words, 0.3)),
    }
    record.answer("decoded", decoded)
}
