//! Conjugate gradients: (C + λI) x = φ_v by passes over the training rows, C = GᵀG/n, and
//! x·φ_z; λ = damping · mean eigenvalue of C.
//!
//! What it computes is the ridge influence ([`Ridge`](super::Ridge)), without a matrix:
//! memory grows with K and not with K², at the price of a pass over the rows for each
//! step. In exact arithmetic at most K steps are needed; with the usual damping some
//! twenty to forty. Positive is helpful; scale as ridge. Targets share the passes.
//! Sources: Hestenes & Stiefel 1952; Koh & Liang 2017; Martens 2010.
//!
//! *Memory*: [`ConjugateGradientsSettings::memory`], 6·K a target and 16 rows. *Cost*:
//! 2·K multiply–adds a row, target and pass. *Error*: the reported residual is the one
//! that the recursion carries along in `f32`; the true one follows it down to about 10⁻⁶
//! times the condition number, which is at most K/damping.

use super::curvature::{Gram, Parts, PassSettings, Passes, Progress, copy};
use super::solver::IterativeSolver;
use super::targets::Targets;
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use gradsieve_kernels::matrix::scale_add;
use gradsieve_kernels::{Certain, Element, axpy, dot, squared_norm};

/// The solver: give it its targets, then pass after pass over the same rows, each with
/// [`observe`](IterativeSolver::observe) for every row and [`end_pass`](IterativeSolver::end_pass).
///
/// ```
/// use gradsieve::influence::{ConjugateGradients, ConjugateGradientsSettings, IterativeSolver};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let rows = [1.0_f32, 0.0, 0.5, 0.5, -1.0, 2.0]; // three samples, K = 2
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let target = [1.0, 1.0];
/// let target = Sketch::from_parts(id, &target, gradsieve_kernels::summarize(&target))?;
///
/// const SETTINGS: ConjugateGradientsSettings = ConjugateGradientsSettings::new(2);
/// let mut solver = ConjugateGradients::new(SETTINGS, [0.0; SETTINGS.memory().f32s])?;
/// solver.target(&target)?;
/// let progress = solver.solve(&id, &rows, 10)?; // or: observe every row, end_pass, and again
/// assert!(progress.converged && progress.passes <= 3);
/// let mut scores = [0.0_f32; 3];
/// solver.targets()?.score_rows(&id, &rows, &mut scores)?;
/// assert!(scores[0] > 0.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConjugateGradients<B> {
    passes: Passes,
    buffer: B,
}

/// What [`ConjugateGradients`] are told.
///
/// ```
/// use gradsieve::influence::ConjugateGradientsSettings;
///
/// const ONE: ConjugateGradientsSettings = ConjugateGradientsSettings::new(64);
/// const TEN: ConjugateGradientsSettings = ConjugateGradientsSettings { targets: 10, ..ONE };
/// assert!(TEN.memory().f32s > 9 * 64 + ONE.memory().f32s);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConjugateGradientsSettings {
    /// K.
    pub width: usize,
    /// The most targets, which share the passes.
    pub targets: usize,
    /// λ in units of C's mean eigenvalue, which the first pass finds.
    pub damping: f32,
    /// A target is solved when ‖v − (C + λI) x‖ is at most this part of ‖v‖.
    pub tolerance: f32,
}

impl ConjugateGradientsSettings {
    /// One target, a tenth of the mean eigenvalue, a residual of 10⁻⁴.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { width, targets: 1, damping: 0.1, tolerance: 1e-4 }
    }

    /// Three vectors and a norm a target, and the passes.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let vectors = self.width.saturating_mul(3).saturating_add(1).saturating_mul(self.targets);
        let f32s = vectors.saturating_add(Gram::floats(self.targets, self.width));
        Memory { f32s, ..Memory::NONE }
    }

    const fn passes(self) -> PassSettings {
        let Self { width, targets, damping, tolerance } = self;
        PassSettings { width, targets, damping, tolerance }
    }
}

impl Default for ConjugateGradientsSettings {
    /// [`ConjugateGradientsSettings::new`] of 512 numbers.
    fn default() -> Self {
        Self::new(512)
    }
}

/// The buffer of conjugate gradients.
struct View<'m> {
    /// x, v − (C + λI) x and the direction of search, of each target.
    solutions: &'m mut [f32],
    residuals: &'m mut [f32],
    directions: &'m mut [f32],
    /// ‖v‖ of each target.
    norms: &'m mut [f32],
    gram: &'m mut [f32],
}

impl<'m> View<'m> {
    fn of(settings: &PassSettings, buffer: &'m mut [f32]) -> Self {
        let vectors = settings.width.saturating_mul(settings.targets);
        let mut parts = Parts(buffer);
        Self {
            solutions: parts.take(vectors),
            residuals: parts.take(vectors),
            directions: parts.take(vectors),
            norms: parts.take(settings.targets),
            gram: parts.0,
        }
    }
}

impl<const N: usize> ConjugateGradients<[f32; N]> {
    /// No targets yet, in an array of its own.
    ///
    /// # Errors
    /// As [`ConjugateGradients::new`].
    pub const fn owned(settings: ConjugateGradientsSettings) -> Result<Self, Error> {
        if let Err(error) = settings.passes().check() {
            return Err(error);
        }
        if let Err(error) = check_length(settings.memory().f32s, N) {
            return Err(error);
        }
        Ok(Self { passes: Passes::new(settings.passes()), buffer: [0.0; N] })
    }
}

impl<B: Buffer<f32>> ConjugateGradients<B> {
    /// No targets yet. The buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Width`] if the width is zero; [`Error::Setting`] without a target, or
    /// unless damping and tolerance are positive and finite; [`Error::Length`] if
    /// `buffer` is not as long as the settings' memory.
    pub fn new(settings: ConjugateGradientsSettings, mut buffer: B) -> Result<Self, Error> {
        settings.passes().check()?;
        check_length(settings.memory().f32s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        Ok(Self { passes: Passes::new(settings.passes()), buffer })
    }

    /// Forgets targets, rows and solutions.
    pub fn reset(&mut self) {
        self.passes.reset();
        self.buffer.as_mut().fill(0.0);
    }
}

impl<B: Buffer<f32>> IterativeSolver for ConjugateGradients<B> {
    fn target(&mut self, target: &Sketch<'_>) -> Result<(), Error> {
        let number = self.passes.targets;
        let place = self.passes.target(target)?;
        let view = View::of(&self.passes.settings, self.buffer.as_mut());
        for vectors in [view.residuals, view.directions] {
            copy(target.values, vectors.get_mut(place.clone()).certain());
        }
        let norm = libm::sqrt(squared_norm(target.values)) as f32;
        copy(&[norm], view.norms.get_mut(number..=number).certain());
        Ok(())
    }

    fn observe_row<T: Element>(&mut self, id: &SketchId, row: &[T]) -> Result<(), Error> {
        let view = View::of(&self.passes.settings, self.buffer.as_mut());
        self.passes.observe(id, row, view.directions, view.gram)
    }

    fn observe_rows<T: Element>(&mut self, id: &SketchId, rows: &[T]) -> Result<usize, Error> {
        let view = View::of(&self.passes.settings, self.buffer.as_mut());
        self.passes.observe_rows(id, rows, view.directions, view.gram)
    }

    fn end_pass(&mut self) -> Result<Progress, Error> {
        let PassSettings { width, tolerance, .. } = self.passes.settings;
        let (width, tolerance) = (width.max(1), f64::from(tolerance));
        let View { solutions, residuals, directions, norms, gram } =
            View::of(&self.passes.settings, self.buffer.as_mut());
        let (products, damping) = self.passes.end(directions, gram)?;
        let mut worst = 0.0;
        let vectors = solutions.chunks_exact_mut(width).zip(residuals.chunks_exact_mut(width));
        let vectors = vectors.zip(directions.chunks_exact_mut(width)).zip(products.chunks_exact_mut(width));
        for ((((x, r), p), product), &norm) in vectors.zip(norms.iter()) {
            let norm = f64::from(norm);
            let residual = step((x, r, p), product, damping, tolerance * norm);
            let Ok(residual) = residual else { return self.passes.fail(Error::Diverged) };
            worst = libm::fmax(worst, if norm > 0.0 { residual / norm } else { 0.0 });
        }
        Ok(Progress { passes: self.passes.passes, residual: worst, converged: worst <= tolerance })
    }

    fn targets(&self) -> Result<Targets<'_>, Error> {
        let end = self.passes.targets.saturating_mul(self.passes.settings.width);
        Targets::new(self.passes.solved()?, self.buffer.as_ref().get(..end).certain())
    }
}

/// One step of one target, unless its residual is at most `enough`; the residual's
/// length. `product` is C·p.
fn step(
    (x, r, p): (&mut [f32], &mut [f32], &mut [f32]),
    product: &mut [f32],
    damping: f64,
    enough: f64,
) -> Result<f64, Error> {
    let before = squared_norm(r);
    if libm::sqrt(before) <= enough {
        return Ok(libm::sqrt(before));
    }
    axpy(damping as f32, p, product)?;
    let curvature = dot(p, product)?;
    let length = before / curvature;
    if curvature.is_nan() || curvature <= 0.0 || !length.is_finite() {
        return Err(Error::Diverged);
    }
    axpy(length as f32, p, x)?;
    axpy(-length as f32, product, r)?;
    let after = squared_norm(r);
    scale_add(1.0, r, (after / before) as f32, p)?;
    if after.is_finite() { Ok(libm::sqrt(after)) } else { Err(Error::Diverged) }
}
