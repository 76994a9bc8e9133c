//! Logarithms in integers: where a number stands on the scale of histograms.
//!
//! A *position* is log₂ x in units of 2⁻¹⁶, by a table of 32 pieces an octave and
//! straight lines between them: integer operations alone, some fifteen on a 32-bit core,
//! the same on every target. It is exact at powers of two, monotone, and below log₂ x by
//! 1.8·10⁻⁴ octaves at most; so products and quotients of numbers are sums and
//! differences of positions.

/// Positions are in units of 2⁻¹⁶ octaves.
pub(crate) const OCTAVE: i32 = 1 << 16;

/// Pieces an octave.
const PIECES: usize = 32;

/// log₂(1 + i/32), in units of 2⁻¹⁶.
const TABLE: [u32; PIECES + 1] = {
    let mut table = [0; PIECES + 1];
    let mut i = 0;
    while i <= PIECES {
        #[expect(clippy::indexing_slicing, reason = "in a constant, where it cannot fail at run time")]
        {
            table[i] = logarithm(1.0 + i as f64 / PIECES as f64);
        }
        i += 1;
    }
    table
};

/// log₂ x of 1 ≤ x ≤ 2 in units of 2⁻¹⁶, to nearest: digit by digit, by squaring.
const fn logarithm(mut x: f64) -> u32 {
    let (mut digits, mut digit) = (0_u32, 0);
    if x >= 2.0 {
        return OCTAVE as u32;
    }
    while digit < 20 {
        x *= x;
        digits <<= 1;
        if x >= 2.0 {
            x *= 0.5;
            digits += 1;
        }
        digit += 1;
    }
    (digits + 8) >> 4
}

/// The position of 2^exponent·(1 + fraction/2²²).
#[inline]
const fn at(exponent: i32, fraction: u32) -> i32 {
    let ((from, to), within) = (piece_at((fraction >> 17) as usize), fraction & 0x1_FFFF);
    // 12 bits and 17.
    exponent * OCTAVE + (from + (((to - from) * within) >> 17)) as i32
}

/// The position of a number: log₂ x in units of 2⁻¹⁶ octaves, low by 12 at most. That of
/// zero and of negative numbers is −1023 octaves, that of infinity 1024.
///
/// ```
/// use gradsieve::statistics::position;
///
/// assert_eq!(position(1.0), 0);
/// assert_eq!(position(0.25), -2 << 16);
/// assert_eq!(position(3.0), (1.584_962_5 * 65536.0) as i32);
/// ```
#[must_use]
pub const fn position(x: f64) -> i32 {
    let bits = x.to_bits();
    if bits as i64 > 0 {
        at((bits >> 52) as i32 - 1023, (bits >> 30) as u32 & 0x3F_FFFF)
    } else {
        -1023 * OCTAVE
    }
}

/// [`position`] of an `f32`, without `f64`.
#[must_use]
pub(crate) const fn position_of(x: f32) -> i32 {
    let bits = x.to_bits() as i32;
    if bits >= 1 << 23 && bits < 255 << 23 {
        at((bits >> 23) - 127, (bits >> 1) as u32 & 0x3F_FFFF)
    } else {
        position(x as f64)
    }
}

/// The number at a position: the inverse of [`position`], up to the last bits.
pub(crate) const fn number(position: i32) -> f64 {
    let (exponent, digits) = (position >> 16, position as u32 & 0xFFFF);
    // A logarithm lies above its chord, by less than three pieces.
    let mut piece = (digits >> 11) as usize;
    let (mut from, mut to) = piece_at(piece);
    while from > digits {
        piece -= 1;
        (from, to) = piece_at(piece);
    }
    let within = match ((digits - from) << 15).checked_div(to - from) {
        Some(within) => within << 2,
        None => 0,
    };
    compose(exponent, ((piece as u32) << 17) + within)
}

/// Where a piece of an octave begins and ends.
#[inline]
const fn piece_at(piece: usize) -> (u32, u32) {
    let piece = piece % PIECES;
    #[expect(clippy::indexing_slicing, reason = "five bits, and a table of one more than they number")]
    (TABLE[piece], TABLE[piece + 1])
}

/// 2^exponent·(1 + fraction/2²²).
const fn compose(exponent: i32, fraction: u32) -> f64 {
    f64::from_bits((((exponent + 1023) as u64) << 52) | ((fraction as u64) << 30))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gradsieve_kernels::hash::word;

    #[test]
    fn a_number_has_the_position_that_it_has() {
        for x in [1.0, 1.5, 3e-200, 7.25e180, 1.000_01, 1.999_99] {
            assert!((number(position(x)) / x - 1.0).abs() < 3e-5, "{x}");
        }
    }

    #[test]
    fn a_position_is_the_logarithm_and_never_above_it() {
        for i in 0..100_000 {
            let x = f64::from_bits(word(1, i) >> 1);
            if x.is_normal() {
                let error = libm::log2(x) - f64::from(position(x)) / f64::from(OCTAVE);
                assert!((-1.0e-5..1.9e-4).contains(&error), "{x:e} {error}");
            }
            let x = f32::from_bits(word(2, i) as u32 >> 1);
            if !x.is_nan() {
                assert_eq!(position_of(x), position(f64::from(x)), "{x:e}");
            }
        }
        for x in [0.0, -0.0, -1.0, f32::INFINITY, f32::MIN_POSITIVE, 1e-45, f32::MAX] {
            assert_eq!(position_of(x), position(f64::from(x)), "{x:e}");
        }
        assert_eq!(position(f64::INFINITY), 1024 * OCTAVE);
    }

    #[test]
    fn positions_rise_with_numbers() {
        let mut before = position(0.0);
        for exponent in -1000..1000 {
            for step in 0..700 {
                let now = position((1.0 + f64::from(step) / 700.0) * libm::exp2(f64::from(exponent)));
                assert!(now > before);
                before = now;
            }
        }
    }
}
