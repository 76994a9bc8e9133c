//! Scores of int8 rows ([`crate::codec::int8`]) against queries of the same codec.
//!
//! score = (Σ cᵢ·dᵢ)·row's scale·query's scale: the integer sum of codes c of the row and
//! d of the query is exact, is rounded to `f32`, and then each of the two products is. So
//! the bits are equal whatever the order. Where one of the products leaves the range of
//! normal numbers, the score is the product in `f64`, rounded to `f32`: it is lost only
//! where it leaves that range itself. k is at most [`MOST`].
//!
//! An open segment holds row after row. In a sealed one, four places of sixteen rows
//! stand together: four bytes of row 0, of row 1, …, then the next four places; *k* is
//! filled up to a multiple of four. Queries are quantised by [`Queries`], in the caller's
//! scratch.
//!
//! *Cost*: `vpdpbusd` multiplies 64 bytes at once where there is VNNI. Stored codes are +
//! 128, which costs −128·Σ dᵢ a query.

use crate::dispatch::run;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::layout::int8::Layout;
use crate::layout::order::check_scores;
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::layout::int8::{MOST, Queries, Rows, put, seal, sealed_len, sealed_place, take};

/// `scores[q·n + r]` of row r of an open segment and query q.
///
/// # Errors
/// [`Error::Layout`] if the queries are for sealed segments; [`Error::Length`] if the
/// codes aren't as many rows of k as there are scales, or the scores aren't as many as
/// the product of rows and queries. Nothing was written.
#[inline]
pub fn score_int8_rows(rows: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) -> Result<(), Error> {
    score_int8_rows_with(Level::best(), rows, queries, scores)
}

/// [`score_int8_rows`] on a given level.
///
/// # Errors
/// As [`score_int8_rows`].
#[inline]
pub fn score_int8_rows_with(
    level: Level,
    rows: Rows<'_>,
    queries: Queries<'_>,
    scores: &mut [f32],
) -> Result<(), Error> {
    if queries.layout != Layout::Open {
        return Err(Error::Layout);
    }
    same_length(rows.scales.len().saturating_mul(queries.k), rows.codes.len())?;
    check_scores(rows.scales.len(), queries.count, scores.len())?;
    if !scores.is_empty() {
        run(level, Open { rows, queries, scores });
    }
    Ok(())
}

/// `scores[q·n + r]` of row r of a sealed segment and query q, for as many rows as there
/// are scales.
///
/// # Errors
/// [`Error::Layout`] if the queries are for open segments; [`Error::Length`] if the codes
/// aren't [`sealed_len`] of as many rows as there are scales, or the scores aren't as
/// many as the product of rows and queries. Nothing was written.
#[inline]
pub fn score_int8_sealed(sealed: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) -> Result<(), Error> {
    score_int8_sealed_with(Level::best(), sealed, queries, scores)
}

/// [`score_int8_sealed`] on a given level.
///
/// # Errors
/// As [`score_int8_sealed`].
#[inline]
pub fn score_int8_sealed_with(
    level: Level,
    sealed: Rows<'_>,
    queries: Queries<'_>,
    scores: &mut [f32],
) -> Result<(), Error> {
    if queries.layout != Layout::Sealed {
        return Err(Error::Layout);
    }
    same_length(sealed_len(sealed.scales.len(), queries.k), sealed.codes.len())?;
    check_scores(sealed.scales.len(), queries.count, scores.len())?;
    if !scores.is_empty() {
        run(level, Sealed { rows: sealed, queries, scores });
    }
    Ok(())
}

struct Open<'a> {
    rows: Rows<'a>,
    queries: Queries<'a>,
    scores: &'a mut [f32],
}

impl Kernel for Open<'_> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::score::int8::open(self.rows, self.queries, self.scores);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::score::int8::open(s, self.rows, self.queries, self.scores);
    }
}

struct Sealed<'a> {
    rows: Rows<'a>,
    queries: Queries<'a>,
    scores: &'a mut [f32],
}

impl Kernel for Sealed<'_> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::score::int8::sealed(self.rows, self.queries, self.scores);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::score::int8::sealed(s, self.rows, self.queries, self.scores);
    }
}
