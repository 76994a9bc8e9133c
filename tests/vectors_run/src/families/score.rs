//! Scores of stored rows: one query, eight, or up to eleven, for open segments and for
//! sealed ones, whose contents are published too. Both have the same scores.

use super::{Format, kernel, make, make_integers};
use crate::input::Case;
use crate::memory::SCORES;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::codec::bits::Bits;
use gradsieve_kernels::score::bits;
use gradsieve_kernels::score::float::{self, Packed};
use gradsieve_kernels::score::int8::{self, Queries};
use gradsieve_kernels::{hash, spec};
use half::{bf16, f16};

/// What is published.
pub const FAMILY: Family = Family {
    name: "score",
    published: include_str!("../../../vectors/score.json"),
    kernels: &[
        kernel("score-open-f32", float_open::<f32>),
        kernel("score-open-f16", float_open::<f16>),
        kernel("score-open-bf16", float_open::<bf16>),
        kernel("score-sealed-f32", float_sealed::<f32>),
        kernel("score-sealed-f16", float_sealed::<f16>),
        kernel("score-sealed-bf16", float_sealed::<bf16>),
        kernel("score-open-int8", int8_open),
        kernel("score-sealed-int8", int8_sealed),
        kernel("score-bits-1", |by, case, memory, record| few_bits(Bits::One, by, case, memory, record)),
        kernel("score-bits-2", |by, case, memory, record| few_bits(Bits::Two, by, case, memory, record)),
        kernel("score-bits-4", |by, case, memory, record| few_bits(Bits::Four, by, case, memory, record)),
    ],
};

/// How many of what a case scores.
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) queries: usize,
    /// Values a row.
    pub(super) k: usize,
}

impl Shape {
    /// `short` is what k of a small case stays below.
    pub(super) fn of(case: &Case, short: usize, record: &mut Record<'_>) -> Result<Self, fmt::Error> {
        let small = case.length < 100;
        let shape = Self {
            rows: 1 + (case.parameter(5) % if small { 3 } else { 48 }) as usize,
            queries: match case.parameter(7) % 3 {
                0 => 1,
                1 => 8,
                _ => 1 + (case.parameter(8) % 11) as usize,
            },
            k: (case.length % if small { short } else { 257 }).max(1),
        };
        record.input("rows", &[shape.rows as u64])?;
        record.input("queries", &[shape.queries as u64])?;
        Ok(shape)
    }

    /// Where the scores go.
    fn scores<'m>(&self, memory: &'m mut [f32; SCORES]) -> &'m mut [f32] {
        memory.split_at_mut(self.rows * self.queries).0
    }
}

fn float_open<T: Format>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let shape = Shape::of(case, 24, record)?;
    let x = make::<T>("x", case, case.seed, shape.rows * shape.k, &mut memory.x, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let scores = shape.scores(&mut memory.scores);
    match by {
        Answers::Spec => spec::score::score_floats(x, shape.k, y, scores),
        Answers::Of(level) => float::score_rows_with(level, x, shape.k, y, scores).map_err(|_| fmt::Error)?,
    }
    record.answer("scores", scores)
}

fn float_sealed<T: Format>(
    by: Answers,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let shape = Shape::of(case, 24, record)?;
    let x = make::<T>("x", case, case.seed, shape.rows * shape.k, &mut memory.x, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let (sealed, _) = T::of(&mut memory.z).split_at_mut(float::sealed_len(shape.rows, shape.k));
    let scores = shape.scores(&mut memory.scores);
    match by {
        Answers::Spec => {
            spec::score::seal_floats(x, shape.k, sealed);
            spec::score::score_floats(x, shape.k, y, scores);
        }
        Answers::Of(level) => {
            float::seal(x, shape.k, sealed).map_err(|_| fmt::Error)?;
            let (packed, _) = memory.out.split_at_mut(Packed::len(shape.queries, shape.k));
            let packed = Packed::new(y, shape.k, packed).map_err(|_| fmt::Error)?;
            float::score_sealed_with(level, sealed, packed, scores).map_err(|_| fmt::Error)?;
        }
    }
    record.answer("sealed", sealed)?;
    record.answer("scores", scores)
}

/// Scores by the definition, and whether it refuses: queries must be finite.
fn int8_defined(codes: &[u8], scales: &[f32], k: usize, queries: &[f32], scores: &mut [f32]) -> bool {
    let refused = queries.iter().any(|x| !x.is_finite());
    if !refused {
        spec::score::score_int8(codes, scales, k, queries, scores);
    }
    refused
}

fn int8_open(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let shape = Shape::of(case, 24, record)?;
    let codes = make_integers("codes", case, shape.rows * shape.k, &mut memory.codes, |w| w as u8, record)?;
    let scales = make::<f32>("scales", case, hash::mix(case.seed), shape.rows, &mut memory.z, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let scores = shape.scores(&mut memory.scores);
    let refused = match by {
        Answers::Spec => int8_defined(codes, scales, shape.k, y, scores),
        Answers::Of(level) => {
            let (scratch, _) = memory.scratch.split_at_mut(Queries::open_len(shape.queries, shape.k));
            let rows = int8::Rows { codes, scales };
            Queries::open(y, shape.k, scratch)
                .and_then(|queries| int8::score_int8_rows_with(level, rows, queries, scores))
                .is_err()
        }
    };
    record.answer("refused", &[u8::from(refused)])?;
    if refused {
        return Ok(());
    }
    record.answer("scores", scores)
}

fn int8_sealed(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let shape = Shape::of(case, 24, record)?;
    let codes = make_integers("codes", case, shape.rows * shape.k, &mut memory.codes, |w| w as u8, record)?;
    let scales = make::<f32>("scales", case, hash::mix(case.seed), shape.rows, &mut memory.z, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let (sealed, _) = memory.sealed.split_at_mut(int8::sealed_len(shape.rows, shape.k));
    let scores = shape.scores(&mut memory.scores);
    let refused = match by {
        Answers::Spec => {
            spec::score::seal_int8(codes, shape.k, sealed);
            int8_defined(codes, scales, shape.k, y, scores)
        }
        Answers::Of(level) => {
            int8::seal(codes, shape.k, sealed).map_err(|_| fmt::Error)?;
            let (scratch, _) = memory.scratch.split_at_mut(Queries::sealed_len(shape.queries, shape.k));
            let rows = int8::Rows { codes: sealed, scales };
            Queries::sealed(y, shape.k, scratch)
                .and_then(|queries| int8::score_int8_sealed_with(level, rows, queries, scores))
                .is_err()
        }
    };
    record.answer("sealed", sealed)?;
    record.answer("refused", &[u8::from(refused)])?;
    if refused {
        return Ok(());
    }
    record.answer("scores", scores)
}

/// Sealed rows; as many values fewer as they take more bits.
fn few_bits(of: Bits, by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let shape = Shape::of(case, 257, record)?;
    let k = shape.k.div_ceil(of.count());
    let length = shape.rows * of.words(k);
    let words = make_integers("words", case, length, &mut memory.words, |w| w as u32, record)?;
    let scales = make::<f16>("scales", case, hash::mix(case.seed), shape.rows, &mut memory.z, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * k, &mut memory.y, record)?;
    let (sealed, _) = memory.sealed_words.split_at_mut(bits::sealed_len(of, shape.rows, k));
    let scores = shape.scores(&mut memory.scores);
    let refused = match by {
        Answers::Spec => {
            spec::score::seal_bits(of.count(), words, k, sealed);
            let refused = y.iter().any(|x| !x.is_finite());
            if !refused {
                spec::score::score_bits(of.count(), words, scales, k, y, scores);
            }
            refused
        }
        Answers::Of(level) => {
            bits::seal(of, words, k, sealed).map_err(|_| fmt::Error)?;
            let (scratch, _) = memory.scratch.split_at_mut(bits::Queries::sealed_len(shape.queries, k));
            let rows = bits::Rows { words: sealed, scales };
            bits::Queries::sealed(of, y, k, scratch)
                .and_then(|queries| bits::score_bits_sealed_with(level, rows, queries, scores))
                .is_err()
        }
    };
    record.answer("sealed", sealed)?;
    record.answer("refused", &[u8::from(refused)])?;
    if refused {
        return Ok(());
    }
    record.answer("scores", scores)
}
