//! How each kernel is called on a case, and what of it is recorded: one file a family.
//!
//! A kernel's function fills its operands, calls, and records inputs and answers by name.
//! Where a call can fail on such inputs, the refusal is recorded; else an error is a
//! missing answer, which the comparison will tell.

pub mod axpy;
pub mod codec;
pub mod convert;
pub mod dot;
pub mod fold;
pub mod gaussian;
pub mod hadamard;
pub mod hamming;
pub mod hash;
pub mod mask;
pub mod matrix;
pub mod norm;
pub mod pair;
pub mod rademacher;
pub mod score;
pub mod sjlt;
pub mod srht;
pub mod summary;

use crate::family::kernel;
use crate::input::{Case, value};
use crate::memory::Operand;
use crate::record::{Record, Value};
use core::fmt;
use gradsieve_kernels::{hash::word, spec};
use half::{bf16, f16};

/// A format with its place in the memory.
trait Format: spec::Format + Value {
    fn of(operand: &mut Operand) -> &mut [Self];
    /// The value of those 16 bits, in a format of 16 bits.
    fn from_16_bits(bits: u16) -> Self;
}
impl Format for f32 {
    fn of(operand: &mut Operand) -> &mut [Self] {
        &mut operand.f32
    }
    fn from_16_bits(bits: u16) -> Self {
        Self::from(bits)
    }
}
impl Format for f16 {
    fn of(operand: &mut Operand) -> &mut [Self] {
        &mut operand.f16
    }
    fn from_16_bits(bits: u16) -> Self {
        Self::from_bits(bits)
    }
}
impl Format for bf16 {
    fn of(operand: &mut Operand) -> &mut [Self] {
        &mut operand.bf16
    }
    fn from_16_bits(bits: u16) -> Self {
        Self::from_bits(bits)
    }
}

/// Makes `length` elements of the stream of that seed, from the case's start on, and
/// records them as `name`.
fn make<'m, T: Format>(
    name: &str,
    case: &Case,
    seed: u64,
    length: usize,
    operand: &'m mut Operand,
    record: &mut Record<'_>,
) -> Result<&'m [T], fmt::Error> {
    let all = T::of(operand);
    // The stream's elements before `start` are left where they are: nobody reads them.
    for (i, element) in all.iter_mut().enumerate().skip(case.start).take(length) {
        *element = T::nearest(value(case.kind, seed, i as u64));
    }
    let made = all.get(case.start..case.start + length).ok_or(fmt::Error)?;
    record.input(name, made)?;
    Ok(made)
}

/// Makes integers of the words of the case's stream, and records them as `name`.
fn make_integers<'m, T: Value>(
    name: &str,
    case: &Case,
    length: usize,
    memory: &'m mut [T],
    of_word: impl Fn(u64) -> T,
    record: &mut Record<'_>,
) -> Result<&'m [T], fmt::Error> {
    let (made, _) = memory.split_at_mut(length);
    for (integer, i) in made.iter_mut().zip(case.start as u64..) {
        *integer = of_word(word(case.seed, i));
    }
    record.input(name, made)?;
    Ok(made)
}

/// Makes the first operand and records it.
fn first<'m, T: Format>(
    case: &Case,
    operand: &'m mut Operand,
    record: &mut Record<'_>,
) -> Result<&'m [T], fmt::Error> {
    make("x", case, case.seed, case.length, operand, record)
}

/// Makes the second operand and records it.
fn second<'m, T: Format>(
    case: &Case,
    operand: &'m mut Operand,
    record: &mut Record<'_>,
) -> Result<&'m [T], fmt::Error> {
    make("y", case, !case.seed, case.length, operand, record)
}

/// The two pieces of an operand that is cut, and a record of where.
fn cut<'x, T>(case: &Case, x: &'x [T], record: &mut Record<'_>) -> Result<(&'x [T], &'x [T]), fmt::Error> {
    let cut = case.parameter(0) % (x.len() as u64 + 1);
    record.input("cut", &[cut])?;
    Ok(x.split_at(cut as usize))
}

/// The number of the first coordinate of a segment; far out now and then.
fn offset(case: &Case) -> u64 {
    let far = if case.parameter(3).is_multiple_of(4) { 1 << 33 } else { 0 };
    case.parameter(4) % 200 + far
}

/// Blocks of outputs of a sparse projection: few where the answers are spelled out.
fn blocks(case: &Case) -> usize {
    if case.length < 100 { 1 + case.length / 40 } else { 1 + (case.parameter(2) % 20) as usize }
}
