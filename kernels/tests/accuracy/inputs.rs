//! Inputs of every awkward kind, the same on every target: rational functions of integers
//! only.

use gradsieve_kernels::{Element, hash};

/// Kinds of input, each with its own arithmetic trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Uniform,
    /// A sum of twelve uniform numbers.
    Normal,
    /// The same, times 10⁻⁴.
    Tiny,
    /// Cauchy's, clipped at ±10⁴: the quotient of two normal numbers.
    HeavyTailed,
    Positive,
    Subnormal,
    WithInfinities,
    WithNans,
}

pub(crate) const KINDS: [Kind; 8] = [
    Kind::Uniform,
    Kind::Normal,
    Kind::Tiny,
    Kind::HeavyTailed,
    Kind::Positive,
    Kind::Subnormal,
    Kind::WithInfinities,
    Kind::WithNans,
];

/// Lengths about registers, lanes and tiles.
pub(crate) const LENGTHS: [usize; 21] =
    [0, 1, 2, 3, 7, 15, 16, 17, 31, 33, 63, 64, 65, 100, 1000, 1023, 1025, 4095, 4096, 4097, 12_289];

/// Half of the distance from 1 to the next number of `f32`: the largest relative error of
/// one rounding.
pub(crate) const UNIT: f64 = 1.0 / (1_u64 << 24) as f64;

/// Half of the smallest subnormal of `f32`: the largest error of a product that
/// underflows.
pub(crate) const UNDERFLOW: f64 = 1.0 / (1_u128 << 75) as f64 / (1_u128 << 75) as f64;

fn uniform(seed: u64, index: u64) -> f64 {
    2.0 * (hash::word(seed, index) >> 11) as f64 / (1_u64 << 53) as f64 - 1.0
}

fn normal(seed: u64, index: u64) -> f64 {
    // The variance of each is 1/3.
    (0..12).map(|i| uniform(seed, 12 * index + i)).sum::<f64>() / 2.0
}

fn value(kind: Kind, seed: u64, i: u64) -> f32 {
    match kind {
        Kind::Uniform => uniform(seed, i) as f32,
        Kind::Normal => normal(seed, i) as f32,
        Kind::Tiny => 1e-4 * normal(seed, i) as f32,
        Kind::HeavyTailed => (normal(seed, i) / normal(!seed, i)).clamp(-1e4, 1e4) as f32,
        Kind::Positive => uniform(seed, i).abs() as f32,
        Kind::Subnormal => f32::from_bits(hash::word(seed, i) as u32 & 0x80FF_FFFF),
        Kind::WithInfinities => match hash::word(!seed, i) % 61 {
            0 => f32::INFINITY,
            1 => f32::NEG_INFINITY,
            _ => uniform(seed, i) as f32,
        },
        Kind::WithNans => {
            if hash::word(!seed, i).is_multiple_of(61) {
                f32::NAN
            } else {
                uniform(seed, i) as f32
            }
        }
    }
}

/// Numbers in a format, rounded to it.
pub(crate) fn numbers<T: Element>(kind: Kind, seed: u64, length: usize) -> Vec<T> {
    (0..length as u64).map(|i| T::narrow(value(kind, seed, i))).collect()
}

/// Every value of a format of 16 bits, as `f32`, in the order of its bits.
pub(crate) fn all<T>(from_bits: fn(u16) -> T, widen: fn(T) -> f32) -> Vec<f32> {
    (0..=u16::MAX).map(|bits| widen(from_bits(bits))).collect()
}
