//! Inputs, each a pure function of what a failing case prints, and bits to compare.

use gradsieve_kernels::{Element, hash};
use proptest::prelude::*;

/// Half of the distance from 1 to the next number: the largest relative error of one
/// rounding.
pub(crate) const UNIT: f64 = 1.0 / (1_u64 << 24) as f64;

/// Kinds of input, each with its own arithmetic trouble.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Uniform,
    Tiny,
    HeavyTailed,
    Positive,
    Subnormal,
    Huge,
    WithNonFinite,
    SignedZeros,
    /// Distinct values of a prime period, so that swapped blocks or rows show.
    Painted,
}

/// Kinds whose sums do not overflow.
const BOUNDED: [Kind; 4] = [Kind::Uniform, Kind::Tiny, Kind::HeavyTailed, Kind::Subnormal];

/// Kinds without infinities and NaNs, and with more than zeros and ones.
pub(crate) const FINITE: [Kind; 7] = [
    Kind::Uniform,
    Kind::Tiny,
    Kind::HeavyTailed,
    Kind::Positive,
    Kind::Subnormal,
    Kind::Huge,
    Kind::Painted,
];

/// One of all kinds.
pub(crate) fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![7 => finite(), 1 => Just(Kind::WithNonFinite), 1 => Just(Kind::SignedZeros)]
}

pub(crate) fn bounded() -> impl Strategy<Value = Kind> {
    prop::sample::select(&BOUNDED[..])
}

pub(crate) fn finite() -> impl Strategy<Value = Kind> {
    prop::sample::select(&FINITE[..])
}

/// So many numbers of a kind and seed, in any format.
pub(crate) fn numbers<T: Element>(kind: Kind, seed: u64, length: usize) -> Vec<T> {
    let number = |i| {
        let word = hash::word(seed, i);
        let unit = (word >> 40) as f32 / (1 << 24) as f32;
        let signed = 2.0 * unit - 1.0;
        T::narrow(match kind {
            Kind::Uniform => signed,
            Kind::Tiny => 1e-4 * signed,
            Kind::HeavyTailed => signed / (1e-6 + unit * unit),
            Kind::Positive => unit,
            Kind::Subnormal => f32::from_bits(word as u32 & 0x80FF_FFFF),
            Kind::Huge => 3e38 * signed,
            Kind::WithNonFinite => match word % 997 {
                0 => f32::NAN,
                1 => f32::INFINITY,
                2 => f32::NEG_INFINITY,
                _ => signed,
            },
            Kind::SignedZeros => [0.0, -0.0, 1.0, -1.0][word as usize % 4],
            Kind::Painted => (i % 251) as f32 + 1.0,
        })
    };
    (0..length as u64).map(number).collect()
}

/// Bits, with every NaN made one.
pub(crate) fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| if x.is_nan() { u32::MAX } else { x.to_bits() }).collect()
}
