//! One-bit sketches of the last samples, by which near duplicates are found.

/// Numbers of a sketch whose signs are kept.
const BITS: usize = 64;

/// Sketches of 64 numbers or more that differ in no more signs than this count as near
/// duplicates.
pub(super) const NEAR: u32 = 2;

/// The same for sketches of any width: a thirty-second of their signs.
pub(super) const fn near(width: usize) -> u32 {
    (if width < BITS { width } else { BITS }) as u32 * NEAR / BITS as u32
}

/// The signs of a sketch's first 64 numbers, all of them finite.
pub(super) fn signs(values: &[f32]) -> i64 {
    // Above 0 is what is not 0 and without a sign: by 32 bits, which small cores have.
    let bit = |value: &f32| u32::from(value.to_bits() as i32 > 0);
    let half = |from| {
        let values = values.iter().skip(from).take(BITS / 2);
        values.rev().fold(0_u32, |bits, value| bits << 1 | bit(value))
    };
    i64::from(half(0)) | i64::from(half(BITS / 2)) << (BITS / 2)
}

/// How many signs differ from those of the nearest of the last samples, of which `seen`
/// came so far; `u32::MAX` if they are more than [`NEAR`].
pub(super) fn nearest(ring: &[i64], seen: u64, signs: i64) -> u32 {
    let filled = usize::try_from(seen).unwrap_or(usize::MAX);
    let differences = ring.iter().take(filled).map(|other| other ^ signs);
    // Most of them differ in more than that in the first half already.
    let near = differences.filter(|difference| without_two(*difference as u32) == 0);
    near.map(i64::count_ones).filter(|count| *count <= NEAR).min().unwrap_or(u32::MAX)
}

/// A number without the two lowest of its bits: [`NEAR`].
const fn without_two(bits: u32) -> u32 {
    let bits = bits & bits.wrapping_sub(1);
    bits & bits.wrapping_sub(1)
}

/// Puts the signs of a sample in the place of the oldest.
pub(super) fn push(ring: &mut [i64], seen: u64, signs: i64) {
    let len = ring.len().max(1) as u64;
    // Below the length of a slice.
    let place = (seen % len) as usize;
    ring.iter_mut().skip(place).take(1).for_each(|oldest| *oldest = signs);
}
