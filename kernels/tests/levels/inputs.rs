//! Inputs of every awkward kind, each a pure function of what a failing case prints.

use gradsieve_kernels::{Key, hash, spec::Format};
use gradsieve_vectors::input::{self, value};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::fmt::Debug;

/// Kinds of input: those of the published vectors, and two more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Published(input::Kind),
    /// Every sixteenth of a size of its own, from 1 down to 2⁻³⁰: sums of tiles that
    /// `f64` must round, so that the order of its lanes shows.
    Graded,
    /// ±0 and ±1: sums that cancel to zeros of either sign.
    SignedZeros,
}

impl Kind {
    const fn is_finite(self) -> bool {
        !matches!(self, Self::Published(input::Kind::WithNonFinite | input::Kind::AnyBits))
    }
}

pub(crate) fn kinds() -> impl Iterator<Item = Kind> {
    input::KINDS.into_iter().map(Kind::Published).chain([Kind::Graded, Kind::SignedZeros])
}

/// Kinds without infinities and NaNs.
pub(crate) fn finite_kinds() -> impl Iterator<Item = Kind> {
    kinds().filter(|kind| kind.is_finite())
}

pub(crate) fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(kinds().collect::<Vec<_>>())
}

pub(crate) fn finite() -> impl Strategy<Value = Kind> {
    prop::sample::select(finite_kinds().collect::<Vec<_>>())
}

/// Every second seed itself, and a secret key of every other.
pub(crate) fn key(seed: u64) -> Key {
    if seed.is_multiple_of(2) { Key::seed(seed) } else { Key::secret(u128::from(seed).pow(2).to_le_bytes()) }
}

/// So many numbers of a kind and seed, in any format.
pub(crate) fn numbers<T: Format>(kind: Kind, seed: u64, length: usize) -> Vec<T> {
    let number = |i| match kind {
        Kind::Published(kind) => value(kind, seed, i),
        Kind::Graded => {
            let size = (i.wrapping_mul(seed | 1) % 16) as u32;
            value(input::Kind::Uniform, seed, i) * f32::from_bits((127 - 2 * size) << 23)
        }
        Kind::SignedZeros => [0.0, -0.0, 1.0, -1.0][hash::word(seed, i) as usize % 4],
    };
    (0..length as u64).map(|i| T::nearest(number(i))).collect()
}

/// A length that crosses registers, lanes or tiles.
pub(crate) fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        0_usize..300,
        1000_usize..1100,
        2040_usize..2060,
        4000_usize..4300,
        8190_usize..8260,
        Just(3 * 4096 + 1)
    ]
}

/// All short lengths, and those on either side of a tile's end.
pub(crate) fn edges() -> impl Iterator<Item = usize> {
    let tiles = [1023, 1024, 1025, 1040, 1088, 2047, 2048, 2049, 3000, 4095, 4096, 4097, 4160, 8192, 12_289];
    (0..200).chain(tiles)
}

/// Checks a claim for so many values; for fewer if the environment says so.
pub(crate) fn for_all<S: Strategy + 'static>(cases: u32, values: S, check: impl Fn(S::Value)) {
    run(cases, &values.boxed(), &check);
}

/// [`for_all`], compiled once a type of value and not once a claim.
fn run<V: Debug>(cases: u32, values: &BoxedStrategy<V>, check: &dyn Fn(V)) {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = wanted.map_or(cases, |wanted: u32| wanted.min(cases));
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let run = TestRunner::new(config).run(values, |value| {
        check(value);
        Ok(())
    });
    if let Err(error) = run {
        panic!("{error}");
    }
}
