//! The canonical sum: the one order in which gradsieve adds.
//!
//! Terms are taken in tiles of [`TILE`]. In a tile, term *i* goes to lane *i* mod [`LANES`], in index order;
//! missing terms add nothing; the lanes are folded 64→32→…→1 by adding the upper half to the lower. The
//! tiles' sums are added in `f64`, in order.
//!
//! Error, with ε = 2⁻²⁴ and N terms of magnitude |t_i|: a lane sees at most 64 additions a tile and the fold
//! six more, so |computed − exact| ≤ 71·ε·Σ|t_i| (one of the 71 for a product's rounding), plus
//! 2⁻⁵³·⌈N/4096⌉ for the tiles. The bound does not grow with N, which is why tiles are added in `f64`:
//! one such addition in 4,096 terms costs nothing, even where `f64` is done in software.

/// Partial sums a tile.
pub const LANES: usize = 64;

/// Terms a tile: what is added in `f32` before the sum moves to `f64`.
pub const TILE: usize = 4096;

/// Adds the lanes of a tile: lane *j* += lane *j* + *h* for *h* = 32, 16, 8, 4, 2, 1.
#[inline]
#[must_use]
pub fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        let (low, high) = lanes.split_at_mut(half);
        for (low, high) in low.iter_mut().zip(high) {
            *low += *high;
        }
        half /= 2;
    }
    lanes[0]
}
