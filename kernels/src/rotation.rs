//! The rotation of a row before it is stored in few bits: hashed signs and
//! Walsh–Hadamard transforms, so that no number of the row is much larger than the
//! others.
//!
//! Of *k* numbers there are s = ⌊k/64⌋ whole blocks. Block j takes the 64 numbers j, j +
//! s, j + 2s, …; the last block takes the k − 64·s numbers that are left over, as they
//! stand. Bit i of word number j of a fixed hash stream flips the sign of a block's
//! number *i*. A whole block is transformed ([`mod@crate::hadamard`]) and divided by 8.
//! The last one is cut into runs of powers of two, the longest first, and each is
//! transformed and divided by the root of its length. Block j becomes the numbers 64·j,
//! 64·j + 1, … of the rotated row.
//!
//! It keeps inner products: ⟨Rx, Ry⟩ = ⟨x, y⟩, but for rounding, six additions a number.
//! It is the same for all rows of a width, and no secret. What a gradient's numbers were
//! is mixed among 64 that stand far apart, for numbers that a projection puts side by
//! side come from the same coordinates. On 1-bit rows of digits' gradients (SJLT to 4,096
//! numbers, each the sum of 1.2 coordinates) that is as good as one transform of all,
//! .968 and .971 by Spearman; without a rotation it is .826, and mixing 64 neighbours
//! gives .875.
//!
//! *Cost*: six additions a number, and 64 numbers on the stack.
//!
//! Sources: Ailon & Chazelle 2009; for stored rows Gao & Long 2024 (RaBitQ).

use crate::hadamard::hadamard_with;
use crate::hash;
use crate::level::Level;
use core::num::NonZeroUsize;

/// Numbers that are rotated together.
pub const BLOCK: usize = 64;

/// Separates the rotation's hash stream from every other one.
const STREAM: u64 = u64::from_be_bytes(*b"ROTATE64");

/// The hash stream of the signs: of no key, for what is stored has to be read anywhere.
const SIGNS: u64 = hash::key(0, STREAM);

/// Block `block` of the rotation of `factor`·x; zeros beyond the row's end.
///
/// ```
/// use gradsieve_kernels::rotation::{rotate_back, rotated};
///
/// let x = [3.0, 0.0, 0.0, 0.0];
/// let mut block = rotated(&x, 2.0, 0);
/// assert!(block[..4].iter().all(|y| y.abs() == 3.0)); // 6/√4
/// assert_eq!(block[4..], [0.0; 60]);
///
/// let mut back = [0.0; 4];
/// rotate_back(&mut block, 0, &mut back);
/// assert_eq!(back, [6.0, 0.0, 0.0, 0.0]);
/// ```
#[must_use]
pub fn rotated(x: &[f32], factor: f32, block: usize) -> [f32; BLOCK] {
    rotated_with(Level::best(), x, factor, block)
}

/// [`rotated`] on a given level.
#[must_use]
pub fn rotated_with(level: Level, x: &[f32], factor: f32, block: usize) -> [f32; BLOCK] {
    let mut numbers = [0.0; BLOCK];
    let (first, step) = places(x.len(), block);
    let from = x.get(first..).unwrap_or_default().iter().step_by(step.get());
    for (to, x) in numbers.iter_mut().zip(from) {
        *to = x * factor;
    }
    flip(&mut numbers, block);
    transform(level, &mut numbers, length(x.len(), block));
    numbers
}

/// Turns block `block` back and writes it to its places in x, whose length is the row's;
/// what lies beyond its end is not looked at.
pub fn rotate_back(numbers: &mut [f32; BLOCK], block: usize, x: &mut [f32]) {
    rotate_back_with(Level::best(), numbers, block, x);
}

/// [`rotate_back`] on a given level.
pub fn rotate_back_with(level: Level, numbers: &mut [f32; BLOCK], block: usize, x: &mut [f32]) {
    transform(level, numbers, length(x.len(), block));
    flip(numbers, block);
    let (first, step) = places(x.len(), block);
    let to = x.get_mut(first..).unwrap_or_default().iter_mut().step_by(step.get());
    for (to, number) in to.zip(numbers) {
        *to = *number;
    }
}

/// Where the numbers of a block stand in a row of `k`: the first of them, and the step to
/// the next.
const fn places(k: usize, block: usize) -> (usize, NonZeroUsize) {
    match NonZeroUsize::new(k / BLOCK) {
        Some(whole) if block < whole.get() => (block, whole),
        _ => (block.saturating_mul(BLOCK), NonZeroUsize::MIN),
    }
}

/// Numbers of a block.
fn length(k: usize, block: usize) -> usize {
    k.saturating_sub(block.saturating_mul(BLOCK)).min(BLOCK)
}

/// Flips signs.
fn flip(numbers: &mut [f32; BLOCK], block: usize) {
    let signs = hash::word(SIGNS, block as u64);
    for (i, number) in numbers.iter_mut().enumerate() {
        *number = f32::from_bits(number.to_bits() ^ ((signs >> i & 1) as u32) << 31);
    }
}

/// Transforms the first `length` numbers, run by run, and makes zeros of the others.
fn transform(level: Level, numbers: &mut [f32; BLOCK], length: usize) {
    let mut rest = &mut numbers[..];
    for (run, scale) in RUNS {
        if length & run == 0 {
            continue;
        }
        let Some((some, behind)) = rest.split_at_mut_checked(run) else {
            crate::cannot_happen!("a block is as long as its runs");
            return;
        };
        // Runs are powers of two.
        let _ = hadamard_with(level, some);
        some.iter_mut().for_each(|number| *number *= scale);
        rest = behind;
    }
    rest.fill(0.0);
}

/// Lengths of runs, and the inverse of their roots.
const RUNS: [(usize, f32); 7] = [
    (64, 0.125),
    (32, 0.176_776_7),
    (16, 0.25),
    (8, 0.353_553_4),
    (4, 0.5),
    (2, core::f32::consts::FRAC_1_SQRT_2),
    (1, 1.0),
];
