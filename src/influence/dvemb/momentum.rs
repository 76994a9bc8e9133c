//! The adjoint of SGD with momentum, Nesterov's momentum and weight decay, as PyTorch
//! steps: v ← μv + κ(g + λθ), θ ← (1 − d)θ − lr·v, or with Nesterov θ ← θ − lr·(g + λθ +
//! μv), where g = (1/B) Σ_z g(z).
//!
//! What a removal changes lives on in the velocity, so the walk back carries two vectors
//! a target: w, what the final loss gains by a change of θ, and u, what it loses by a
//! change of v. With H the sum of the batch's curvatures ([`Curvature`](super::Curvature)),
//!
//! ```text
//! p = u + lr·w                    Nesterov: p = u + lr·μ·w
//! b = κ·p                         Nesterov: b = p + lr·w
//! score(z, v) = b·g(z)/B
//! w ← (1 − d)·w − H b/B − λ·b,    u ← μ·p
//! ```
//!
//! from w = v at the **final** model and u = 0. Positive is helpful; scale: loss, as it
//! is. With μ = λ = d = 0 and κ = 1 it is the [`Adjoint`](super::Adjoint).
//!
//! **Every term is linear** in θ, g and v, so all of it commutes with a projection: rows
//! and targets may be sketches. That holds for Adam, too, if its second moments are
//! *frozen*: with D = 1/(√v̂ + ε) constant, and rows and targets multiplied by √D before
//! they are sketched, Adam is a step with κ = 1 − β₁, μ = β₁, lr/(1 − β₁ᵗ) and d = lr·w.
//! What a removal does to the second moments is left out then; [`AdamwAdjoint`] has it,
//! on unprojected rows.
//!
//! *Memory*: Q·(2K + R + 1) numbers of `f32` for Q targets and at most R samples or
//! factor rows a step. *Cost*: that of the adjoint, (B + 2F)·K·Q multiply–adds a step of
//! B samples and F factor rows. *Error*: `f32`, sums canonical: about √K·2⁻²⁴ a step of
//! the numbers that meet in it. Source: the chain rule on PyTorch's `torch.optim.SGD`;
//! Wang et al. 2024 for SGD without momentum.
//!
//! [`AdamwAdjoint`]: super::AdamwAdjoint

use super::stability::{LARGEST, at_most, begun, grown, most_along};
use super::{Blocks, Rows, Stability, Step, check_id};
use crate::error::{Error, check_length};
use crate::influence::curvature::copy;
use crate::influence::targets::Targets;
use crate::memory::{Buffer, Memory};
use crate::sketch::SketchId;
use gradsieve_kernels::matrix::{Part, PartMut, add_products_of, product_of};
use gradsieve_kernels::{Certain, max_abs};

/// Walks a run with momentum backwards, from its last step to its first, and gives each
/// sample's influence on each of Q targets.
///
/// ```
/// use gradsieve::influence::dvemb::{Blocks, Curvature, MomentumAdjoint, MomentumSettings, MomentumStep, Step};
/// use gradsieve::{Exact, Layout, Projector};
///
/// let (id, ends) = (Exact::new(2).id(Layout::flat(2)?.id()), [2]);
/// let settings = MomentumSettings { momentum: 0.5, ..MomentumSettings::new(Blocks::new(&ends)?, 1, 1) };
/// let buffer = vec![0.0; settings.memory().f32s];
/// let mut targets = MomentumAdjoint::new(settings, id, &[2.0, 2.0], buffer)?;
/// // Two steps of one sample each, in which the loss is not curved.
/// let curvature = Curvature::Factors(&[]);
/// let step = Step { id, learning_rate: 0.5, gradients: &[1.0, 0.0], curvature };
/// let mut scores = [[0.0]; 2];
/// for score in &mut scores {
///     targets.step(&MomentumStep::new(step), score)?;
/// }
/// // The earlier gradient went on in the velocity.
/// assert_eq!(scores, [[0.5 * 2.0], [0.5 * 2.0 * 1.5]]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MomentumAdjoint<'b, B> {
    settings: MomentumSettings<'b>,
    id: SketchId,
    steps: u64,
    /// w and u, Q rows of K each; the squared norm that each target began with; the
    /// scratch.
    buffer: B,
}

/// What a [`MomentumAdjoint`] is told.
///
/// ```
/// use gradsieve::influence::dvemb::{Blocks, MomentumSettings};
///
/// let ends = [64];
/// let settings = MomentumSettings { momentum: 0.9, ..MomentumSettings::new(Blocks::new(&ends)?, 3, 16) };
/// assert_eq!(settings.memory().f32s, 3 * (2 * 64 + 1 + 16));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MomentumSettings<'b> {
    /// The columns that share curvature.
    pub blocks: Blocks<'b>,
    /// Q, the targets.
    pub targets: usize,
    /// The most samples, or factor rows, of a step.
    pub rows: usize,
    /// μ, at least 0 and below 1.
    pub momentum: f32,
    /// κ, above 0 and at most 1: what of a gradient goes into the velocity. 1, or one
    /// minus PyTorch's dampening; 1 − β₁ for Adam's first moment. Nesterov's has 1.
    pub gain: f32,
    /// Whether a step looks ahead along the velocity, as Nesterov's does.
    pub nesterov: bool,
    /// λ of the term λθ that is added to every gradient: SGD's weight decay. Not
    /// negative.
    pub weight_decay: f32,
}

impl<'b> MomentumSettings<'b> {
    /// Plain SGD: no momentum, no decay.
    #[must_use]
    pub const fn new(blocks: Blocks<'b>, targets: usize, rows: usize) -> Self {
        Self { blocks, targets, rows, momentum: 0.0, gain: 1.0, nesterov: false, weight_decay: 0.0 }
    }

    /// 2K + 1 numbers a target, and one for each row of a step.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let width = self.blocks.width().saturating_mul(2).saturating_add(1);
        Memory { f32s: self.targets.saturating_mul(width.saturating_add(self.rows)), ..Memory::NONE }
    }

    fn check(&self) -> Result<(), Error> {
        if !(0.0..1.0).contains(&self.momentum) {
            return Err(Error::Setting { name: "momentum", expected: "at least 0 and below 1" });
        }
        let gain = if self.nesterov { self.gain == 1.0 } else { self.gain > 0.0 && self.gain <= 1.0 };
        if !gain {
            return Err(Error::Setting { name: "gain", expected: "above 0 and at most 1; 1 with nesterov" });
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return Err(Error::Setting { name: "weight_decay", expected: "finite and not negative" });
        }
        Ok(())
    }

    /// By what lr·κ·h is to be multiplied so that 2 is where a step with the constant
    /// curvature h begins to stretch: that is at 2(1 + μ), and with Nesterov's at 2(1 +
    /// μ)/(1 + 2μ).
    fn limit(&self) -> f64 {
        let momentum = f64::from(self.momentum);
        (if self.nesterov { 1.0 + 2.0 * momentum } else { 1.0 }) / (1.0 + momentum)
    }
}

/// One step of an optimiser that sees the mean gradient of a batch.
///
/// ```
/// use gradsieve::influence::dvemb::{Curvature, MomentumStep, Step};
/// # use gradsieve::{Exact, Layout, Projector};
///
/// # let id = Exact::new(2).id(Layout::flat(2)?.id());
/// // The learning rate was 0.1, for the mean over two samples.
/// let (gradients, curvature) = ([1.0, 0.0, 0.5, 0.5], Curvature::EmpiricalFisher);
/// let step = MomentumStep::new(Step { id, learning_rate: 0.1 / 2.0, gradients: &gradients, curvature });
/// assert_eq!(step.divisor, 2.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MomentumStep<'a> {
    /// The step. Its learning rate is in sum form, η = lr/B.
    pub step: Step<'a>,
    /// B, by which the sum of the gradients is divided in what the optimiser sees: the
    /// size of the batch for a mean, 1 for a sum. Above 0.
    pub divisor: f32,
    /// d, the share of the parameters that the step takes away apart from the gradient:
    /// lr·w of a decoupled weight decay, 0 for SGD's. At least 0 and below 1.
    pub decay: f32,
}

impl<'a> MomentumStep<'a> {
    /// A step on the mean over the samples whose gradients it has, without decoupled
    /// decay.
    #[must_use]
    pub fn new(step: Step<'a>) -> Self {
        let samples = step.gradients.len().checked_div(step.id.width).unwrap_or(0).max(1);
        Self { step, divisor: samples as f32, decay: 0.0 }
    }
}

/// Refuses a divisor that is none, or a decay out of its range.
pub(super) fn check_divisor(divisor: f32) -> Result<(), Error> {
    if divisor > 0.0 && divisor.is_finite() {
        return Ok(());
    }
    Err(Error::Setting { name: "divisor", expected: "finite and above 0" })
}

/// The buffer of the adjoint.
struct View<'m> {
    targets: &'m mut [f32],
    velocities: &'m mut [f32],
    norms: &'m mut [f32],
    scratch: &'m mut [f32],
}

impl<'m> View<'m> {
    fn of(settings: &MomentumSettings<'_>, buffer: &'m mut [f32]) -> Self {
        let rows = settings.targets.saturating_mul(settings.blocks.width());
        let (targets, rest) = buffer.split_at_mut_checked(rows).certain();
        let (velocities, rest) = rest.split_at_mut_checked(rows).certain();
        let (norms, scratch) = rest.split_at_mut_checked(settings.targets).certain();
        Self { targets, velocities, norms, scratch }
    }
}

impl<'b, B: Buffer<f32>> MomentumAdjoint<'b, B> {
    /// Targets at the end of the run: v at the **final** model, K numbers a target.
    ///
    /// # Errors
    /// [`Error::Setting`] for momentum, gain or weight decay out of their ranges;
    /// [`Error::Length`] if `targets` are not as many rows as the settings say, or
    /// `buffer` is not as long as their memory; [`Error::NonFinite`].
    pub fn new(
        settings: MomentumSettings<'b>,
        id: SketchId,
        targets: &[f32],
        mut buffer: B,
    ) -> Result<Self, Error> {
        settings.check()?;
        let width = settings.blocks.width();
        check_length(width, id.width)?;
        check_length(settings.targets.saturating_mul(width), targets.len())?;
        Rows::of(width, targets)?;
        check_length(settings.memory().f32s, buffer.as_ref().len())?;
        let view = View::of(&settings, buffer.as_mut());
        copy(targets, view.targets);
        view.velocities.fill(0.0);
        begun(view.norms, targets, width);
        Ok(Self { settings, id, steps: 0, buffer })
    }

    /// Steps taken in.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// w: the targets as the steps so far have left them.
    #[must_use]
    pub fn targets(&self) -> Targets<'_> {
        let len = self.settings.targets.saturating_mul(self.settings.blocks.width());
        Targets::checked(self.id, self.buffer.as_ref().get(..len).certain())
    }

    /// Takes in the step before those taken in so far, and writes the influence of each
    /// of its samples: Q numbers a sample.
    ///
    /// The stability's bounds are of lr·κ·λ_max(H/B) + lr·λ, in a unit in which 2 is the
    /// most that a step with this curvature over and over would bear. They say less than
    /// without momentum: curvature that changes from step to step may stretch below them,
    /// and a target may grow for a while in a stable run, as a velocity overshoots.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another projection; [`Error::Length`] if rows are not
    /// whole, more samples or factors come than there is room for, or `scores` does not
    /// have Q numbers a sample; [`Error::NonFinite`]; [`Error::Setting`] for a learning
    /// rate, divisor or decay out of its range; [`Error::Unstable`] if numbers leave
    /// `f32`. The state is as it was; `scores` may have been written to.
    pub fn step(&mut self, step: &MomentumStep<'_>, scores: &mut [f32]) -> Result<Stability, Error> {
        let MomentumSettings { blocks, targets: count, rows: most, .. } = self.settings;
        let MomentumSettings { momentum, gain, nesterov, weight_decay, .. } = self.settings;
        let MomentumStep { step, divisor, decay } = *step;
        let width = blocks.width();
        check_id(Some(self.id), &step.id)?;
        let shape = step.check(width)?;
        check_divisor(divisor)?;
        if !(0.0..1.0).contains(&decay) {
            return Err(Error::Setting { name: "decay", expected: "at least 0 and below 1" });
        }
        shape.check_room(count, most, scores.len())?;
        if count == 0 {
            self.steps += 1;
            return Ok(Stability::default());
        }
        let rate = step.learning_rate * divisor;
        let share = gain / divisor;
        // What the step adds to u, for each number of w.
        let ahead = if nesterov { rate * (1.0 + momentum) } else { rate };
        let View { targets, velocities, scratch, .. } = View::of(&self.settings, self.buffer.as_mut());

        // No entry of a score, of w or of u is larger than these, nor is any sum on the
        // way.
        let target = f64::from(max_abs(targets));
        let velocity = f64::from(max_abs(velocities)) + 2.0 * f64::from(ahead) * target;
        let score = width as f64 * shape.gradients.most * velocity * (1.0 + f64::from(share));
        let along = width as f64 * shape.factors.most * velocity * (1.0 + f64::from(share));
        let product = shape.factors.count as f64 * shape.factors.most * along;
        let next = target + f64::from(weight_decay) * velocity + product;
        // A number that is not finite is not below the limit, either.
        let fits = [velocity, score, along, next].iter().all(|&most| most <= LARGEST);
        if !(fits && ahead.is_finite() && share.is_finite()) {
            return Err(Error::Unstable { step: self.steps });
        }

        // u becomes p, or b with Nesterov's.
        for (velocity, target) in velocities.iter_mut().zip(&*targets) {
            *velocity += ahead * target;
        }
        let whole = Part::whole(step.gradients, width)?;
        product_of(whole, Part::whole(velocities, width)?, PartMut::whole(scores, count)?)?;
        scores.iter_mut().for_each(|score| *score *= share);
        let mut quotient = 0.0;
        for (first, columns) in blocks.iter() {
            let along = scratch.get_mut(..shape.factors.count * count).certain();
            let factors = Part::new(step.factors(), width, first, columns)?;
            let held = Part::new(velocities, width, first, columns)?;
            product_of(factors, held, PartMut::whole(along, count)?)?;
            quotient = most_along(along, velocities, width, first, columns, quotient);
            along.iter_mut().for_each(|along| *along *= -share);
            for row in 0..count {
                let columns = row * width + first..row * width + first + columns;
                let targets = targets.get_mut(columns.clone()).certain();
                let velocities = velocities.get_mut(columns).certain();
                for (target, velocity) in targets.iter_mut().zip(velocities) {
                    let (b, p) = if nesterov {
                        (*velocity, *velocity - rate * *target)
                    } else {
                        (gain * *velocity, *velocity)
                    };
                    *target = (1.0 - decay) * *target - weight_decay * b;
                    *velocity = momentum * p;
                }
            }
            let targets = PartMut::new(targets, width, first, columns)?;
            add_products_of(Part::whole(along, count)?, factors, targets)?;
        }
        self.steps += 1;
        let limit = self.settings.limit();
        let decay = f64::from(rate) * f64::from(weight_decay);
        let bound = |most: f64| limit * (f64::from(gain) * most + decay);
        let View { targets, norms, .. } = View::of(&self.settings, self.buffer.as_mut());
        Ok(Stability {
            at_least: bound(f64::from(step.learning_rate) * quotient),
            at_most: bound(at_most(blocks, &step, &shape.factors)),
            growth: grown(norms, targets, width),
        })
    }
}
