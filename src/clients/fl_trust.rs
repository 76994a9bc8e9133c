//! FLTrust: as far as a client's update points where an update that the server trusts
//! does, scaled to the length of that one.
//!
//! The trust in client i is ReLU(cos(φᵢ, φ₀)), of the sketches; its weight is
//! trust/Σ trust · ‖g₀‖/‖gᵢ‖, with the exact norms of the whole updates. So the aggregate
//! is a mean of updates that all have the server's length, and the weights need not sum
//! to 1.
//!
//! *Known holes*: an update at less than a right angle to the server's counts, whoever
//! sends it; and the server's update must come from data like the clients'. The norm is
//! the one that the sketch carries: a client that measured its own update can say that it
//! is shorter, and counts for more then.
//!
//! Source: Cao, Fang, Liu & Gong, NDSS 2021.
//!
//! *Memory*: K `f64`. *Cost*: 2n·K multiply–adds.

use super::Rule;
use super::round::{Finite, RoundSettings, cosine};
use crate::error::Error;
use crate::memory::Memory;
use crate::sketch::Sketch;

/// Weighs clients by their agreement with an update that the server trusts.
///
/// ```
/// use gradsieve::clients::{Client, FlTrust, Round, RoundSettings, Rule};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let sketch = |x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x));
/// let settings = RoundSettings { clients: 3, width: 2 };
/// let mut round = Round::new(settings, [0.0; 6], [Client::default(); 3])?;
/// round.observe(0, &sketch(&[2.0, 0.0])?)?;
/// round.observe(1, &sketch(&[0.0, 5.0])?)?;
/// round.observe(2, &sketch(&[-9.0, 0.0])?)?;
/// let server = [1.0, 0.0];
/// let rule = FlTrust { server: sketch(&server)? };
/// let (mut memory, mut weights) = (vec![0.0; rule.needs(&settings).f64s], [0.0; 3]);
/// assert_eq!(rule.weigh(&round, &mut memory, &mut weights), Ok(1));
/// assert_eq!(weights, [0.5, 0.0, 0.0]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FlTrust<'s> {
    /// The sketch of the server's own update, by the projection of the clients'.
    pub server: Sketch<'s>,
}

impl FlTrust<'_> {
    /// What a call needs for such a round: K `f64s`.
    #[must_use]
    pub const fn memory(round: &RoundSettings) -> Memory {
        round.f64s(0, 1, 0)
    }
}

impl Rule for FlTrust<'_> {
    fn needs(&self, round: &RoundSettings) -> Memory {
        Self::memory(round)
    }

    /// [`Error::Mismatch`] if the server's sketch is of another projection or layout,
    /// [`Error::NonFinite`] if its update is not finite; [`Error::Setting`] if it is 0,
    /// or no client points as it does; [`Error::Range`] if it is so long beside a
    /// client's that a weight leaves the range of `f64`.
    fn weigh_finite(
        &self,
        finite: &Finite<'_>,
        memory: &mut [f64],
        weights: &mut [f64],
    ) -> Result<(), Error> {
        finite.id.map_or(Ok(()), |id| id.check(&self.server.id))?;
        self.server.check_finite()?;
        let length = libm::sqrt(self.server.measures.l2_squared);
        if !length.is_finite() || length <= 0.0 || self.server.values.iter().all(|&x| x == 0.0) {
            return Err(Error::Setting { name: "server", expected: "an update that is not 0" });
        }
        let mut sum = 0.0;
        for ((row, norm), weight) in finite.rows().zip(finite.norms()).zip(weights.iter_mut()) {
            // A sketch that points somewhere though its update is 0 is nobody's.
            let trust = if norm > 0.0 { cosine(row, self.server.values, memory) } else { 0.0 };
            *weight = libm::fmax(trust, 0.0);
            sum += *weight;
        }
        if sum <= 0.0 {
            let expected = "an update that one of the clients agrees with at least";
            return Err(Error::Setting { name: "server", expected });
        }
        for (norm, weight) in finite.norms().zip(weights) {
            // Who has a trust has a length.
            if *weight > 0.0 {
                *weight = *weight / sum * (length / norm);
            }
            if !weight.is_finite() {
                return Err(Error::Range { what: "a weight" });
            }
        }
        Ok(())
    }
}
