//! Scores of stored rows: one query, eight, or up to eleven, for open segments and for
//! sealed ones, whose contents are published too. Both have the same scores.

use super::{Format, kernel, make, make_integers};
use crate::input::Case;
use crate::record::Record;
use crate::{Family, Memory, SCORES};
use core::fmt;
use gradsieve_kernels::codec::sign::sign_words;
use gradsieve_kernels::score::float::{self, Packed};
use gradsieve_kernels::score::int8::{self, Queries};
use gradsieve_kernels::score::sign::{self, Tables};
use gradsieve_kernels::{Level, hash};
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
        kernel("score-open-sign", sign_open),
        kernel("score-sealed-sign", sign_sealed),
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
    level: Level,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let shape = Shape::of(case, 24, record)?;
    let x = make::<T>("x", case, case.seed, shape.rows * shape.k, &mut memory.x, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let scores = shape.scores(&mut memory.scores);
    float::score_rows_with(level, x, shape.k, y, scores).map_err(|_| fmt::Error)?;
    record.answer("scores", scores)
}

fn float_sealed<T: Format>(
    level: Level,
    case: &Case,
    memory: &mut Memory,
    record: &mut Record<'_>,
) -> fmt::Result {
    let shape = Shape::of(case, 24, record)?;
    let x = make::<T>("x", case, case.seed, shape.rows * shape.k, &mut memory.x, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let (sealed, _) = T::of(&mut memory.z).split_at_mut(float::sealed_len(shape.rows, shape.k));
    float::seal(x, shape.k, sealed).map_err(|_| fmt::Error)?;
    record.answer("sealed", sealed)?;
    let (packed, _) = memory.out.split_at_mut(Packed::len(shape.queries, shape.k));
    let packed = Packed::new(y, shape.k, packed).map_err(|_| fmt::Error)?;
    let scores = shape.scores(&mut memory.scores);
    float::score_sealed_with(level, sealed, packed, scores).map_err(|_| fmt::Error)?;
    record.answer("scores", scores)
}

fn int8_open(level: Level, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let shape = Shape::of(case, 24, record)?;
    let codes = make_integers("codes", case, shape.rows * shape.k, &mut memory.codes, |w| w as u8, record)?;
    let scales = make::<f32>("scales", case, hash::mix(case.seed), shape.rows, &mut memory.z, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let (scratch, _) = memory.scratch.split_at_mut(Queries::open_len(shape.queries, shape.k));
    let queries = Queries::open(y, shape.k, scratch);
    record.answer("refused", &[u8::from(queries.is_err())])?;
    let Ok(queries) = queries else { return Ok(()) };
    let scores = shape.scores(&mut memory.scores);
    int8::score_int8_rows_with(level, int8::Rows { codes, scales }, queries, scores)
        .map_err(|_| fmt::Error)?;
    record.answer("scores", scores)
}

fn int8_sealed(level: Level, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let shape = Shape::of(case, 24, record)?;
    let codes = make_integers("codes", case, shape.rows * shape.k, &mut memory.codes, |w| w as u8, record)?;
    let scales = make::<f32>("scales", case, hash::mix(case.seed), shape.rows, &mut memory.z, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let (sealed, _) = memory.sealed.split_at_mut(int8::sealed_len(shape.rows, shape.k));
    int8::seal(codes, shape.k, sealed).map_err(|_| fmt::Error)?;
    record.answer("sealed", sealed)?;
    let (scratch, _) = memory.scratch.split_at_mut(Queries::sealed_len(shape.queries, shape.k));
    let queries = Queries::sealed(y, shape.k, scratch);
    record.answer("refused", &[u8::from(queries.is_err())])?;
    let Ok(queries) = queries else { return Ok(()) };
    let scores = shape.scores(&mut memory.scores);
    int8::score_int8_sealed_with(level, int8::Rows { codes: sealed, scales }, queries, scores)
        .map_err(|_| fmt::Error)?;
    record.answer("scores", scores)
}

fn sign_open(level: Level, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let shape = Shape::of(case, 257, record)?;
    let length = shape.rows * sign_words(shape.k);
    let words = make_integers("words", case, length, &mut memory.words, |w| w as u32, record)?;
    let scales = make::<f16>("scales", case, hash::mix(case.seed), shape.rows, &mut memory.z, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let scores = shape.scores(&mut memory.scores);
    sign::score_sign_rows_with(level, sign::Rows { words, scales }, shape.k, y, scores)
        .map_err(|_| fmt::Error)?;
    record.answer("scores", scores)
}

fn sign_sealed(level: Level, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let shape = Shape::of(case, 257, record)?;
    let length = shape.rows * sign_words(shape.k);
    let words = make_integers("words", case, length, &mut memory.words, |w| w as u32, record)?;
    let scales = make::<f16>("scales", case, hash::mix(case.seed), shape.rows, &mut memory.z, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let (sealed, _) = memory.sealed_words.split_at_mut(sign::sealed_len(shape.rows, shape.k));
    sign::seal(words, shape.k, sealed).map_err(|_| fmt::Error)?;
    record.answer("sealed", sealed)?;
    let (tables, _) = memory.out.split_at_mut(Tables::len(shape.queries, shape.k));
    let tables = Tables::new(y, shape.k, tables).map_err(|_| fmt::Error)?;
    let scores = shape.scores(&mut memory.scores);
    sign::score_sign_sealed_with(level, sign::Rows { words: sealed, scales }, tables, scores)
        .map_err(|_| fmt::Error)?;
    record.answer("scores", scores)
}
