//! Hamming distances of 1-bit rows ([`crate::codec::bits`]) to the signs of queries: in
//! how many of *k* places row and query differ. Integers, exact.
//!
//! It is what a score of 1-bit rows is before any magnitude has a say: Σ
//! sign(xᵢ)·sign(qᵢ) = k − 2·distance. An *open* segment holds row after row; a *sealed*
//! one is that of [`super::bits`], so that it serves both: sixteen rows' words stand side
//! by side, and a row is a lane. What fills up a row has no say, whatever it is.
//!
//! *Cost*: an exclusive or, a count of bits and an addition for 32 signs of sixteen rows:
//! one instruction each where there is AVX-512 VPOPCNTDQ. Otherwise bytes are counted, by
//! a table of nibbles or by an instruction for bytes, and added up as bytes for 31 words.

use crate::codec::bits::Bits;
use crate::dispatch::run;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::layout::hamming::Layout;
use crate::layout::order::rows_of;
use crate::level::Level;
use crate::simd::Simd;
use crate::{scalar, vector};

pub use crate::layout::hamming::Queries;

/// `distances[q·n + r]`: in how many signs row r of an open segment and query q differ.
///
/// # Errors
/// [`Error::Layout`] if the queries are for sealed segments; [`Error::Length`] if the
/// words aren't as many rows of [`Bits::words`] as there are distances a query. Nothing
/// was written.
#[inline]
pub fn hamming_rows(words: &[u32], queries: Queries<'_>, distances: &mut [u32]) -> Result<(), Error> {
    hamming_rows_with(Level::best(), words, queries, distances)
}

/// [`hamming_rows`] on a given level.
///
/// # Errors
/// As [`hamming_rows`].
#[inline]
pub fn hamming_rows_with(
    level: Level,
    words: &[u32],
    queries: Queries<'_>,
    distances: &mut [u32],
) -> Result<(), Error> {
    if queries.layout != Layout::Open {
        return Err(Error::Layout);
    }
    let Some(n) = rows_of(distances.len(), queries.count)? else { return Ok(()) };
    same_length(n.saturating_mul(Bits::One.words(queries.k)), words.len())?;
    run(level, Open { words, n, queries, distances });
    Ok(())
}

/// `distances[q·n + r]`: in how many signs row r of a sealed segment and query q differ.
///
/// # Errors
/// [`Error::Layout`] if the queries are for open segments; [`Error::Length`] if the words
/// aren't [`super::bits::sealed_len`] of as many rows as there are distances a query.
/// Nothing was written.
#[inline]
pub fn hamming_sealed(sealed: &[u32], queries: Queries<'_>, distances: &mut [u32]) -> Result<(), Error> {
    hamming_sealed_with(Level::best(), sealed, queries, distances)
}

/// [`hamming_sealed`] on a given level.
///
/// # Errors
/// As [`hamming_sealed`].
#[inline]
pub fn hamming_sealed_with(
    level: Level,
    sealed: &[u32],
    queries: Queries<'_>,
    distances: &mut [u32],
) -> Result<(), Error> {
    if queries.layout != Layout::Sealed {
        return Err(Error::Layout);
    }
    let Some(n) = rows_of(distances.len(), queries.count)? else { return Ok(()) };
    same_length(super::bits::sealed_len(Bits::One, n, queries.k), sealed.len())?;
    run(level, Sealed { words: sealed, n, queries, distances });
    Ok(())
}

struct Open<'a> {
    words: &'a [u32],
    n: usize,
    queries: Queries<'a>,
    distances: &'a mut [u32],
}

impl Kernel for Open<'_> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::score::hamming::open(self.words, self.n, self.queries, self.distances);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, _s: S) {
        vector::score::hamming::open(self.words, self.n, self.queries, self.distances);
    }
}

struct Sealed<'a> {
    words: &'a [u32],
    n: usize,
    queries: Queries<'a>,
    distances: &'a mut [u32],
}

impl Kernel for Sealed<'_> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::score::hamming::sealed(self.words, self.n, self.queries, self.distances);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::score::hamming::sealed(s, self.words, self.n, self.queries, self.distances);
    }
}
