//! Scores of rows of 1, 2 or 4 bits ([`crate::codec::bits`]) against queries of int8.
//!
//! score = (Σ levelᵢ·dᵢ)·row's scale·query's scale, with the levels of the row and the
//! codes d of the query, whose scale is that of [`crate::codec::int8`]. The integer sum
//! is exact, is rounded to `f32`, and then each of the two products is. So the bits are
//! equal whatever the order. Where one of the products leaves the range of normal
//! numbers, the score is the product in `f64`, rounded to `f32`. k is at most
//! [`Bits::most`].
//!
//! Rows are sealed: of sixteen rows, word 0 of each stands side by side, then word 1 of
//! each. Queries are quantised by [`Queries`], in the caller's scratch; rounding them
//! costs 1/254 of a query's largest value a place, which is little beside the rows' own
//! loss.
//!
//! *Cost*: with VBMI and VNNI, against rows of 1 bit, two look-ups and two additions for
//! 256 codes, in tables of the sums of four codes that are made of each query for 2,048
//! rows at a time. Where there is VNNI, an AND and `vpdpbusd` for 64 codes of 1 or 2 bits
//! against one query, a shift more for several, a look-up more for 4 bits. With AVX2
//! products are added in pairs in 16 bits, which hold them.
//!
//! [`Bits::most`]: crate::codec::bits::Bits::most

use crate::codec::bits::Bits;
use crate::dispatch::run;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::layout::order::check_scores;
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::layout::bits::{Queries, Rows, put, seal, sealed_len, take};

/// `scores[q·n + r]` of row r of a sealed segment and query q, for as many rows as there
/// are scales.
///
/// # Errors
/// [`Error::Length`] if the words aren't [`sealed_len`] of as many rows as there are
/// scales, or the scores aren't as many as the product of rows and queries. Nothing was
/// written.
#[inline]
pub fn score_bits_sealed(rows: Rows<'_>, queries: Queries<'_>, scores: &mut [f32]) -> Result<(), Error> {
    score_bits_sealed_with(Level::best(), rows, queries, scores)
}

/// [`score_bits_sealed`] on a given level.
///
/// # Errors
/// As [`score_bits_sealed`].
#[inline]
pub fn score_bits_sealed_with(
    level: Level,
    rows: Rows<'_>,
    queries: Queries<'_>,
    scores: &mut [f32],
) -> Result<(), Error> {
    same_length(sealed_len(queries.bits, rows.scales.len(), queries.k), rows.words.len())?;
    check_scores(rows.scales.len(), queries.count, scores.len())?;
    if scores.is_empty() {
        return Ok(());
    }
    match queries.bits {
        Bits::One => run(level, Sealed::<1> { rows, queries, scores }),
        Bits::Two => run(level, Sealed::<2> { rows, queries, scores }),
        Bits::Four => run(level, Sealed::<4> { rows, queries, scores }),
    }
    Ok(())
}

struct Sealed<'a, const BITS: usize> {
    rows: Rows<'a>,
    queries: Queries<'a>,
    scores: &'a mut [f32],
}

impl<const BITS: usize> Kernel for Sealed<'_, BITS> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::score::bits::sealed::<BITS>(self.rows, self.queries, self.scores);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::score::bits::sealed::<S, BITS>(s, self.rows, self.queries, self.scores);
    }
}
