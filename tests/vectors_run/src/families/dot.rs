//! Dot products.

use super::{Format, first, kernel, second};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::{dot_with, spec};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "dot",
    published: include_str!("../../../vectors/dot.json"),
    kernels: &[
        kernel("dot-f32-f32", dot::<f32, f32>),
        kernel("dot-f16-f16", dot::<f16, f16>),
        kernel("dot-bf16-bf16", dot::<bf16, bf16>),
        kernel("dot-f32-f16", dot::<f32, f16>),
        kernel("dot-f32-bf16", dot::<f32, bf16>),
    ],
};

fn dot<T: Format, U: Format>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let (x, y) = (first::<T>(case, &mut memory.x, record)?, second::<U>(case, &mut memory.y, record)?);
    let dot = match by {
        Answers::Spec => spec::dot(x, y),
        Answers::Of(level) => dot_with(level, x, y).map_err(|_| fmt::Error)?,
    };
    record.answer("dot", &[dot])
}
