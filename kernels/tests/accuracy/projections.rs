//! Projections and the transform, against sums in pairs of `f64` with signs and places
//! read off the documentation.

use crate::Line;
use crate::inputs::{KINDS, LENGTHS, UNDERFLOW, UNIT, numbers};
use crate::worst::{Sum, Worst};
use core::num::NonZeroU16;
use gradsieve_kernels::gaussian::{Gaussian, TABLES, gaussian};
use gradsieve_kernels::mask::{Mask, mask};
use gradsieve_kernels::rademacher::{Carry, rademacher_batch};
use gradsieve_kernels::rotation::rotated;
use gradsieve_kernels::sjlt::Repeat;
use gradsieve_kernels::srht::{Srht, srht};
use gradsieve_kernels::{
    Fold, Key, Rademacher, Sjlt, fold, hadamard, hash, rademacher, sjlt, sjlt_scaled, tame,
};
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
        file: "fold.rs",
        kernel: "fold of n entries",
        bound: "(⌈n/8⌉ + 2)·ε·Σ\\|xᵢ\\| of those that meet",
        reason: "a lane's additions, the first one to zero, and three of lanes",
        check: folds,
    },
    Line {
        file: "fold.rs",
        kernel: "measures of n ≤ 4,096",
        bound: "(min(⌈n/8⌉, 64) + ⌈n/512⌉ + 1)·ε·Σ\\|xᵢ\\|, and 1 for the squares",
        reason: "the same, and one for each 512; a product; the maximum is exact",
        check: measures,
    },
    Line {
        file: "rademacher.rs",
        kernel: "Rademacher, p inputs",
        bound: "(7 + ⌈p/32⌉)·ε·Σ\\|xᵢ\\|",
        reason: "3 additions of four, 3 of eight sums, one a group; one product",
        check: rademachers,
    },
    Line {
        file: "gaussian.rs",
        kernel: "Gaussian, p inputs",
        bound: "ε·(13·Σ\\|xᵢ\\| + p·Σ\\|gᵢⱼxᵢ\\|)",
        reason: "products and sums of an input's four parts, and an addition each",
        check: gaussians,
    },
    Line {
        file: "mask.rs",
        kernel: "mask, then SJLT",
        bound: "(m − 1)·ε·Σ\\|xᵢ\\| of the m that meet",
        reason: "that of the SJLT; what is masked is not there",
        check: masks,
    },
    Line {
        file: "srht.rs",
        kernel: "SRHT",
        bound: "(10 + n)·ε·Σ(Σ\\|xᵢ\\| of its block) of the n that meet",
        reason: "ten stages, then an addition each",
        check: srhts,
    },
    Line {
        file: "hadamard.rs",
        kernel: "Hadamard, n elements",
        bound: "log₂ n·ε·Σ\\|xᵢ\\|",
        reason: "an addition a stage",
        check: transforms,
    },
    Line {
        file: "rotation.rs",
        kernel: "rotation, runs of n",
        bound: "(log₂ n + 2)·ε·Σ\\|xᵢ\\|/√n of the run",
        reason: "an addition a stage, a product, and what the inverse root is off by",
        check: rotations,
    },
];

const SEED: u64 = 77;
const SCALE: f32 = -0.37;
/// Inputs of a projection and the first one's number: a group in the middle, parts at
/// both ends.
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
    let projection = Sjlt::new(Key::seed(SEED), Repeat::from_count(s).unwrap());
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

/// What the additions of a fold of n entries are off by, and those of its terms.
fn bound_of_fold(n: usize, roundings: f64, sum: &Sum) -> f64 {
    (n.div_ceil(8) as f64 + 2.0 + roundings) * UNIT * sum.magnitude + roundings * n as f64 * UNDERFLOW
}

/// The same of the measures of n entries, whose lanes are added up after each 512.
fn bound_of_measures(n: usize, roundings: f64, sum: &Sum) -> f64 {
    let additions = n.div_ceil(8).min(64) + n.div_ceil(512) + 1;
    (additions as f64 + roundings) * UNIT * sum.magnitude + roundings * n as f64 * UNDERFLOW
}

fn folds(worst: &mut Worst) {
    for kind in KINDS {
        for (n, width) in LENGTHS.into_iter().flat_map(|n| [1, 2, 4, 8].map(|width| (n, width))) {
            let x = numbers::<f16>(kind, n as u64, n);
            let Some(by) = Fold::new(n as u64, width, Key::seed(SEED)) else { continue };
            let mut out = vec![0.0; width];
            fold(&by, &x, false, &mut out).unwrap();
            let mut exact = vec![Sum::default(); width];
            for (i, x) in (0..).zip(&x) {
                let (to, flipped) = by.place(i);
                exact[to].add(if flipped { -x.to_f64() } else { x.to_f64() });
            }
            for (j, (out, exact)) in out.iter().zip(&exact).enumerate() {
                worst.see((*out).into(), exact.value(), bound_of_fold(n, 0.0, exact), (kind, n, width, j));
            }
        }
    }
}

fn measures(worst: &mut Worst) {
    for kind in KINDS {
        for n in LENGTHS {
            let x = numbers::<f32>(kind, n as u64, n);
            // What is not finite, too large or too small has no measures here.
            let Some(found) = tame(&x, false) else { continue };
            let wide = || x.iter().map(|&x| f64::from(x));
            let (magnitudes, squares): (Sum, Sum) =
                (wide().map(f64::abs).collect(), wide().map(|x| x * x).collect());
            worst.see(found.l1.into(), magnitudes.value(), bound_of_measures(n, 0.0, &magnitudes), (kind, n));
            worst.see(
                found.l2_squared.into(),
                squares.value(),
                bound_of_measures(n, 1.0, &squares),
                (kind, n),
            );
            worst.see_exact(found.max.into(), wide().fold(0.0, |max, x| x.abs().max(max)), (kind, n));
        }
    }
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
    let projection = Rademacher::new(WIDTH, Key::seed(SEED)).unwrap();
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

fn gaussians(worst: &mut Worst) {
    const WIDTH: usize = 32;
    let projection = Gaussian::new(WIDTH, Key::seed(SEED)).unwrap();
    let key = hash::key(SEED, u64::from_be_bytes(*b"GAUSSIAN"));
    // The four parts of input i's normal number for output j.
    let parts = |i: u64, j: usize| {
        let word = hash::word(key, i * (WIDTH as u64 / 4) + (j % 16 / 2) as u64);
        let bits = word >> (16 * (j / 16) + 32 * (j % 2));
        let part = |q: usize| {
            let nibble = (bits >> (4 * q) & 15) as usize;
            let magnitude = f64::from(TABLES[q][nibble % 8]);
            if nibble >= 8 { -magnitude } else { magnitude }
        };
        [part(0), part(1), part(2), part(3)]
    };
    for kind in KINDS {
        for (n, offset) in SEGMENTS {
            let (x, mut out) = (numbers::<f16>(kind, n as u64, n), [0.0; WIDTH]);
            gaussian(projection, offset, 1.0, &x, &mut out).unwrap();
            let magnitude: f64 = x.iter().map(|x| x.to_f64().abs()).sum();
            for (j, out) in out.iter().enumerate() {
                let (mut exact, mut products) = (Sum::default(), 0.0);
                for (x, i) in x.iter().zip(offset..) {
                    let parts = parts(i, j);
                    products += (parts.iter().sum::<f64>() * x.to_f64()).abs();
                    parts.iter().for_each(|part| exact.add(part * x.to_f64()));
                }
                let bound = UNIT * (13.0 * magnitude + n as f64 * products) + 4.0 * n as f64 * UNDERFLOW;
                worst.see((*out).into(), exact.value(), bound, (kind, n, j));
            }
        }
    }
}

fn masks(worst: &mut Worst) {
    const EVERY: u64 = 3;
    const WIDTH: usize = 64;
    let every = NonZeroU16::new(EVERY as u16).unwrap();
    let projection = Mask::new(Key::seed(SEED), Repeat::One, every);
    let key = hash::key(SEED, 0x4D41_534B_2D33_3200);
    let kept = |i: u64| ((hash::word(key, i / 32 / EVERY) >> 32) * EVERY) >> 32 == i / 32 % EVERY;
    for kind in KINDS {
        for (n, offset) in SEGMENTS {
            let (x, mut out) = (numbers::<f32>(kind, n as u64, n), [0.0; WIDTH]);
            mask(projection, offset, 1.0, &x, &mut out).unwrap();
            let mut exact = [Sum::default(); WIDTH];
            for (x, i) in x.iter().zip(offset..).filter(|(_, i)| kept(*i)) {
                let (at, sign) = place(1, WIDTH, i, 0);
                exact[at].add(sign * f64::from(*x));
            }
            for (at, (out, exact)) in out.iter().zip(&exact).enumerate() {
                let bound = exact.count.saturating_sub(1) as f64 * UNIT * exact.magnitude;
                worst.see((*out).into(), exact.value(), bound, (kind, n, at));
            }
        }
    }
}

fn srhts(worst: &mut Worst) {
    const WIDTH: usize = 64;
    let key = hash::key(SEED, u64::from_be_bytes(*b"SRHT-102"));
    for kind in KINDS {
        for (n, offset) in SEGMENTS {
            let (x, mut out) = (numbers::<f32>(kind, n as u64, n), [0.0; WIDTH]);
            srht(Srht::new(Key::seed(SEED)), offset, 1.0, &x, &mut out).unwrap();
            let (mut exact, mut magnitudes) = ([Sum::default(); WIDTH], [0.0; WIDTH]);
            let end = offset + n as u64;
            for start in (offset / 1024 * 1024..end).step_by(1024) {
                let signed = |i: u64| {
                    let x = if (offset..end).contains(&i) { x[(i - offset) as usize].into() } else { 0.0 };
                    if hash::word(key, i / 64) >> (i % 64) & 1 == 1 { -x } else { x }
                };
                let mut block: Vec<f64> = (start..start + 1024).map(signed).collect();
                let magnitude: f64 = block.iter().map(|x| x.abs()).sum();
                butterflies(&mut block);
                for (x, i) in block.iter().zip(start..) {
                    let (at, sign) = place(1, WIDTH, i, 0);
                    exact[at].add(sign * x);
                    magnitudes[at] += magnitude;
                }
            }
            for (at, out) in out.iter().enumerate() {
                let bound = (10 + exact[at].count) as f64 * UNIT * magnitudes[at];
                worst.see((*out).into(), exact[at].value(), bound, (kind, n, at));
            }
        }
    }
}

/// The transform, stage after stage. Sums of 2¹⁴ numbers in `f64` lose nothing that
/// counts here.
fn butterflies(x: &mut [f64]) {
    let mut half = 1;
    while half < x.len() {
        for block in x.chunks_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}

fn transforms(worst: &mut Worst) {
    for kind in KINDS {
        for log in [0, 1, 3, 4, 5, 8, 11, 14] {
            let x = numbers::<f32>(kind, log, 1 << log);
            let mut out = x.clone();
            hadamard(&mut out).unwrap();
            let mut exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            let magnitude: f64 = exact.iter().map(|x| x.abs()).sum();
            butterflies(&mut exact);
            for (at, (out, exact)) in out.iter().zip(exact).enumerate() {
                worst.see((*out).into(), exact, log as f64 * UNIT * magnitude, (kind, log, at));
            }
        }
    }
}

fn rotations(worst: &mut Worst) {
    let key = hash::key(0, u64::from_be_bytes(*b"ROTATE64"));
    for kind in KINDS {
        for k in [1, 5, 64, 100, 127, 192, 544] {
            let (x, whole) = (numbers::<f32>(kind, k as u64, k), k / 64);
            for block in 0..k.div_ceil(64) {
                let found = rotated(&x, 1.0, block);
                let places = if block < whole {
                    (block..64 * whole).step_by(whole)
                } else {
                    (64 * whole..k).step_by(1)
                };
                let mut exact: Vec<f64> = places.map(|at| f64::from(x[at])).collect();
                for (i, x) in exact.iter_mut().enumerate() {
                    *x *= if hash::word(key, block as u64) >> i & 1 == 1 { -1.0 } else { 1.0 };
                }
                let (mut rest, mut start) = (&mut exact[..], 0);
                while !rest.is_empty() {
                    let log = rest.len().ilog2();
                    let run;
                    (run, rest) = rest.split_at_mut(1 << log);
                    let root = f64::from(run.len() as u32).sqrt();
                    let magnitude = run.iter().map(|x| x.abs()).sum::<f64>() / root;
                    butterflies(run);
                    for (exact, found) in run.iter().zip(&found[start..]) {
                        let bound = f64::from(log + 2) * UNIT * magnitude + UNDERFLOW;
                        worst.see((*found).into(), exact / root, bound, (kind, k, block));
                    }
                    start += 1 << log;
                }
            }
        }
    }
}
