//! What the methods that solve for targets have in common, so that code can be generic
//! over them. There are two families:
//!
//! - A [`Solver`] sees the training rows first, and then solves for any target:
//!   [`Ridge`], [`Trak`], [`Gif`], [`Arnoldi`].
//! - An [`IterativeSolver`] is given its targets first, and solves for all of them
//!   together by passes over the training rows, in memory that grows with K and not with
//!   K²: [`ConjugateGradients`], [`Lissa`], [`DataInfSolver`], [`DualRidgeSolver`].
//!
//! Both end in [`Targets`].
//!
//! [`Ridge`]: super::Ridge
//! [`Trak`]: super::Trak
//! [`Gif`]: super::Gif
//! [`Arnoldi`]: super::Arnoldi
//! [`ConjugateGradients`]: super::ConjugateGradients
//! [`Lissa`]: super::Lissa
//! [`DataInfSolver`]: super::DataInfSolver
//! [`DualRidgeSolver`]: super::DualRidgeSolver

use super::passes::Progress;
use super::precision::Precision;
use super::targets::Targets;
use crate::error::Error;
use crate::sketch::{Sketch, SketchId};
use gradsieve_kernels::Element;

/// Sees the training rows, then solves for any target.
///
/// ```
/// use gradsieve::influence::{Ridge, RidgeSettings, Solver};
/// use gradsieve::{Error, Exact, Layout, Projector, Sketch};
///
/// /// The influence of each row on the target, by any solver.
/// fn influence(solver: &mut impl Solver, rows: &[Sketch], target: &Sketch) -> Result<Vec<f64>, Error> {
///     loop {
///         rows.iter().try_for_each(|row| solver.observe(row))?;
///         if solver.end_pass()? {
///             break;
///         }
///     }
///     let mut solution = vec![0.0; target.values.len()];
///     let targets = solver.solve(target, &mut solution)?;
///     rows.iter().map(|row| targets.score_one(row)).collect()
/// }
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let values = [[1.0, 0.0], [0.5, 0.5], [-1.0, 2.0_f32]];
/// let rows = values.each_ref().map(|x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap());
/// const SETTINGS: RidgeSettings = RidgeSettings::new(2);
/// let mut buffer = [0.0; SETTINGS.memory().f64s];
/// let mut ridge = Ridge::new(SETTINGS, &mut buffer)?;
/// assert!(influence(&mut ridge, &rows, &rows[0])?[0] > 0.0);
/// # Ok::<(), Error>(())
/// ```
pub trait Solver {
    /// Takes a row of the curvature in: a training sketch, or a factor of the
    /// Gauss–Newton matrix.
    ///
    /// # Errors
    /// Those of the type's own method. The state is as it was.
    fn observe(&mut self, row: &Sketch<'_>) -> Result<(), Error>;

    /// Ends a pass over the rows, and says whether it was the last: whether targets can
    /// be solved now. If not, the same rows are wanted again. Most methods need one pass.
    ///
    /// # Errors
    /// Those of the type's `fit`.
    fn end_pass(&mut self) -> Result<bool, Error>;

    /// Solves for one target into `out`, K numbers.
    ///
    /// # Errors
    /// [`Error::NotFitted`]; [`Error::Length`]; [`Error::Mismatch`] or
    /// [`Error::NonFinite`].
    fn solve<'t>(&mut self, target: &Sketch<'_>, out: &'t mut [f32]) -> Result<Targets<'t>, Error>;

    /// Forgets everything.
    fn reset(&mut self);
}

/// Solves for the targets that it was given by passes over the training rows.
///
/// ```
/// use gradsieve::influence::{ConjugateGradients, ConjugateGradientsSettings, IterativeSolver, Targets};
/// use gradsieve::{Error, Exact, Layout, Projector, Sketch};
///
/// /// The solved targets, by any solver, after at most `most` passes.
/// fn solve<'s, S: IterativeSolver>(
///     solver: &'s mut S,
///     rows: &[Sketch],
///     targets: &[Sketch],
///     most: u32,
/// ) -> Result<Targets<'s, S::Solution>, Error> {
///     targets.iter().try_for_each(|target| solver.target(target))?;
///     loop {
///         rows.iter().try_for_each(|row| solver.observe(row))?;
///         let progress = solver.end_pass()?;
///         if progress.converged || progress.passes >= most {
///             return solver.targets();
///         }
///     }
/// }
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let values = [[1.0, 0.0], [0.5, 0.5], [-1.0, 2.0_f32]];
/// let rows = values.each_ref().map(|x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x)).unwrap());
/// const SETTINGS: ConjugateGradientsSettings = ConjugateGradientsSettings::new(2);
/// let mut solver = ConjugateGradients::new(SETTINGS, [0.0; SETTINGS.memory().f64s])?;
/// assert!(solve(&mut solver, &rows, &rows[..1], 10)?.score_one(&rows[0])? > 0.0);
/// # Ok::<(), Error>(())
/// ```
pub trait IterativeSolver {
    /// What solutions are kept in.
    type Solution: Precision;

    /// Adds a target; its number is how many there were before.
    ///
    /// # Errors
    /// [`Error::InPass`] when it is too late: between the first row of a pass and its
    /// end, and with methods that begin from the targets once the first pass has begun;
    /// [`Error::Length`] if there are as many as the settings say, or of another width;
    /// [`Error::Mismatch`]; [`Error::NonFinite`]; [`Error::Diverged`] after a failure.
    /// The state is as it was.
    fn target(&mut self, target: &Sketch<'_>) -> Result<(), Error>;

    /// Takes a training sketch of the pass in. Every pass has the same ones, in any
    /// order.
    ///
    /// # Errors
    /// As [`observe_row`](Self::observe_row).
    fn observe(&mut self, train: &Sketch<'_>) -> Result<(), Error> {
        if train.measures.non_finite > 0 {
            return Err(Error::NonFinite);
        }
        self.observe_row(&train.id, train.values)
    }

    /// The same for a stored row of K numbers, labelled `id`.
    ///
    /// # Errors
    /// [`Error::TooFew`] without a target; [`Error::Length`], [`Error::Mismatch`] or
    /// [`Error::NonFinite`] for the row; [`Error::Diverged`] after a failure. The state
    /// is as it was, and the pass goes on.
    fn observe_row<T: Element>(&mut self, id: &SketchId, row: &[T]) -> Result<(), Error>;

    /// The same for n stored rows of K numbers, one after the other, labelled `id`, with
    /// the bits of one by one, and faster: hand it many. Returns how many have NaN or
    /// infinite entries: they are passed over.
    ///
    /// # Errors
    /// As [`observe_row`](Self::observe_row), but for [`Error::NonFinite`];
    /// [`Error::Length`] if the rows are not whole.
    fn observe_rows<T: Element>(&mut self, id: &SketchId, rows: &[T]) -> Result<usize, Error>;

    /// Ends a pass: a step of every target that is not solved yet; how near the solutions
    /// are.
    ///
    /// # Errors
    /// [`Error::TooFew`] without rows, [`Error::Length`] if there were not as many as in
    /// the first pass: the pass does not count. [`Error::NotPositiveDefinite`] if all
    /// rows were zero. [`Error::Diverged`] if the iteration diverges, or rounding has
    /// made the matrix indefinite: only a reset helps.
    fn end_pass(&mut self) -> Result<Progress, Error>;

    /// The solutions so far, in the order of the targets.
    ///
    /// # Errors
    /// [`Error::NotFitted`] before the first pass has ended; [`Error::Diverged`] after a
    /// failure; [`Error::NonFinite`] if a solution leaves the range of its format.
    fn targets(&self) -> Result<Targets<'_, Self::Solution>, Error>;

    /// All passes over rows that are at hand, one after the other: until every target is
    /// solved, rounding keeps one from it, or `most` passes were made in all.
    ///
    /// # Errors
    /// As [`observe_row`](Self::observe_row) and [`end_pass`](Self::end_pass);
    /// [`Error::Length`] if the rows are not whole.
    fn solve<T: Element>(&mut self, id: &SketchId, rows: &[T], most: u32) -> Result<Progress, Error> {
        loop {
            if self.observe_rows(id, rows)? > 0 {
                return Err(Error::NonFinite);
            }
            let progress = self.end_pass()?;
            if progress.converged || progress.stagnant || progress.passes >= most {
                return Ok(progress);
            }
        }
    }
}
