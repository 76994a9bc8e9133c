//! Conversions, over all values of the small formats and what lies between them, and the
//! codecs of stored rows.

use crate::Line;
use crate::inputs::{KINDS, Kind, UNDERFLOW, UNIT, all, numbers};
use crate::worst::{Sum, Worst};
use gradsieve_kernels::codec::int8::{decode_int8, encode_int8};
use gradsieve_kernels::codec::sign::{decode_signs, encode_signs, sign_words};
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
        file: "codec/sign.rs",
        kernel: "1 bit, scale",
        bound: "(2⁻¹¹ + 48·ε)·scale + 2⁻²⁵",
        reason: "a squared norm over an L1 norm, a rounding to `f32`, one to `f16`",
        check: sign_scales,
    },
    Line {
        file: "codec/sign.rs",
        kernel: "1 bit, sign",
        bound: "0",
        reason: "a sign bit is copied",
        check: signs,
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

/// Rows whose scale fits `f16`, with their signs and scales.
fn encoded(mut claim: impl FnMut(&[f32], &[u32], f16)) {
    for row in rows() {
        let mut words = vec![0; sign_words(row.len())];
        if let Ok(scale) = encode_signs(&row, &mut words) {
            claim(&row, &words, scale);
        }
    }
}

fn sign_scales(worst: &mut Worst) {
    encoded(|row, _, scale| {
        let sum: Sum = row.iter().map(|x| f64::from(x.abs())).collect();
        let squares: Sum = row.iter().map(|x| f64::from(*x) * f64::from(*x)).collect();
        let exact = if sum.value() > 0.0 { squares.value() / sum.value() } else { 0.0 };
        let bound = (1.0 / 2048.0 + 48.0 * UNIT) * exact + 1.0 / f64::from(1 << 25) + UNDERFLOW;
        worst.see(scale.to_f64(), exact, bound, (row.len(), row[0]));
    });
    for kind in [Kind::WithInfinities, Kind::WithNans] {
        let refused = encode_signs(&numbers::<f32>(kind, 3, 1000), &mut [0; 32]).is_err();
        worst.see_exact(f64::from(u8::from(refused)), 1.0, kind);
    }
}

fn signs(worst: &mut Worst) {
    encoded(|row, words, scale| {
        let mut decoded = vec![0.0; row.len()];
        decode_signs(words, scale, &mut decoded).unwrap();
        for (x, found) in row.iter().zip(decoded) {
            worst.see_exact(found.into(), scale.to_f64().copysign((*x).into()), (x, scale));
        }
    });
}
