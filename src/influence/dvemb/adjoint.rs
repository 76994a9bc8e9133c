//! The adjoint form: the targets themselves go backwards through the run.
//!
//! Before step s, score(z, v) = η_s g_s(z)·w with w = [Π_{k>s} (I − η_k H_k)]ᵀ v; after
//! it, w ← w − η_s Fᵀ(F w), because H is symmetric. The scores are those of the
//! propagator form but for rounding, for K/Q of its cost and no matrix.
//!
//! *Memory*: Q·(K + R + 1) numbers of `f32` for Q targets and at most R samples or factor
//! rows a step. *Cost*: [`super`].

use super::stability::{LARGEST, at_most, begun, grown, most_along};
use super::{Blocks, Curvature, Rows, Stability, Step, check_id};
use crate::error::{Error, check_length};
use crate::influence::curvature::copy;
use crate::influence::targets::Targets;
use crate::memory::{Buffer, Memory};
use crate::sketch::SketchId;
use crate::state::{Body, FRAME, State, StateKind, Walk, place, slice};
use gradsieve_kernels::matrix::{Part, PartMut, add_products_of, product_of};
use gradsieve_kernels::{Certain, max_abs};

/// Walks a run backwards, from its last step to its first, and gives each sample's
/// influence on each of Q targets.
///
/// ```
/// use gradsieve::influence::dvemb::{Adjoint, AdjointSettings, Blocks, Curvature, Step};
/// use gradsieve::{Exact, Layout, Projector};
///
/// let (id, blocks) = (Exact::new(2).id(Layout::flat(2)?.id()), Blocks::new(&[2])?);
/// let settings = AdjointSettings { blocks, targets: 1, rows: 1 };
/// let mut targets = Adjoint::new(settings, id, &[2.0, 2.0], vec![0.0; settings.memory().f32s])?;
/// let mut score = [0.0];
/// for (learning_rate, gradients) in [(0.5, [1.0, 0.0]), (0.5, [1.0, 1.0])] {
///     let step = Step { id, learning_rate, gradients: &gradients, curvature: Curvature::EmpiricalFisher };
///     targets.step(&step, &mut score)?;
/// }
/// assert_eq!(score, [2.0 * 0.25 + 2.0 * 0.5]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Adjoint<'b, B> {
    settings: AdjointSettings<'b>,
    id: SketchId,
    steps: u64,
    /// Q rows of K, the targets; the squared norm that each began with; the scratch.
    buffer: B,
}

/// What an [`Adjoint`] is told.
///
/// ```
/// use gradsieve::influence::dvemb::{AdjointSettings, Blocks};
///
/// let ends = [64];
/// let settings = AdjointSettings { blocks: Blocks::new(&ends)?, targets: 3, rows: 16 };
/// assert_eq!(settings.memory().f32s, 3 * (64 + 1 + 16));
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AdjointSettings<'b> {
    /// The columns that share curvature.
    pub blocks: Blocks<'b>,
    /// Q, the targets.
    pub targets: usize,
    /// The most samples, or factor rows, of a step.
    pub rows: usize,
}

impl AdjointSettings<'_> {
    /// K + 1 numbers a target, and one for each row of a step.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let rest = self.targets.saturating_mul(self.blocks.width().saturating_add(1));
        let ends = self.blocks.ends.len().saturating_mul(8);
        Memory {
            f32s: rest.saturating_add(self.targets.saturating_mul(self.rows)),
            bytes_at_rest: rest.saturating_mul(4).saturating_add(ends).saturating_add(FRAME + 24),
            ..Memory::NONE
        }
    }
}

/// The buffer of an adjoint.
struct View<'m> {
    targets: &'m mut [f32],
    norms: &'m mut [f32],
    scratch: &'m mut [f32],
}

impl<'m> View<'m> {
    fn of(settings: &AdjointSettings<'_>, buffer: &'m mut [f32]) -> Self {
        let targets = settings.targets.saturating_mul(settings.blocks.width());
        let (targets, rest) = buffer.split_at_mut_checked(targets).certain();
        let (norms, scratch) = rest.split_at_mut_checked(settings.targets).certain();
        Self { targets, norms, scratch }
    }
}

impl<'b, B: Buffer<f32>> Adjoint<'b, B> {
    /// Targets at the end of the run: v at the **final** model, K numbers a target.
    ///
    /// # Errors
    /// [`Error::Length`] if `targets` are not as many rows as the settings say, or
    /// `buffer` is not as long as their memory; [`Error::NonFinite`].
    pub fn new(
        settings: AdjointSettings<'b>,
        id: SketchId,
        targets: &[f32],
        mut buffer: B,
    ) -> Result<Self, Error> {
        let width = settings.blocks.width();
        check_length(width, id.width)?;
        check_length(settings.targets.saturating_mul(width), targets.len())?;
        Rows::of(width, targets)?;
        check_length(settings.memory().f32s, buffer.as_ref().len())?;
        let view = View::of(&settings, buffer.as_mut());
        copy(targets, view.targets);
        begun(view.norms, targets, width);
        Ok(Self { settings, id, steps: 0, buffer })
    }

    /// Steps taken in.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// w: the targets as the steps so far have left them. η times their score of a
    /// gradient is its influence in the step before; a walk can be taken up again from
    /// them.
    #[must_use]
    pub fn targets(&self) -> Targets<'_> {
        let len = self.settings.targets.saturating_mul(self.settings.blocks.width());
        Targets::checked(self.id, self.buffer.as_ref().get(..len).certain())
    }

    /// Takes in the step before those taken in so far, and writes the influence of each
    /// of its samples: Q numbers a sample.
    ///
    /// The stability's lower bound and growth are those that the targets themselves have
    /// met.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another projection; [`Error::Length`] if rows are not
    /// whole, more samples or factors come than there is room for, or `scores` does not
    /// have Q numbers a sample; [`Error::NonFinite`]; [`Error::Setting`] unless the
    /// learning rate is finite and not negative; [`Error::Unstable`] if numbers leave
    /// `f32`. The state is as it was; `scores` may have been written to.
    pub fn step(&mut self, step: &Step<'_>, scores: &mut [f32]) -> Result<Stability, Error> {
        let AdjointSettings { blocks, targets: count, rows: most } = self.settings;
        let width = blocks.width();
        check_id(Some(self.id), &step.id)?;
        let shape = step.check(width)?;
        shape.check_room(count, most, scores.len())?;
        if count == 0 {
            self.steps = self.steps.saturating_add(1);
            return Ok(Stability::default());
        }
        // No entry of a score or of a new target is larger than these, nor is any sum on
        // the way.
        let View { targets, scratch, .. } = View::of(&self.settings, self.buffer.as_mut());
        let (eta, k) = (step.learning_rate, width as f64);
        let (target, factor) = (f64::from(max_abs(targets)), shape.factors.most);
        let along = k * factor * target * (1.0 + f64::from(eta));
        let score = k * shape.gradients.most * target * (1.0 + f64::from(eta));
        if score > LARGEST
            || along > LARGEST
            || target + shape.factors.count as f64 * factor * along > LARGEST
        {
            return Err(Error::Unstable { step: self.steps });
        }

        let whole = Part::whole(step.gradients, width)?;
        product_of(whole, Part::whole(targets, width)?, PartMut::whole(scores, count)?)?;
        let same = matches!(step.curvature, Curvature::EmpiricalFisher) && blocks.is_one();
        let mut quotient = 0.0;
        for (first, columns) in blocks.iter() {
            let u = scratch.get_mut(..shape.factors.count * count).certain();
            let factors = Part::new(step.factors(), width, first, columns)?;
            if same {
                copy(scores, u);
            } else {
                let targets = Part::new(targets, width, first, columns)?;
                product_of(factors, targets, PartMut::whole(u, count)?)?;
            }
            quotient = most_along(u, targets, width, first, columns, quotient);
            u.iter_mut().for_each(|u| *u *= -eta);
            add_products_of(Part::whole(u, count)?, factors, PartMut::new(targets, width, first, columns)?)?;
        }
        scores.iter_mut().for_each(|score| *score *= eta);
        self.steps = self.steps.saturating_add(1);
        let View { targets, norms, .. } = View::of(&self.settings, self.buffer.as_mut());
        Ok(Stability {
            at_least: f64::from(eta) * quotient,
            at_most: at_most(blocks, step, &shape.factors),
            growth: grown(norms, targets, width),
        })
    }
}

impl<B: Buffer<f32>> State for Adjoint<'_, B> {
    const KIND: StateKind = StateKind::Adjoint;

    fn sketch_id(&self) -> Option<SketchId> {
        Some(self.id)
    }
}

impl<B: Buffer<f32>> Body for Adjoint<'_, B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let AdjointSettings { blocks, targets, .. } = walk.state().settings;
        walk.require(walk.id().is_some(), Error::Corrupt)?;
        blocks.body(walk)?;
        walk.setting(targets)?;
        walk.number(place!(steps))?;
        // The targets become those that were written. No step leaves one behind that is
        // not finite.
        let numbers = targets.saturating_mul(blocks.width());
        walk.finite_numbers(slice!(buffer), 0..numbers)?;
        walk.numbers(slice!(buffer), numbers..numbers.saturating_add(targets))
    }
}
