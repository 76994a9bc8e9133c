//! Running statistics in integers: what detectors and the [`Sieve`](crate::Sieve) count
//! with. One file a statistic.
//!
//! What travels between devices is an exact commutative monoid: counts and fixed-point
//! sums that merge to the same bits in any order and any tree. Statistics that forget do
//! so by halves, on a [`Clock`], and merge where their clocks agree. No sample owns any
//! of them: a sample is a count or a direction of length 1, whatever its size.
//!
//! May import `memory`, `state` and `error`; knows nothing of sketches, detectors or
//! stores.

mod clock;
mod directions;
mod discoveries;
mod histogram;
mod jumper;
mod p_value;
mod position;
mod ranks;
mod scale;
mod tail;

pub use clock::Clock;
pub(crate) use directions::{Directions, Normaliser, Ray, WHOLE};
pub use discoveries::Discoveries;
pub(crate) use histogram::rounded;
pub use histogram::{Grid, Histogram};
pub use jumper::Jumper;
pub use p_value::{frozen, rank, smoothed, uniform};
pub(crate) use p_value::{rank_at, toss};
pub use position::position;
pub(crate) use position::{number, position_of};
pub use ranks::{RANKS, Ranks};
pub use scale::Scale;
pub use tail::Tail;
