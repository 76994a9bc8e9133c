//! FoolsGold: the less, the more a client's update points where another client's does.
//! Against sybils: many clients of one attacker, who pull the same way.
//!
//! With cᵢⱼ the cosine of two clients, at least 0, and vᵢ = maxⱼ cᵢⱼ: where vⱼ > vᵢ, cᵢⱼ
//! is multiplied by vᵢ/vⱼ, which pardons honest clients that are near a sybil. Then αᵢ =
//! 1 − maxⱼ cᵢⱼ, divided by the largest α, becomes ln(α/(1 − α)) + ½, held to [0, 1];
//! weights are that divided by their sum. An α below 10⁻⁹, the rounding of a cosine, is
//! 0.
//!
//! *Give it histories*: the published rule looks at the sum of each client's updates over
//! all rounds. Sketches are linear, so the sum of a client's sketches is the sketch of
//! that sum, and takes its place here.
//!
//! *Known holes*: a single attacker, and attackers who differ. And honest clients whose
//! data are alike look like sybils: the rule is for clients whose data differ.
//!
//! Source: Fung, Yoon & Beschastnikh, "Mitigating sybils in federated learning
//! poisoning", 2018 (with κ = 1, all features alike, and a mean in place of a sum).
//!
//! *Memory*: n² + K + 2n `f64`. *Cost*: 2n²·K multiply–adds.

use super::Rule;
use super::round::{Finite, RoundSettings, cosine, parts};
use crate::error::Error;
use crate::memory::Memory;

/// What is left of 1 less the cosine of two directions that are the same.
const ALIKE: f64 = 1e-9;

/// Weighs clients by how little they are like another one.
///
/// ```
/// use gradsieve::clients::{FoolsGold, RoundSettings};
///
/// const RULE: FoolsGold = FoolsGold;
/// const ROUND: RoundSettings = RoundSettings { clients: 20, width: 64 };
/// assert_eq!(RULE.memory(&ROUND).f64s, 400 + 64 + 2 * 20);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct FoolsGold;

impl FoolsGold {
    /// What a call needs for such a round: n² + K + 2n `f64s`.
    #[must_use]
    pub const fn memory(&self, round: &RoundSettings) -> Memory {
        round.f64s(1, 1, 2)
    }
}

impl Rule for FoolsGold {
    fn needs(&self, round: &RoundSettings) -> Memory {
        self.memory(round)
    }

    /// [`Error::TooFew`] unless there are two clients; [`Error::Setting`] if all point
    /// the same way.
    fn weigh_finite(
        &self,
        finite: &Finite<'_>,
        memory: &mut [f64],
        weights: &mut [f64],
    ) -> Result<(), Error> {
        let n = finite.len();
        if n < 2 {
            return Err(Error::TooFew { needed: 2, found: n });
        }
        let (cosines, memory) = parts(memory, n.saturating_mul(n));
        let (nearest, wide) = parts(memory, n);
        let wide = parts(wide, finite.width()).0;
        let rows = finite.rows().zip(cosines.chunks_exact_mut(n)).zip(nearest.iter_mut());
        for (i, ((x, cosines), nearest)) in rows.enumerate() {
            for (j, (y, to)) in finite.rows().zip(cosines.iter_mut()).enumerate() {
                *to = if i == j { 0.0 } else { libm::fmax(cosine(x, y, wide), 0.0) };
            }
            *nearest = cosines.iter().copied().fold(0.0, f64::max);
        }
        let mut most = 0.0;
        let rows = cosines.chunks_exact(n).zip(&*nearest).zip(weights.iter_mut());
        for ((cosines, &own), weight) in rows {
            let pardoned = cosines
                .iter()
                .zip(&*nearest)
                .map(|(cosine, &other)| if other > own { cosine * (own / other) } else { *cosine });
            let alone = 1.0 - pardoned.fold(0.0, f64::max);
            *weight = if alone < ALIKE { 0.0 } else { alone };
            most = libm::fmax(most, *weight);
        }
        if most <= 0.0 {
            return Err(Error::Setting { name: "clients", expected: "some that do not all point one way" });
        }
        let mut sum = 0.0;
        for weight in weights.iter_mut() {
            let share = *weight / most;
            *weight =
                if share >= 1.0 { 1.0 } else { (libm::log(share / (1.0 - share)) + 0.5).clamp(0.0, 1.0) };
            sum += *weight;
        }
        weights.iter_mut().for_each(|weight| *weight /= sum);
        Ok(())
    }
}
