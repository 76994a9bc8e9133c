//! The adjoint form: the targets themselves go backwards through the run.
//!
//! Before step s, score(z, v) = η_s g_s(z)·w with w = [Π_{k>s} (I − η_k H_k)]ᵀ v; after
//! it, w ← w − η_s Fᵀ(F w), because H is symmetric. The scores are those of the
//! propagator form but for rounding, for K/Q of its cost and no matrix.
//!
//! *Memory*: Q·(K + R + 1) numbers of `f32` for Q targets and at most R samples or factor
//! rows a step. *Cost*: [`super`].

use super::propagator::copy;
use super::stability::{LARGEST, SMALLEST, at_most};
use super::{Blocks, Curvature, Rows, Stability, Step, check_id};
use crate::error::{Error, check_length};
use crate::sketch::SketchId;
use crate::state::{FRAME, Reader, State, StateKind, Writer, check_setting};
use gradsieve_kernels::matrix::{Part, PartMut, add_products_of, product_of};
use gradsieve_kernels::{max_abs, squared_norm};

/// Walks a run backwards, from its last step to its first, and gives each sample's
/// influence on each of Q targets.
///
/// ```
/// use gradsieve::influence::dvemb::{Adjoint, Blocks, Curvature, Step};
/// use gradsieve::{Exact, Layout, Projector};
///
/// let (id, blocks) = (Exact::new(2).id(Layout::flat(2)?.id()), Blocks::new(&[2])?);
/// let mut memory = vec![0.0_f32; Adjoint::floats(blocks, 1, 1)];
/// let mut targets = Adjoint::new(blocks, 1, id, &[2.0, 2.0], &mut memory)?;
/// let mut score = [0.0];
/// for (learning_rate, gradients) in [(0.5, [1.0, 0.0]), (0.5, [1.0, 1.0])] {
///     let step = Step { id, learning_rate, gradients: &gradients, curvature: Curvature::EmpiricalFisher };
///     targets.step(&step, &mut score)?;
/// }
/// assert_eq!(score, [2.0 * 0.25 + 2.0 * 0.5]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Adjoint<'m> {
    blocks: Blocks<'m>,
    id: SketchId,
    rows: usize,
    steps: u64,
    /// Q rows of K.
    targets: &'m mut [f32],
    /// The squared norm that each target began with.
    norms: &'m mut [f32],
    scratch: &'m mut [f32],
}

impl<'m> Adjoint<'m> {
    /// Numbers of `f32` that so many targets need. `rows`: the most samples, or factor
    /// rows, of a step.
    #[must_use]
    pub const fn floats(blocks: Blocks<'_>, targets: usize, rows: usize) -> usize {
        targets.saturating_mul(blocks.width().saturating_add(rows).saturating_add(1))
    }

    /// Targets at the end of the run: v at the **final** model, K numbers a target.
    ///
    /// # Errors
    /// [`Error::Length`] if `targets` is not made of rows, or `memory` is not
    /// [`Adjoint::floats`] long; [`Error::NonFinite`].
    pub fn new(
        blocks: Blocks<'m>,
        rows: usize,
        id: SketchId,
        targets: &[f32],
        memory: &'m mut [f32],
    ) -> Result<Self, Error> {
        check_length(blocks.width(), id.width)?;
        let count = Rows::of(blocks.width(), targets)?.count;
        let (expected, found) = (Self::floats(blocks, count, rows), memory.len());
        check_length(expected, found)?;
        let split = memory.split_at_mut_checked(targets.len()).and_then(|(to, rest)| {
            let (norms, scratch) = rest.split_at_mut_checked(count)?;
            Some((to, norms, scratch))
        });
        let Some((to, norms, scratch)) = split else { return Err(Error::Length { expected, found }) };
        copy(targets, to);
        for (norm, target) in norms.iter_mut().zip(targets.chunks_exact(blocks.width().max(1))) {
            *norm = squared_norm(target) as f32;
        }
        Ok(Self { blocks, id, rows, steps: 0, targets: to, norms, scratch })
    }

    /// Steps taken in.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// w: the targets as the steps so far have left them, K numbers a target. A walk can
    /// be taken up again from them.
    #[must_use]
    pub const fn targets(&self) -> &[f32] {
        self.targets
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
        let (width, count) = (self.blocks.width(), self.norms.len());
        check_id(Some(self.id), &step.id)?;
        let shape = step.check(width)?;
        check_length(shape.gradients.count.saturating_mul(count), scores.len())?;
        if shape.factors.count > self.rows {
            return Err(Error::Length { expected: self.rows, found: shape.factors.count });
        }
        if count == 0 {
            self.steps += 1;
            return Ok(Stability::default());
        }
        // No entry of a score or of a new target is larger than these, nor is any sum on
        // the way.
        let (eta, k) = (step.learning_rate, width as f64);
        let (target, factor) = (f64::from(max_abs(self.targets)), shape.factors.most);
        let along = k * factor * target * (1.0 + f64::from(eta));
        let score = k * shape.gradients.most * target * (1.0 + f64::from(eta));
        if score > LARGEST
            || along > LARGEST
            || target + shape.factors.count as f64 * factor * along > LARGEST
        {
            return Err(Error::Unstable { step: self.steps });
        }

        let whole = Part::whole(step.gradients, width)?;
        product_of(whole, Part::whole(self.targets, width)?, PartMut::whole(scores, count)?)?;
        let same = matches!(step.curvature, Curvature::EmpiricalFisher) && self.blocks.is_one();
        let mut quotient = 0.0;
        for (first, columns) in self.blocks.iter() {
            let u = self.scratch.get_mut(..shape.factors.count * count).unwrap_or_default();
            let factors = Part::new(step.factors(), width, first, columns)?;
            if same {
                copy(scores, u);
            } else {
                let targets = Part::new(self.targets, width, first, columns)?;
                product_of(factors, targets, PartMut::whole(u, count)?)?;
            }
            quotient = most_along(u, self.targets, width, first, columns, quotient);
            u.iter_mut().for_each(|u| *u *= -eta);
            add_products_of(
                Part::whole(u, count)?,
                factors,
                PartMut::new(self.targets, width, first, columns)?,
            )?;
        }
        scores.iter_mut().for_each(|score| *score *= eta);
        self.steps += 1;
        Ok(Stability {
            at_least: f64::from(eta) * quotient,
            at_most: at_most(self.blocks, step, &shape.factors),
            growth: self.growth(),
        })
    }

    /// The most by which a target has grown.
    fn growth(&self) -> f64 {
        let mut most = 0.0;
        for (target, &norm) in self.targets.chunks_exact(self.blocks.width().max(1)).zip(&*self.norms) {
            let (was, is) = (f64::from(norm), squared_norm(target));
            if was > SMALLEST && was.is_finite() && is > most * was {
                most = is / was;
            }
        }
        libm::sqrt(most)
    }
}

impl Adjoint<'_> {
    /// Bytes of the state at rest.
    #[must_use]
    pub const fn bytes_at_rest(blocks: Blocks<'_>, targets: usize) -> usize {
        let ends = blocks.ends.len().saturating_mul(8);
        Self::floats(blocks, targets, 0).saturating_mul(4).saturating_add(ends).saturating_add(FRAME + 24)
    }
}

impl State for Adjoint<'_> {
    const KIND: StateKind = StateKind::Adjoint;

    fn sketch_id(&self) -> Option<SketchId> {
        Some(self.id)
    }

    fn write(&self, to: &mut Writer<'_>) {
        self.blocks.write(to);
        to.count(self.norms.len());
        to.u64(self.steps);
        to.f32s(self.targets);
        to.f32s(self.norms);
    }

    /// The targets become those that were written.
    fn read(&mut self, id: Option<SketchId>, from: &mut Reader<'_>) -> Result<(), Error> {
        id.ok_or(Error::Corrupt)?;
        self.blocks.check(from)?;
        check_setting(from.u64()? == self.norms.len() as u64)?;
        let steps = from.u64()?;
        from.exactly(size_of_val(self.targets).saturating_add(size_of_val(self.norms)))?;
        let mut targets = *from;
        for _ in &*self.targets {
            // No step leaves another number behind.
            if !targets.f32()?.is_finite() {
                return Err(Error::Corrupt);
            }
        }
        from.f32s(self.targets)?;
        from.f32s(self.norms)?;
        self.steps = steps;
        Ok(())
    }
}

/// The largest ‖F w‖²/‖w‖² of one block over the targets w, or `best` if that is larger.
fn most_along(
    along: &[f32],
    targets: &[f32],
    width: usize,
    first: usize,
    columns: usize,
    mut best: f64,
) -> f64 {
    let width = width.max(1);
    let count = (targets.len() / width).max(1);
    for (q, target) in targets.chunks_exact(width).enumerate() {
        let length = squared_norm(target.get(first..first + columns).unwrap_or_default());
        let square: f64 = along.iter().skip(q).step_by(count).map(|&x| f64::from(x) * f64::from(x)).sum();
        if length > SMALLEST && length.is_finite() && square > best * length {
            best = square / length;
        }
    }
    best
}
