//! Norms.

use super::{Format, first, kernel};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::{l1_norm_with, max_abs_with, spec, squared_norm_with};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "norm",
    published: include_str!("../../../vectors/norm.json"),
    kernels: &[
        kernel("squared-norm-f32", squared_norm::<f32>),
        kernel("squared-norm-f16", squared_norm::<f16>),
        kernel("squared-norm-bf16", squared_norm::<bf16>),
        kernel("l1-norm-f32", l1_norm::<f32>),
        kernel("l1-norm-f16", l1_norm::<f16>),
        kernel("l1-norm-bf16", l1_norm::<bf16>),
        kernel("max-abs-f32", max_abs::<f32>),
        kernel("max-abs-f16", max_abs::<f16>),
        kernel("max-abs-bf16", max_abs::<bf16>),
    ],
};

fn squared_norm<T: Format>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let x = first::<T>(case, &mut memory.x, record)?;
    let answer = match by {
        Answers::Spec => spec::squared_norm(x),
        Answers::Of(level) => squared_norm_with(level, x),
    };
    record.answer("squared_norm", &[answer])
}

fn l1_norm<T: Format>(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let x = first::<T>(case, &mut memory.x, record)?;
    let answer = match by {
        Answers::Spec => spec::l1_norm(x),
        Answers::Of(level) => l1_norm_with(level, x),
    };
    record.answer("l1_norm", &[answer])
}

fn max_abs<T: Format>(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let x = first::<T>(case, &mut memory.x, record)?;
    let answer = match by {
        Answers::Spec => spec::max_abs(x),
        Answers::Of(level) => max_abs_with(level, x),
    };
    record.answer("max_abs", &[answer])
}
