//! The dense Rademacher projection, onto zeros: whole, cut in two, cut in two and carried
//! across the cut.
//!
//! A batch is not published: it has the bits of its gradients, one by one
//! (`kernels/tests/levels/dense.rs`).

use super::{Format, cut, first, kernel, offset};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::rademacher::Carry;
use gradsieve_kernels::{Key, Rademacher, rademacher_with, spec};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "rademacher",
    published: include_str!("../../../vectors/rademacher.json"),
    kernels: &[
        kernel("rademacher-f32", whole::<f32, false>),
        kernel("rademacher-f16", whole::<f16, false>),
        kernel("rademacher-bf16", whole::<bf16, false>),
        kernel("rademacher-scaled-f32", whole::<f32, true>),
        kernel("rademacher-scaled-bf16", whole::<bf16, true>),
        kernel("rademacher-cut-f32", in_two),
        kernel("rademacher-carry-f16", carried),
    ],
};

/// The projection of a case and the offset of its segment, both recorded.
fn projection(case: &Case, record: &mut Record<'_>) -> Result<(Rademacher, u64), fmt::Error> {
    // A small width where the answers are spelled out.
    let width = if case.length < 100 { 64 } else { 64 * (1 + case.parameter(2) % 4) };
    record.input("projection_seed", &[case.parameter(1)])?;
    record.input("offset", &[offset(case)])?;
    let projection = Rademacher::new(width as usize, Key::seed(case.parameter(1))).map_err(|_| fmt::Error)?;
    Ok((projection, offset(case)))
}

/// As many zeros as the projection is wide.
fn zeros(memory: &mut [f32], projection: Rademacher) -> &mut [f32] {
    let (out, _) = memory.split_at_mut(projection.width());
    out.fill(0.0);
    out
}

fn add<T: Format>(
    by: Answers,
    projection: Rademacher,
    case: &Case,
    (offset, scale): (u64, f32),
    x: &[T],
    out: &mut [f32],
) -> fmt::Result {
    match by {
        Answers::Spec => spec::rademacher(case.parameter(1), offset, scale, x, out),
        Answers::Of(level) => {
            rademacher_with(level, projection, offset, scale, x, out).map_err(|_| fmt::Error)?;
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
    let out = zeros(&mut memory.out, projection);
    add(by, projection, case, (offset, scale), x, out)?;
    record.answer("out", out)
}

fn in_two(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let (projection, offset) = projection(case, record)?;
    let (head, tail) = cut(case, first::<f32>(case, &mut memory.x, record)?, record)?;
    let out = zeros(&mut memory.out, projection);
    for (offset, x) in [(offset, head), (offset + head.len() as u64, tail)] {
        add(by, projection, case, (offset, 1.0), x, out)?;
    }
    record.answer("out", out)
}

fn carried(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let (projection, offset) = projection(case, record)?;
    let x = first::<f16>(case, &mut memory.x, record)?;
    let (head, tail) = cut(case, x, record)?;
    let out = zeros(&mut memory.out, projection);
    match by {
        // The whole: where a gradient is cut changes nothing.
        Answers::Spec => spec::rademacher(case.parameter(1), offset, 1.0, x, out),
        Answers::Of(level) => {
            let mut carry = Carry::new();
            for (offset, x) in [(offset, head), (offset + head.len() as u64, tail)] {
                carry.add_with(level, projection, offset, 1.0, x, out).map_err(|_| fmt::Error)?;
            }
            carry.finish_with(level, projection, out).map_err(|_| fmt::Error)?;
        }
    }
    record.answer("out", out)
}
