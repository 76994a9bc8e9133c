//! Conversions, over all values of the small formats and what lies between them, and the
//! codecs of stored rows.

use crate::Line;
use crate::inputs::{KINDS, UNDERFLOW, UNIT, all, numbers};
use crate::worst::{Sum, Worst};
use gradsieve_kernels::codec::bits::{BLOCK, Bits, encode_block};
use gradsieve_kernels::codec::int8::{decode_int8, encode_int8};
use gradsieve_kernels::spec;
use gradsieve_kernels::{Element, narrow, widen};
use half::{bf16, f16};

pub(crate) const LINES: &[Line] = &[
    Line {
        file: "convert.rs",
        kernel: "widen",
        bound: "0",
        reason: "every value of `f16` and `bf16` is one of `f32`; all 2 · 65,536",
        check: widenings,
    },
    Line {
        file: "convert.rs",
        kernel: "narrow",
        bound: "½ of the distance of two neighbours",
        reason: "one rounding to nearest, ties to even; at, between and beside all 2 · 65,536",
        check: narrowings,
    },
    Line {
        file: "codec/int8.rs",
        kernel: "int8, there and back",
        bound: "scale/2·(1 + 2⁻¹⁵)",
        reason: "a quotient, the nearest integer, a product",
        check: int8s,
    },
    Line {
        file: "codec/bits.rs",
        kernel: "levels of 1, 2 and 4 bits",
        bound: "0; their product 9·ε·Σ\\|xᵢ·levelᵢ\\|",
        reason: "the nearest level to a rounded product; a product, 4 additions in a lane, 4 of the fold",
        check: levels,
    },
];

/// The value of 16 bits, by powers of two: so many of mantissa, and this bias.
fn decoded(bits: u16, mantissa: u32, bias: i32) -> f64 {
    let exponent = i32::from(bits >> mantissa) & ((1 << (15 - mantissa)) - 1);
    let fraction = f64::from(bits & ((1 << mantissa) - 1)) / f64::from(1_u32 << mantissa);
    let magnitude = if exponent == (1 << (15 - mantissa)) - 1 {
        if fraction == 0.0 { f64::INFINITY } else { f64::NAN }
    } else if exponent == 0 {
        fraction * 2.0_f64.powi(1 - bias)
    } else {
        (1.0 + fraction) * 2.0_f64.powi(exponent - bias)
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// A format's name here, its mantissa's bits and its exponents' bias.
fn formats(mut claim: impl FnMut(&str, u32, i32)) {
    claim("f16", 10, 15);
    claim("bf16", 7, 127);
}

fn widened(name: &str, bits: &[u16]) -> Vec<f32> {
    let mut wide = vec![0.0; bits.len()];
    if name == "f16" {
        widen(&bits.iter().map(|&bits| f16::from_bits(bits)).collect::<Vec<_>>(), &mut wide).unwrap();
    } else {
        widen(&bits.iter().map(|&bits| bf16::from_bits(bits)).collect::<Vec<_>>(), &mut wide).unwrap();
    }
    wide
}

fn widenings(worst: &mut Worst) {
    let all: Vec<u16> = (0..=u16::MAX).collect();
    formats(|name, mantissa, bias| {
        for (found, bits) in widened(name, &all).iter().zip(&all) {
            worst.see_exact((*found).into(), decoded(*bits, mantissa, bias), (name, bits));
        }
    });
}

fn narrowed(name: &str, x: &[f32]) -> Vec<u16> {
    if name == "f16" {
        let mut small = vec![f16::ZERO; x.len()];
        narrow(x, &mut small).unwrap();
        small.iter().map(|x| x.to_bits()).collect()
    } else {
        let mut small = vec![bf16::ZERO; x.len()];
        narrow(x, &mut small).unwrap();
        small.iter().map(|x| x.to_bits()).collect()
    }
}

fn narrowings(worst: &mut Worst) {
    formats(|name, mantissa, bias| {
        // Up to the largest finite number; its successor's bits are those of an infinity.
        let infinity = ((1 << (15 - mantissa)) - 1) << mantissa;
        for sign in [0, 1 << 15] {
            for low in 0..infinity {
                let (below, above) =
                    (decoded(low | sign, mantissa, bias), decoded((low + 1) | sign, mantissa, bias));
                // Where the next number would be, if there were one.
                let step = if above.is_infinite() {
                    below - decoded((low - 1) | sign, mantissa, bias)
                } else {
                    above - below
                };
                let middle = (below + step / 2.0) as f32;
                let (down, up) = (f32::from_bits(middle.to_bits() - 1), f32::from_bits(middle.to_bits() + 1));
                let found = narrowed(name, &[below as f32, middle, down, up]);
                let even = if low % 2 == 0 { low } else { low + 1 };
                assert_eq!(f64::from(middle), below + step / 2.0, "{name}: f32 has room for one bit more");
                for (x, found, expected) in [
                    (below as f32, found[0], low),
                    (middle, found[1], even),
                    (down, found[2], low),
                    (up, found[3], low + 1),
                ] {
                    let right = found == expected | sign;
                    let (found, half) = (decoded(found, mantissa, bias), step.abs() / 2.0);
                    // An infinity for what is nearer to where the next number would be.
                    let found = if right && found.is_infinite() { below + step } else { found };
                    worst.see(if right { found } else { f64::NAN }, x.into(), half, (name, x));
                }
            }
        }
        let odd = narrowed(name, &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN_POSITIVE / 1e9]);
        for (found, exact) in odd.iter().zip([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0]) {
            worst.see_exact(decoded(*found, mantissa, bias), exact, (name, exact));
        }
    });
}

/// Finite rows of every kind, and rows of all finite values of both small formats.
fn rows() -> Vec<Vec<f32>> {
    let finite = |x: &f32| x.is_finite();
    let mut rows: Vec<Vec<f32>> = Vec::new();
    for kind in KINDS {
        for n in [1, 15, 64, 100, 1000] {
            rows.push(numbers::<f32>(kind, n as u64, n).into_iter().filter(finite).collect());
        }
    }
    for every in [all(f16::from_bits, Element::widen), all(bf16::from_bits, Element::widen)] {
        // Neighbours have one magnitude; every 777th has all of them.
        let mixed = |first| every.iter().skip(first).step_by(777).copied().filter(finite).collect();
        rows.extend((0..777).map(mixed));
        rows.extend(every.chunks(128).map(|row| row.iter().copied().filter(finite).collect()));
    }
    rows.retain(|row| !row.is_empty());
    rows
}

fn int8s(worst: &mut Worst) {
    for row in rows() {
        let (mut codes, mut decoded) = (vec![0; row.len()], vec![0.0; row.len()]);
        let scale = encode_int8(&row, &mut codes).unwrap();
        decode_int8(&codes, scale, &mut decoded).unwrap();
        let bound = f64::from(scale) / 2.0 * (1.0 + 1.0 / 32_768.0);
        for (x, found) in row.iter().zip(decoded) {
            worst.see(found.into(), (*x).into(), bound, (x, scale));
        }
    }
}

/// Each level is the nearest one, and the product is as exact as `f64`.
fn levels(worst: &mut Worst) {
    for row in rows() {
        for (of, block) in
            Bits::ALL.into_iter().flat_map(|of| row.chunks(BLOCK).map(move |block| (of, block)))
        {
            let mut values = [0.0; BLOCK];
            values[..block.len()].copy_from_slice(block);
            let most = block.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            let to_levels = if most > 1e-30 { of.levels() * 2.0 / most } else { 1.0 };
            let (words, product) = encode_block(of, &values, to_levels);
            let all: Vec<i32> =
                (0..1 << of.count()).map(|code| spec::codec::level(of.count(), code)).collect();
            let mut exact = Sum::default();
            for (i, x) in values.iter().enumerate() {
                let level = spec::codec::level(of.count(), spec::codec::code_of(of.count(), &words, i));
                let at = f64::from(x * to_levels);
                let distance = |level: i32| (f64::from(level) - at).abs();
                let nearest = all.iter().map(|level| distance(*level)).fold(f64::INFINITY, f64::min);
                worst.see_exact(distance(level), nearest, (of, x));
                exact.add(f64::from(*x) * f64::from(level));
            }
            if most < 1e34 {
                let bound = 9.0 * UNIT * exact.magnitude + 64.0 * UNDERFLOW;
                worst.see(product.into(), exact.value(), bound, of);
            }
        }
    }
}
