//! Scores of rows of `f32`, `f16` or `bf16`: Σ xᵢ·qᵢ with `f32` queries, in the order of
//! [`super`].
//!
//! The small formats widen exactly. A product is rounded, then added. A score that
//! overflows, or is below 2⁻⁸⁰, is taken again in `f64`, as in [`mod@crate::dot`], and
//! rounded to `f32` once. *Memory*: an open
//! segment needs none besides its input; for sealed ones the queries are packed once
//! ([`Packed`]).

use crate::dispatch::run;
use crate::element::Element;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::layout::order::{check_scores, rows_of, whole};
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector, wide};

pub use crate::layout::float::{Packed, put, seal, sealed_len, sealed_place, take};

/// `scores[q·n + r]` = ⟨row r, query q⟩ for the n rows of an open segment: row after row
/// of `k` values, query after query.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if rows or queries aren't multiples
/// of `k`, or the scores aren't as many as the product of their numbers. Nothing was
/// written.
#[inline]
pub fn score_rows<T: Element>(
    rows: &[T],
    k: usize,
    queries: &[f32],
    scores: &mut [f32],
) -> Result<(), Error> {
    score_rows_with(Level::best(), rows, k, queries, scores)
}

/// [`score_rows`] on a given level.
///
/// # Errors
/// As [`score_rows`].
#[inline]
pub fn score_rows_with<T: Element>(
    level: Level,
    rows: &[T],
    k: usize,
    queries: &[f32],
    scores: &mut [f32],
) -> Result<(), Error> {
    let n = whole(rows.len(), k)?;
    check_scores(n, whole(queries.len(), k)?, scores.len())?;
    if !scores.is_empty() {
        run(level, Rows { rows, k, n, queries, scores: &mut *scores });
        wide::scores(rows, k, n, queries, scores);
    }
    Ok(())
}

/// `scores[q·n + r]` = ⟨row r, query q⟩ for the first n rows of a sealed segment, n =
/// `scores.len()` / queries. The bits are those of [`score_rows`] for the rows from which
/// [`seal`] made it.
///
/// # Errors
/// [`Error::Length`] if the scores aren't a multiple of the queries' number, or the
/// segment's length is not [`sealed_len`] of that many rows. Nothing was written.
#[inline]
pub fn score_sealed<T: Element>(sealed: &[T], queries: Packed<'_>, scores: &mut [f32]) -> Result<(), Error> {
    score_sealed_with(Level::best(), sealed, queries, scores)
}

/// [`score_sealed`] on a given level.
///
/// # Errors
/// As [`score_sealed`].
#[inline]
pub fn score_sealed_with<T: Element>(
    level: Level,
    sealed: &[T],
    queries: Packed<'_>,
    scores: &mut [f32],
) -> Result<(), Error> {
    let Some(n) = rows_of(scores.len(), queries.count)? else { return Ok(()) };
    same_length(sealed_len(n, queries.k), sealed.len())?;
    run(level, Sealed { sealed, n, queries, scores: &mut *scores });
    for (query, scores) in scores.chunks_exact_mut(n.max(1)).enumerate() {
        wide::sealed_scores(sealed, queries.k, |i| queries.value(query, i), scores);
    }
    Ok(())
}

/// Multiplies the scores that [`score_sealed`] gave by 2ᵉ, of an exponent a row: what
/// rows were divided by before they were stored. A score that had left the range of `f32`
/// for itself is taken again, so that it is lost only where it is no number of `f32` with
/// its power of two.
///
/// # Errors
/// As [`score_sealed`]; [`Error::Length`] if there is not an exponent for each row.
/// Nothing was changed.
#[inline]
pub fn scale_sealed<T: Element>(
    sealed: &[T],
    queries: Packed<'_>,
    exponents: &[i8],
    scores: &mut [f32],
) -> Result<(), Error> {
    let Some(n) = rows_of(scores.len(), queries.count)? else { return Ok(()) };
    same_length(sealed_len(n, queries.k), sealed.len())?;
    same_length(n, exponents.len())?;
    for (query, scores) in scores.chunks_exact_mut(n.max(1)).enumerate() {
        wide::scaled_scores(sealed, queries.k, |i| queries.value(query, i), exponents, scores);
    }
    Ok(())
}

struct Rows<'a, T> {
    rows: &'a [T],
    k: usize,
    n: usize,
    queries: &'a [f32],
    scores: &'a mut [f32],
}

impl<T: Element> Kernel for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::score::float::rows(self.rows, self.k, self.n, self.queries, self.scores);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::score::float::rows(s, self.rows, self.k, self.n, self.queries, self.scores);
    }
}

struct Sealed<'a, T> {
    sealed: &'a [T],
    n: usize,
    queries: Packed<'a>,
    scores: &'a mut [f32],
}

impl<T: Element> Kernel for Sealed<'_, T> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::score::float::sealed(self.sealed, self.n, self.queries, self.scores);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::score::float::sealed(s, self.sealed, self.n, self.queries, self.scores);
    }
}
