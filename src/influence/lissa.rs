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
//! diverges if that is more. Without an α of the caller's the first five passes multiply
//! a vector by C over and over, which estimates λ_max from below, and α =
//! 1/(1.2·λ_max + λ). Should that be too long a step, a residual grows; α becomes a
//! quarter of it, and the iteration begins anew. With a caller's α, growth to twice the
//! least so far ends in [`Error::Diverged`], never in a NaN.
//!
//! Every step takes the true residual v − (C + λI) x of the solution before it, and the
//! next one's is no larger. A target whose residual is within the tolerance stays as it
//! is. It falls at least by 1 − αλ a pass, which says how many would be enough
//! ([`Progress::enough`]). [`ConjugateGradients`](super::ConjugateGradients) takes fewer.
//!
//! *Memory*: [`LissaSettings::memory`], 3·K a target and K, of `f64`. *Cost*: 2·K
//! multiply–adds a row, target and pass, in `f64`; about (λ_max + λ)/λ·ln(1/tolerance)
//! passes. *Error*: the residual falls to about 10⁻¹⁵ times the condition number, which
//! is at most K/damping + 1.

use super::passes::{Parts, PassSettings, Passes, Progress, Scratch, length, passes, write};
use super::solver::IterativeSolver;
use super::targets::Targets;
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::sketch::{Sketch, SketchId};
use gradsieve_kernels::double::axpy;
use gradsieve_kernels::{Certain, Element};

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
/// let mut solver = Lissa::new(SETTINGS, [0.0; SETTINGS.memory().f64s])?;
/// solver.target(&target)?;
/// assert!(solver.solve(&id, &rows, 100)?.converged);
/// let mut scores = [0.0; 3];
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
    /// Passes that estimate λ_max, still to be made.
    powers: u32,
    buffer: B,
}

/// What [`Lissa`] is told.
///
/// ```
/// use gradsieve::influence::LissaSettings;
///
/// const ONE: LissaSettings = LissaSettings::new(64);
/// const TEN: LissaSettings = LissaSettings { targets: 10, ..ONE };
/// assert!(TEN.memory().f64s > 9 * 3 * 64 + ONE.memory().f64s);
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
    /// α; without it, 1/(1.2·λ_max + λ), where five passes estimate λ_max.
    pub step: Option<f64>,
}

impl LissaSettings {
    /// One target, a tenth of the mean eigenvalue, a residual of 10⁻⁴, α from λ_max.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { width, targets: 1, damping: 0.1, tolerance: 1e-4, step: None }
    }

    /// Two vectors and a number a target, one vector, and the pass.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let vectors = self.width.saturating_mul(2).saturating_add(1).saturating_mul(self.targets);
        let more = self.width.saturating_add(Scratch::numbers(self.targets, self.width));
        Memory { f64s: vectors.saturating_add(more), ..Memory::NONE }
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

/// Passes that estimate λ_max, by how much more the step allows for, and the part of it
/// that is taken where it was too long after all.
const POWERS: u32 = 5;
const MARGIN: f64 = 1.2;
const SHORTER: f64 = 0.25;

/// The buffer of LiSSA.
struct View<'m> {
    /// α·r of each target.
    solutions: &'m mut [f64],
    values: &'m mut [f64],
    /// The least residual of each target so far; 0 for none.
    least: &'m mut [f64],
    /// What is multiplied by C to estimate λ_max.
    power: &'m mut [f64],
    scratch: Scratch<'m>,
}

impl<'m> View<'m> {
    fn of(settings: &PassSettings, buffer: &'m mut [f64]) -> Self {
        let vectors = settings.width.saturating_mul(settings.targets);
        let mut parts = Parts(buffer);
        Self {
            solutions: parts.take(vectors),
            values: parts.take(vectors),
            least: parts.take(settings.targets),
            power: parts.take(settings.width),
            scratch: Scratch { sums: parts.take(vectors), dots: parts.0 },
        }
    }
}

/// Begins the iteration of all targets that are not solved: x = α·v.
fn begin(solutions: &mut [f64], values: &[f64], least: &mut [f64], step: f64, tolerance: f64) {
    let width = values.len().checked_div(least.len()).unwrap_or(0).max(1);
    let vectors = solutions.chunks_exact_mut(width).zip(values.chunks_exact(width));
    for ((x, v), least) in vectors.zip(least.iter_mut()) {
        if !is_solved(*least, tolerance) {
            x.iter_mut().zip(v).for_each(|(x, v)| *x = step * v);
            *least = 0.0;
        }
    }
}

/// Whether a target whose least residual that is, 0 for none yet, is solved.
fn is_solved(least: f64, tolerance: f64) -> bool {
    least > 0.0 && least <= tolerance
}

impl<const N: usize> Lissa<[f64; N]> {
    /// No targets yet, in an array of its own.
    ///
    /// # Errors
    /// As [`Lissa::new`].
    pub const fn owned(settings: LissaSettings) -> Result<Self, Error> {
        if let Err(error) = settings.check() {
            return Err(error);
        }
        if let Err(error) = check_length(settings.memory().f64s, N) {
            return Err(error);
        }
        Ok(Self::of(settings, [0.0; N]))
    }
}

impl<B> Lissa<B> {
    const fn of(settings: LissaSettings, buffer: B) -> Self {
        let (step, passes) = (settings.step, Passes::new(settings.passes()));
        let powers = if step.is_some() { 0 } else { POWERS };
        Self { passes, step, given: step, powers, buffer }
    }
}

impl<B: Buffer<f64>> Lissa<B> {
    /// No targets yet. The buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Width`] if the width is zero; [`Error::Setting`] without a target, or
    /// unless α, damping and tolerance are positive and finite; [`Error::Length`] if
    /// `buffer` is not as long as the settings' memory.
    pub fn new(settings: LissaSettings, mut buffer: B) -> Result<Self, Error> {
        settings.check()?;
        check_length(settings.memory().f64s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        Ok(Self::of(settings, buffer))
    }

    /// Forgets targets, rows and solutions.
    pub fn reset(&mut self) {
        self.passes.reset();
        self.step = self.given;
        self.powers = if self.given.is_some() { 0 } else { POWERS };
        self.buffer.as_mut().fill(0.0);
    }

    /// α; none before the first pass has ended, if the caller gave none.
    #[must_use]
    pub const fn step(&self) -> Option<f64> {
        self.step
    }

    /// Ends a pass that multiplied the power vector.
    fn end_power(&mut self) -> Result<Progress, Error> {
        let PassSettings { width, tolerance, .. } = self.passes.settings;
        let View { solutions, values, least, power, scratch } =
            View::of(&self.passes.settings, self.buffer.as_mut());
        let (products, damping) = self.passes.end(scratch)?;
        let product = products.get_mut(..width).certain();
        // Of a vector of length 1.
        let largest = length(product)?;
        if largest > 0.0 {
            power.iter_mut().zip(product).for_each(|(to, from)| *to = *from / largest);
        }
        // No eigenvalue is above the trace.
        let trace = self.passes.trace();
        let allowed = if largest > 0.0 { libm::fmin(MARGIN * largest, trace) } else { trace };
        let step = 1.0 / (allowed + damping);
        (self.step, self.powers) = (Some(step), self.powers.saturating_sub(1));
        let (passes, tolerance) = (self.passes.passes, f64::from(tolerance));
        begin(solutions, values, least, step, tolerance);
        let enough = passes.saturating_add(self.powers).saturating_add(still(1.0, tolerance, step * damping));
        Ok(Progress { passes, residual: 1.0, converged: false, stagnant: false, enough })
    }
}

impl<B: Buffer<f64>> IterativeSolver for Lissa<B> {
    type Solution = f64;

    fn target(&mut self, target: &Sketch<'_>) -> Result<(), Error> {
        if self.passes.passes > 0 {
            return Err(Error::InPass);
        }
        let is_first = self.passes.targets == 0;
        let place = self.passes.target(target)?;
        let View { solutions, values, power, .. } = View::of(&self.passes.settings, self.buffer.as_mut());
        write(target.values, 1.0, values.get_mut(place.clone()).certain());
        write(target.values, self.given.unwrap_or(1.0), solutions.get_mut(place).certain());
        if is_first {
            // Multiples of the golden ratio less the whole numbers: in every direction.
            for (i, entry) in power.iter_mut().enumerate() {
                let multiple = (i as f64 + 1.0) * 0.618_033_988_749_894_9;
                *entry = multiple - libm::floor(multiple) - 0.5;
            }
            let whole = length(power)?;
            power.iter_mut().for_each(|entry| *entry /= whole);
        }
        Ok(())
    }

    fn observe_row<T: Element>(&mut self, id: &SketchId, row: &[T]) -> Result<(), Error> {
        let View { solutions, power, scratch, .. } = View::of(&self.passes.settings, self.buffer.as_mut());
        self.passes.observe(id, row, if self.powers > 0 { power } else { solutions }, scratch)
    }

    fn observe_rows<T: Element>(&mut self, id: &SketchId, rows: &[T]) -> Result<usize, Error> {
        let View { solutions, power, scratch, .. } = View::of(&self.passes.settings, self.buffer.as_mut());
        self.passes.observe_rows(id, rows, if self.powers > 0 { power } else { solutions }, scratch)
    }

    fn end_pass(&mut self) -> Result<Progress, Error> {
        if self.powers > 0 {
            return self.end_power();
        }
        let PassSettings { width, tolerance, .. } = self.passes.settings;
        let (width, tolerance) = (width.max(1), f64::from(tolerance));
        let View { solutions, values, least, scratch, .. } =
            View::of(&self.passes.settings, self.buffer.as_mut());
        let (products, damping) = self.passes.end(scratch)?;
        let step = self.step.certain();
        let (mut worst, mut stagnant, mut diverges) = (0.0, false, false);
        let vectors = solutions.chunks_exact_mut(width).zip(values.chunks_exact(width));
        let vectors = vectors.zip(products.chunks_exact_mut(width));
        for (((x, v), product), least) in vectors.zip(least.iter_mut()) {
            let norm = length(v)?;
            // What is solved stays as it is, however long the other targets take.
            if norm <= 0.0 || is_solved(*least, tolerance) {
                worst = libm::fmax(worst, *least);
                continue;
            }
            // v − (C + λI) x, and x += α times that.
            axpy(damping, x, product)?;
            product.iter_mut().zip(v).for_each(|(product, v)| *product = v - *product);
            let residual = length(product)? / norm;
            let has_grown = *least > 0.0 && residual > NOTICED && residual > GROWTH * *least;
            diverges |= has_grown || !residual.is_finite();
            // Short of rounding a step brings each nearer.
            stagnant |= *least > 0.0 && residual >= *least && residual <= NOTICED;
            if *least <= 0.0 || residual < *least {
                // 0 is for none yet.
                *least = libm::fmax(residual, f64::MIN_POSITIVE);
            }
            worst = libm::fmax(worst, residual);
            if residual > tolerance {
                axpy(step, product, x)?;
            }
        }
        let passes = self.passes.passes;
        if diverges {
            let shortest = 1.0 / (self.passes.trace() + damping);
            if self.given.is_some() || step <= shortest {
                return self.passes.fail(Error::Diverged);
            }
            let step = libm::fmax(SHORTER * step, shortest);
            self.step = Some(step);
            begin(solutions, values, least, step, tolerance);
            let enough = passes.saturating_add(still(1.0, tolerance, step * damping));
            return Ok(Progress { passes, residual: 1.0, converged: false, stagnant: false, enough });
        }
        let converged = worst <= tolerance;
        let enough = passes.saturating_add(still(worst, tolerance, step * damping));
        Ok(Progress { passes, residual: worst, converged, stagnant, enough })
    }

    fn targets(&self) -> Result<Targets<'_, f64>, Error> {
        let end = self.passes.targets.saturating_mul(self.passes.settings.width);
        Targets::new(self.passes.solved()?, self.buffer.as_ref().get(..end).certain())
    }
}

/// Passes after which a residual that falls by 1 − αλ each is within the tolerance.
fn still(residual: f64, tolerance: f64, share: f64) -> u32 {
    if residual <= tolerance {
        return 0;
    }
    // One takes the step, the next sees its residual.
    passes(libm::log(residual / tolerance) / -libm::log1p(-share) + 1.0)
}
