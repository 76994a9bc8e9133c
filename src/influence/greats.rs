//! GREATS: which samples of a batch to train on, so that one step lowers the target's
//! loss the most. Greedy, while training.
//!
//! A sample's gain is at first s_z = η v·g_z. The sample of the largest gain is picked;
//! what the others would do again after it is taken from theirs,
//!
//! s_z −= η² c g_z·g_z*,
//!
//! and so on. v is the target's gradient, η the learning rate in sum form (θ ← θ − η Σ g;
//! for a step with the mean of k picked samples, η = lr/k), c the curvature of the
//! target's loss, for which the paper has 1 (its Hessian taken for the identity). With c
//! = 0 the k most aligned samples are picked, however alike they are. Positive gains are
//! helpful. Scale: loss. Source: Wang, Wu, Song, Mittal & Jia 2024, "GREATS: Online
//! Selection of High-Quality Data for LLM Training in Every Iteration".
//!
//! *Memory*: [`Greats::memory`], in the caller's hands. *Cost*: B² products of gradients,
//! from their factors ([`ghost::products`](crate::ghost::products)), and k·B of numbers.
//! *Error*: that of the products; gains are computed in `f64`.

use crate::error::{Error, check_length};
use crate::memory::Memory;
use gradsieve_kernels::{Certain, cannot_happen};

/// Picks samples of a batch for a step of so large a learning rate.
///
/// ```
/// use gradsieve::influence::Greats;
///
/// // Three samples: two are one and the same, the third is less aligned with the target.
/// let gradients = [[2.0, 0.0], [2.0, 0.0], [1.0, 1.0]];
/// let dot = |x: [f64; 2], y: [f64; 2]| x[0] * y[0] + x[1] * y[1];
/// let mut gains = gradients.map(|g| dot(g, [1.0, 0.5]));
/// let products = gradients.map(|x| gradients.map(|y| dot(x, y)));
///
/// let mut order = [0; 3];
/// Greats::new(0.5)?.pick(2, &mut gains, products.as_flattened(), &mut order)?;
/// assert_eq!(order[..2], [0, 2]);
/// // The second would do again what they have done.
/// assert_eq!(gains[1], 0.5 * 2.0 - 0.25 * (4.0 + 2.0));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Greats {
    learning_rate: f64,
    curvature: f64,
}

impl Greats {
    /// For steps with a learning rate in sum form, and a curvature of 1.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the rate is finite and above 0.
    pub const fn new(learning_rate: f64) -> Result<Self, Error> {
        if !(learning_rate.is_finite() && learning_rate > 0.0) {
            return Err(Error::Setting { name: "learning_rate", expected: "finite and above 0" });
        }
        Ok(Self { learning_rate, curvature: 1.0 })
    }

    /// The same with another curvature c of the target's loss along the step.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is finite and not below 0.
    pub const fn with_curvature(self, curvature: f64) -> Result<Self, Error> {
        if !(curvature.is_finite() && curvature >= 0.0) {
            return Err(Error::Setting { name: "curvature", expected: "finite and not below 0" });
        }
        Ok(Self { curvature, ..self })
    }

    /// What a batch of B candidates needs: B gains and B × B products. The order of B
    /// places comes beside.
    #[must_use]
    pub const fn memory(candidates: usize) -> Memory {
        Memory { f64s: candidates.saturating_mul(candidates.saturating_add(1)), ..Memory::NONE }
    }

    /// Picks `count` of B candidates: their places are the first of `order`, the most
    /// gainful first; those of the others follow. Of equal gains the first place wins.
    ///
    /// `gains` arrives as v·g of each candidate and leaves as the gain that it had when
    /// it was picked, or has left. `products` is g·g′ of all pairs, B × B.
    ///
    /// # Errors
    /// [`Error::Length`] if `order` is not as long as `gains`, `products` not its square,
    /// or `count` above B; [`Error::NonFinite`] if a number is not finite, or a gain
    /// could leave the range of `f64`. `gains` is as it was.
    pub fn pick(
        &self,
        count: usize,
        gains: &mut [f64],
        products: &[f64],
        order: &mut [usize],
    ) -> Result<(), Error> {
        let candidates = gains.len();
        check_length(candidates, order.len())?;
        check_length(candidates.saturating_mul(candidates), products.len())?;
        if count > candidates {
            return Err(Error::Length { expected: candidates, found: count });
        }
        let again = self.learning_rate * self.learning_rate * self.curvature;
        let bound = largest(gains) * self.learning_rate + largest(products) * again * count as f64;
        if !bound.is_finite() {
            return Err(Error::NonFinite);
        }
        gains.iter_mut().for_each(|gain| *gain *= self.learning_rate);
        order.iter_mut().enumerate().for_each(|(place, order)| *order = place);
        let mut rest = order;
        for _ in 0..count {
            let at = best(rest, gains);
            let Some((next, others)) = rest.split_first_mut() else {
                cannot_happen!("no more are picked than there are");
                return Ok(());
            };
            if let Some(best) = at.checked_sub(1).and_then(|at| others.get_mut(at)) {
                core::mem::swap(next, best);
            }
            // Products are symmetric: a row is a column.
            let row = products.get(*next * candidates..).certain();
            rest = others;
            for &place in &*rest {
                match gains.get_mut(place) {
                    Some(gain) => *gain -= again * row.get(place).copied().certain(),
                    None => cannot_happen!("places are those of gains"),
                }
            }
        }
        Ok(())
    }
}

/// Where among these places the largest gain is, that of the first place of equal ones.
fn best(places: &[usize], gains: &[f64]) -> usize {
    let (mut best, mut most, mut first) = (0, f64::NEG_INFINITY, usize::MAX);
    for (at, &place) in places.iter().enumerate() {
        let gain = gains.get(place).copied().certain();
        if gain > most || (gain == most && place < first) {
            (best, most, first) = (at, gain, place);
        }
    }
    best
}

/// The largest magnitude; infinite, if one of the numbers is not finite.
fn largest(numbers: &[f64]) -> f64 {
    numbers.iter().fold(0.0, |most: f64, x| if x.is_finite() { most.max(x.abs()) } else { f64::INFINITY })
}
