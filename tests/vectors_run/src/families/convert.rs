//! Conversions; those of 16 bits also of all 65,536 values.

use super::{Format, first, kernel};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::{hash, narrow_with, spec, widen_with};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "convert",
    published: include_str!("../../../vectors/convert.json"),
    kernels: &[
        kernel("narrow-f16", narrow::<f16>),
        kernel("narrow-bf16", narrow::<bf16>),
        kernel("widen-f16", widen::<f16>),
        kernel("widen-bf16", widen::<bf16>),
    ],
};

fn narrow<T: Format>(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let x = first::<f32>(case, &mut memory.x, record)?;
    let (out, _) = T::of(&mut memory.y).split_at_mut(x.len());
    match by {
        Answers::Spec => spec::narrow(x, out),
        Answers::Of(level) => narrow_with(level, x, out).map_err(|_| fmt::Error)?,
    }
    record.answer("out", out)
}

/// Inputs of 16 bits: the lower bits of the stream's words; in the longest cases all
/// 65,536 values in order.
fn widen<T: Format>(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let every = case.length > 3 * 4096;
    let all = if every { 65_536 } else { case.length };
    for from in (0..all).step_by(4096) {
        let (x, _) = T::of(&mut memory.x).split_at_mut((all - from).min(4096));
        for (i, x) in (from..).zip(&mut *x) {
            let word = hash::word(case.seed, (case.start + i) as u64);
            *x = T::from_16_bits(if every { i as u16 } else { word as u16 });
        }
        let (out, _) = memory.out.split_at_mut(x.len());
        match by {
            Answers::Spec => spec::widen(x, out),
            Answers::Of(level) => widen_with(level, x, out).map_err(|_| fmt::Error)?,
        }
        record.input("x", x)?;
        record.answer("out", out)?;
    }
    Ok(())
}
