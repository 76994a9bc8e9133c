//! Q targets side by side: one train sample, or a block of stored rows, against all of
//! them at once.
//!
//! Every method whose score is a dot product of the train sketch with something made from
//! the target ends here: φ_v itself (dot), solved systems (ridge, TRAK, DataInf, LiSSA,
//! conjugate gradients), mean directions (LESS). The solutions stand one after the other,
//! K numbers each, in the memory that the methods wrote them to; sign and scale are
//! theirs.
//!
//! | function | sums | for |
//! |---|---|---|
//! | [`Targets::score`] | canonical, `f64`: the bits of the method's own score | one sketch |
//! | [`Targets::score_rows`] | those of [`gradsieve_kernels::score`], `f32` | rows of `f32`, `f16` or `bf16`, which stream from memory once for eight targets and more |
//!
//! *Memory*: none of its own. *Cost*: Q·K multiply–adds a row. Segments that are stored
//! sealed, and codecs of one byte or bit, are scored by the kernels of
//! [`gradsieve_kernels::score`] with [`Targets::solutions`] as their queries.

use super::precision::{Precision, round};
use super::wide::pieces;
use crate::error::{Error, check_length};
use crate::memory::Memory;
use crate::sketch::{Sketch, SketchId, all_finite};
use crate::state::Number;
use crate::state::{self, FRAME, StateKind};
use gradsieve_kernels::score::float;
use gradsieve_kernels::{Certain, Element, dot, double};

/// Solved targets, K numbers each: `f32`, or `f64` where the system is ill-conditioned
/// (see [`Precision`]).
///
/// ```
/// use gradsieve::influence::Targets;
/// use gradsieve::{Exact, Layout, Projector};
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// // Two target gradients as they are: the influence is their dot product.
/// let targets = Targets::new(id, &[1.0_f32, 0.0, 1.0, 1.0])?;
/// let rows = [0.5_f32, 1.0, -2.0, 1.0]; // of two train samples
/// let mut scores = [0.0; 4];
/// assert_eq!(targets.score_rows(&id, &rows, &mut scores)?, 0); // rows that are not finite
/// assert_eq!(scores, [0.5, -2.0, 1.5, -1.0]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Targets<'t, T = f32> {
    id: SketchId,
    solutions: &'t [T],
}

impl<'t, T: Precision> Targets<'t, T> {
    /// The targets whose `solutions` stand one after the other, and what they are
    /// labelled with.
    ///
    /// # Errors
    /// [`Error::Width`] if K is zero; [`Error::Length`] if the solutions aren't a
    /// multiple of K; [`Error::NonFinite`].
    pub fn new(id: SketchId, solutions: &'t [T]) -> Result<Self, Error> {
        if id.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        let whole = solutions.len() / id.width * id.width;
        check_length(whole, solutions.len())?;
        if !solutions.iter().all(|&x| x.into().is_finite()) {
            return Err(Error::NonFinite);
        }
        Ok(Self { id, solutions })
    }

    /// Q.
    #[must_use]
    pub const fn count(&self) -> usize {
        match self.solutions.len().checked_div(self.id.width) {
            Some(count) => count,
            None => 0,
        }
    }

    /// What the targets are labelled with.
    #[must_use]
    pub const fn id(&self) -> SketchId {
        self.id
    }

    /// The solutions, one after the other.
    #[must_use]
    pub const fn solutions(&self) -> &'t [T] {
        self.solutions
    }

    /// The influence of one train sample on each target.
    ///
    /// # Errors
    /// [`Error::Length`] unless there is a score for each target; [`Error::Mismatch`] or
    /// [`Error::NonFinite`] for the sample. Nothing was written.
    pub fn score(&self, train: &Sketch<'_>, scores: &mut [f64]) -> Result<(), Error> {
        check_length(self.count(), scores.len())?;
        self.id.check(&train.id)?;
        train.check_finite()?;
        for (score, solution) in scores.iter_mut().zip(self.solutions.chunks_exact(self.id.width.max(1))) {
            *score = T::product(solution, train.values)?;
        }
        Ok(())
    }

    /// The influence of one train sample on the only target.
    ///
    /// # Errors
    /// [`Error::Length`] unless there is one target; [`Error::Mismatch`] or
    /// [`Error::NonFinite`] for the sample.
    pub fn score_one(&self, train: &Sketch<'_>) -> Result<f64, Error> {
        let mut score = [0.0];
        self.score(train, &mut score)?;
        let [score] = score;
        Ok(score)
    }
}

impl<'t> Targets<'t> {
    /// [`Targets::new`] of solutions that are whole and finite.
    pub(super) const fn checked(id: SketchId, solutions: &'t [f32]) -> Self {
        Self { id, solutions }
    }

    /// The influence of the gradient b aᵀ of one linear layer, which is never formed, on
    /// each target. The targets' numbers are the layer's outputs × inputs, row by row, as
    /// those of [`Ekfac`](super::Ekfac) are. Sum it over positions and layers.
    ///
    /// # Errors
    /// [`Error::Length`] unless there is a score for each target, and a·b numbers are K;
    /// [`Error::NonFinite`] for the factors. Nothing was written.
    pub fn score_factors(&self, a: &[f32], b: &[f32], scores: &mut [f64]) -> Result<(), Error> {
        check_length(self.count(), scores.len())?;
        check_length(self.id.width, a.len().saturating_mul(b.len()))?;
        if !a.iter().chain(b).all(|value| value.is_finite()) {
            return Err(Error::NonFinite);
        }
        for (score, solution) in scores.iter_mut().zip(self.solutions.chunks_exact(self.id.width.max(1))) {
            let mut sum = 0.0;
            for (row, &b) in solution.chunks_exact(a.len().max(1)).zip(b) {
                sum += f64::from(b) * dot(row, a)?;
            }
            *score = sum;
        }
        Ok(())
    }

    /// The influence of n train samples, given as stored rows of K numbers, on each
    /// target: `scores[q·n + r]`, target after target. Returns how many rows have NaN or
    /// infinite entries; their scores are NaN. (So are scores beyond the range of `f32`.)
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the rows' id is another one; [`Error::Length`] if the rows
    /// are not whole, or there is no score for each pair. Nothing was written.
    pub fn score_rows<T: Element>(
        &self,
        id: &SketchId,
        rows: &[T],
        scores: &mut [f32],
    ) -> Result<usize, Error> {
        self.id.check(id)?;
        let n = rows.len() / self.id.width.max(1);
        float::score_rows(rows, self.id.width, self.solutions, scores)?;
        // A row with such an entry has no finite score, so the scores tell, and the rows
        // are not read again.
        let is_non_finite =
            |scores: &[f32], r: usize| scores.iter().skip(r).step_by(n.max(1)).any(|s| !s.is_finite());
        if all_finite(scores) {
            return Ok(0);
        }
        let mut count = 0;
        for r in 0..n {
            if is_non_finite(scores, r) {
                count += 1;
                scores.iter_mut().skip(r).step_by(n.max(1)).for_each(|score| *score = f32::NAN);
            }
        }
        Ok(count)
    }

    /// What so many targets of `width` numbers need.
    #[must_use]
    pub const fn memory(width: usize, targets: usize) -> Memory {
        let f32s = width.saturating_mul(targets);
        Memory { f32s, bytes_at_rest: f32s.saturating_mul(4).saturating_add(FRAME), ..Memory::NONE }
    }

    /// Writes the targets to the front of `to`, and returns how many bytes it took.
    ///
    /// # Errors
    /// [`Error::Length`] if `to` is shorter than [`Targets::memory`] says; nothing was
    /// written.
    pub fn to_bytes(&self, to: &mut [u8]) -> Result<usize, Error> {
        state::to_bytes(StateKind::Targets, Some(self.id), to, |to| f32::put_all(self.solutions, to))
    }

    /// The targets that were written, their numbers in `memory`.
    ///
    /// # Errors
    /// As [`State::restore`](crate::State::restore); [`Error::Length`] if `memory` is not
    /// K numbers a target long. Nothing was written.
    pub fn from_bytes(from: &[u8], memory: &'t mut [f32]) -> Result<Self, Error> {
        let (id, mut body) = state::open(StateKind::Targets, from)?;
        let id = id.filter(|id| id.width > 0).ok_or(Error::Corrupt)?;
        let (mut checked, mut numbers) = (body, 0_usize);
        while let Ok(number) = f32::take(&mut checked) {
            if !number.is_finite() {
                return Err(Error::Corrupt);
            }
            numbers += 1;
        }
        body.exactly(numbers.saturating_mul(4))?;
        if !numbers.is_multiple_of(id.width) {
            return Err(Error::Corrupt);
        }
        check_length(numbers, memory.len())?;
        f32::take_all(memory, &mut body)?;
        Ok(Self { id, solutions: memory })
    }
}

impl Targets<'_, f64> {
    /// The same rounded to `f32`, for what takes nothing else. `out` is as many numbers.
    ///
    /// # Errors
    /// [`Error::Length`]; [`Error::Range`] if a solution leaves the range of `f32`, and
    /// then `out` is of no use.
    pub fn rounded<'o>(&self, out: &'o mut [f32]) -> Result<Targets<'o>, Error> {
        check_length(self.solutions.len(), out.len())?;
        let width = self.id.width.max(1);
        for (from, to) in self.solutions.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            round(from, to)?;
        }
        Targets::new(self.id, out)
    }

    /// The influence of n train samples, given as stored rows of K numbers, on each
    /// target: `scores[q·n + r]`, target after target, in `f64` but for the rows. Returns
    /// how many rows have NaN or infinite entries; their scores are NaN.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the rows' id is another one; [`Error::Length`] if the rows
    /// are not whole, or there is no score for each pair. Nothing was written.
    pub fn score_rows<E: Element>(
        &self,
        id: &SketchId,
        rows: &[E],
        scores: &mut [f64],
    ) -> Result<usize, Error> {
        self.id.check(id)?;
        let width = self.id.width.max(1);
        let n = rows.len() / width;
        check_length(n * width, rows.len())?;
        check_length(self.count().saturating_mul(n), scores.len())?;
        let mut non_finite = 0;
        for (r, row) in rows.chunks_exact(width).enumerate() {
            let is_finite = row.iter().all(|x| x.widen().is_finite());
            non_finite += usize::from(!is_finite);
            let start = if is_finite { 0.0 } else { f64::NAN };
            scores.iter_mut().skip(r).step_by(n.max(1)).for_each(|score| *score = start);
            pieces(row, width, |row, at| {
                let scores = scores.iter_mut().skip(r).step_by(n.max(1));
                for (score, solution) in scores.zip(self.solutions.chunks_exact(width)) {
                    *score += double::dot(solution.get(at.clone()).certain(), row)?;
                }
                Ok(())
            })?;
        }
        Ok(non_finite)
    }
}
