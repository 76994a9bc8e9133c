//! Joint measures.

use super::{Format, first, kernel, second};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::{pair_with, spec};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "pair",
    published: include_str!("../../../vectors/pair.json"),
    kernels: &[
        kernel("pair-f32-f32", pair::<f32, f32>),
        kernel("pair-f16-f16", pair::<f16, f16>),
        kernel("pair-bf16-f32", pair::<bf16, f32>),
    ],
};

fn pair<T: Format, U: Format>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let (x, y) = (first::<T>(case, &mut memory.x, record)?, second::<U>(case, &mut memory.y, record)?);
    let pair = match by {
        Answers::Spec => spec::pair(x, y),
        Answers::Of(level) => pair_with(level, x, y).map_err(|_| fmt::Error)?,
    };
    record.answer("dot", &[pair.dot])?;
    record.answer("x_squared", &[pair.x_squared])?;
    record.answer("y_squared", &[pair.y_squared])?;
    record.answer("x_l1", &[pair.x_l1])
}
