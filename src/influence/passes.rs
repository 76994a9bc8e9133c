//! Passes over the same rows, each of which multiplies the vectors of an iterative solver
//! by C = GᵀG/n, in `f64`: LiSSA and conjugate gradients are built on this. Memory grows
//! with Q·K, not with K².
//!
//! *Error*: products and sums are `f64`, so that an entry's relative error is at most
//! (K + n)·2⁻⁵³ of the sum of its magnitudes. No finite row and target leaves the range.
//! The bits depend on the rows' order, and on nothing else.

use super::check_damping;
use super::wide::{ROWS, add_gram, finite_runs};
use crate::error::{Error, check_length};
use crate::sketch::{Sketch, SketchId};
use core::ops::Range;
use gradsieve_kernels::{Certain, Element, squared_norm};

/// What all iterative solvers of (C + λI) x = v are told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PassSettings {
    pub(super) width: usize,
    pub(super) targets: usize,
    pub(super) damping: f32,
    pub(super) tolerance: f32,
}

impl PassSettings {
    /// Refuses what makes no sense.
    pub(super) const fn check(&self) -> Result<(), Error> {
        if self.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        if self.targets == 0 {
            return Err(Error::Setting { name: "targets", expected: "at least 1" });
        }
        if let Err(error) = check_damping(self.damping) {
            return Err(error);
        }
        // With 1 nothing would be a solution.
        if self.tolerance.is_nan() || self.tolerance <= 0.0 || self.tolerance >= 1.0 {
            return Err(Error::Setting { name: "tolerance", expected: "above 0 and below 1" });
        }
        Ok(())
    }
}

/// How far an iterative solver has come.
///
/// ```
/// use gradsieve::influence::Progress;
///
/// // What a solver's `end_pass` gives back.
/// let progress = Progress { residual: 1e-2, enough: 30, ..Progress::solved(3) };
/// let progress = Progress { converged: false, ..progress };
/// if !progress.converged {
///     println!("{} passes left {:.1e} of the target", progress.passes, progress.residual);
///     println!("{} would be enough", progress.enough);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Passes over the rows so far.
    pub passes: u32,
    /// The largest ‖v − (C + λI) x‖/‖v‖ of a target.
    pub residual: f64,
    /// Whether it was seen to be within the tolerance: not what a recursion carries
    /// along, but the product with x, and in `f64`.
    pub converged: bool,
    /// Whether rounding keeps it from coming nearer: more passes are of no use, a larger
    /// damping or tolerance is.
    pub stagnant: bool,
    /// Passes that would be enough: of [`Lissa`](super::Lissa) with a step of its own
    /// certainly, of [`ConjugateGradients`](super::ConjugateGradients) about. Those made,
    /// once it has converged.
    pub enough: u32,
}

impl Progress {
    /// All is solved, after so many passes.
    #[must_use]
    pub const fn solved(passes: u32) -> Self {
        Self { passes, residual: 0.0, converged: true, stagnant: false, enough: passes }
    }
}

/// Scratch of a pass, in a solver's buffer.
pub(super) struct Scratch<'m> {
    /// C·(vectors), once the pass has ended.
    pub(super) sums: &'m mut [f64],
    pub(super) dots: &'m mut [f64],
}

impl Scratch<'_> {
    /// Numbers for so many vectors.
    pub(super) const fn numbers(vectors: usize, width: usize) -> usize {
        width.saturating_add(ROWS).saturating_mul(vectors)
    }
}

/// The rows of an iterative solver, and λ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passes {
    pub(super) settings: PassSettings,
    /// Targets so far, and what everything is labelled with.
    pub(super) targets: usize,
    id: Option<SketchId>,
    /// Rows of the pass so far, and the sum of their squares; rows of the first pass.
    seen: u64,
    squares: f64,
    pub(super) rows: u64,
    pub(super) damping: f64,
    pub(super) passes: u32,
    failed: bool,
}

impl Passes {
    pub(super) const fn new(settings: PassSettings) -> Self {
        Self {
            settings,
            targets: 0,
            id: None,
            seen: 0,
            squares: 0.0,
            rows: 0,
            damping: 0.0,
            passes: 0,
            failed: false,
        }
    }

    pub(super) const fn reset(&mut self) {
        *self = Self::new(self.settings);
    }

    /// Where the next target goes: the range of its vectors.
    pub(super) fn target(&mut self, target: &Sketch<'_>) -> Result<Range<usize>, Error> {
        self.check()?;
        if self.seen > 0 {
            return Err(Error::InPass);
        }
        check_length(self.settings.width, target.values.len())?;
        target.check_finite()?;
        self.check_id(&target.id)?;
        if self.targets == self.settings.targets {
            return Err(Error::Length { expected: self.targets, found: self.targets.saturating_add(1) });
        }
        self.id = Some(target.id);
        let start = self.targets * self.settings.width;
        self.targets += 1;
        Ok(start..start.saturating_add(self.settings.width))
    }

    /// Forgets the target that was taken last.
    pub(super) const fn withdraw(&mut self) {
        self.targets = self.targets.saturating_sub(1);
        if self.targets == 0 && self.rows == 0 {
            self.id = None;
        }
    }

    fn check_id(&self, id: &SketchId) -> Result<(), Error> {
        self.id.map_or(Ok(()), |own| own.check(id))
    }

    /// Refuses to go on after a failure.
    pub(super) const fn check(&self) -> Result<(), Error> {
        if self.failed { Err(Error::Diverged) } else { Ok(()) }
    }

    /// Remembers a failure.
    pub(super) fn fail<T>(&mut self, error: Error) -> Result<T, Error> {
        self.failed = true;
        Err(error)
    }

    /// Before rows of the pass, which are labelled `id`, are taken in.
    fn begin(&self, id: &SketchId, scratch: &mut Scratch<'_>) -> Result<(), Error> {
        self.check()?;
        if self.targets == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        self.check_id(id)?;
        if self.seen == 0 {
            scratch.sums.fill(0.0);
        }
        Ok(())
    }

    /// Takes a row of the pass in.
    pub(super) fn observe<T: Element>(
        &mut self,
        id: &SketchId,
        row: &[T],
        vectors: &[f64],
        mut scratch: Scratch<'_>,
    ) -> Result<(), Error> {
        self.begin(id, &mut scratch)?;
        check_length(self.settings.width, row.len())?;
        let square = squared_norm(row);
        if !square.is_finite() {
            return Err(Error::NonFinite);
        }
        self.add(row, &[square], vectors, &mut scratch)
    }

    /// Takes rows of the pass in, and returns how many have entries that are not finite:
    /// they are passed over.
    pub(super) fn observe_rows<T: Element>(
        &mut self,
        id: &SketchId,
        rows: &[T],
        vectors: &[f64],
        mut scratch: Scratch<'_>,
    ) -> Result<usize, Error> {
        self.begin(id, &mut scratch)?;
        let width = self.settings.width.max(1);
        check_length(rows.len() / width * width, rows.len())?;
        finite_runs(rows, width, |rows, squares| self.add(rows, squares, vectors, &mut scratch))
    }

    /// Takes in at most [`ROWS`] rows, which are finite.
    fn add<T: Element>(
        &mut self,
        rows: &[T],
        squares: &[f64],
        vectors: &[f64],
        scratch: &mut Scratch<'_>,
    ) -> Result<(), Error> {
        for square in squares {
            self.squares += square;
            self.seen += 1;
        }
        add_gram(rows, self.settings.width, vectors, scratch.dots, scratch.sums)
    }

    /// Ends a pass: C·(vectors), which may be written over, and λ. A pass over another
    /// number of rows than the first is forgotten.
    pub(super) fn end<'m>(&mut self, scratch: Scratch<'m>) -> Result<(&'m mut [f64], f64), Error> {
        self.check()?;
        let (seen, squares) = (self.seen, self.squares);
        (self.seen, self.squares) = (0, 0.0);
        if seen == 0 || (self.rows > 0 && seen != self.rows) {
            return Err(if seen == 0 {
                Error::TooFew { needed: 1, found: 0 }
            } else {
                Error::Length { expected: number(self.rows), found: number(seen) }
            });
        }
        if self.rows == 0 {
            let width = self.settings.width as f64;
            self.damping = f64::from(self.settings.damping) * squares / (seen as f64 * width);
            if self.damping <= 0.0 {
                return Err(Error::NotPositiveDefinite);
            }
            self.rows = seen;
        }
        self.passes = self.passes.saturating_add(1);
        let count = seen as f64;
        scratch.sums.iter_mut().for_each(|sum| *sum /= count);
        Ok((scratch.sums, self.damping))
    }

    /// tr C.
    pub(super) fn trace(&self) -> f64 {
        self.damping / f64::from(self.settings.damping) * self.settings.width as f64
    }

    /// What solutions are labelled with, once there are some.
    pub(super) fn solved(&self) -> Result<SketchId, Error> {
        self.check()?;
        if self.passes == 0 { Err(Error::NotFitted) } else { self.id.ok_or(Error::NotFitted) }
    }
}

fn number(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

/// A number of passes, however many.
pub(super) fn passes(x: f64) -> u32 {
    libm::ceil(libm::fmin(x, f64::from(u32::MAX))) as u32
}

/// The length of a vector.
pub(super) fn length(x: &[f64]) -> Result<f64, Error> {
    Ok(libm::sqrt(gradsieve_kernels::double::dot(x, x)?))
}

/// A buffer that is divided from the front. Its length was checked before.
pub(super) struct Parts<'m>(pub(super) &'m mut [f64]);

impl<'m> Parts<'m> {
    /// The next `len` numbers.
    pub(super) fn take(&mut self, len: usize) -> &'m mut [f64] {
        let (part, rest) = core::mem::take(&mut self.0).split_at_mut_checked(len).certain();
        self.0 = rest;
        part
    }
}

/// Writes a target's numbers, `scale` times each.
pub(super) fn write(target: &[f32], scale: f64, to: &mut [f64]) {
    to.iter_mut().zip(target).for_each(|(to, &from)| *to = scale * f64::from(from));
}
