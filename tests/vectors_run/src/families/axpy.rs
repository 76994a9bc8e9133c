//! y ← y + α·x.

use super::{Format, first, kernel, second};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::{axpy_with, spec};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "axpy",
    published: include_str!("../../../vectors/axpy.json"),
    kernels: &[
        kernel("axpy-f32", axpy::<f32>),
        kernel("axpy-f16", axpy::<f16>),
        kernel("axpy-bf16", axpy::<bf16>),
    ],
};

fn axpy<T: Format>(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let alpha = case.factor();
    record.input("alpha", &[alpha])?;
    let (x, y) = (first::<T>(case, &mut memory.x, record)?, second::<f32>(case, &mut memory.y, record)?);
    let (out, _) = memory.out.split_at_mut(y.len());
    out.copy_from_slice(y);
    match by {
        Answers::Spec => spec::axpy(alpha, x, out),
        Answers::Of(level) => axpy_with(level, alpha, x, out).map_err(|_| fmt::Error)?,
    }
    record.answer("out", out)
}
