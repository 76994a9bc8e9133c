//! The blocked SRHT, onto zeros: whole, and cut in two.
//!
//! That of an outer product is not published: it has the bits of the matrix written out
//! (`kernels/tests/levels/sparse.rs`).

use super::{Format, blocks, cut, first, kernel, offset};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::{Key, Srht, spec, srht_with};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "srht",
    published: include_str!("../../../vectors/srht.json"),
    kernels: &[
        kernel("srht-f32", whole::<f32, false>),
        kernel("srht-f16", whole::<f16, false>),
        kernel("srht-scaled-bf16", whole::<bf16, true>),
        kernel("srht-cut-f32", in_two),
    ],
};

/// The projection of a case and the offset of its segment, both recorded.
fn projection(case: &Case, record: &mut Record<'_>) -> Result<(Srht, u64), fmt::Error> {
    record.input("projection_seed", &[case.parameter(1)])?;
    record.input("offset", &[offset(case)])?;
    Ok((Srht::new(Key::seed(case.parameter(1))), offset(case)))
}

fn add<T: Format>(
    by: Answers,
    projection: Srht,
    case: &Case,
    (offset, scale): (u64, f32),
    x: &[T],
    out: &mut [f32],
) -> fmt::Result {
    match by {
        Answers::Spec => spec::srht(case.parameter(1), offset, scale, x, out),
        Answers::Of(level) => {
            srht_with(level, projection, offset, scale, x, out).map_err(|_| fmt::Error)?;
        }
    }
    Ok(())
}

fn whole<T: Format, const SCALED: bool>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let (projection, offset) = projection(case, record)?;
    let scale = if SCALED { case.factor() } else { 1.0 };
    record.input("scale", &[scale])?;
    let x = first::<T>(case, &mut memory.x, record)?;
    let (out, _) = memory.out.split_at_mut(32 * blocks(case));
    out.fill(0.0);
    add(by, projection, case, (offset, scale), x, out)?;
    record.answer("out", out)
}

fn in_two(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let (projection, offset) = projection(case, record)?;
    let (head, tail) = cut(case, first::<f32>(case, &mut memory.x, record)?, record)?;
    let (out, _) = memory.out.split_at_mut(32 * blocks(case));
    out.fill(0.0);
    for (offset, x) in [(offset, head), (offset + head.len() as u64, tail)] {
        add(by, projection, case, (offset, 1.0), x, out)?;
    }
    record.answer("out", out)
}
