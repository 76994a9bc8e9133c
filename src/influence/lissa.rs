//! LiSSA: r₀ = v, r_j = v + (I − α(C + λI)) r_{j−1} by passes over the training rows, C =
//! GᵀG/n, and α·r·φ_z; λ = damping · mean eigenvalue of C.
//!
//! The limit of r is (C + λI)⁻¹v/α, so the solution here is α·r: its limit is the ridge
//! influence ([`Ridge`](super::Ridge)) whatever α is, and stopping early damps the small
//! eigenvalues more. λ is *added* to C; a published reference subtracts it, which is
//! wrong. Positive is helpful; scale as ridge. Sources: Agarwal, Bullins & Hazan 2017;
//! Koh & Liang 2017.
//!
//! **It converges if α·(λ_max + λ) < 2**, where λ_max is C's largest eigenvalue, and
//! diverges if that is more. A residual that grows shows it: growth to twice the least so
//! far ends in [`Error::Diverged`], never in a NaN. Without an α of the caller's, α =
//! 1/(tr C + λ), which always converges, as tr C ≥ λ_max; slowly if many eigenvalues
//! matter. [`ConjugateGradients`](super::ConjugateGradients) takes fewer passes, and no
//! α.
//!
//! *Memory*: [`Lissa::floats`], 5·K a target and 16 rows. *Cost*: 2·K multiply–adds a
//! row, target and pass; about (λ_max + λ)/λ·ln(1/tolerance) passes with the best α.
//! *Error*: the residual falls to about 10⁻⁷ times the condition number, which is at most
//! K/damping.

use super::curvature::{Gram, Parts, Passes, Progress, SolverSettings, copy};
use super::solver::IterativeSolver;
use super::targets::Targets;
use crate::error::{Error, check_length};
use crate::sketch::{Sketch, SketchId};
use gradsieve_kernels::matrix::scale_add;
use gradsieve_kernels::{Element, axpy, squared_norm};

/// The solver: give it its targets, then pass after pass over the same rows, each with
/// [`observe`](Self::observe) for every row and [`end_pass`](Self::end_pass).
#[derive(Debug)]
pub struct Lissa<'m> {
    passes: Passes<'m>,
    /// α, once it is known.
    step: Option<f64>,
    given: Option<f64>,
    /// Whether the solutions are still v, and not yet α·v.
    fresh: bool,
    values: &'m mut [f32],
    /// α·r of each target.
    solutions: &'m mut [f32],
    /// ‖v‖ of each target, and its least residual so far.
    norms: &'m mut [f32],
    least: &'m mut [f32],
}

/// A residual above this part of ‖v‖ that has grown to [`GROWTH`] times the least so far
/// is divergence, and not rounding.
const NOTICED: f64 = 1e-3;
const GROWTH: f64 = 2.0;

impl<'m> Lissa<'m> {
    /// Numbers of `f32` that it needs for so many targets.
    #[must_use]
    pub const fn floats(width: usize, targets: usize) -> usize {
        let vectors = width.saturating_mul(2).saturating_add(2).saturating_mul(targets);
        vectors.saturating_add(Gram::floats(targets, width))
    }

    /// No targets yet. `step` is α; without it, 1/(tr C + λ).
    ///
    /// # Errors
    /// [`Error::Width`] if the width is zero; [`Error::Setting`] if there is no room for
    /// a target, or α, damping or tolerance are not positive and finite;
    /// [`Error::Length`] if `memory` is not [`Lissa::floats`] long.
    pub fn new(settings: SolverSettings, step: Option<f64>, memory: &'m mut [f32]) -> Result<Self, Error> {
        settings.check()?;
        if step.is_some_and(|step| !step.is_finite() || step <= 0.0) {
            return Err(Error::Setting { name: "step", expected: "finite and above 0" });
        }
        check_length(Self::floats(settings.width, settings.targets), memory.len())?;
        let mut parts = Parts(memory);
        let vectors = settings.width.saturating_mul(settings.targets);
        let (values, solutions) = (parts.take(vectors)?, parts.take(vectors)?);
        let (norms, least) = (parts.take(settings.targets)?, parts.take(settings.targets)?);
        let passes = Passes::new(settings, parts.0)?;
        let mut new = Self { passes, step, given: step, fresh: true, values, solutions, norms, least };
        new.reset();
        Ok(new)
    }

    /// Forgets targets, rows and solutions.
    pub fn reset(&mut self) {
        self.passes.reset();
        (self.step, self.fresh) = (self.given, true);
        for vectors in [&mut self.values, &mut self.solutions, &mut self.norms] {
            vectors.fill(0.0);
        }
        self.least.fill(f32::INFINITY);
    }

    /// Adds a target, before the first pass; its number is how many there were before.
    ///
    /// # Errors
    /// [`Error::InPass`] once the first pass has begun; [`Error::Length`] without room,
    /// or of another width; [`Error::Mismatch`]; [`Error::NonFinite`], also if the
    /// squares leave the range of `f32`. The state is as it was.
    pub fn target(&mut self, target: &Sketch<'_>) -> Result<(), Error> {
        if !self.fresh {
            return Err(Error::InPass);
        }
        let number = self.passes.targets;
        let place = self.passes.target(target)?;
        for vectors in [&mut self.values, &mut self.solutions] {
            copy(target.values, vectors.get_mut(place.clone()).unwrap_or_default());
        }
        let norm = libm::sqrt(squared_norm(target.values)) as f32;
        self.norms.get_mut(number).into_iter().for_each(|to| *to = norm);
        Ok(())
    }

    /// Takes a training sketch of the pass in. Every pass has the same ones, in any
    /// order.
    ///
    /// # Errors
    /// [`Error::TooFew`] without a target; [`Error::Length`], [`Error::Mismatch`] or
    /// [`Error::NonFinite`] for the sketch, also if its squares leave the range of `f32`;
    /// [`Error::Diverged`] after a failure. The state is as it was, and the pass goes on.
    pub fn observe(&mut self, train: &Sketch<'_>) -> Result<(), Error> {
        if train.measures.non_finite > 0 {
            return Err(Error::NonFinite);
        }
        self.observe_row(&train.id, train.values)
    }

    /// The same for a stored row of K numbers, labelled `id`.
    ///
    /// # Errors
    /// As [`Lissa::observe`].
    pub fn observe_row<T: Element>(&mut self, id: &SketchId, row: &[T]) -> Result<(), Error> {
        self.passes.observe(id, row, self.solutions)
    }

    /// The same for n stored rows of K numbers, one after the other, labelled `id`, with
    /// the bits of one by one, and faster: they are asked for ahead. Returns how many
    /// have NaN or infinite entries, or a square beyond the range of `f32`: they are
    /// passed over.
    ///
    /// # Errors
    /// As [`Lissa::observe`], but for [`Error::NonFinite`]; [`Error::Length`] if the rows
    /// are not whole.
    pub fn observe_rows<T: Element>(&mut self, id: &SketchId, rows: &[T]) -> Result<usize, Error> {
        self.passes.observe_rows(id, rows, self.solutions)
    }

    /// Ends a pass: one step of every target that is not solved yet. The residual is that
    /// of the solutions before the step.
    ///
    /// # Errors
    /// [`Error::TooFew`] without rows, [`Error::Length`] if there were not as many as in
    /// the first pass: the pass does not count. [`Error::NotPositiveDefinite`] if all
    /// rows were zero. [`Error::Diverged`] if the iteration diverges: only
    /// [`reset`](Self::reset) helps.
    pub fn end_pass(&mut self) -> Result<Progress, Error> {
        let SolverSettings { width, damping: share, tolerance, .. } = self.passes.settings;
        let (products, damping) = self.passes.end(self.solutions)?;
        // λ = share · mean eigenvalue, of which tr C is K times.
        let trace = damping / f64::from(share) * width as f64;
        let step = *self.step.get_or_insert(1.0 / (trace + damping));
        if core::mem::take(&mut self.fresh) {
            for vectors in [&mut *products, &mut *self.solutions] {
                vectors.iter_mut().for_each(|entry| *entry = (step * f64::from(*entry)) as f32);
            }
        }
        let mut worst = 0.0;
        let width = width.max(1);
        let vectors = self.solutions.chunks_exact_mut(width).zip(self.values.chunks_exact(width));
        let vectors = vectors.zip(products.chunks_exact_mut(width));
        let norms = self.norms.iter().zip(self.least.iter_mut());
        for (((x, v), product), (&norm, least)) in vectors.zip(norms) {
            // What is solved stays as it is, however long the other targets take.
            let solved = norm == 0.0 || *least <= tolerance;
            if solved {
                worst = libm::fmax(worst, if norm == 0.0 { 0.0 } else { f64::from(*least) });
                continue;
            }
            // v − (C + λI) x, and x += α times that.
            axpy(damping as f32, x, product)?;
            scale_add(1.0, v, -1.0, product)?;
            axpy(step as f32, product, x)?;
            let residual = libm::sqrt(squared_norm(product)) / f64::from(norm);
            let grown = residual > NOTICED && residual > GROWTH * f64::from(*least);
            if grown || !residual.is_finite() || !squared_norm(x).is_finite() {
                return self.passes.fail(Error::Diverged);
            }
            *least = libm::fminf(*least, residual as f32);
            worst = libm::fmax(worst, residual);
        }
        let converged = worst <= f64::from(tolerance);
        Ok(Progress { passes: self.passes.passes, residual: worst, converged })
    }

    /// All passes over rows that are at hand, one after the other: until every target is
    /// solved, or `most` passes were made in all.
    ///
    /// # Errors
    /// As [`Lissa::observe`] and [`Lissa::end_pass`]; [`Error::Length`] if the rows are
    /// not whole.
    pub fn solve<T: Element>(&mut self, id: &SketchId, rows: &[T], most: u32) -> Result<Progress, Error> {
        let width = self.passes.settings.width.max(1);
        check_length(rows.len() / width * width, rows.len())?;
        loop {
            if self.observe_rows(id, rows)? > 0 {
                return Err(Error::NonFinite);
            }
            let progress = self.end_pass()?;
            if progress.converged || progress.passes >= most {
                return Ok(progress);
            }
        }
    }

    /// α; none before the first pass has ended, if the caller gave none.
    #[must_use]
    pub const fn step(&self) -> Option<f64> {
        self.step
    }

    /// The solutions so far, in the order of the targets.
    ///
    /// # Errors
    /// [`Error::NotFitted`] before the first pass has ended; [`Error::Diverged`] after a
    /// failure.
    pub fn targets(&self) -> Result<Targets<'_>, Error> {
        let end = self.passes.targets.saturating_mul(self.passes.settings.width);
        Targets::new(self.passes.solved()?, self.solutions.get(..end).unwrap_or_default())
    }
}

impl IterativeSolver for Lissa<'_> {
    fn target(&mut self, target: &Sketch<'_>) -> Result<(), Error> {
        Self::target(self, target)
    }

    fn observe(&mut self, train: &Sketch<'_>) -> Result<(), Error> {
        Self::observe(self, train)
    }

    fn end_pass(&mut self) -> Result<Progress, Error> {
        Self::end_pass(self)
    }

    fn targets(&self) -> Result<Targets<'_>, Error> {
        Self::targets(self)
    }
}
