//! Factors, folded and measured.

use super::{Format, first, kernel};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::fold::KEPT;
use gradsieve_kernels::{Fold, Key, fold, spec};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "fold",
    published: include_str!("../../../vectors/fold.json"),
    kernels: &[
        kernel("fold-f32", folded::<f32>),
        kernel("fold-f16", folded::<f16>),
        kernel("fold-bf16", folded::<bf16>),
    ],
};

fn folded<T: Format>(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let kept = (1..=KEPT).contains(&case.length) && case.parameter(6).is_multiple_of(3);
    let width = if kept { case.length } else { 1 << (case.parameter(5) % 4) };
    let (seed, entries) = (case.parameter(1), case.length as u64);
    record.input("projection_seed", &[seed])?;
    record.input("width", &[width as u64])?;
    let x = first::<T>(case, &mut memory.x, record)?;
    let (out, _) = memory.out.split_at_mut(width);
    let tame = match by {
        Answers::Spec => {
            spec::fold(seed, x, out);
            spec::tame(x)
        }
        Answers::Of(_) => {
            let by = Fold::new(entries, width, Key::seed(seed)).ok_or(fmt::Error)?;
            fold(&by, x, false, out).map_err(|_| fmt::Error)?
        }
    };
    record.answer("out", out)?;
    record.answer("held", &[u64::from(tame.is_some())])?;
    let Some(tame) = tame else { return Ok(()) };
    record.answer("l1", &[tame.l1])?;
    record.answer("l2_squared", &[tame.l2_squared])?;
    record.answer("max", &[tame.max])
}
