//! The mask before the SJLT of s repetitions, onto zeros.

use super::{Format, blocks, first, kernel, offset};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use core::num::NonZeroU16;
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Key, Mask, mask_with, spec};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "mask",
    published: include_str!("../../../vectors/mask.json"),
    kernels: &[
        kernel("mask-1-f32", project::<f32, 1, false>),
        kernel("mask-2-f16", project::<f16, 2, false>),
        kernel("mask-scaled-4-bf16", project::<bf16, 4, true>),
    ],
};

fn project<T: Format, const REPEAT: usize, const SCALED: bool>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    // Short masks where segments are short, lest nothing be kept.
    let every = 1 + case.parameter(7) % if case.length < 100 { 3 } else { 40 };
    let every = NonZeroU16::new(every as u16).ok_or(fmt::Error)?;
    let repeat = Repeat::from_count(REPEAT).ok_or(fmt::Error)?;
    let projection = Mask::new(Key::seed(case.parameter(1)), repeat, every);
    let (scale, offset) = (if SCALED { case.factor() } else { 1.0 }, offset(case));
    record.input("projection_seed", &[case.parameter(1)])?;
    record.input("every", &[u64::from(every.get())])?;
    record.input("offset", &[offset])?;
    record.input("scale", &[scale])?;
    let x = first::<T>(case, &mut memory.x, record)?;
    let (out, _) = memory.out.split_at_mut(blocks(case) * projection.sjlt().multiple());
    out.fill(0.0);
    match by {
        Answers::Spec => {
            let (seed, every) = (case.parameter(1), every.get().into());
            spec::mask(seed, REPEAT as u64, every, offset, scale, x, out);
        }
        Answers::Of(level) => {
            mask_with(level, projection, offset, scale, x, out).map_err(|_| fmt::Error)?;
        }
    }
    record.answer("out", out)
}
