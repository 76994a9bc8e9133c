//! Conjugate gradients: (C + λI) x = φ_v by passes over the training rows, C = GᵀG/n, and
//! x·φ_z; λ = damping · mean eigenvalue of C.
//!
//! What it computes is the ridge influence ([`Ridge`](super::Ridge)), without a matrix:
//! memory grows with K and not with K², at the price of a pass over the rows for each
//! step. In exact arithmetic at most K steps are needed; with the usual damping some
//! twenty to ninety. Positive is helpful; scale as ridge. Targets share the passes.
//! Sources: Hestenes & Stiefel 1952; Koh & Liang 2017; Martens 2010.
//!
//! **It has converged when x itself says so.** The recursion carries a residual along,
//! which rounding leads away from the true one. When it is within the tolerance, or has
//! taken ten times the steps of exact arithmetic, one more pass multiplies x and takes
//! v − (C + λI) x. Where the two residuals differ by a tenth, directions are no longer
//! conjugate, and the iteration begins anew from the true one. Where that is no better
//! than half of the time before, rounding keeps it there ([`Progress::stagnant`]).
//!
//! **A preconditioner saves passes**: an approximate inverse of C + λI
//! ([`Preconditioner`]), such as that of EK-FAC ([`EkfacInverse`](super::EkfacInverse)).
//! It changes neither the solution nor what counts as one.
//!
//! *Memory*: [`ConjugateGradientsSettings::memory`], 5·K + 66 `f64` a target. *Cost*: 2·K
//! multiply–adds a row, target and pass, in `f64`. *Error*: the residual falls to about
//! 10⁻¹⁵ times the condition number, which is at most K/damping + 1.

use super::passes::{Parts, PassSettings, Passes, Progress, Scratch, length, passes, write};
use super::preconditioner::{Identity, Preconditioner};
use super::solver::IterativeSolver;
use super::targets::Targets;
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use gradsieve_kernels::double::{axpy, dot};
use gradsieve_kernels::{Certain, Element};

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
/// let mut solver = ConjugateGradients::new(SETTINGS, [0.0; SETTINGS.memory().f64s])?;
/// solver.target(&target)?;
/// let progress = solver.solve(&id, &rows, 10)?; // or: observe every row, end_pass, and again
/// assert!(progress.converged && progress.passes <= 4);
/// let mut scores = [0.0; 3];
/// solver.targets()?.score_rows(&id, &rows, &mut scores)?;
/// assert!(scores[0] > 0.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConjugateGradients<B, P = Identity> {
    passes: Passes,
    preconditioner: P,
    /// Whether the pass multiplies solutions, and not directions of search.
    checks: bool,
    /// Passes since solutions were multiplied.
    unchecked: u32,
    buffer: B,
}

/// What [`ConjugateGradients`] are told.
///
/// ```
/// use gradsieve::influence::ConjugateGradientsSettings;
///
/// const ONE: ConjugateGradientsSettings = ConjugateGradientsSettings::new(64);
/// const TEN: ConjugateGradientsSettings = ConjugateGradientsSettings { targets: 10, ..ONE };
/// assert!(TEN.memory().f64s > 9 * 5 * 64 + ONE.memory().f64s);
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

    /// Four vectors and two numbers a target, and the pass.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let vectors = self.width.saturating_mul(4).saturating_add(2).saturating_mul(self.targets);
        Memory { f64s: vectors.saturating_add(Scratch::numbers(self.targets, self.width)), ..Memory::NONE }
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

/// Times as many steps as exact arithmetic needs before solutions are looked at.
const PATIENCE: f64 = 10.0;

/// The buffer of conjugate gradients.
struct View<'m> {
    /// v, x, v − (C + λI) x and the direction of search, of each target.
    values: &'m mut [f64],
    solutions: &'m mut [f64],
    residuals: &'m mut [f64],
    directions: &'m mut [f64],
    /// The residual of each target's x when it was last multiplied; 0 for never.
    checked: &'m mut [f64],
    /// r·M r of each target, r the residual and M the preconditioner.
    heights: &'m mut [f64],
    scratch: Scratch<'m>,
}

impl<'m> View<'m> {
    fn of(settings: &PassSettings, buffer: &'m mut [f64]) -> Self {
        let vectors = settings.width.saturating_mul(settings.targets);
        let mut parts = Parts(buffer);
        Self {
            solutions: parts.take(vectors),
            values: parts.take(vectors),
            residuals: parts.take(vectors),
            directions: parts.take(vectors),
            checked: parts.take(settings.targets),
            heights: parts.take(settings.targets),
            scratch: Scratch { sums: parts.take(vectors), dots: parts.0 },
        }
    }
}

impl<const N: usize> ConjugateGradients<[f64; N]> {
    /// No targets yet, in an array of its own.
    ///
    /// # Errors
    /// As [`ConjugateGradients::new`].
    pub const fn owned(settings: ConjugateGradientsSettings) -> Result<Self, Error> {
        if let Err(error) = settings.passes().check() {
            return Err(error);
        }
        if let Err(error) = check_length(settings.memory().f64s, N) {
            return Err(error);
        }
        Ok(Self {
            passes: Passes::new(settings.passes()),
            preconditioner: Identity,
            checks: false,
            unchecked: 0,
            buffer: [0.0; N],
        })
    }
}

impl<B: Buffer<f64>> ConjugateGradients<B> {
    /// No targets yet, and no preconditioner. The buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Width`] if the width is zero; [`Error::Setting`] without a target, or
    /// unless damping and tolerance are positive and finite; [`Error::Length`] if
    /// `buffer` is not as long as the settings' memory.
    pub fn new(settings: ConjugateGradientsSettings, buffer: B) -> Result<Self, Error> {
        Self::preconditioned(settings, Identity, buffer)
    }
}

impl<B: Buffer<f64>, P: Preconditioner> ConjugateGradients<B, P> {
    /// No targets yet. The buffer is set to zero.
    ///
    /// The preconditioner is an approximate inverse of C + λI, whatever its scale. It is
    /// applied once for a target and once a target and pass. One that is not positive
    /// definite is [`Error::NotPositiveDefinite`], of
    /// [`target`](IterativeSolver::target) or of [`end_pass`](IterativeSolver::end_pass),
    /// as soon as a residual shows it; nothing shows that one is not symmetric, but
    /// passes that do not converge. [`Progress::enough`] is said as if there was none.
    ///
    /// ```
    /// use gradsieve::influence::{
    ///     ConjugateGradients, ConjugateGradientsSettings, Ekfac, EkfacInverse, EkfacSettings,
    ///     IterativeSolver,
    /// };
    /// use gradsieve_kernels::summarize;
    /// use gradsieve::Sketch;
    ///
    /// // A layer of two inputs and two outputs, whose gradients are b aᵀ.
    /// let samples = [([1.0, 0.5], [0.5_f32, 1.0]), ([0.5, 0.5], [1.0, 0.0]), ([-1.0, 2.0], [0.1, 0.2])];
    /// const LAYER: EkfacSettings = EkfacSettings::new(2, 2);
    /// let mut layer = Ekfac::new(LAYER, [0.0; LAYER.memory().f32s])?;
    /// samples.iter().try_for_each(|(a, b)| layer.factors(a, b))?;
    /// layer.decompose(&mut [0.0; LAYER.memory().f64s])?;
    /// for (a, b) in &samples {
    ///     layer.position(a, b)?;
    ///     layer.sample()?;
    /// }
    ///
    /// let rows = samples.map(|(a, b)| [b[0] * a[0], b[0] * a[1], b[1] * a[0], b[1] * a[1]]);
    /// const SETTINGS: ConjugateGradientsSettings = ConjugateGradientsSettings::new(4);
    /// let layers = [layer];
    /// let inverse = EkfacInverse::new(&layers, SETTINGS.damping, [0.0; 4])?;
    /// let buffer = [0.0; SETTINGS.memory().f64s];
    /// let mut solver = ConjugateGradients::preconditioned(SETTINGS, inverse, buffer)?;
    /// let id = layers[0].layer_id();
    /// solver.target(&Sketch::from_parts(id, &rows[0], summarize(&rows[0]))?)?;
    /// assert!(solver.solve(&id, rows.as_flattened(), 10)?.converged);
    /// # Ok::<(), gradsieve::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Width`] if the width is zero; [`Error::Setting`] without a target, or
    /// unless damping and tolerance are positive and finite; [`Error::Length`] if
    /// `buffer` is not as long as the settings' memory.
    pub fn preconditioned(
        settings: ConjugateGradientsSettings,
        preconditioner: P,
        mut buffer: B,
    ) -> Result<Self, Error> {
        settings.passes().check()?;
        check_length(settings.memory().f64s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        let passes = Passes::new(settings.passes());
        Ok(Self { passes, preconditioner, checks: false, unchecked: 0, buffer })
    }

    /// Forgets targets, rows and solutions.
    pub fn reset(&mut self) {
        self.passes.reset();
        (self.checks, self.unchecked) = (false, 0);
        self.buffer.as_mut().fill(0.0);
    }

    /// Steps after which nothing would be left in exact arithmetic: as many as C + λI has
    /// eigenvalues.
    fn eigenvalues(&self) -> f64 {
        libm::fmin(self.passes.settings.width as f64, self.passes.rows as f64) + 1.0
    }

    /// Passes that would be enough, of so many in all: the bound by the condition number,
    /// K/damping + 1 at most, or by the number of eigenvalues and a quarter for rounding.
    fn enough(&self) -> u32 {
        let PassSettings { width, damping, tolerance, .. } = self.passes.settings;
        let root = libm::sqrt(width as f64 / f64::from(damping) + 1.0);
        let by_condition = 0.5 * root * libm::log(2.0 * root / f64::from(tolerance));
        // One more sees that it is so.
        passes(libm::fmin(by_condition, 1.25 * self.eigenvalues() + 1.0) + 1.0)
    }
}

impl<B: Buffer<f64>, P: Preconditioner> IterativeSolver for ConjugateGradients<B, P> {
    type Solution = f64;

    fn target(&mut self, target: &Sketch<'_>) -> Result<(), Error> {
        let place = self.passes.target(target)?;
        let View { values, residuals, directions, heights, .. } =
            View::of(&self.passes.settings, self.buffer.as_mut());
        let number = self.passes.targets.saturating_sub(1);
        let [v, r, p] = [values, residuals, directions].map(|all| all.get_mut(place.clone()).certain());
        write(target.values, 1.0, v);
        write(target.values, 1.0, r);
        match precondition(&mut self.preconditioner, r, p) {
            Ok(height) => heights.iter_mut().skip(number).take(1).for_each(|to| *to = height),
            Err(error) => {
                for vector in [v, r, p] {
                    vector.fill(0.0);
                }
                self.passes.withdraw();
                return Err(error);
            }
        }
        // It is searched for before all are multiplied again.
        self.checks = false;
        Ok(())
    }

    fn observe_row<T: Element>(&mut self, id: &SketchId, row: &[T]) -> Result<(), Error> {
        let View { solutions, directions, scratch, .. } =
            View::of(&self.passes.settings, self.buffer.as_mut());
        self.passes.observe(id, row, if self.checks { solutions } else { directions }, scratch)
    }

    fn observe_rows<T: Element>(&mut self, id: &SketchId, rows: &[T]) -> Result<usize, Error> {
        let View { solutions, directions, scratch, .. } =
            View::of(&self.passes.settings, self.buffer.as_mut());
        self.passes.observe_rows(id, rows, if self.checks { solutions } else { directions }, scratch)
    }

    fn end_pass(&mut self) -> Result<Progress, Error> {
        let PassSettings { width, tolerance, .. } = self.passes.settings;
        let (width, tolerance) = (width.max(1), f64::from(tolerance));
        let View { values, solutions, residuals, directions, checked, heights, scratch } =
            View::of(&self.passes.settings, self.buffer.as_mut());
        let (products, damping) = self.passes.end(scratch)?;
        let (mut worst, mut stagnant) = (0.0, false);
        let vectors = solutions.chunks_exact_mut(width).zip(residuals.chunks_exact_mut(width));
        let vectors = vectors.zip(directions.chunks_exact_mut(width)).zip(products.chunks_exact_mut(width));
        let numbers = checked.iter_mut().zip(heights.iter_mut());
        for ((((x, r), p), product), (v, (before, height))) in
            vectors.zip(values.chunks_exact(width).zip(numbers))
        {
            let norm = length(v)?;
            if norm <= 0.0 {
                continue;
            }
            if self.checks {
                // v − (C + λI) x, and how far the recursion is from it.
                axpy(damping, x, product)?;
                product.iter_mut().zip(v).for_each(|(product, v)| *product = v - *product);
                let residual = length(product)? / norm;
                axpy(-1.0, product, r)?;
                let is_led_away = length(r)? > 0.1 * residual * norm;
                r.iter_mut().zip(&*product).for_each(|(r, product)| *r = *product);
                match precondition(&mut self.preconditioner, r, product) {
                    Ok(found) => *height = found,
                    Err(error) => return self.passes.fail(error),
                }
                if residual > tolerance {
                    if is_led_away {
                        p.iter_mut().zip(&*product).for_each(|(p, product)| *p = *product);
                    }
                    stagnant |= *before > 0.0 && residual > 0.5 * *before;
                }
                *before = residual;
                worst = libm::fmax(worst, residual);
            } else {
                let preconditioner = &mut self.preconditioner;
                match step((x, r, p), height, product, damping, tolerance * norm, preconditioner) {
                    Ok(left) => worst = libm::fmax(worst, left / norm),
                    Err(error) => return self.passes.fail(error),
                }
            }
        }
        let within = worst <= tolerance;
        let converged = self.checks && within;
        self.unchecked = if self.checks { 0 } else { self.unchecked.saturating_add(1) };
        self.checks = within || f64::from(self.unchecked) >= PATIENCE * self.eigenvalues();
        let passes = self.passes.passes;
        let enough = if converged { passes } else { self.enough() };
        Ok(Progress { passes, residual: worst, converged, stagnant, enough })
    }

    fn targets(&self) -> Result<Targets<'_, f64>, Error> {
        let end = self.passes.targets.saturating_mul(self.passes.settings.width);
        Targets::new(self.passes.solved()?, self.buffer.as_ref().get(..end).certain())
    }
}

/// z = M r, and r·z: 0 if nothing is left of r.
fn precondition(preconditioner: &mut impl Preconditioner, r: &[f64], z: &mut [f64]) -> Result<f64, Error> {
    preconditioner.apply(r, z)?;
    let height = dot(r, z)?;
    if height > 0.0 && height.is_finite() {
        return Ok(height);
    }
    if dot(r, r)? > 0.0 { Err(Error::NotPositiveDefinite) } else { Ok(0.0) }
}

/// One step of one target, unless its residual is at most `enough`; the residual's
/// length. `product` is C·p.
fn step(
    (x, r, p): (&mut [f64], &mut [f64], &mut [f64]),
    height: &mut f64,
    product: &mut [f64],
    damping: f64,
    enough: f64,
    preconditioner: &mut impl Preconditioner,
) -> Result<f64, Error> {
    let before = libm::sqrt(dot(r, r)?);
    if before <= enough {
        return Ok(before);
    }
    axpy(damping, p, product)?;
    let curvature = dot(p, product)?;
    let stride = *height / curvature;
    if curvature.is_nan() || curvature <= 0.0 || !stride.is_finite() {
        return Err(Error::Diverged);
    }
    axpy(stride, p, x)?;
    axpy(-stride, product, r)?;
    let after = dot(r, r)?;
    if !after.is_finite() {
        return Err(Error::Diverged);
    }
    let z = product;
    let next = precondition(preconditioner, r, z)?;
    let turn = next / *height;
    *height = next;
    p.iter_mut().zip(&*z).for_each(|(p, z)| *p = z + turn * *p);
    Ok(libm::sqrt(after))
}
