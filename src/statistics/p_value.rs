//! p-values: how many of the scores seen are as large.
//!
//! Three names for three things. [`frozen`] is a p-value in the strict sense: for scores
//! of a scorer that no longer learns, over samples that are exchangeable with the one
//! asked about, P(p ≤ α) ≤ α, ties or not. [`smoothed`] is exactly uniform then, at the
//! price of a random number, drawn by a hash of a key and the sample's id, so that it is
//! the same each time. [`rank`] is what a stream has whose scorer learns: the same
//! figure, whose rate must be measured.
//!
//! Source: Vovk, Gammerman & Shafer, "Algorithmic Learning in a Random World" (2005).

use super::histogram::{Histogram, rounded};
use gradsieve_kernels::hash;

/// The constant of the stream that ties are broken by.
const TIES: u64 = 0x5449_4553;

/// (1 + #{sᵢ ≥ s})/(n + 1): what lies in the score's own cell counts as large as it.
///
/// ```
/// use gradsieve::statistics::{Grid, Histogram, frozen};
///
/// const GRID: Grid = Grid { fineness: 4, fine: (-2, 6), coarse: 6, end: 20 };
/// let mut scores = Histogram::<{ GRID.cells() }>::new(&GRID)?;
/// (1..=99).for_each(|i| scores.add(f64::from(i), 1));
/// assert_eq!(frozen(&scores, 1e6), 0.01);
/// assert_eq!(frozen(&scores, 0.0), 1.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[must_use]
pub fn frozen<const N: usize>(scores: &Histogram<N>, score: f64) -> f64 {
    (scores.at_least(score) + 1) as f64 / (scores.total() + 1) as f64
}

/// (#{sᵢ > s} + U·(#{sᵢ = s} + 1))/(n + 1), where U is drawn by [`uniform`] and what lies
/// in the score's own cell counts as equal.
///
/// ```
/// use gradsieve::statistics::{Grid, Histogram, smoothed, uniform};
///
/// const GRID: Grid = Grid { fineness: 4, fine: (-2, 6), coarse: 6, end: 20 };
/// let mut scores = Histogram::<{ GRID.cells() }>::new(&GRID)?;
/// (1..=99).for_each(|i| scores.add(f64::from(i), 1));
/// assert_eq!(smoothed(&scores, 1e6, uniform(7, 0)), 0.01 * uniform(7, 0));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[must_use]
pub fn smoothed<const N: usize>(scores: &Histogram<N>, score: f64, uniform: f64) -> f64 {
    let at_least = scores.at_least(score);
    let own = u64::from(scores.count(scores.grid().cell(super::position(score))));
    ((at_least - own) as f64 + uniform * (own + 1) as f64) / (scores.total() + 1) as f64
}

/// A uniform number in (0, 1) that belongs to a key and an id, the same each time.
///
/// ```
/// use gradsieve::statistics::uniform;
///
/// assert_eq!(uniform(7, 3), uniform(7, 3));
/// assert_ne!(uniform(7, 3), uniform(7, 4));
/// ```
#[must_use]
pub const fn uniform(key: u64, id: u64) -> f64 {
    let bits = hash::word(hash::key(key, TIES), id) >> 12;
    // (bits + ½)·2⁻⁵², exactly.
    (2 * bits + 1) as f64 / (1_u64 << 53) as f64
}

/// The same in `f32`, of key 0.
pub(crate) const fn toss(id: u64) -> f32 {
    const KEY: u64 = hash::key(0, TIES);
    let bits = (hash::word(KEY, id) >> 41) as u32;
    // (bits + ½)·2⁻²³, exactly.
    (2 * bits + 1) as f32 / (1_u32 << 24) as f32
}

/// The rank of a score among those of a stream whose scorer learns, in (0, 1]: scores in
/// its own cell are taken to lie there evenly, and the score itself counts `own`, of
/// which the share `uniform` lies above it.
///
/// ```
/// use gradsieve::statistics::{Grid, Histogram, rank};
///
/// const GRID: Grid = Grid { fineness: 4, fine: (-2, 6), coarse: 6, end: 20 };
/// let mut scores = Histogram::<{ GRID.cells() }>::new(&GRID)?;
/// (1..=99).for_each(|i| scores.add(f64::from(i), 1));
/// assert_eq!(rank(&scores, 1e6, 1.0, 0.5), 0.005);
/// assert!((rank(&scores, 50.0, 1.0, 0.5) - 0.5).abs() < 0.02);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[must_use]
pub fn rank<const N: usize>(scores: &Histogram<N>, score: f64, own: f32, uniform: f32) -> f32 {
    rank_at(scores, super::position(score), own, uniform)
}

/// The rank of the score at a position.
pub(crate) fn rank_at<const N: usize>(scores: &Histogram<N>, position: i32, own: f32, uniform: f32) -> f32 {
    (scores.above_at(position) + uniform * own) / (rounded(scores.total()) + own)
}
