//! LESS: max over subtasks of Σ_c w_c · mean over the subtask's samples v of
//! cos(Γ_z(θ_c), v(θ_c)), over checkpoints c.
//!
//! Γ is the train sample's Adam direction ([`Adam`](super::Adam)), sketched; v is a
//! target's plain gradient, sketched likewise; w_c is the mean learning rate around the
//! checkpoint, and the weights are normalised to sum 1. Positive is helpful. Scale: none,
//! in [−1, 1]. Source: Xia et al. 2024. (Where a subtask is to be its *mean gradient*
//! instead, as the paper's formula has it, observe that one gradient as its only sample.)
//!
//! The mean of cosines with one Γ is a single dot product: mean cos(Γ, v) = Γ/‖Γ‖ · mean
//! v/‖v‖. So a checkpoint's targets are K numbers a subtask, however many samples it has,
//! and a train sample costs one dot product a subtask.
//!
//! The norms are those of the sketches, as in [`grad_cos`](super::grad_cos). A zero
//! vector has no direction; its cosines are 0, and it counts.
//!
//! *Memory*: K + 1 numbers of `f32` a subtask for a checkpoint's targets, one `f64` a
//! subtask for a train sample. *Error*: an entry of the summed directions has a relative
//! error of at most (n + 1)·2⁻²⁴ of the sum of its magnitudes; past 2²⁴ samples of a
//! subtask they are no longer counted.

use super::in_range;
use super::retrac::add_direction;
use super::targets::Targets;
use crate::error::{Error, check_length};
use crate::memory::{Buffer, Memory};
use crate::moments::{added_in_f32, is_count_in_f32};
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, place, slice};
use gradsieve_kernels::score::float;
use gradsieve_kernels::{Certain, Element, axpy, cannot_happen, dot, squared_norm};

/// What [`LessTargets`] are told.
///
/// ```
/// use gradsieve::influence::LessSettings;
///
/// const SETTINGS: LessSettings = LessSettings { subtasks: 4, ..LessSettings::new(64) };
/// assert!(SETTINGS.memory().f32s >= 4 * 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LessSettings {
    /// K.
    pub width: usize,
    /// Subtasks.
    pub subtasks: usize,
}

impl LessSettings {
    /// One subtask.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { width, subtasks: 1 }
    }

    /// K + 1 numbers a subtask.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let f32s = self.subtasks.saturating_mul(self.width).saturating_add(self.subtasks);
        let bytes_at_rest = f32s.saturating_mul(4).saturating_add(FRAME + 16);
        Memory { f32s, bytes_at_rest, ..Memory::NONE }
    }

    /// Refuses what makes no sense.
    const fn check(&self) -> Result<(), Error> {
        if self.subtasks == 0 {
            return Err(Error::Setting { name: "subtasks", expected: "at least 1" });
        }
        if self.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        Ok(())
    }
}

impl Default for LessSettings {
    /// [`LessSettings::new`] of 512 numbers.
    fn default() -> Self {
        Self::new(512)
    }
}

/// The targets at one checkpoint: the summed directions of each subtask's samples.
///
/// LESS needs more than a dot product with them: [`targets`](Self::targets) gives the
/// products of a train sample's feature with the sums, and [`cosines`](Self::cosines) is
/// the step from these to mean cosines, over the feature's norm and the samples' number.
/// [`score`](Self::score) and [`score_rows`](Self::score_rows) do both.
///
/// ```
/// use gradsieve::influence::{Less, LessSettings, LessTargets};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let sketch = |x| Sketch::from_parts(id, x, gradsieve_kernels::summarize(x));
/// const SETTINGS: LessSettings = LessSettings { width: 2, subtasks: 2 };
/// let mut targets = LessTargets::new(SETTINGS, [0.0; SETTINGS.memory().f32s])?;
/// targets.observe(0, &sketch(&[2.0, 0.0])?)?;
/// targets.observe(0, &sketch(&[0.0, 1.0])?)?;
/// targets.observe(1, &sketch(&[-3.0, 0.0])?)?;
///
/// let mut sums = [0.0; 2];
/// let mut sample = Less::new(&mut sums)?;
/// sample.observe(0.1, &targets, &sketch(&[4.0, 0.0])?)?; // 0.1: the learning rate here
/// assert!((sample.score() - 0.5).abs() < 1e-6); // the mean of the cosines 1 and 0
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LessTargets<B> {
    settings: LessSettings,
    id: Option<SketchId>,
    /// Σ v/‖v‖ of each subtask, one after the other; then how many samples each has.
    buffer: B,
}

impl<const N: usize> LessTargets<[f32; N]> {
    /// No samples yet, in an array of its own.
    ///
    /// # Errors
    /// As [`LessTargets::new`].
    pub const fn owned(settings: LessSettings) -> Result<Self, Error> {
        if let Err(error) = settings.check() {
            return Err(error);
        }
        match check_length(settings.memory().f32s, N) {
            Ok(()) => Ok(Self { settings, id: None, buffer: [0.0; N] }),
            Err(error) => Err(error),
        }
    }
}

impl<B: Buffer<f32>> LessTargets<B> {
    /// No samples yet. The buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Setting`] without subtasks; [`Error::Width`] if the width is zero;
    /// [`Error::Length`] if `buffer` is not as long as the settings' memory.
    pub fn new(settings: LessSettings, mut buffer: B) -> Result<Self, Error> {
        settings.check()?;
        check_length(settings.memory().f32s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        Ok(Self { settings, id: None, buffer })
    }

    /// Σ v/‖v‖ of each subtask, and how many samples each has.
    fn parts(&self) -> (&[f32], &[f32]) {
        let LessSettings { width, subtasks } = self.settings;
        self.buffer.as_ref().split_at_checked(subtasks.saturating_mul(width)).certain()
    }

    /// [`LessTargets::parts`], to change them.
    fn parts_mut(&mut self) -> (&mut [f32], &mut [f32]) {
        let LessSettings { width, subtasks } = self.settings;
        self.buffer.as_mut().split_at_mut_checked(subtasks.saturating_mul(width)).certain()
    }

    /// Takes a sample of a subtask in.
    ///
    /// # Errors
    /// [`Error::Group`] if there is no such subtask; [`Error::NonFinite`],
    /// [`Error::Length`] or [`Error::Mismatch`]; [`Error::Full`] past 2²⁴ samples of a
    /// subtask, where sums of `f32` stop counting. The state is as it was.
    pub fn observe(&mut self, subtask: u32, target: &Sketch<'_>) -> Result<(), Error> {
        let LessSettings { width, subtasks } = self.settings;
        check_length(width, target.values.len())?;
        target.check_finite()?;
        self.id.map_or(Ok(()), |id| id.check(&target.id))?;
        let (sums, counts) = self.parts_mut();
        let sums = sums.chunks_exact_mut(width.max(1)).zip(counts);
        let Some((sum, count)) = sums.into_iter().nth(subtask as usize) else {
            return Err(Error::Group { groups: subtasks, found: subtask });
        };
        // Whole numbers up to 2²⁴, unless bytes were forged.
        let more = added_in_f32(*count as u64, 1)?;
        add_direction(target.values, sum)?;
        *count = more as f32;
        self.id = Some(target.id);
        Ok(())
    }

    /// Takes in all that `other` has observed.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Mismatch`]; [`Error::Full`] as for
    /// [`observe`](Self::observe). The state is as it was.
    pub fn merge<O: Buffer<f32>>(&mut self, other: &LessTargets<O>) -> Result<(), Error> {
        check_length(self.settings.width, other.settings.width)?;
        check_length(self.settings.subtasks, other.settings.subtasks)?;
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        for (&count, &more) in self.parts().1.iter().zip(other.parts().1) {
            added_in_f32(count as u64, more as u64)?;
        }
        axpy(1.0, other.buffer.as_ref(), self.buffer.as_mut())?;
        self.id = self.id.or(other.id);
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.buffer.as_mut().fill(0.0);
        self.id = None;
    }

    /// Subtasks.
    #[must_use]
    pub const fn subtasks(&self) -> usize {
        self.settings.subtasks
    }

    /// The summed directions as targets. Their scores become mean cosines by
    /// [`cosines`](Self::cosines).
    ///
    /// # Errors
    /// [`Error::TooFew`] if a subtask has no sample; [`Error::NonFinite`] if a sum is not
    /// finite.
    pub fn targets(&self) -> Result<Targets<'_>, Error> {
        Targets::new(self.checked()?, self.parts().0)
    }

    /// The step from the products of one train sample's feature with the
    /// [`targets`](Self::targets) to each subtask's mean cosine, in place.
    ///
    /// # Errors
    /// [`Error::Length`] unless there is a product for each subtask; [`Error::NonFinite`]
    /// if the feature's squares leave the range of `f32`. Nothing was written.
    pub fn cosines(&self, train: &Sketch<'_>, products: &mut [f64]) -> Result<(), Error> {
        check_length(self.settings.subtasks, products.len())?;
        let norm = libm::sqrt(squared_norm(train.values));
        if !norm.is_finite() {
            return Err(Error::NonFinite);
        }
        for (product, &count) in products.iter_mut().zip(self.parts().1) {
            *product = cosine(*product, norm * f64::from(count));
        }
        Ok(())
    }

    /// What the samples are labelled with, if every subtask has one.
    fn checked(&self) -> Result<SketchId, Error> {
        if self.parts().1.contains(&0.0) {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        self.id.ok_or(Error::NotFitted)
    }

    /// Each subtask's mean cosine with one train sample's feature, at this checkpoint.
    ///
    /// # Errors
    /// [`Error::TooFew`] if a subtask has no sample; [`Error::Length`] unless there is a
    /// score for each subtask; [`Error::Mismatch`] or [`Error::NonFinite`] for the
    /// feature. Nothing was written.
    pub fn score(&self, train: &Sketch<'_>, scores: &mut [f64]) -> Result<(), Error> {
        check_length(self.settings.subtasks, scores.len())?;
        scores.iter_mut().zip(self.mean_cosines(train)?).for_each(|(score, cosine)| *score = cosine);
        Ok(())
    }

    /// Each subtask's mean cosine with one train sample's feature.
    fn mean_cosines(&self, train: &Sketch<'_>) -> Result<impl Iterator<Item = f64>, Error> {
        self.checked()?.check(&train.id)?;
        train.check_finite()?;
        let norm = libm::sqrt(squared_norm(train.values));
        if !norm.is_finite() {
            return Err(Error::NonFinite);
        }
        let (sums, counts) = self.parts();
        let sums = sums.chunks_exact(self.settings.width.max(1)).zip(counts);
        let mean = move |(sum, &count): (&[f32], &f32)| {
            let product = dot(train.values, sum);
            cannot_happen!(product.is_err(), "both are K long");
            cosine(product.unwrap_or(f64::NAN), norm * f64::from(count))
        };
        Ok(sums.map(mean))
    }

    /// Each subtask's mean cosine with n train samples' features, given as stored rows of
    /// K numbers: `scores[s·n + r]`, subtask after subtask. Returns how many rows have
    /// NaN or infinite entries; their scores are NaN.
    ///
    /// The rows are looked at twice, for the products and for the norms: in blocks that
    /// the nearest caches can hold (a few hundred kilobytes), they come from memory once.
    ///
    /// # Errors
    /// [`Error::TooFew`] if a subtask has no sample; [`Error::Mismatch`] if the rows' id
    /// is another one; [`Error::Length`] if the rows are not whole, or there is no score
    /// for each pair. Nothing was written.
    pub fn score_rows<T: Element>(
        &self,
        id: &SketchId,
        rows: &[T],
        scores: &mut [f32],
    ) -> Result<usize, Error> {
        self.checked()?.check(id)?;
        let (sums, counts) = self.parts();
        let width = self.settings.width.max(1);
        float::score_rows(rows, width, sums, scores)?;
        let n = rows.len() / width;
        let mut non_finite = 0;
        for (r, row) in rows.chunks_exact(width).enumerate() {
            let square = squared_norm(row);
            let scores = scores.iter_mut().skip(r).step_by(n.max(1));
            // A square that is not finite is that of such an entry, or of one beyond the
            // range.
            let norm = if square.is_finite() { libm::sqrt(square) } else { f64::NAN };
            non_finite += usize::from(norm.is_nan());
            for (score, count) in scores.zip(counts) {
                *score = cosine(f64::from(*score), norm * f64::from(*count)) as f32;
            }
        }
        Ok(non_finite)
    }
}

/// What [`Error::Range`] says is out of it.
const WEIGHTS: &str = "the sum of weights";

/// A dot product over norms: 0 where there is no direction, NaN where the norms are.
const fn cosine(dot: f64, norms: f64) -> f64 {
    if norms == 0.0 { 0.0 } else { (dot / norms).clamp(-1.0, 1.0) }
}

/// A weighted sum of cosines: no more than the weights, up to rounding.
fn within(sum: f64, weights: f64) -> f64 {
    libm::fmin(libm::fmax(sum, -weights), weights)
}

/// The running score of one train sample, over checkpoints: a sum for each subtask, in
/// the caller's buffer. Its example is that of [`LessTargets`].
///
/// ```
/// use gradsieve::influence::Less;
///
/// let mut sums = [0.0; 4]; // one for each subtask
/// let sample = Less::new(&mut sums)?;
/// assert_eq!(sample.score(), 0.0); // before the first checkpoint
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Less<B> {
    sums: B,
    weights: f64,
}

impl Less<()> {
    /// What a train sample needs for so many subtasks.
    #[must_use]
    pub const fn memory(subtasks: usize) -> Memory {
        let bytes_at_rest = subtasks.saturating_mul(8).saturating_add(FRAME + 16);
        Memory { f64s: subtasks, bytes_at_rest, ..Memory::NONE }
    }
}

impl<B: Buffer<f64>> Less<B> {
    /// No checkpoints yet; a sum for each subtask, which are set to zero.
    ///
    /// # Errors
    /// [`Error::Setting`] without subtasks.
    pub fn new(mut sums: B) -> Result<Self, Error> {
        if sums.as_ref().is_empty() {
            return Err(Error::Setting { name: "subtasks", expected: "at least 1" });
        }
        sums.as_mut().fill(0.0);
        Ok(Self { sums, weights: 0.0 })
    }

    /// Adds a checkpoint: its weight (the mean learning rate around it, in any unit), its
    /// targets, and the sample's feature there.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the weight is finite and not negative; [`Error::Range`]
    /// if the weights sum to more than `f64` holds; otherwise as [`LessTargets::score`].
    /// The state is as it was.
    pub fn observe<T: Buffer<f32>>(
        &mut self,
        weight: f64,
        targets: &LessTargets<T>,
        train: &Sketch<'_>,
    ) -> Result<(), Error> {
        check_length(self.sums.as_ref().len(), targets.subtasks())?;
        if !weight.is_finite() || weight < 0.0 {
            return Err(Error::Setting { name: "weight", expected: "finite and not negative" });
        }
        let (cosines, weights) = (targets.mean_cosines(train)?, in_range(self.weights + weight, WEIGHTS)?);
        for (sum, cosine) in self.sums.as_mut().iter_mut().zip(cosines) {
            *sum = within(*sum + weight * cosine, weights);
        }
        self.weights = weights;
        Ok(())
    }

    /// Adds the checkpoints of `other`, which are none of this one's.
    ///
    /// # Errors
    /// [`Error::Length`] if the numbers of subtasks differ; [`Error::Range`] if the
    /// weights sum to more than `f64` holds. The state is as it was.
    pub fn merge<C: Buffer<f64>>(&mut self, other: &Less<C>) -> Result<(), Error> {
        let (sums, others) = (self.sums.as_mut(), other.sums.as_ref());
        check_length(sums.len(), others.len())?;
        let weights = in_range(self.weights + other.weights, WEIGHTS)?;
        sums.iter_mut().zip(others).for_each(|(sum, other)| *sum = within(*sum + other, weights));
        self.weights = weights;
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.sums.as_mut().fill(0.0);
        self.weights = 0.0;
    }

    /// The score of one subtask: the weighted mean over checkpoints; 0 while all weights
    /// are.
    #[must_use]
    pub fn subtask(&self, subtask: usize) -> Option<f64> {
        self.sums.as_ref().get(subtask).map(|sum| if self.weights > 0.0 { sum / self.weights } else { 0.0 })
    }

    /// The largest score of a subtask; 0 while all weights are.
    #[must_use]
    pub fn score(&self) -> f64 {
        let sums = self.sums.as_ref().iter();
        let largest = sums.fold(f64::NEG_INFINITY, |largest, &sum| libm::fmax(largest, sum));
        if self.weights > 0.0 { largest / self.weights } else { 0.0 }
    }
}

impl<B: Buffer<f32>> State for LessTargets<B> {
    const KIND: StateKind = StateKind::LessTargets;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }
}

impl<B: Buffer<f32>> Body for LessTargets<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let LessSettings { width, subtasks } = walk.state().settings;
        walk.width(width)?;
        walk.setting(subtasks)?;
        let sums = subtasks.saturating_mul(width);
        walk.finite_numbers(slice!(buffer), 0..sums)?;
        let mut observed = false;
        walk.records(slice!(buffer), sums..sums.saturating_add(subtasks), |cursor, count: &mut f32| {
            cursor.number(count)?;
            observed |= *count != 0.0;
            cursor.require(is_count_in_f32(*count), Error::Corrupt)
        })?;
        walk.require_id(width, observed)?;
        let id = walk.id();
        walk.load_with(|state| state.id = id);
        Ok(())
    }
}

impl<B: Buffer<f64>> State for Less<B> {
    const KIND: StateKind = StateKind::Less;

    /// Sums of numbers, which do not know where they came from.
    fn sketch_id(&self) -> Option<SketchId> {
        None
    }
}

impl<B: Buffer<f64>> Body for Less<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let subtasks = walk.state().sums.as_ref().len();
        walk.setting(subtasks)?;
        let weights = walk.finite(place!(weights))?;
        walk.require(weights >= 0.0, Error::Corrupt)?;
        walk.records(slice!(sums), 0..subtasks, |cursor, sum: &mut f64| {
            cursor.number(sum)?;
            cursor.require((-weights..=weights).contains(sum), Error::Corrupt)
        })
    }
}
