//! The dense Gaussian projection, onto zeros.

use super::{Format, first, kernel, offset};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::{Gaussian, Key, gaussian_with, spec};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "gaussian",
    published: include_str!("../../../vectors/gaussian.json"),
    kernels: &[
        kernel("gaussian-f32", project::<f32, false>),
        kernel("gaussian-f16", project::<f16, false>),
        kernel("gaussian-scaled-bf16", project::<bf16, true>),
    ],
};

fn project<T: Format, const SCALED: bool>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    // A small width where the answers are spelled out.
    let width = if case.length < 100 { 32 } else { 32 * (1 + case.parameter(2) % 3) };
    let projection = Gaussian::new(width as usize, Key::seed(case.parameter(1))).map_err(|_| fmt::Error)?;
    let (scale, offset) = (if SCALED { case.factor() } else { 1.0 }, offset(case));
    record.input("projection_seed", &[case.parameter(1)])?;
    record.input("offset", &[offset])?;
    record.input("scale", &[scale])?;
    let x = first::<T>(case, &mut memory.x, record)?;
    let (out, _) = memory.out.split_at_mut(projection.width());
    out.fill(0.0);
    match by {
        Answers::Spec => spec::gaussian(case.parameter(1), offset, scale, x, out),
        Answers::Of(level) => {
            gaussian_with(level, projection, offset, scale, x, out).map_err(|_| fmt::Error)?;
        }
    }
    record.answer("out", out)
}
