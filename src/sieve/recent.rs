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

/// The signs of a sketch's first 64 numbers.
pub(super) fn signs(values: &[f32]) -> i64 {
    let signs = values.iter().take(BITS).enumerate();
    signs.fold(0, |bits, (place, value)| bits | i64::from(*value > 0.0) << place)
}

/// How many signs differ from those of the nearest of the last samples, of which `seen`
/// came so far.
pub(super) fn nearest(ring: &[i64], seen: u64, signs: i64) -> u32 {
    let filled = usize::try_from(seen).unwrap_or(usize::MAX);
    ring.iter().take(filled).map(|other| (other ^ signs).count_ones()).min().unwrap_or(u32::MAX)
}

/// Puts the signs of a sample in the place of the oldest.
pub(super) fn push(ring: &mut [i64], seen: u64, signs: i64) {
    let len = ring.len().max(1) as u64;
    // Below the length of a slice.
    let place = (seen % len) as usize;
    ring.iter_mut().skip(place).take(1).for_each(|oldest| *oldest = signs);
}
