//! Scores of 1-bit rows ([`crate::codec::sign`]) against `f32` queries: (Σ ±qᵢ)·row's
//! scale.
//!
//! The order is that of [`super`], but that four terms are added to each other before
//! they go to their partial sum: with t(i) = ±qᵢ, zero beyond the end,
//!
//! partial sum j += (t(64b + j) + t(64b + 16 + j)) + (t(64b + 32 + j) + t(64b + 48 + j))
//! for block b = 0, 1, …
//!
//! A sum of four values must not leave `f32`: queries near its end are divided by a power
//! of two before, and their scores multiplied.
//!
//! So |computed − exact| ≤ (⌈k/64⌉ + 6)·2⁻²⁴·Σ|qᵢ|, and one rounding for the scale. Row
//! by row, that is a flip of signs and an addition for sixteen terms. In a sealed group
//! the four signs of a term stand together and are an index into a table of the sixteen
//! signed sums of four query values (the method of the four Russians): one look-up and
//! one addition for four terms of sixteen rows. The tables are made once a query
//! ([`Tables`]), in 16 times the query's memory.

use crate::codec::sign::sign_words;
use crate::dispatch::run;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::layout::order::{check_scores, whole};
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::layout::sign::{Rows, Tables, put, seal, sealed_len, take};

/// `scores[q·n + r]` of row r of an open segment and query q, of `k` values each.
///
/// # Errors
/// [`Error::Width`] if `k` is zero; [`Error::Length`] if the words aren't [`sign_words`]
/// for each scale, the queries aren't a multiple of `k`, or the scores aren't as many as
/// the product of rows and queries. Nothing was written.
#[inline]
pub fn score_sign_rows(rows: Rows<'_>, k: usize, queries: &[f32], scores: &mut [f32]) -> Result<(), Error> {
    score_sign_rows_with(Level::best(), rows, k, queries, scores)
}

/// [`score_sign_rows`] on a given level.
///
/// # Errors
/// As [`score_sign_rows`].
#[inline]
pub fn score_sign_rows_with(
    level: Level,
    rows: Rows<'_>,
    k: usize,
    queries: &[f32],
    scores: &mut [f32],
) -> Result<(), Error> {
    let count = whole(queries.len(), k)?;
    same_length(rows.scales.len().saturating_mul(sign_words(k)), rows.words.len())?;
    check_scores(rows.scales.len(), count, scores.len())?;
    if !scores.is_empty() {
        run(level, Open { rows, k, queries, scores });
    }
    Ok(())
}

/// `scores[q·n + r]` of row r of a sealed segment and query q, for as many rows as there
/// are scales.
///
/// # Errors
/// [`Error::Length`] if the words aren't [`sealed_len`] of as many rows as there are
/// scales, or the scores aren't as many as the product of rows and queries. Nothing was
/// written.
#[inline]
pub fn score_sign_sealed(sealed: Rows<'_>, queries: Tables<'_>, scores: &mut [f32]) -> Result<(), Error> {
    score_sign_sealed_with(Level::best(), sealed, queries, scores)
}

/// [`score_sign_sealed`] on a given level.
///
/// # Errors
/// As [`score_sign_sealed`].
#[inline]
pub fn score_sign_sealed_with(
    level: Level,
    sealed: Rows<'_>,
    queries: Tables<'_>,
    scores: &mut [f32],
) -> Result<(), Error> {
    same_length(sealed_len(sealed.scales.len(), queries.k), sealed.words.len())?;
    check_scores(sealed.scales.len(), queries.count, scores.len())?;
    if !scores.is_empty() {
        run(level, Sealed { rows: sealed, queries, scores });
    }
    Ok(())
}

struct Open<'a> {
    rows: Rows<'a>,
    k: usize,
    queries: &'a [f32],
    scores: &'a mut [f32],
}

impl Kernel for Open<'_> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::score::sign::open(self.rows, self.k, self.queries, self.scores);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::score::sign::open(s, self.rows, self.k, self.queries, self.scores);
    }
}

struct Sealed<'a> {
    rows: Rows<'a>,
    queries: Tables<'a>,
    scores: &'a mut [f32],
}

impl Kernel for Sealed<'_> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::score::sign::sealed(self.rows, self.queries, self.scores);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::score::sign::sealed(s, self.rows, self.queries, self.scores);
    }
}
