//! IP and its ensemble: g·v, and Σ_m g(θ_m)·v(θ_m) over copies θ_m of the model (dropout
//! masks, perturbed weights).
//!
//! IP, "inner product", for a single model is [`grad_dot`]; an ensemble of one is that.
//! Scale: the *sum* over the copies, each in loss per unit of learning rate;
//! [`IpEnsemble::mean`] divides by their number. Source: "Revisit, Extend, and Enhance
//! Hessian-Free Influence Functions", 2024, whose targets for fairness (the gradient of a
//! gap between groups) and robustness (the gradient at adversarial inputs) are target
//! gradients like any other. *Memory*: 16 bytes a pair of samples. *Error*: that of each
//! dot ([`gradsieve_kernels::mod@dot`]); they are added in `f64`.

use super::dot::grad_dot;
use super::summed;
use crate::error::Error;
use crate::memory::Memory;
use crate::moments::added;
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, place};

/// The running influence of one train sample on one target, over copies of the model.
///
/// ```
/// use gradsieve::influence::IpEnsemble;
///
/// let mut pair = IpEnsemble::new();
/// for product in [0.5, 1.5] { // what `Targets` of the target gradients say at each copy
///     pair.observe_product(product)?;
/// }
/// assert_eq!((pair.score(), pair.mean()), (2.0, 1.0));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct IpEnsemble {
    sum: f64,
    members: u64,
}

impl IpEnsemble {
    /// No copies yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { sum: 0.0, members: 0 }
    }

    /// Adds a copy of the model: both gradients there. Copies may have projections of
    /// their own.
    ///
    /// # Errors
    /// As [`grad_dot`]. The state is as it was.
    pub fn observe(&mut self, train: &Sketch<'_>, target: &Sketch<'_>) -> Result<(), Error> {
        self.observe_product(grad_dot(train, target)?)
    }

    /// Adds a copy of which the product of both gradients is known, as
    /// [`Targets`](super::Targets) of the target gradients give it.
    ///
    /// # Errors
    /// [`Error::NonFinite`] if the product is not finite; [`Error::Range`] if the sum is
    /// none of `f64`; [`Error::Full`] past 2⁶⁴ copies. The state is as it was.
    pub fn observe_product(&mut self, product: f64) -> Result<(), Error> {
        if !product.is_finite() {
            return Err(Error::NonFinite);
        }
        self.merge(&Self { sum: product, members: 1 })
    }

    /// Adds the copies of `other`, which are none of this one's.
    ///
    /// # Errors
    /// [`Error::Range`] if the sum is none of `f64`; [`Error::Full`] past 2⁶⁴ copies. The
    /// state is as it was.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        let members = added(self.members, other.members)?;
        self.sum = summed(self.sum, other.sum)?;
        self.members = members;
        Ok(())
    }

    /// Copies so far.
    #[must_use]
    pub const fn members(&self) -> u64 {
        self.members
    }

    /// The influence summed over the copies; 0 without any.
    #[must_use]
    pub const fn score(&self) -> f64 {
        self.sum
    }

    /// The influence of a copy in the mean; 0 without any.
    #[must_use]
    pub const fn mean(&self) -> f64 {
        if self.members == 0 { 0.0 } else { self.sum / self.members as f64 }
    }
}

impl IpEnsemble {
    /// What the state needs beside itself: nothing, but for its bytes at rest.
    pub const MEMORY: Memory = Memory { bytes_at_rest: FRAME + 16, ..Memory::NONE };
}

impl State for IpEnsemble {
    const KIND: StateKind = StateKind::IpEnsemble;

    /// A sum of numbers, which does not know where they came from.
    fn sketch_id(&self) -> Option<SketchId> {
        None
    }
}

impl Body for IpEnsemble {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.finite(place!(sum))?;
        walk.number(place!(members))?;
        Ok(())
    }
}
