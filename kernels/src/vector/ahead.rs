//! How far ahead to ask for memory, and how.

use crate::simd::Simd;

/// How far ahead to ask for memory, in bytes, where a load costs more than two
/// operations.
pub(crate) const AHEAD: usize = 4096;

/// How far ahead to ask for memory while G sealed groups are read side by side, in bytes:
/// each group asks for what stands in its place of the next G, or further on where these
/// are near.
#[inline(always)]
pub(crate) fn ahead<T, const G: usize>(groups: &[&[T]; G]) -> usize {
    const LEAST: usize = 16 << 10;
    groups.iter().map(|group| size_of_val(*group)).sum::<usize>().max(LEAST)
}

/// Asks for the memory of `count` elements of a row from place `at` on, as far as there
/// are such.
#[inline(always)]
pub(crate) fn ask_for<S: Simd, T>(s: S, row: &[T], at: usize, count: usize) {
    // A row is asked for a share at a time, and the last shares may lie beyond its end.
    const LINE: usize = 64;
    let Some(part) = row.get(at..) else { return };
    let lines = part.get(..count).unwrap_or(part);
    let bytes = size_of_val(lines);
    let Some(first) = lines.first() else { return };
    for line in 0..bytes.div_ceil(LINE) {
        s.prefetch(first, line * LINE);
    }
}
