//! Blocked SJLT of s repetitions, onto zeros.

use super::{Format, blocks, first, kernel, offset};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Key, Sjlt, sjlt_scaled_with, sjlt_with, spec};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "sjlt",
    published: include_str!("../../../vectors/sjlt.json"),
    kernels: &[
        kernel("sjlt-1-f32", sjlt::<f32, 1>),
        kernel("sjlt-2-f32", sjlt::<f32, 2>),
        kernel("sjlt-4-f32", sjlt::<f32, 4>),
        kernel("sjlt-1-f16", sjlt::<f16, 1>),
        kernel("sjlt-1-bf16", sjlt::<bf16, 1>),
        kernel("sjlt-4-bf16", sjlt::<bf16, 4>),
        kernel("sjlt-scaled-1-f32", sjlt_scaled::<f32, 1>),
        kernel("sjlt-scaled-2-f16", sjlt_scaled::<f16, 2>),
    ],
};

fn sjlt<T: Format, const REPEAT: usize>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    project::<T, REPEAT, false>(by, case, memory, record)
}

fn sjlt_scaled<T: Format, const REPEAT: usize>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    project::<T, REPEAT, true>(by, case, memory, record)
}

/// The projection of a case: key, offset and width.
fn project<T: Format, const REPEAT: usize, const SCALED: bool>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let projection = Sjlt::new(Key::seed(case.parameter(1)), Repeat::from_count(REPEAT).ok_or(fmt::Error)?);
    let offset = offset(case);
    let (out, _) = memory.out.split_at_mut(blocks(case) * projection.multiple());
    out.fill(0.0);
    record.input("projection_seed", &[case.parameter(1)])?;
    record.input("offset", &[offset])?;
    let x = first::<T>(case, &mut memory.x, record)?;
    let scale = if SCALED { case.factor() } else { 1.0 };
    if SCALED {
        record.input("scale", &[scale])?;
    }
    let done = match by {
        Answers::Spec => {
            spec::sjlt(case.parameter(1), REPEAT as u64, offset, scale, x, out);
            Ok(())
        }
        Answers::Of(level) if SCALED => sjlt_scaled_with(level, projection, offset, scale, x, out),
        Answers::Of(level) => sjlt_with(level, projection, offset, x, out),
    };
    done.map_err(|_| fmt::Error)?;
    record.answer("out", out)
}
