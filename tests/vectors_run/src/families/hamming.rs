//! In how many signs stored rows and queries differ, in both layouts. The queries' packed
//! words are published too.

use super::score::Shape;
use super::{kernel, make, make_integers};
use crate::input::Case;
use crate::record::Record;
use crate::{Answers, Family, Memory};
use core::fmt;
use gradsieve_kernels::codec::bits::Bits;
use gradsieve_kernels::score::bits;
use gradsieve_kernels::score::hamming::{Queries, hamming_rows_with, hamming_sealed_with};
use gradsieve_kernels::spec;

/// What is published.
pub const FAMILY: Family = Family {
    name: "hamming",
    published: include_str!("../../../vectors/hamming.json"),
    kernels: &[kernel("hamming-open", open), kernel("hamming-sealed", sealed)],
};

fn open(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let shape = Shape::of(case, 257, record)?;
    let length = shape.rows * Bits::One.words(shape.k);
    let words = make_integers("words", case, length, &mut memory.words, |w| w as u32, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let (packed, _) = memory.query_words.split_at_mut(Queries::open_len(shape.queries, shape.k));
    let (distances, _) = memory.distances.split_at_mut(shape.rows * shape.queries);
    match by {
        Answers::Spec => {
            spec::score::pack_signs(y, shape.k, packed);
            spec::score::hamming(words, Bits::One.words(shape.k), shape.k, y, distances);
        }
        Answers::Of(level) => {
            let queries = Queries::open(y, shape.k, packed).map_err(|_| fmt::Error)?;
            hamming_rows_with(level, words, queries, distances).map_err(|_| fmt::Error)?;
        }
    }
    record.answer("packed", packed)?;
    record.answer("distances", distances)
}

fn sealed(by: Answers, case: &Case, memory: &mut Memory, record: &mut Record<'_>) -> fmt::Result {
    let shape = Shape::of(case, 257, record)?;
    let length = shape.rows * Bits::One.words(shape.k);
    let words = make_integers("words", case, length, &mut memory.words, |w| w as u32, record)?;
    let y = make::<f32>("y", case, !case.seed, shape.queries * shape.k, &mut memory.y, record)?;
    let (sealed, _) = memory.sealed_words.split_at_mut(bits::sealed_len(Bits::One, shape.rows, shape.k));
    let (packed, _) = memory.query_words.split_at_mut(Queries::sealed_len(shape.queries, shape.k));
    let (distances, _) = memory.distances.split_at_mut(shape.rows * shape.queries);
    match by {
        Answers::Spec => {
            spec::score::pack_signs_sealed(y, shape.k, packed);
            spec::score::hamming(words, Bits::One.words(shape.k), shape.k, y, distances);
        }
        Answers::Of(level) => {
            bits::seal(Bits::One, words, shape.k, sealed).map_err(|_| fmt::Error)?;
            let queries = Queries::sealed(y, shape.k, packed).map_err(|_| fmt::Error)?;
            hamming_sealed_with(level, sealed, queries, distances).map_err(|_| fmt::Error)?;
        }
    }
    record.answer("packed", packed)?;
    record.answer("distances", distances)
}
