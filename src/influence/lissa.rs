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
//! *Memory*: [`LissaSettings::memory`], 5·K a target and 16 rows. *Cost*: 2·K
//! multiply–adds a row, target and pass; about (λ_max + λ)/λ·ln(1/tolerance) passes with
//! the best α. *Error*: the residual falls to about 10⁻⁷ times the condition number,
//! which is at most K/damping.

use super::curvature::{Gram, Parts, PassSettings, Passes, Progress, copy};
use super::solver::IterativeSolver;
use super::targets::Targets;
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use gradsieve_kernels::matrix::scale_add;
use gradsieve_kernels::{Certain, Element, axpy, squared_norm};

/// The solver: give it its targets, then pass after pass over the same rows, each with
/// [`observe`](IterativeSolver::observe) for every row and [`end_pass`](IterativeSolver::end_pass).
///
/// ```
/// use gradsieve::influence::{IterativeSolver, Lissa, LissaSettings};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let rows = [1.0_f32, 0.0, 0.5, 0.5, -1.0, 2.0]; // three samples, K = 2
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let target = [1.0, 1.0];
/// let target = Sketch::from_parts(id, &target, gradsieve_kernels::summarize(&target))?;
///
/// const SETTINGS: LissaSettings = LissaSettings { tolerance: 1e-2, ..LissaSettings::new(2) };
/// let mut solver = Lissa::new(SETTINGS, [0.0; SETTINGS.memory().f32s])?;
/// solver.target(&target)?;
/// assert!(solver.solve(&id, &rows, 100)?.converged);
/// let mut scores = [0.0_f32; 3];
/// solver.targets()?.score_rows(&id, &rows, &mut scores)?;
/// assert!(scores[0] > 0.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lissa<B> {
    passes: Passes,
    /// α, once it is known.
    step: Option<f64>,
    given: Option<f64>,
    /// Whether the solutions are still v, and not yet α·v.
    fresh: bool,
    buffer: B,
}

/// What [`Lissa`] is told.
///
/// ```
/// use gradsieve::influence::LissaSettings;
///
/// const ONE: LissaSettings = LissaSettings::new(64);
/// const TEN: LissaSettings = LissaSettings { targets: 10, ..ONE };
/// assert!(TEN.memory().f32s > 9 * 2 * 64 + ONE.memory().f32s);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LissaSettings {
    /// K.
    pub width: usize,
    /// The most targets, which share the passes.
    pub targets: usize,
    /// λ in units of C's mean eigenvalue, which the first pass finds.
    pub damping: f32,
    /// A target is solved when ‖v − (C + λI) x‖ is at most this part of ‖v‖.
    pub tolerance: f32,
    /// α; without it, 1/(tr C + λ).
    pub step: Option<f64>,
}

impl LissaSettings {
    /// One target, a tenth of the mean eigenvalue, a residual of 10⁻⁴, α = 1/(tr C + λ).
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { width, targets: 1, damping: 0.1, tolerance: 1e-4, step: None }
    }

    /// Two vectors and two numbers a target, and the passes.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let vectors = self.width.saturating_mul(2).saturating_add(2).saturating_mul(self.targets);
        let f32s = vectors.saturating_add(Gram::floats(self.targets, self.width));
        Memory { f32s, ..Memory::NONE }
    }

    const fn passes(self) -> PassSettings {
        let Self { width, targets, damping, tolerance, .. } = self;
        PassSettings { width, targets, damping, tolerance }
    }

    /// Refuses what makes no sense.
    const fn check(&self) -> Result<(), Error> {
        match self.step {
            Some(step) if !step.is_finite() || step <= 0.0 => {
                Err(Error::Setting { name: "step", expected: "finite and above 0" })
            }
            _ => self.passes().check(),
        }
    }
}

impl Default for LissaSettings {
    /// [`LissaSettings::new`] of 512 numbers.
    fn default() -> Self {
        Self::new(512)
    }
}

/// A residual above this part of ‖v‖ that has grown to [`GROWTH`] times the least so far
/// is divergence, and not rounding.
const NOTICED: f64 = 1e-3;
const GROWTH: f64 = 2.0;

/// The buffer of LiSSA.
struct View<'m> {
    /// α·r of each target.
    solutions: &'m mut [f32],
    values: &'m mut [f32],
    /// ‖v‖ of each target, and its least residual so far.
    norms: &'m mut [f32],
    least: &'m mut [f32],
    gram: &'m mut [f32],
}

impl<'m> View<'m> {
    fn of(settings: &PassSettings, buffer: &'m mut [f32]) -> Self {
        let vectors = settings.width.saturating_mul(settings.targets);
        let mut parts = Parts(buffer);
        Self {
            solutions: parts.take(vectors),
            values: parts.take(vectors),
            norms: parts.take(settings.targets),
            least: parts.take(settings.targets),
            gram: parts.0,
        }
    }
}

impl<const N: usize> Lissa<[f32; N]> {
    /// No targets yet, in an array of its own.
    ///
    /// # Errors
    /// As [`Lissa::new`].
    pub const fn owned(settings: LissaSettings) -> Result<Self, Error> {
        if let Err(error) = settings.check() {
            return Err(error);
        }
        if let Err(error) = check_length(settings.memory().f32s, N) {
            return Err(error);
        }
        Ok(Self::of(settings, [0.0; N]))
    }
}

impl<B> Lissa<B> {
    const fn of(settings: LissaSettings, buffer: B) -> Self {
        let (step, passes) = (settings.step, Passes::new(settings.passes()));
        Self { passes, step, given: step, fresh: true, buffer }
    }
}

impl<B: Buffer<f32>> Lissa<B> {
    /// No targets yet. The buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Width`] if the width is zero; [`Error::Setting`] without a target, or
    /// unless α, damping and tolerance are positive and finite; [`Error::Length`] if
    /// `buffer` is not as long as the settings' memory.
    pub fn new(settings: LissaSettings, mut buffer: B) -> Result<Self, Error> {
        settings.check()?;
        check_length(settings.memory().f32s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        Ok(Self::of(settings, buffer))
    }

    /// Forgets targets, rows and solutions.
    pub fn reset(&mut self) {
        self.passes.reset();
        (self.step, self.fresh) = (self.given, true);
        self.buffer.as_mut().fill(0.0);
    }

    /// α; none before the first pass has ended, if the caller gave none.
    #[must_use]
    pub const fn step(&self) -> Option<f64> {
        self.step
    }
}

impl<B: Buffer<f32>> IterativeSolver for Lissa<B> {
    fn target(&mut self, target: &Sketch<'_>) -> Result<(), Error> {
        if !self.fresh {
            return Err(Error::InPass);
        }
        let number = self.passes.targets;
        let place = self.passes.target(target)?;
        let view = View::of(&self.passes.settings, self.buffer.as_mut());
        for vectors in [view.values, view.solutions] {
            copy(target.values, vectors.get_mut(place.clone()).certain());
        }
        let norm = libm::sqrt(squared_norm(target.values)) as f32;
        copy(&[norm], view.norms.get_mut(number..=number).certain());
        copy(&[f32::INFINITY], view.least.get_mut(number..=number).certain());
        Ok(())
    }

    fn observe_row<T: Element>(&mut self, id: &SketchId, row: &[T]) -> Result<(), Error> {
        let view = View::of(&self.passes.settings, self.buffer.as_mut());
        self.passes.observe(id, row, view.solutions, view.gram)
    }

    fn observe_rows<T: Element>(&mut self, id: &SketchId, rows: &[T]) -> Result<usize, Error> {
        let view = View::of(&self.passes.settings, self.buffer.as_mut());
        self.passes.observe_rows(id, rows, view.solutions, view.gram)
    }

    fn end_pass(&mut self) -> Result<Progress, Error> {
        let PassSettings { width, damping: share, tolerance, .. } = self.passes.settings;
        let View { solutions, values, norms, least, gram } =
            View::of(&self.passes.settings, self.buffer.as_mut());
        let (products, damping) = self.passes.end(solutions, gram)?;
        // λ = share · mean eigenvalue, of which tr C is K times.
        let trace = damping / f64::from(share) * width as f64;
        let step = *self.step.get_or_insert(1.0 / (trace + damping));
        if core::mem::take(&mut self.fresh) {
            for vectors in [&mut *products, &mut *solutions] {
                vectors.iter_mut().for_each(|entry| *entry = (step * f64::from(*entry)) as f32);
            }
        }
        let mut worst = 0.0;
        let width = width.max(1);
        let vectors = solutions.chunks_exact_mut(width).zip(values.chunks_exact(width));
        let vectors = vectors.zip(products.chunks_exact_mut(width));
        let norms = norms.iter().zip(least.iter_mut());
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

    fn targets(&self) -> Result<Targets<'_>, Error> {
        let end = self.passes.targets.saturating_mul(self.passes.settings.width);
        Targets::new(self.passes.solved()?, self.buffer.as_ref().get(..end).certain())
    }
}
