//! The 1-bit codec: a row of *k* values in *k* bits, filled up to a multiple of 64, and
//! one `f16` scale.
//!
//! Bit i mod 32 of word ⌊i/32⌋ is the sign bit of value *i*: set for what is negative and
//! for −0. What fills up the last words is zero. scale = Σxᵢ²/Σ|xᵢ|, the quotient of the
//! canonical sums [`crate::norm::squared_norm`] and [`crate::norm::l1_norm`] in `f64`,
//! rounded to `f32`, then to `f16`, both to nearest even; 0 for a row of zeros. A value
//! decodes to ±scale.
//!
//! With this scale the inner product of the decoded row and the row itself is Σxᵢ², and a
//! score is unbiased where numbers are about normal (RaBitQ, Gao & Long 2024). The mean
//! magnitude, which is nearest to the values, would give 2/π of each score.
//!
//! `f16` ends at 65,504, and below 6·10⁻⁵ it loses bits: a row of tiny gradients wants to
//! be scaled before it is stored, or its scale may become zero.

use crate::dispatch::run;
use crate::error::{Error, same_length};
use crate::kernel::Kernel;
use crate::level::Level;
use crate::norm::{l1_norm_with, squared_norm_with};
use crate::simd::Simd;
use crate::{scalar, vector};
use half::f16;

/// Words of a row of `k` values.
#[must_use]
pub const fn sign_words(k: usize) -> usize {
    2 * k.div_ceil(64)
}

/// Writes a row's signs and returns the row's scale.
///
/// # Errors
/// [`Error::Width`] if the row is empty; [`Error::Length`] unless there are
/// [`sign_words`] words; [`Error::NonFinite`] if a value is infinite or NaN, or the scale
/// is too large for `f16`. Nothing was written.
#[inline]
pub fn encode_signs(row: &[f32], words: &mut [u32]) -> Result<f16, Error> {
    encode_signs_with(Level::best(), row, words)
}

/// [`encode_signs`] on a given level.
///
/// # Errors
/// As [`encode_signs`].
#[inline]
pub fn encode_signs_with(level: Level, row: &[f32], words: &mut [u32]) -> Result<f16, Error> {
    if row.is_empty() {
        return Err(Error::Width { multiple: 1, found: 0 });
    }
    same_length(sign_words(row.len()), words.len())?;
    let magnitudes = l1_norm_with(level, row);
    let scale = if magnitudes == 0.0 { 0.0 } else { squared_norm_with(level, row) / magnitudes };
    let scale = f16::from_f32(scale as f32);
    if !scale.is_finite() {
        return Err(Error::NonFinite);
    }
    run(level, Encode { row, words });
    Ok(scale)
}

/// Writes the values of a row's signs: ±scale.
///
/// # Errors
/// [`Error::Length`] unless there are [`sign_words`] words for the row; nothing was
/// written.
pub fn decode_signs(words: &[u32], scale: f16, row: &mut [f32]) -> Result<(), Error> {
    same_length(sign_words(row.len()), words.len())?;
    let scale = scale.to_f32().to_bits();
    for (row, word) in row.chunks_mut(32).zip(words) {
        for (i, to) in row.iter_mut().enumerate() {
            *to = f32::from_bits(scale ^ (word >> i & 1) << 31);
        }
    }
    Ok(())
}

struct Encode<'a> {
    row: &'a [f32],
    words: &'a mut [u32],
}

impl Kernel for Encode<'_> {
    type Output = ();

    #[inline(always)]
    fn scalar(self) {
        scalar::codec::sign::encode(self.row, self.words);
    }

    #[inline(always)]
    fn vector<S: Simd>(self, s: S) {
        vector::codec::sign::encode(s, self.row, self.words);
    }
}
