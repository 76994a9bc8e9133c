//! The canonical sum: the one order in which gradsieve adds.
//!
//! Terms are taken in tiles of [`TILE`], of which the last may be shorter. In a tile,
//! term *i* goes to lane *i* mod [`LANES`], in index order, and missing terms add
//! nothing. The lanes are folded by adding the upper half to the lower. In the last tile
//! that goes on to the end, 64→32→…→1. In every tile before it, it stops at sixteen, and
//! those are added to sixteen lanes of `f64`, which are folded 16→8→4→2→1 when all tiles
//! are in; to that the last tile's sum is added, in `f64`.
//!
//! A sum of up to 1,024 terms has one tile, and so no `f64` in it but the answer. Without
//! terms the sum is +0. No sum is ever −0: every lane starts at +0, and a sum of two
//! numbers is −0 only if both are.
//!
//! Error, with ε = 2⁻²⁴ and N terms of magnitude |t_i|: in `f32` a term meets its
//! product's rounding, at most sixteen additions in its lane, of which the first, to
//! zero, is exact, and at most six of the fold. These are 22 roundings and (1 + ε)²² − 1
//! < 23·ε, so |computed − exact| ≤ 23·ε·Σ|t_i|, plus 2⁻⁵³·(⌈N/1024⌉ + 5)·Σ|t_i| for the
//! additions in `f64`. In practice roundings err to either side, and the relative error
//! of a sum of squares is some 3.5·10⁻⁷/√N, as a root of the mean square: 4·10⁻¹¹ at 64
//! million.
//!
//! Why sixteen: fewer roundings than a fold to one, for two conversions and two additions
//! more a tile where registers have 512 bits; and a core that has no `f64` pays for
//! sixteen additions in 1,024 terms, about one instruction a term, and for none up to
//! 1,024.

/// Partial sums a tile.
pub const LANES: usize = 64;

/// Terms a tile: what is added in `f32` before the sum moves to `f64`.
pub const TILE: usize = 1024;

/// Lanes in `f64`.
pub const WIDE: usize = 16;

/// Adds the lanes of a tile: lane *j* += lane *j* + *h* for *h* = 32, 16, 8, 4, 2, 1.
#[inline]
#[must_use]
pub fn fold(mut lanes: [f32; LANES]) -> f32 {
    fold_to(&mut lanes, 1);
    lanes[0]
}

/// [`fold`] until `rest` lanes are left, which stand first; of powers of two.
#[inline(always)]
pub(crate) fn fold_to<T: Copy + core::ops::AddAssign>(lanes: &mut [T], rest: usize) {
    let mut half = lanes.len() / 2;
    while half >= rest {
        let (low, high) = lanes.split_at_mut(half);
        for (low, high) in low.iter_mut().zip(high) {
            *low += *high;
        }
        half /= 2;
    }
}
