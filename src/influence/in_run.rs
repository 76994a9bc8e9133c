//! In-Run Data Shapley: what each sample did during the run itself, Σ_t [η_t v_t·g −
//! (η_t²/2) g·w_t], summed over the steps t whose batch it was in.
//!
//! v_t is the validation gradient at θ_t, g the sample's gradient there, η_t the learning
//! rate in sum form (θ ← θ − η Σ g; for a loss that is the mean over a batch of B, η =
//! lr/B). With the first term alone this is first order; the second needs w_t = H_t Σ_{j
//! ∈ batch} g_j, with H_t the Hessian of the validation loss, which takes the caller one
//! extra backward pass, sketched like a gradient.
//!
//! Each step's terms are exact Shapley values of the step's batch for the validation loss
//! expanded to that order, so they sum to the expanded drop of that loss: where the loss
//! is quadratic, to the drop itself. Positive is helpful: the negative of the paper's
//! value of the loss. Scale: loss. Source: Wang, Mittal, Song & Jia 2024.
//!
//! *Memory*: one `f64` a training sample, in the caller's hands. *Cost*: one or two dot
//! products a sample and step. *Error*: that of the dots
//! ([`gradsieve_kernels::mod@dot`]); scores are added in `f64`.

use super::{check_pair, summed};
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, slice};
use gradsieve_kernels::{cannot_happen, dot};

/// The running scores of n training samples, in a buffer of n numbers.
///
/// ```
/// use gradsieve::influence::InRunShapley;
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let sketch = |x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x));
/// let (target, one, two) = (sketch(&[1.0, 0.0])?, sketch(&[2.0, 1.0])?, sketch(&[-1.0, 0.0])?);
/// let mut scores = [0.0; 3];
/// let mut shapley = InRunShapley::new(&mut scores);
/// shapley.observe_step(0.5, &target, None, &[(0, one), (2, two)])?;
/// assert_eq!(shapley.scores(), [1.0, 0.0, -0.5]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct InRunShapley<B> {
    scores: B,
}

impl InRunShapley<()> {
    /// What so many samples need.
    #[must_use]
    pub const fn memory(samples: usize) -> Memory {
        let bytes_at_rest = samples.saturating_mul(8).saturating_add(FRAME + 8);
        Memory { f64s: samples, bytes_at_rest, ..Memory::NONE }
    }
}

impl<const N: usize> InRunShapley<[f64; N]> {
    /// No steps yet, of N samples, in an array of its own: for `static` cells, too.
    #[must_use]
    pub const fn owned() -> Self {
        Self { scores: [0.0; N] }
    }
}

impl<B: Buffer<f64>> InRunShapley<B> {
    /// No steps yet; a number for each training sample, whose ids are its places. They
    /// are set to zero.
    #[must_use]
    pub fn new(mut scores: B) -> Self {
        scores.as_mut().fill(0.0);
        Self { scores }
    }

    /// Adds a training step: its learning rate in sum form, the validation gradient, w =
    /// H Σ g for second order, and the batch's samples: their ids and gradients. A sample
    /// that is in the batch twice counts twice.
    ///
    /// # Errors
    /// [`Error::Setting`] if the learning rate is not finite; [`Error::Length`] if an id
    /// is not below n; [`Error::Mismatch`] or [`Error::NonFinite`], also if a term leaves
    /// the range of `f64`; [`Error::Range`] if a score would. All scores are as they
    /// were.
    pub fn observe_step(
        &mut self,
        learning_rate: f64,
        target: &Sketch<'_>,
        curvature: Option<&Sketch<'_>>,
        batch: &[(usize, Sketch<'_>)],
    ) -> Result<(), Error> {
        check_step(learning_rate, target, curvature)?;
        // All of them are seen to be in order before one is added.
        for (id, train) in batch {
            let term = self.term(*id, learning_rate, target, curvature, train)?;
            // Were it one sample's gradient each time.
            summed(self.score(*id)?.abs(), term.abs() * batch.len() as f64)?;
        }
        batch.iter().try_for_each(|(id, train)| self.add(*id, learning_rate, target, curvature, train))
    }

    /// Adds one sample of a step's batch: [`InRunShapley::observe_step`] where there is
    /// no room for the sketches of a whole batch.
    ///
    /// # Errors
    /// As [`InRunShapley::observe_step`].
    pub fn observe(
        &mut self,
        learning_rate: f64,
        target: &Sketch<'_>,
        curvature: Option<&Sketch<'_>>,
        (id, train): (usize, &Sketch<'_>),
    ) -> Result<(), Error> {
        check_step(learning_rate, target, curvature)?;
        self.add(id, learning_rate, target, curvature, train)
    }

    fn add(
        &mut self,
        id: usize,
        learning_rate: f64,
        target: &Sketch<'_>,
        curvature: Option<&Sketch<'_>>,
        train: &Sketch<'_>,
    ) -> Result<(), Error> {
        let term = self.term(id, learning_rate, target, curvature, train)?;
        let sum = summed(self.score(id)?, term)?;
        match self.scores.as_mut().get_mut(id) {
            Some(score) => *score = sum,
            None => cannot_happen!("the id was checked with the term"),
        }
        Ok(())
    }

    /// What a sample's part in a step adds to its score.
    fn term(
        &self,
        id: usize,
        learning_rate: f64,
        target: &Sketch<'_>,
        curvature: Option<&Sketch<'_>>,
        train: &Sketch<'_>,
    ) -> Result<f64, Error> {
        self.score(id)?;
        train.id.check(&target.id)?;
        train.check_finite()?;
        let mut term = learning_rate * dot(train.values, target.values)?;
        if let Some(curvature) = curvature {
            term -= learning_rate * learning_rate / 2.0 * dot(train.values, curvature.values)?;
        }
        if term.is_finite() { Ok(term) } else { Err(Error::NonFinite) }
    }

    /// Adds the steps of `other`, a run or a device with the same samples.
    ///
    /// # Errors
    /// [`Error::Length`] if the numbers of samples differ; [`Error::Range`] if a score
    /// leaves the range of `f64`. All scores are as they were.
    pub fn merge<C: Buffer<f64>>(&mut self, other: &InRunShapley<C>) -> Result<(), Error> {
        let (scores, others) = (self.scores.as_mut(), other.scores());
        check_length(scores.len(), others.len())?;
        scores.iter().zip(others).try_for_each(|(&score, &other)| summed(score, other).map(drop))?;
        scores.iter_mut().zip(others).for_each(|(score, other)| *score += other);
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.scores.as_mut().fill(0.0);
    }

    /// All scores, by id; 0 for a sample of which nothing was observed.
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        self.scores.as_ref()
    }

    /// The score of one sample.
    ///
    /// # Errors
    /// [`Error::Length`] if the id is not below n.
    pub fn score(&self, id: usize) -> Result<f64, Error> {
        let scores = self.scores();
        let expected = scores.len();
        scores.get(id).copied().ok_or(Error::Length { expected, found: id.saturating_add(1) })
    }
}

fn check_step(learning_rate: f64, target: &Sketch<'_>, curvature: Option<&Sketch<'_>>) -> Result<(), Error> {
    if !learning_rate.is_finite() {
        return Err(Error::Setting { name: "learning_rate", expected: "finite" });
    }
    match curvature {
        Some(curvature) => check_pair(curvature, target),
        None => target.check_finite(),
    }
}

impl<B: Buffer<f64>> State for InRunShapley<B> {
    const KIND: StateKind = StateKind::InRunShapley;

    /// Sums of numbers, which do not know where they came from.
    fn sketch_id(&self) -> Option<SketchId> {
        None
    }
}

impl<B: Buffer<f64>> Body for InRunShapley<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let samples = walk.state().scores().len();
        walk.setting(samples)?;
        walk.finite_numbers(slice!(scores), 0..samples)
    }
}
