//! How far ahead to ask for memory.

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
