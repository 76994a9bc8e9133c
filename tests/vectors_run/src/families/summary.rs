//! Summaries of slices that come in two pieces.

use super::{Format, cut, first, kernel};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::{Accumulator, spec};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "summary",
    published: include_str!("../../../vectors/summary.json"),
    kernels: &[
        kernel("summary-f32", summary::<f32>),
        kernel("summary-f16", summary::<f16>),
        kernel("summary-bf16", summary::<bf16>),
    ],
};

fn summary<T: Format>(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let x = first::<T>(case, &mut memory.x, record)?;
    let (head, tail) = cut(case, x, record)?;
    let summary = match by {
        Answers::Spec => spec::summarize(x),
        Answers::Of(level) => {
            let mut state = Accumulator::new();
            state.add_with(level, head);
            state.add_with(level, tail);
            state.summary()
        }
    };
    record.answer("l1", &[summary.l1])?;
    record.answer("l2_squared", &[summary.l2_squared])?;
    record.answer("max", &[summary.max])?;
    record.answer("non_finite", &[summary.non_finite])?;
    record.answer("count", &[summary.count])
}
