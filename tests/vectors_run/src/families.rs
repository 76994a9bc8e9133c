//! How each kernel is called on a case, and what of it is recorded.
//!
//! A kernel's function fills its operands, calls, and records inputs and answers by name. Calls cannot fail on these
//! inputs; if one does, the answer is recorded as missing, which the comparison will tell.

use crate::input::{Case, value};
use crate::record::{Record, Value};
use crate::{Memory, Operand};
use core::fmt;
use gradsieve_kernels::hash;
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{
    Accumulator, Element, Level, Sjlt, axpy_with, dot_with, l1_norm_with, max_abs_with, narrow_with,
    pair_with, sjlt_scaled_with, sjlt_with, squared_norm_with, widen_with,
};
use half::{bf16, f16};

/// A kernel by name, and how it is called.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Its name in the file.
    pub name: &'static str,
    /// Runs it on a case.
    pub run: fn(Level, &Case, &mut Memory, &mut Record<'_>) -> fmt::Result,
}

const fn kernel(
    name: &'static str,
    run: fn(Level, &Case, &mut Memory, &mut Record<'_>) -> fmt::Result,
) -> Kernel {
    Kernel { name, run }
}

/// Dot products.
pub const DOT: &[Kernel] = &[
    kernel("dot-f32-f32", dot::<f32, f32>),
    kernel("dot-f16-f16", dot::<f16, f16>),
    kernel("dot-bf16-bf16", dot::<bf16, bf16>),
    kernel("dot-f32-f16", dot::<f32, f16>),
    kernel("dot-f32-bf16", dot::<f32, bf16>),
];

/// Norms.
pub const NORM: &[Kernel] = &[
    kernel("squared-norm-f32", squared_norm::<f32>),
    kernel("squared-norm-f16", squared_norm::<f16>),
    kernel("squared-norm-bf16", squared_norm::<bf16>),
    kernel("l1-norm-f32", l1_norm::<f32>),
    kernel("l1-norm-f16", l1_norm::<f16>),
    kernel("l1-norm-bf16", l1_norm::<bf16>),
    kernel("max-abs-f32", max_abs::<f32>),
    kernel("max-abs-f16", max_abs::<f16>),
    kernel("max-abs-bf16", max_abs::<bf16>),
];

/// Joint measures.
pub const PAIR: &[Kernel] = &[
    kernel("pair-f32-f32", pair::<f32, f32>),
    kernel("pair-f16-f16", pair::<f16, f16>),
    kernel("pair-bf16-f32", pair::<bf16, f32>),
];

/// Summaries of slices that come in two pieces.
pub const SUMMARY: &[Kernel] = &[
    kernel("summary-f32", summary::<f32>),
    kernel("summary-f16", summary::<f16>),
    kernel("summary-bf16", summary::<bf16>),
];

/// y ← y + α·x.
pub const AXPY: &[Kernel] =
    &[kernel("axpy-f32", axpy::<f32>), kernel("axpy-f16", axpy::<f16>), kernel("axpy-bf16", axpy::<bf16>)];

/// Conversions; those of 16 bits also of all 65,536 values.
pub const CONVERT: &[Kernel] = &[
    kernel("narrow-f16", narrow::<f16>),
    kernel("narrow-bf16", narrow::<bf16>),
    kernel("widen-f16", widen::<f16>),
    kernel("widen-bf16", widen::<bf16>),
];

/// Blocked SJLT of s repetitions.
pub const SJLT: &[Kernel] = &[
    kernel("sjlt-1-f32", sjlt::<f32, 1>),
    kernel("sjlt-2-f32", sjlt::<f32, 2>),
    kernel("sjlt-4-f32", sjlt::<f32, 4>),
    kernel("sjlt-1-f16", sjlt::<f16, 1>),
    kernel("sjlt-1-bf16", sjlt::<bf16, 1>),
    kernel("sjlt-4-bf16", sjlt::<bf16, 4>),
    kernel("sjlt-scaled-1-f32", sjlt_scaled::<f32, 1>),
    kernel("sjlt-scaled-2-f16", sjlt_scaled::<f16, 2>),
];

/// The hash itself; integers only.
pub const HASH: &[Kernel] = &[
    kernel("mix", |_, case, _, record| hashes(case, record, hash::mix)),
    kernel("key", |_, case, _, record| {
        record.input("stream", &[case.seed])?;
        hashes(case, record, |word| hash::key(word, case.seed))
    }),
    kernel("word", |_, case, _, record| {
        record.input("counter", &[case.seed])?;
        hashes(case, record, |word| hash::word(word, case.seed))
    }),
    kernel("below", |_, case, _, record| {
        let below = 1 + case.seed % 1000;
        record.input("below", &[below])?;
        hashes(case, record, |word| hash::below(word >> 37, 27, below))
    }),
];

/// A format with its place in the memory.
trait Format: Element + Value {
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

/// Makes the case's operand of that seed.
fn fill<'m, T: Format>(case: &Case, seed: u64, operand: &'m mut Operand) -> &'m [T] {
    let all = T::of(operand);
    // The stream's elements before `start` are left where they are: nobody reads them.
    for (i, element) in all.iter_mut().enumerate().skip(case.start).take(case.length) {
        *element = T::narrow(value(case.kind, seed, i as u64));
    }
    all.get(case.start..case.start + case.length).unwrap_or_default()
}

/// Makes the first operand and records it.
fn first<'m, T: Format>(
    case: &Case,
    operand: &'m mut Operand,
    record: &mut Record<'_>,
) -> Result<&'m [T], fmt::Error> {
    let x = fill(case, case.seed, operand);
    record.input("x", x)?;
    Ok(x)
}

/// Makes the second operand and records it.
fn second<'m, T: Format>(
    case: &Case,
    operand: &'m mut Operand,
    record: &mut Record<'_>,
) -> Result<&'m [T], fmt::Error> {
    let y = fill(case, !case.seed, operand);
    record.input("y", y)?;
    Ok(y)
}

fn dot<T: Format, U: Format>(
    level: Level,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let (x, y) = (first::<T>(case, &mut memory.x, record)?, second::<U>(case, &mut memory.y, record)?);
    record.answer("dot", &[dot_with(level, x, y).map_err(|_| fmt::Error)?])
}

fn squared_norm<T: Format>(
    level: Level,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let x = first::<T>(case, &mut memory.x, record)?;
    record.answer("squared_norm", &[squared_norm_with(level, x)])
}

fn l1_norm<T: Format>(
    level: Level,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let x = first::<T>(case, &mut memory.x, record)?;
    record.answer("l1_norm", &[l1_norm_with(level, x)])
}

fn max_abs<T: Format>(
    level: Level,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let x = first::<T>(case, &mut memory.x, record)?;
    record.answer("max_abs", &[max_abs_with(level, x)])
}

fn pair<T: Format, U: Format>(
    level: Level,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let (x, y) = (first::<T>(case, &mut memory.x, record)?, second::<U>(case, &mut memory.y, record)?);
    let pair = pair_with(level, x, y).map_err(|_| fmt::Error)?;
    record.answer("dot", &[pair.dot])?;
    record.answer("x_squared", &[pair.x_squared])?;
    record.answer("y_squared", &[pair.y_squared])?;
    record.answer("x_l1", &[pair.x_l1])
}

fn summary<T: Format>(
    level: Level,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let x = first::<T>(case, &mut memory.x, record)?;
    let cut = case.parameter(0) % (case.length as u64 + 1);
    record.input("cut", &[cut])?;
    let (head, tail) = x.split_at(cut as usize);
    let mut state = Accumulator::new();
    state.add_with(level, head);
    state.add_with(level, tail);
    let summary = state.summary();
    record.answer("l1", &[summary.l1])?;
    record.answer("l2_squared", &[summary.l2_squared])?;
    record.answer("max", &[summary.max])?;
    record.answer("non_finite", &[summary.non_finite])?;
    record.answer("count", &[summary.count])
}

fn axpy<T: Format>(level: Level, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let alpha = case.factor();
    record.input("alpha", &[alpha])?;
    let (x, y) = (first::<T>(case, &mut memory.x, record)?, second::<f32>(case, &mut memory.y, record)?);
    let (out, _) = memory.out.split_at_mut(y.len());
    out.copy_from_slice(y);
    axpy_with(level, alpha, x, out).map_err(|_| fmt::Error)?;
    record.answer("out", out)
}

fn narrow<T: Format>(level: Level, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let x = first::<f32>(case, &mut memory.x, record)?;
    let (out, _) = T::of(&mut memory.y).split_at_mut(x.len());
    narrow_with(level, x, out).map_err(|_| fmt::Error)?;
    record.answer("out", out)
}

/// Inputs of 16 bits: the lower bits of the stream's words; in the longest cases all 65,536 values in order.
fn widen<T: Format>(level: Level, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let every = case.length > 3 * 4096;
    let all = if every { 65_536 } else { case.length };
    for from in (0..all).step_by(4096) {
        let (x, _) = T::of(&mut memory.x).split_at_mut((all - from).min(4096));
        for (i, x) in (from..).zip(&mut *x) {
            let word = hash::word(case.seed, (case.start + i) as u64);
            *x = T::from_16_bits(if every { i as u16 } else { word as u16 });
        }
        let (out, _) = memory.out.split_at_mut(x.len());
        widen_with(level, x, out).map_err(|_| fmt::Error)?;
        record.input("x", x)?;
        record.answer("out", out)?;
    }
    Ok(())
}

/// The projection of a case: key, offset and width.
fn sjlt<T: Format, const REPEAT: usize>(
    level: Level,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    project::<T, REPEAT, false>(level, case, memory, record)
}

fn sjlt_scaled<T: Format, const REPEAT: usize>(
    level: Level,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    project::<T, REPEAT, true>(level, case, memory, record)
}

fn project<T: Format, const REPEAT: usize, const SCALED: bool>(
    level: Level,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let projection = Sjlt::new(case.parameter(1), Repeat::from_count(REPEAT).ok_or(fmt::Error)?);
    // Small widths where the answers are spelled out; far offsets now and then.
    let blocks = if case.length < 100 { 1 + case.length / 40 } else { 1 + (case.parameter(2) % 20) as usize };
    let far = if case.parameter(3).is_multiple_of(4) { 1 << 33 } else { 0 };
    let offset = case.parameter(4) % 200 + far;
    let (out, _) = memory.out.split_at_mut(blocks * projection.multiple());
    out.fill(0.0);
    record.input("projection_seed", &[case.parameter(1)])?;
    record.input("offset", &[offset])?;
    let x = first::<T>(case, &mut memory.x, record)?;
    let done = if SCALED {
        record.input("scale", &[case.factor()])?;
        sjlt_scaled_with(level, projection, offset, case.factor(), x, out)
    } else {
        sjlt_with(level, projection, offset, x, out)
    };
    done.map_err(|_| fmt::Error)?;
    record.answer("out", out)
}

/// A function of 64 bits on the first words of the case's stream, at most 64 of them.
fn hashes(case: &Case, record: &mut Record<'_>, function: impl Fn(u64) -> u64) -> fmt::Result {
    let (mut words, mut answers) = ([0; 64], [0; 64]);
    let n = case.length.min(words.len());
    for (i, (word, answer)) in words.iter_mut().zip(&mut answers).enumerate() {
        *word = hash::word(case.seed, i as u64);
        *answer = function(*word);
    }
    record.input("words", words.get(..n).unwrap_or_default())?;
    record.answer("out", answers.get(..n).unwrap_or_default())
}
