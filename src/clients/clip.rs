//! Clipping by the exact norm: an update that is longer than C counts as if it were as
//! long as that. Weights are min(1, C/‖gᵢ‖)/n, so they sum to less than 1 where updates
//! are clipped.
//!
//! Without a C it is the median of the norms (of an even number the lower in the middle),
//! which fewer than half of the clients cannot raise above those of the others.
//!
//! *Known holes*: direction. Hostile updates of ordinary length count as much as honest
//! ones: it bounds what one client does, and stops boosted updates alone. And the norm is
//! the one that the sketch carries: a client that measured its own update can say less.
//!
//! Source: Sun, Kairouz, Suresh & McMahan, "Can you really backdoor federated learning?",
//! 2019.
//!
//! *Memory*: none. *Cost*: n² comparisons for the median.

use super::Rule;
use super::round::{Finite, RoundSettings};
use crate::error::Error;
use crate::memory::Memory;
use gradsieve_kernels::Certain;

/// Holds every update to a length.
///
/// ```
/// use gradsieve::clients::{Client, NormClip, Round, RoundSettings, Rule};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let id = Exact::new(1).id(Layout::flat(1)?.id());
/// let settings = RoundSettings { clients: 4, width: 1 };
/// let mut round = Round::new(settings, [0.0; 4], [Client::default(); 4])?;
/// for (client, update) in (0..).zip([[1.0], [-2.0], [3.0], [400.0]]) {
///     let measures = gradsieve_kernels::summarize(&update);
///     round.observe(client, &Sketch::from_parts(id, &update, measures)?)?;
/// }
/// let mut weights = [0.0; 4];
/// NormClip { most: None }.weigh(&round, &mut [], &mut weights)?;
/// assert_eq!(weights, [0.25, 0.25, 0.25 * 2.0 / 3.0, 0.25 * 2.0 / 400.0]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct NormClip {
    /// C: the norm that is not exceeded, above 0; none takes the median of the norms.
    pub most: Option<f64>,
}

impl Rule for NormClip {
    fn needs(&self, _: &RoundSettings) -> Memory {
        Memory::NONE
    }

    /// [`Error::Setting`] if C is not a finite number above 0.
    fn weigh_finite(&self, finite: &Finite<'_>, _: &mut [f64], weights: &mut [f64]) -> Result<(), Error> {
        let most = match self.most {
            Some(most) if most > 0.0 && most.is_finite() => most,
            Some(_) => return Err(Error::Setting { name: "most", expected: "finite and above 0" }),
            None => {
                let half = finite.len().div_ceil(2);
                let is_median = |norm: &f64| finite.norms().filter(|other| other <= norm).count() >= half;
                finite.norms().filter(is_median).reduce(f64::min).certain()
            }
        };
        let share = 1.0 / finite.len().max(1) as f64;
        for (norm, weight) in finite.norms().zip(weights) {
            *weight = if norm > most { share * (most / norm) } else { share };
        }
        Ok(())
    }
}
