//! TracInCP: Σ_c η_c · g(θ_c)·v(θ_c) over checkpoints c (Pruthi et al. 2020), and its
//! diagonal Self-TracIn: Σ_c η_c ‖g(θ_c)‖².
//!
//! Scale: loss, as much as the steps at the checkpoints changed it; η is in sum form (θ ←
//! θ − η Σ g): for a loss that is the mean over a batch of B, η = lr/B. *Memory*: 8 bytes
//! a pair of samples.

use super::dot::grad_dot;
use super::summed;
use crate::error::Error;
use crate::memory::Memory;
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, place};

/// The running influence of one train sample on one target, over checkpoints.
///
/// ```
/// use gradsieve::influence::{Targets, TracIn};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let train = [3.0, 1.0];
/// let train = Sketch::from_parts(id, &train, gradsieve_kernels::summarize(&train))?;
/// let mut pair = TracIn::new();
/// // Many targets are scored at once.
/// let mut products = [0.0; 2];
/// Targets::new(id, &[1.0, 0.0, 0.0, 1.0])?.score(&train, &mut products)?;
/// pair.observe_product(0.5, products[0])?;
/// assert_eq!(pair.score(), 1.5);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TracIn {
    sum: f64,
}

impl TracIn {
    /// No checkpoints yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { sum: 0.0 }
    }

    /// Adds a checkpoint: its learning rate in sum form, and both gradients there.
    ///
    /// # Errors
    /// As [`grad_dot`]; [`Error::Setting`] if the learning rate is not finite. The state
    /// is as it was.
    pub fn observe(
        &mut self,
        learning_rate: f64,
        train: &Sketch<'_>,
        target: &Sketch<'_>,
    ) -> Result<(), Error> {
        let dot = grad_dot(train, target)?;
        self.observe_product(learning_rate, dot)
    }

    /// Adds a checkpoint to a self-influence: the squared norm is the exact one of the
    /// gradient.
    ///
    /// # Errors
    /// [`Error::NonFinite`]; [`Error::Setting`] if the learning rate is not finite. The
    /// state is as it was.
    pub fn observe_self(&mut self, learning_rate: f64, train: &Sketch<'_>) -> Result<(), Error> {
        train.check_finite()?;
        self.observe_product(learning_rate, train.measures.l2_squared)
    }

    /// Adds a checkpoint of which the product of both gradients is known, as
    /// [`Targets`](super::Targets) of the target gradients give it.
    ///
    /// # Errors
    /// [`Error::Setting`] if the learning rate is not finite; [`Error::NonFinite`] if the
    /// product is not; [`Error::Range`] if the sum is none of `f64`. The state is as it
    /// was.
    pub fn observe_product(&mut self, learning_rate: f64, product: f64) -> Result<(), Error> {
        if !learning_rate.is_finite() {
            return Err(Error::Setting { name: "learning_rate", expected: "finite" });
        }
        if !product.is_finite() {
            return Err(Error::NonFinite);
        }
        self.sum = summed(self.sum, learning_rate * product)?;
        Ok(())
    }

    /// Adds the checkpoints of `other`, which are none of this one's.
    ///
    /// # Errors
    /// [`Error::Range`] if the sum is none of `f64`. The state is as it was.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.sum = summed(self.sum, other.sum)?;
        Ok(())
    }

    /// The influence over all checkpoints so far; 0 without any.
    #[must_use]
    pub const fn score(&self) -> f64 {
        self.sum
    }
}

impl TracIn {
    /// What the state needs beside itself: nothing, but for its bytes at rest.
    pub const MEMORY: Memory = Memory { bytes_at_rest: FRAME + 8, ..Memory::NONE };
}

impl State for TracIn {
    const KIND: StateKind = StateKind::TracIn;

    /// A sum of numbers, which does not know where they came from.
    fn sketch_id(&self) -> Option<SketchId> {
        None
    }
}

impl Body for TracIn {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        walk.finite(place!(sum))?;
        Ok(())
    }
}
