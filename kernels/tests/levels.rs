//! Every level of this machine gives the bits of the scalar text.
//!
//! One macro stamps each claim for each level, so that a level's failure has its name; a
//! level that the machine lacks is reported as skipped. Inputs are of every awkward kind:
//! tiny, heavy-tailed, of one sign, subnormal, infinite and NaN; lengths cross every
//! register, lane and tile; slices start unaligned.

use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{
    Accumulator, Element, Level, Sjlt, axpy_with, dot_with, l1_norm_with, max_abs_with, narrow_with,
    pair_with, sjlt_scaled_with, sjlt_with, squared_norm_with, widen_with,
};
use half::{bf16, f16};
use proptest::prelude::*;

/// Kinds of input, each with its own arithmetic trouble.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Uniform,
    Tiny,
    HeavyTailed,
    Positive,
    Subnormal,
    Huge,
    WithNonFinite,
    /// Distinct values of a prime period, so that swapped blocks show.
    Painted,
    /// Every sixteenth of a size of its own, from 1 down to 2⁻³⁰: sums of tiles that
    /// `f64` must round, so that the order of its lanes shows.
    Graded,
}

const KINDS: [Kind; 9] = [
    Kind::Uniform,
    Kind::Tiny,
    Kind::HeavyTailed,
    Kind::Positive,
    Kind::Subnormal,
    Kind::Huge,
    Kind::WithNonFinite,
    Kind::Painted,
    Kind::Graded,
];

/// A small generator of our own, so that a failing case is a pure function of what
/// proptest prints.
fn numbers(kind: Kind, seed: u64, length: usize) -> Vec<f32> {
    (0..length as u64)
        .map(|i| {
            let word = gradsieve_kernels::hash::word(seed, i);
            let unit = (word >> 40) as f32 / (1 << 24) as f32;
            let signed = 2.0 * unit - 1.0;
            match kind {
                Kind::Uniform => signed,
                Kind::Tiny => 1e-4 * signed,
                Kind::HeavyTailed => signed / (1e-6 + unit * unit),
                Kind::Positive => unit,
                Kind::Subnormal => f32::from_bits(word as u32 & 0x80FF_FFFF),
                Kind::Huge => 3e38 * signed,
                Kind::WithNonFinite => match word % 97 {
                    0 => f32::NAN,
                    1 => f32::INFINITY,
                    2 => f32::NEG_INFINITY,
                    3 => -0.0,
                    _ => signed,
                },
                Kind::Painted => (i % 251) as f32 + 1.0,
                Kind::Graded => {
                    let size = (i.wrapping_mul(seed | 1) % 16) as u32;
                    signed * f32::from_bits((127 - 2 * size) << 23)
                }
            }
        })
        .collect()
}

fn as_format<T: Element>(x: &[f32]) -> Vec<T> {
    x.iter().map(|&x| T::narrow(x)).collect()
}

/// Bits, with every NaN made one.
trait Bits {
    fn bits(&self) -> u64;
}
impl Bits for f32 {
    fn bits(&self) -> u64 {
        if self.is_nan() { u64::MAX } else { self.to_bits().into() }
    }
}
impl Bits for f64 {
    fn bits(&self) -> u64 {
        if self.is_nan() { u64::MAX } else { self.to_bits() }
    }
}
impl Bits for f16 {
    fn bits(&self) -> u64 {
        if self.is_nan() { u64::MAX } else { self.to_bits().into() }
    }
}
impl Bits for bf16 {
    fn bits(&self) -> u64 {
        if self.is_nan() { u64::MAX } else { self.to_bits().into() }
    }
}
fn bits<T: Bits>(x: &[T]) -> Vec<u64> {
    x.iter().map(Bits::bits).collect()
}

/// The level of that name, or a word about its absence.
fn level_or_skip(name: &str) -> Option<Level> {
    let level = Level::named(name).ok();
    if level.is_none() {
        eprintln!("skipped: this machine has no {name}");
    }
    level
}

/// A length that crosses registers, lanes or tiles, and how far into the buffer the slice
/// starts.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        0_usize..300,
        1000_usize..1100,
        2040_usize..2060,
        4000_usize..4300,
        8190_usize..8260,
        Just(3 * 4096 + 1)
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(&KINDS[..])
}

/// Guard words around an output: what stands there must stay.
const GUARD: f32 = -12345.678;

fn guarded(inner: &[f32]) -> Vec<f32> {
    [&[GUARD; 16][..], inner, &[GUARD; 16][..]].concat()
}

fn dots<T: Element, U: Element>(level: Level, x: &[f32], y: &[f32], start: usize) {
    let (x, y) = (&as_format::<T>(x)[start..], &as_format::<U>(y)[start..]);
    let expected = dot_with(Level::SCALAR, x, y).unwrap();
    assert_eq!(dot_with(level, x, y).unwrap().bits(), expected.bits(), "{} · {}", T::NAME, U::NAME);
}

fn pairs<T: Element, U: Element>(level: Level, x: &[f32], y: &[f32], start: usize) {
    let (x, y) = (&as_format::<T>(x)[start..], &as_format::<U>(y)[start..]);
    let pair = pair_with(level, x, y).unwrap();
    assert_eq!(pair.dot.bits(), dot_with(Level::SCALAR, x, y).unwrap().bits());
    assert_eq!(pair.x_squared.bits(), squared_norm_with(Level::SCALAR, x).bits());
    assert_eq!(pair.y_squared.bits(), squared_norm_with(Level::SCALAR, y).bits());
    assert_eq!(pair.x_l1.bits(), l1_norm_with(Level::SCALAR, x).bits());
}

fn norms<T: Element>(level: Level, x: &[f32], start: usize) {
    let x = &as_format::<T>(x)[start..];
    assert_eq!(squared_norm_with(level, x).bits(), squared_norm_with(Level::SCALAR, x).bits());
    assert_eq!(l1_norm_with(level, x).bits(), l1_norm_with(Level::SCALAR, x).bits());
    assert_eq!(max_abs_with(level, x).bits(), max_abs_with(Level::SCALAR, x).bits());
}

fn summaries<T: Element>(level: Level, x: &[f32], start: usize, cut: usize) {
    let x = &as_format::<T>(x)[start..];
    let (head, tail) = x.split_at(cut.min(x.len()));
    let mut expected = Accumulator::new();
    expected.add_with(Level::SCALAR, x);
    let mut found = Accumulator::new();
    found.add_with(level, head);
    found.add_with(level, tail);
    let (found, expected) = (found.summary(), expected.summary());
    assert_eq!(found.l1.bits(), expected.l1.bits());
    assert_eq!(found.l2_squared.bits(), expected.l2_squared.bits());
    assert_eq!(found.max.bits(), expected.max.bits());
    assert_eq!((found.non_finite, found.count), (expected.non_finite, expected.count));
    if x.len() <= gradsieve_kernels::sum::TILE {
        assert_eq!(found.l1.bits(), l1_norm_with(Level::SCALAR, x).bits(), "one tile: the plain norm");
        assert_eq!(found.l2_squared.bits(), squared_norm_with(Level::SCALAR, x).bits());
    }
}

fn axpys<T: Element>(level: Level, x: &[f32], y: &[f32], alpha: f32) {
    let x = as_format::<T>(x);
    let (mut expected, mut found) = (guarded(y), guarded(y));
    let inner = 16..16 + y.len();
    axpy_with(Level::SCALAR, alpha, &x, &mut expected[inner.clone()]).unwrap();
    axpy_with(level, alpha, &x, &mut found[inner]).unwrap();
    assert_eq!(bits(&found), bits(&expected));
}

fn conversions<T: Element + Bits>(level: Level, x: &[f32], start: usize) {
    let x = &x[start..];
    let (mut expected, mut found) = (vec![T::ZERO; x.len()], vec![T::ZERO; x.len()]);
    narrow_with(Level::SCALAR, x, &mut expected).unwrap();
    narrow_with(level, x, &mut found).unwrap();
    assert_eq!(bits(&found), bits(&expected));
    let (mut wide_expected, mut wide) = (guarded(x), guarded(x));
    let inner = 16..16 + x.len();
    widen_with(Level::SCALAR, &expected, &mut wide_expected[inner.clone()]).unwrap();
    widen_with(level, &found, &mut wide[inner]).unwrap();
    assert_eq!(bits(&wide), bits(&wide_expected));
}

fn sjlts<T: Element>(level: Level, x: &[f32], seed: u64, offset: u64, blocks: usize, cut: usize) {
    let x = as_format::<T>(x);
    let (head, tail) = x.split_at(cut.min(x.len()));
    for repeat in [Repeat::One, Repeat::Two, Repeat::Four] {
        let projection = Sjlt::new(seed, repeat);
        let width = blocks * projection.multiple();
        let inner = 16..16 + width;
        let zeros = guarded(&vec![0.0; width]);
        let (mut expected, mut found) = (zeros.clone(), zeros.clone());
        sjlt_with(Level::SCALAR, projection, offset, &x, &mut expected[inner.clone()]).unwrap();
        sjlt_with(level, projection, offset, head, &mut found[inner.clone()]).unwrap();
        sjlt_with(level, projection, offset + head.len() as u64, tail, &mut found[inner.clone()]).unwrap();
        assert_eq!(bits(&found), bits(&expected));

        let (mut expected, mut found) = (zeros.clone(), zeros);
        sjlt_scaled_with(Level::SCALAR, projection, offset, -0.7, &x, &mut expected[inner.clone()]).unwrap();
        sjlt_scaled_with(level, projection, offset, -0.7, &x, &mut found[inner]).unwrap();
        assert_eq!(bits(&found), bits(&expected));
    }
}

/// Lengths that are summed in fewer registers than the canonical 64 lanes, of terms that
/// a missing lane could spoil: a lane that is left out holds +0, which must change
/// nothing.
fn short_sums<T: Element>(level: Level) {
    let odd = [-0.0, 0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-45, -1e-45, 3e38, -3e38];
    for n in [1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100_usize] {
        for value in odd {
            for rest in [-0.0, 1.5] {
                for place in (0..n).step_by(13).chain([n - 1]) {
                    let mut x = vec![rest; n];
                    x[place] = value;
                    let y = vec![if place % 2 == 0 { 1.0 } else { -1.0 }; n];
                    dots::<T, T>(level, &x, &y, 0);
                    dots::<T, f32>(level, &x, &y, 0);
                    pairs::<T, T>(level, &x, &y, 0);
                    norms::<T>(level, &x, 0);
                    // Nothing is −0.
                    let dot = dot_with(level, &as_format::<T>(&x), &y).unwrap();
                    assert!(dot != 0.0 || dot.is_sign_positive());
                }
            }
        }
    }
}

/// Tiles whose sums are of many sizes: each addition in `f64` is rounded, and another
/// order of lanes gives other bits.
fn graded_sums(level: Level) {
    let lengths = [1025, 1500, 2048, 2100, 3000, 4096, 5000, 12_289_usize];
    for (seed, n) in (0..32).zip(lengths.into_iter().cycle()) {
        let (x, y) = (numbers(Kind::Graded, seed, n), numbers(Kind::Graded, !seed, n));
        dots::<f32, f32>(level, &x, &y, 0);
        dots::<bf16, bf16>(level, &x, &y, 0);
        dots::<f32, bf16>(level, &x, &y, 0);
        pairs::<f32, f32>(level, &x, &y, 0);
        pairs::<bf16, bf16>(level, &x, &y, 0);
        norms::<f32>(level, &x, 0);
        norms::<bf16>(level, &x, 0);
    }
}

macro_rules! for_each_level {
    ($($level:ident)*) => {$(
        mod $level {
            use super::*;

            #[test]
            fn short_sums_have_the_bits_of_the_definition_whatever_their_terms() {
                let Some(level) = level_or_skip(stringify!($level)) else { return };
                short_sums::<f32>(level);
                short_sums::<f16>(level);
                short_sums::<bf16>(level);
            }

            #[test]
            fn sums_of_many_tiles_have_the_bits_of_the_definition_though_f64_rounds() {
                let Some(level) = level_or_skip(stringify!($level)) else { return };
                graded_sums(level);
            }

            proptest! {
                #[test]
                fn dots_have_the_bits_of_the_definition(kind in kind(), seed: u64, n in length(), start in 0_usize..5) {
                    let Some(level) = level_or_skip(stringify!($level)) else { return Ok(()) };
                    let (x, y) = (numbers(kind, seed, n + start), numbers(kind, !seed, n + start));
                    dots::<f32, f32>(level, &x, &y, start);
                    dots::<f16, f16>(level, &x, &y, start);
                    dots::<bf16, bf16>(level, &x, &y, start);
                    dots::<f32, f16>(level, &x, &y, start);
                    dots::<f32, bf16>(level, &x, &y, start);
                }

                #[test]
                fn pairs_have_the_bits_of_their_four_sums(kind in kind(), seed: u64, n in length(), start in 0_usize..5) {
                    let Some(level) = level_or_skip(stringify!($level)) else { return Ok(()) };
                    let (x, y) = (numbers(kind, seed, n + start), numbers(kind, !seed, n + start));
                    pairs::<f32, f32>(level, &x, &y, start);
                    pairs::<f16, f16>(level, &x, &y, start);
                    pairs::<bf16, f32>(level, &x, &y, start);
                }

                #[test]
                fn norms_have_the_bits_of_the_definition(kind in kind(), seed: u64, n in length(), start in 0_usize..5) {
                    let Some(level) = level_or_skip(stringify!($level)) else { return Ok(()) };
                    let x = numbers(kind, seed, n + start);
                    norms::<f32>(level, &x, start);
                    norms::<f16>(level, &x, start);
                    norms::<bf16>(level, &x, start);
                }

                #[test]
                fn summaries_have_the_bits_of_the_definition_however_the_slice_is_cut(
                    kind in kind(), seed: u64, n in length(), start in 0_usize..5, cut in length(),
                ) {
                    let Some(level) = level_or_skip(stringify!($level)) else { return Ok(()) };
                    let x = numbers(kind, seed, n + start);
                    summaries::<f32>(level, &x, start, cut);
                    summaries::<f16>(level, &x, start, cut);
                    summaries::<bf16>(level, &x, start, cut);
                }

                #[test]
                fn axpy_has_the_bits_of_the_definition(kind in kind(), seed: u64, n in 0_usize..300, alpha in -2.0_f32..2.0) {
                    let Some(level) = level_or_skip(stringify!($level)) else { return Ok(()) };
                    let (x, y) = (numbers(kind, seed, n), numbers(kind, !seed, n));
                    axpys::<f32>(level, &x, &y, alpha);
                    axpys::<f16>(level, &x, &y, alpha);
                    axpys::<bf16>(level, &x, &y, alpha);
                }

                #[test]
                fn conversions_have_the_bits_of_the_definition(kind in kind(), seed: u64, n in 0_usize..300, start in 0_usize..5) {
                    let Some(level) = level_or_skip(stringify!($level)) else { return Ok(()) };
                    let x = numbers(kind, seed, n + start);
                    conversions::<f32>(level, &x, start);
                    conversions::<f16>(level, &x, start);
                    conversions::<bf16>(level, &x, start);
                }

                #[test]
                fn sketches_have_the_bits_of_the_definition_however_the_gradient_is_cut(
                    kind in kind(), seed: u64, n in 0_usize..700, offset in 0_u64..200, blocks in 1_usize..20, cut in 0_usize..700,
                ) {
                    let Some(level) = level_or_skip(stringify!($level)) else { return Ok(()) };
                    let x = numbers(kind, seed, n);
                    sjlts::<f32>(level, &x, seed, offset, blocks, cut);
                    sjlts::<f16>(level, &x, seed, offset, blocks, cut);
                    sjlts::<bf16>(level, &x, seed, offset, blocks, cut);
                }
            }

            #[test]
            fn every_f16_and_bf16_widens_and_narrows_back() {
                let Some(level) = level_or_skip(stringify!($level)) else { return };
                let all: Vec<u16> = (0..=u16::MAX).collect();
                let halves: Vec<f16> = all.iter().map(|&bits| f16::from_bits(bits)).collect();
                let brains: Vec<bf16> = all.iter().map(|&bits| bf16::from_bits(bits)).collect();
                let mut wide = vec![0.0; all.len()];
                let mut back_half = vec![f16::ZERO; all.len()];
                widen_with(level, &halves, &mut wide).unwrap();
                assert!(wide.iter().zip(&halves).all(|(w, h)| w.bits() == h.to_f32().bits()));
                narrow_with(level, &wide, &mut back_half).unwrap();
                assert_eq!(bits(&back_half), bits(&halves));
                let mut back_brain = vec![bf16::ZERO; all.len()];
                widen_with(level, &brains, &mut wide).unwrap();
                assert!(wide.iter().zip(&brains).all(|(w, b)| w.bits() == b.to_f32().bits()));
                narrow_with(level, &wide, &mut back_brain).unwrap();
                assert_eq!(bits(&back_brain), bits(&brains));
            }
        }
    )*};
}

for_each_level!(scalar avx2 avx512 neon simd128);
