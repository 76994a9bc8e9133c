//! The canonical sum ([`crate::sum`]) on a core without vectors: a few lanes side by side
//! down each tile, and `f64` in integers where it is a matter of a library.

use crate::element::Element;
use crate::sum::{LANES, TILE, WIDE, fold_to};
use core::hint::black_box;

/// Lanes that are summed side by side where there are no vectors: with their operands
/// they fit 32 registers.
pub(crate) const ABREAST: usize = 8;

/// The lanes of a tile, few by few.
pub(crate) type Lanes = [[f32; ABREAST]; LANES / ABREAST];

/// No terms yet.
pub(crate) const NO_TERMS: Lanes = [[0.0; ABREAST]; LANES / ABREAST];

/// Adds a tile that is not the last to the wide lanes. Where `f64` is a matter of a
/// library it is long, and so there once.
#[cfg_attr(any(all(target_arch = "arm", target_os = "none"), target_arch = "riscv32"), inline(never))]
#[cfg_attr(not(any(all(target_arch = "arm", target_os = "none"), target_arch = "riscv32")), inline(always))]
pub(crate) fn add_tile(wide: &mut [f64; WIDE], lanes: &mut Lanes) {
    let lanes = lanes.as_flattened_mut();
    fold_to(lanes, WIDE);
    for (wide, &lane) in wide.iter_mut().zip(lanes.iter()) {
        *wide = add(*wide, lane);
    }
}

/// Whether `f64` is a matter of a library, so that integers are better.
const WITHOUT_F64: bool = cfg!(any(all(target_arch = "arm", target_os = "none"), target_arch = "riscv32"));

/// `wide` + `lane`, in `f64`.
#[inline(always)]
fn add(wide: f64, lane: f32) -> f64 {
    if WITHOUT_F64 { add_in_integers(wide, lane) } else { wide + f64::from(lane) }
}

/// `wide` + `lane`, rounded to nearest even as ever, for a core without `f64`, whose
/// library takes two hundred instructions. Some twenty do, while the sum keeps the
/// exponent of `wide` and no bit of `lane` falls out below: then it is exact.
#[inline(always)]
fn add_in_integers(wide: f64, lane: f32) -> f64 {
    let (w, l) = (wide.to_bits(), lane.to_bits());
    let exponent = l >> 23 & 0xFF;
    if matches!(exponent, 1..=254) {
        let left = places(w, l);
        if left <= 29 {
            let fraction = l & 0x7F_FFFF | 0x80_0000;
            let aligned = u64::from((fraction >> 3) >> (29 - left)) << 32 | u64::from(fraction << left);
            let same_sign = (w >> 32) as u32 >> 31 == l >> 31;
            let sum = if same_sign { w.wrapping_add(aligned) } else { w.wrapping_sub(aligned) };
            // A carry out of the fraction, or a borrow, shows in the exponent.
            if (sum ^ w) >> 52 == 0 {
                return f64::from_bits(sum);
            }
            // Out of the top: one place more, and exact if that leaves none behind.
            let carried = (w & FRACTION | 1 << 52) + aligned;
            if same_sign && carried & 1 == 0 {
                return f64::from_bits((w & !FRACTION) + (carried >> 1));
            }
        } else if w == 0 {
            let sign_and_exponent = (l >> 31) << 31 | (exponent + 896) << 20;
            return f64::from_bits(u64::from(sign_and_exponent) << 32 | u64::from(l & 0x7F_FFFF) << 29);
        }
    }
    add_and_normalise(wide, lane)
}

/// The fraction of an `f64`, without its first place.
const FRACTION: u64 = (1 << 52) - 1;

/// How far left of the last place of `w`, an `f64`, that of `l` stands, an `f32`: the
/// biases differ by 896, and the fractions' lengths by 29. Wraps where it stands right.
#[inline(always)]
fn places(w: u64, l: u32) -> u32 {
    ((l >> 23 & 0xFF) + 896 + 29).wrapping_sub((w >> 52) as u32 & 0x7FF)
}

/// The same where the exponent changes: the sum in integers, rounded, while neither
/// number is far greater than the other; else in `f64`. Apart, so that its registers need
/// not be kept.
#[cold]
#[inline(never)]
fn add_and_normalise(wide: f64, lane: f32) -> f64 {
    let (w, l) = (wide.to_bits(), lane.to_bits());
    let left = places(w, l);
    // Neither zero, subnormal, infinite nor NaN: the exponent of `w` then lies between
    // 858 and 1179.
    if !matches!(l >> 23 & 0xFF, 1..=254) || left > 38 {
        return wide + f64::from(lane);
    }
    let fraction = signed(w & FRACTION | 1 << 52, w >> 63 == 1);
    let aligned = signed(u64::from(l & 0x7F_FFFF | 0x80_0000) << left, l >> 31 == 1);
    normalise(fraction.wrapping_add(aligned), w >> 52 & 0x7FF)
}

/// `a` + `b` where their exponents are near each other: the sum in integers, rounded;
/// else in `f64`.
#[inline(never)]
fn add_wide_in_integers(a: f64, b: f64) -> f64 {
    let (x, y) = (a.to_bits(), b.to_bits());
    let exponents = [(x >> 52) as u32 & 0x7FF, (y >> 52) as u32 & 0x7FF];
    let least = exponents[0].min(exponents[1]);
    let [left, right] = [exponents[0] - least, exponents[1] - least];
    if !(64..=2000).contains(&least) || left > 9 || right > 9 {
        return a + b;
    }
    let fraction = |bits: u64, left: u32| signed((bits & FRACTION | 1 << 52) << left, bits >> 63 == 1);
    normalise(fraction(x, left).wrapping_add(fraction(y, right)), least.into())
}

/// A number as two's complement.
#[inline(always)]
const fn signed(magnitude: u64, negative: bool) -> u64 {
    if negative { magnitude.wrapping_neg() } else { magnitude }
}

/// The `f64` of `sum`, two's complement, times what the last place weighs under the
/// exponent `exponent`: 53 places are kept, and what is behind them rounded to nearest,
/// ties to even. The exponent is far from either end.
#[inline(always)]
fn normalise(sum: u64, exponent: u64) -> f64 {
    let negative = sum >> 63 == 1;
    let magnitude = signed(sum, negative);
    if magnitude == 0 {
        return 0.0;
    }
    let zeros = magnitude.leading_zeros();
    let rounded = if zeros < 11 {
        let right = 11 - zeros;
        let odd = magnitude >> right & 1;
        (magnitude + (1 << (right - 1)) - 1 + odd) >> right
    } else {
        magnitude << (zeros - 11)
    };
    // The fraction's first place counts one exponent up.
    let exponent = exponent + 10 - u64::from(zeros);
    f64::from_bits(u64::from(negative) << 63 | (exponent << 52).wrapping_add(rounded))
}

/// The sum: lane *j* += lane *j* + *h* for *h* = 8, 4, 2, 1 of the wide lanes; to lane 0
/// the last tile's sum is added.
#[cfg_attr(any(all(target_arch = "arm", target_os = "none"), target_arch = "riscv32"), inline(never))]
#[cfg_attr(not(any(all(target_arch = "arm", target_os = "none"), target_arch = "riscv32")), inline(always))]
pub(crate) fn total(wide: &mut [f64; WIDE], last: f32) -> f64 {
    if !WITHOUT_F64 {
        fold_to(wide, 1);
        return wide[0] + f64::from(last);
    }
    let mut half = WIDE / 2;
    while half > 0 {
        let (low, high) = wide.split_at_mut(half);
        for (low, high) in low.iter_mut().zip(high) {
            *low = add_wide_in_integers(*low, *high);
        }
        half /= 2;
    }
    add(wide[0], last)
}

/// The tiles of some terms: none, if there are none. (`chunks` divides by a length that
/// the optimiser may lose sight of.)
#[inline(always)]
pub(crate) fn tiles<T>(mut x: &[T]) -> impl Iterator<Item = &[T]> {
    core::iter::from_fn(move || {
        let (tile, rest) = x.split_at_checked(TILE).unwrap_or((x, &[]));
        x = rest;
        (!tile.is_empty()).then_some(tile)
    })
}

/// The most terms that are summed without lanes in memory.
pub(crate) const SHORT: usize = 4 * ABREAST;

/// The canonical sum of a term of each of a few entries, at most [`SHORT`]: lanes that
/// never leave the registers, and no cost that does not depend on how many there are.
#[inline(always)]
pub(crate) fn short<T: Element>(x: &[T], term: impl Fn(f32) -> f32 + Copy) -> f32 {
    let (rows, cut) = rows_of_eight(x);
    // Where there is no row the terms are of zeros, and so zeros.
    short_rows(x.len(), |at| rows.get(at).map_or(cut, T::widen_8).map(term))
}

/// Rows of eight, and what is left of a list, with zeros behind.
#[inline(always)]
pub(crate) fn rows_of_eight<T: Element>(x: &[T]) -> (&[[T; ABREAST]], [f32; ABREAST]) {
    let (rows, rest) = x.as_chunks::<ABREAST>();
    let mut cut = [0.0; ABREAST];
    cut.iter_mut().zip(rest).for_each(|(cut, x)| *cut = x.widen());
    (rows, cut)
}

/// The canonical sum of `count` terms that come in rows of eight, at most [`SHORT`].
#[inline(always)]
pub(crate) fn short_rows(count: usize, row: impl Fn(usize) -> [f32; ABREAST]) -> f32 {
    let count = count.div_ceil(ABREAST);
    // Eight lanes of those that the fold 32→16→8 leaves: of rows 0 and 2, and of 1 and 3.
    // Where there is no row its terms, which are zeros, are not added.
    let [mut all, odd] = core::array::from_fn(|first| {
        let mut lanes = [0.0; ABREAST];
        for at in [first, first + 2] {
            if at < count {
                lanes.iter_mut().zip(row(at)).for_each(|(lane, term)| *lane += term);
            }
        }
        lanes
    });
    all.iter_mut().zip(odd).for_each(|(all, odd)| *all += odd);
    fold_to(&mut all, 1);
    all[0]
}

/// N canonical sums of `count` terms each: `sum` sets the lanes to
/// those of a tile, whatever they were.
#[inline(always)]
pub(crate) fn sums<Tile, const N: usize>(
    count: usize,
    tiles: impl Iterator<Item = Tile>,
    mut sum: impl FnMut(Tile, &mut [Lanes; N]),
) -> [f64; N] {
    // Zeros that the compiler does not know to be zeros: to clear memory by the library
    // is dear on a small machine.
    let mut lanes = [[[black_box(0.0); ABREAST]; LANES / ABREAST]; N];
    let mut wide = [[black_box(0.0); WIDE]; N];
    let mut totals = [0.0; N];
    let mut left = count;
    for tile in tiles {
        sum(tile, &mut lanes);
        if left > TILE {
            for (wide, lanes) in wide.iter_mut().zip(&mut lanes) {
                add_tile(wide, lanes);
            }
            left -= TILE;
            continue;
        }
        for ((total, wide), lanes) in totals.iter_mut().zip(&mut wide).zip(&mut lanes) {
            fold_to(lanes.as_flattened_mut(), 1);
            let last = lanes[0][0];
            // One tile alone needs no addition: that of +0 changes nothing.
            *total = if left == count { last.into() } else { self::total(wide, last) };
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::word;

    /// Bits, with every NaN made one.
    fn bits([x]: &[f64; 1]) -> u64 {
        if x.is_nan() { u64::MAX } else { x.to_bits() }
    }

    #[test]
    fn the_addition_in_integers_is_that_in_f64() {
        let check = |wide: f64, lane: f32| {
            let (found, expected) = (add_in_integers(wide, lane), wide + f64::from(lane));
            assert_eq!(bits(&[found]), bits(&[expected]), "{wide:e} + {lane:e}");
        };
        let special = [0.0, 1.0, 1.5, f32::MIN_POSITIVE, 1e-45, f32::MAX, f32::INFINITY, f32::NAN, 0.1];
        for a in special.into_iter().flat_map(|a| [a, -a]) {
            for b in special.into_iter().flat_map(|b| [b, -b]) {
                check(a.into(), b);
                check(f64::from(a) * 1e-20, b);
                check(f64::from(a) * 1e20, b);
            }
        }
        let check_wide = |a: f64, b: f64| {
            let (found, expected) = (add_wide_in_integers(a, b), a + b);
            assert_eq!(bits(&[found]), bits(&[expected]), "{a:e} + {b:e}");
        };
        for i in 0..300_000 {
            let (w, l) = (word(1, i), word(2, i));
            check_wide(f64::from_bits(w), f64::from_bits(l));
            let exponents = |word: u64| word & !(0x7FF << 52) | (1000 + (word >> 60 & 7) + word % 5) << 52;
            let (cut, a, b) = (word(3, i) >> 40 & 63, exponents(w), exponents(l));
            check_wide(f64::from_bits(a), f64::from_bits(b));
            check_wide(f64::from_bits(a >> cut << cut), f64::from_bits(b >> cut << cut));
            check_wide(f64::from_bits(a), f64::from_bits(a ^ (1 << 63) ^ (cut % 3)));
            // Any bits; and exponents that lie near each other, with fractions that are
            // short and carry often.
            check(f64::from_bits(w), f32::from_bits(l as u32));
            let (near, cut) = (word(3, i) % 40, word(3, i) >> 40 & 63);
            let wide = (w >> cut << cut) & !(0x7FF << 52) | (1000 + near) << 52;
            check(f64::from_bits(wide), f32::from_bits(l as u32 & 0x807F_FFFF | 0x3F80_0000));
            check(f64::from_bits(wide), f32::from_bits(l as u32 & 0x807F_0000 | 0x3E80_0000));
        }
        // A running sum, as it is used.
        for sign in [1.0, -1.0] {
            let (mut found, mut expected) = (0.0, 0.0);
            for i in 0..100_000 {
                let lane = (word(4, i) >> 40) as f32 * if i % 3 == 0 { sign } else { 1.0 };
                found = add_in_integers(found, lane);
                expected += f64::from(lane);
                assert_eq!(bits(&[found]), bits(&[expected]));
            }
        }
    }
}
