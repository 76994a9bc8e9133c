//! The Walsh–Hadamard transform.

use super::{kernel, make};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::{hadamard_with, spec};

/// What is published.
pub const FAMILY: Family = Family {
    name: "hadamard",
    published: include_str!("../../../vectors/hadamard.json"),
    kernels: &[kernel("hadamard", hadamard)],
};

/// Of as many elements as the largest power of two that the length allows; of one, if it
/// is zero.
fn hadamard(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let n = 1 << case.length.max(1).ilog2();
    let x = make::<f32>("x", case, case.seed, n, &mut memory.x, record)?;
    let (out, _) = memory.out.split_at_mut(n);
    out.copy_from_slice(x);
    match by {
        Answers::Spec => spec::hadamard(out),
        Answers::Of(level) => hadamard_with(level, out).map_err(|_| fmt::Error)?,
    }
    record.answer("out", out)
}
