//! Projections and the transform, against sums in pairs of `f64` with signs and places read off the documentation.

use crate::Line;
use crate::inputs::{KINDS, UNDERFLOW, UNIT, numbers};
use crate::worst::{Sum, Worst};
use gradsieve_kernels::rademacher::{Carry, rademacher_batch};
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::{Rademacher, Sjlt, hadamard, hash, rademacher, sjlt, sjlt_scaled};
use half::f16;

pub(crate) const LINES: &[Line] = &[
    Line {
        file: "sjlt.rs",
        kernel: "SJLT, s = 1, 2, 4",
        bound: "(m − 1)·ε·Σ\\|xᵢ\\| of the m that meet",
        reason: "one addition each, the first one to zero",
        check: sjlts,
    },
    Line {
        file: "sjlt.rs",
        kernel: "SJLT, scaled",
        bound: "m·ε·Σ\\|scale·xᵢ\\|",
        reason: "the same, and a product",
        check: scaled_sjlts,
    },
    Line {
        file: "rademacher.rs",
        kernel: "Rademacher, p inputs",
        bound: "(7 + ⌈p/32⌉)·ε·Σ\\|xᵢ\\|",
        reason: "3 additions of four, 3 of eight sums, one a group; one product",
        check: rademachers,
    },
    Line {
        file: "hadamard.rs",
        kernel: "Hadamard, n elements",
        bound: "log₂ n·ε·Σ\\|xᵢ\\|",
        reason: "an addition a stage",
        check: transforms,
    },
];

const SEED: u64 = 77;
const SCALE: f32 = -0.37;
/// Inputs of a projection and the first one's number: a group in the middle, parts at both ends.
const SEGMENTS: [(usize, u64); 6] = [(0, 5), (1, 0), (33, 31), (256, 64), (1000, 7), (5000, (1 << 33) + 3)];

/// Where element `i` of a gradient goes in repetition `r` of `s`, and its sign.
fn place(s: usize, width: usize, i: u64, r: usize) -> (usize, f64) {
    let key = hash::key(SEED, 0x534A_4C54_2D33_3200);
    let word = hash::word(key, i / 32 * s as u64 + r as u64);
    let blocks = width / 32 / s;
    let block = r * blocks + (((word >> 37) * blocks as u64) >> 27) as usize;
    let sign = if word >> (i % 32) & 1 == 1 { -1.0 } else { 1.0 };
    (32 * block + ((i % 32) ^ (word >> 32 & 31)) as usize, sign)
}

fn sjlt_of(worst: &mut Worst, s: usize, scale: Option<f32>) {
    let projection = Sjlt::new(SEED, Repeat::from_count(s).unwrap());
    for kind in KINDS {
        for (n, offset) in SEGMENTS {
            let width = 8 * projection.multiple();
            let (x, mut out) = (numbers::<f32>(kind, n as u64, n), vec![0.0; width]);
            match scale {
                Some(scale) => sjlt_scaled(projection, offset, scale, &x, &mut out).unwrap(),
                None => sjlt(projection, offset, &x, &mut out).unwrap(),
            }
            let mut exact = vec![Sum::default(); width];
            for (x, i) in x.iter().zip(offset..) {
                for r in 0..s {
                    let (at, sign) = place(s, width, i, r);
                    exact[at].add(sign * f64::from(scale.unwrap_or(1.0)) * f64::from(*x));
                }
            }
            for (at, (out, exact)) in out.iter().zip(&exact).enumerate() {
                let products = if scale.is_some() { exact.count as f64 } else { 0.0 };
                let roundings = exact.count.saturating_sub(1) as f64 + products.min(1.0);
                let bound = roundings * UNIT * exact.magnitude + products * UNDERFLOW;
                worst.see((*out).into(), exact.value(), bound, (kind, n, at));
            }
        }
    }
}

fn sjlts(worst: &mut Worst) {
    [1, 2, 4].into_iter().for_each(|s| sjlt_of(worst, s, None));
}

fn scaled_sjlts(worst: &mut Worst) {
    [1, 4].into_iter().for_each(|s| sjlt_of(worst, s, Some(SCALE)));
}

/// The sign of input `i` in output `j`.
fn sign(width: usize, i: u64, j: usize) -> f64 {
    let key = hash::key(SEED, u64::from_be_bytes(*b"RADEMACH"));
    let word = hash::word(key, i / 32 * (width as u64 / 2) + j as u64 / 2);
    let nibble = word >> (32 * (j % 2)) >> (4 * (i % 32 / 4)) & 15;
    let own = if i % 4 == 3 { 0 } else { nibble >> (i % 4) & 1 };
    if own ^ (nibble >> 3) == 1 { -1.0 } else { 1.0 }
}

fn rademachers(worst: &mut Worst) {
    const WIDTH: usize = 64;
    let projection = Rademacher::new(WIDTH, SEED).unwrap();
    for kind in KINDS {
        for (n, offset) in SEGMENTS {
            let x = numbers::<f16>(kind, n as u64, n);
            let exact = |scale: f32| -> Vec<Sum> {
                let term = |j| move |(x, i): (&f16, u64)| sign(WIDTH, i, j) * f64::from(scale) * x.to_f64();
                (0..WIDTH).map(|j| x.iter().zip(offset..).map(term(j)).collect()).collect()
            };
            // A group for each 32, and one more where the segment begins inside of one.
            let groups = (n as u64 + offset % 32).div_ceil(32);
            let mut see = |out: &[f32], exact: &[Sum], products: f64| {
                for (j, (out, exact)) in out.iter().zip(exact).enumerate() {
                    let bound = (6.0 + products + groups as f64) * UNIT * exact.magnitude
                        + products * n as f64 * UNDERFLOW;
                    worst.see((*out).into(), exact.value(), bound, (kind, n, j));
                }
            };
            let (plain, scaled) = (exact(1.0), exact(SCALE));
            let mut out = [0.0; WIDTH];
            rademacher(projection, offset, 1.0, &x, &mut out).unwrap();
            see(&out, &plain, 0.0);
            out.fill(0.0);
            rademacher(projection, offset, SCALE, &x, &mut out).unwrap();
            see(&out, &scaled, 1.0);
            out.fill(0.0);
            rademacher_batch(projection, offset, &[&x], &mut out).unwrap();
            see(&out, &plain, 0.0);
            out.fill(0.0);
            let mut carry = Carry::new();
            let (head, tail) = x.split_at(n / 3);
            carry.add(projection, offset, SCALE, head, &mut out).unwrap();
            carry.add(projection, offset + head.len() as u64, SCALE, tail, &mut out).unwrap();
            carry.finish(projection, &mut out).unwrap();
            see(&out, &scaled, 1.0);
        }
    }
}

fn transforms(worst: &mut Worst) {
    for kind in KINDS {
        for log in [0, 1, 3, 4, 5, 8, 11, 14] {
            let x = numbers::<f32>(kind, log, 1 << log);
            let mut out = x.clone();
            hadamard(&mut out).unwrap();
            // Sums of 2¹⁴ numbers in f64 lose nothing that counts here.
            let mut exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            let magnitude: f64 = exact.iter().map(|x| x.abs()).sum();
            let mut half = 1;
            while half < exact.len() {
                for block in exact.chunks_mut(2 * half) {
                    let (low, high) = block.split_at_mut(half);
                    for (a, b) in low.iter_mut().zip(high) {
                        (*a, *b) = (*a + *b, *a - *b);
                    }
                }
                half *= 2;
            }
            for (at, (out, exact)) in out.iter().zip(exact).enumerate() {
                worst.see((*out).into(), exact, log as f64 * UNIT * magnitude, (kind, log, at));
            }
        }
    }
}
