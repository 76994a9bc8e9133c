//! Codes of few bits ([`crate::codec::bits`]) on a core without vectors. Compilers make
//! vectors of it.

use crate::bits::{BLOCK, LEVELS, WORDS};
use crate::layout::order::LANES;

/// In the middle between two levels of 4 bits.
const MIDDLES: [f32; 7] = [12.0, 24.5, 37.5, 51.0, 66.5, 85.5, 111.5];

/// The code of a value that was multiplied.
#[inline(always)]
fn code<const BITS: usize>(x: f32) -> u32 {
    let (sign, magnitude) = (x.to_bits() >> 31, x.abs());
    match BITS {
        1 => sign,
        2 => {
            let far = u32::from(magnitude >= 2.0);
            // 0 and 1 are positive, the far one first; 2 and 3 are negative.
            (1 ^ far) ^ (0_u32.wrapping_sub(sign) & 3)
        }
        _ => sign << 3 | MIDDLES.iter().map(|middle| u32::from(magnitude >= *middle)).sum::<u32>(),
    }
}

/// The level of a code.
#[inline(always)]
fn level<const BITS: usize>(code: u32) -> f32 {
    match BITS {
        1 => 1.0 - 2.0 * (code as i32) as f32,
        2 => 3.0 - 2.0 * (code as i32) as f32,
        _ => f32::from(LEVELS[code as usize % 16]),
    }
}

/// Codes, and their sum of products.
#[inline(always)]
pub(crate) fn encode<const BITS: usize>(values: &[f32; BLOCK], levels: f32) -> ([u32; WORDS], f64) {
    let mut words = [0; WORDS];
    let mut lanes = [0.0_f64; LANES];
    let mut codes = [0; BLOCK];
    for (code_to, x) in codes.iter_mut().zip(values) {
        *code_to = code::<BITS>(x * levels);
    }
    for (values, codes) in values.as_chunks::<LANES>().0.iter().zip(codes.as_chunks::<LANES>().0) {
        for ((lane, x), code) in lanes.iter_mut().zip(values).zip(codes) {
            *lane += f64::from(*x) * f64::from(level::<BITS>(*code));
        }
    }
    for (word, codes) in words.iter_mut().zip(codes.chunks(32 / BITS)) {
        *word = codes.iter().rev().fold(0, |word, code| word << BITS | code);
    }
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    (words, lanes[0])
}
