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

use super::retrac::reciprocal_norm;
use crate::error::{Error, check_length};
use crate::sketch::{Sketch, SketchId};
use crate::state::{FRAME, Reader, State, StateKind, Writer, check_id, check_setting, check_width};
use gradsieve_kernels::score::float;
use gradsieve_kernels::{Element, axpy, dot, squared_norm};

/// The targets at one checkpoint: the summed directions of each subtask's samples, in
/// lent memory.
#[derive(Debug)]
pub struct LessTargets<'m> {
    width: usize,
    id: Option<SketchId>,
    /// Σ v/‖v‖ of each subtask, one after the other.
    sums: &'m mut [f32],
    /// Samples of each subtask.
    counts: &'m mut [f32],
}

impl<'m> LessTargets<'m> {
    /// Numbers of `f32` that so many subtasks need.
    #[must_use]
    pub const fn floats(subtasks: usize, width: usize) -> usize {
        subtasks.saturating_mul(width).saturating_add(subtasks)
    }

    /// No samples yet; `memory` is set to zero.
    ///
    /// # Errors
    /// [`Error::Setting`] without subtasks; [`Error::Width`] if `width` is zero;
    /// [`Error::Length`] if `memory` is not [`LessTargets::floats`] long.
    pub fn new(subtasks: usize, width: usize, memory: &'m mut [f32]) -> Result<Self, Error> {
        if subtasks == 0 {
            return Err(Error::Setting { name: "subtasks", expected: "at least 1" });
        }
        if width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        let (expected, found) = (Self::floats(subtasks, width), memory.len());
        check_length(expected, found)?;
        memory.fill(0.0);
        let Some((sums, counts)) = memory.split_at_mut_checked(subtasks.saturating_mul(width)) else {
            return Err(Error::Length { expected, found });
        };
        Ok(Self { width, id: None, sums, counts })
    }

    /// Takes a sample of a subtask in.
    ///
    /// # Errors
    /// [`Error::Group`] if there is no such subtask; [`Error::NonFinite`], also if the
    /// sketch's norm leaves the range of `f32`; [`Error::Length`] or [`Error::Mismatch`].
    /// The state is as it was.
    pub fn observe(&mut self, subtask: u32, target: &Sketch<'_>) -> Result<(), Error> {
        check_length(self.width, target.values.len())?;
        target.check_finite()?;
        self.id.map_or(Ok(()), |id| id.check(&target.id))?;
        let weight = reciprocal_norm(target.values)?;
        let groups = self.counts.len();
        let sums = self.sums.chunks_exact_mut(self.width.max(1)).zip(self.counts.iter_mut());
        let Some((sum, count)) = sums.into_iter().nth(subtask as usize) else {
            return Err(Error::Group { groups, found: subtask });
        };
        axpy(weight, target.values, sum)?;
        *count += 1.0;
        self.id = Some(target.id);
        Ok(())
    }

    /// Takes in all that `other` has observed.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::Mismatch`]. The state is as it was.
    pub fn merge(&mut self, other: &LessTargets<'_>) -> Result<(), Error> {
        check_length(self.width, other.width)?;
        check_length(self.counts.len(), other.counts.len())?;
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        axpy(1.0, other.sums, self.sums)?;
        axpy(1.0, other.counts, self.counts)?;
        self.id = self.id.or(other.id);
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.sums.fill(0.0);
        self.counts.fill(0.0);
        self.id = None;
    }

    /// Subtasks.
    #[must_use]
    pub const fn subtasks(&self) -> usize {
        self.counts.len()
    }

    /// Refuses to score before every subtask has a sample, or rows of another id.
    fn check(&self, id: &SketchId) -> Result<(), Error> {
        if self.counts.contains(&0.0) {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        self.id.map_or(Err(Error::NotFitted), |own| own.check(id))
    }

    /// Each subtask's mean cosine with one train sample's feature, at this checkpoint.
    ///
    /// # Errors
    /// [`Error::TooFew`] if a subtask has no sample; [`Error::Length`] unless there is a
    /// score for each subtask; [`Error::Mismatch`] or [`Error::NonFinite`] for the
    /// feature. Nothing was written.
    pub fn score(&self, train: &Sketch<'_>, scores: &mut [f64]) -> Result<(), Error> {
        check_length(self.counts.len(), scores.len())?;
        let cosines = self.cosines(train)?;
        scores.iter_mut().zip(cosines).for_each(|(score, cosine)| *score = cosine);
        Ok(())
    }

    /// Each subtask's mean cosine with one train sample's feature.
    fn cosines(&self, train: &Sketch<'_>) -> Result<impl Iterator<Item = f64>, Error> {
        self.check(&train.id)?;
        train.check_finite()?;
        let norm = libm::sqrt(squared_norm(train.values));
        if !norm.is_finite() {
            return Err(Error::NonFinite);
        }
        let sums = self.sums.chunks_exact(self.width.max(1)).zip(self.counts.iter());
        let cosine = move |(sum, &count): (&[f32], &f32)| {
            // Of one length, so there is a dot.
            cosine(dot(train.values, sum).unwrap_or(f64::NAN), norm * f64::from(count))
        };
        Ok(sums.map(cosine))
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
        self.check(id)?;
        float::score_rows(rows, self.width, self.sums, scores)?;
        let width = self.width.max(1);
        let n = rows.len() / width;
        let mut non_finite = 0;
        for (r, row) in rows.chunks_exact(width).enumerate() {
            let square = squared_norm(row);
            let scores = scores.iter_mut().skip(r).step_by(n.max(1));
            // A square that is not finite is that of such an entry, or of one beyond the
            // range.
            let norm = if square.is_finite() { libm::sqrt(square) } else { f64::NAN };
            non_finite += usize::from(norm.is_nan());
            for (score, count) in scores.zip(self.counts.iter()) {
                *score = cosine(f64::from(*score), norm * f64::from(*count)) as f32;
            }
        }
        Ok(non_finite)
    }
}

/// A dot product over norms: 0 where there is no direction, NaN where the norms are.
const fn cosine(dot: f64, norms: f64) -> f64 {
    if norms == 0.0 { 0.0 } else { (dot / norms).clamp(-1.0, 1.0) }
}

/// The running score of one train sample, over checkpoints: a sum for each subtask, in
/// lent memory.
#[derive(Debug)]
pub struct Less<'m> {
    sums: &'m mut [f64],
    weights: f64,
}

impl<'m> Less<'m> {
    /// No checkpoints yet; a sum for each subtask, which are set to zero.
    ///
    /// # Errors
    /// [`Error::Setting`] without subtasks.
    pub fn new(sums: &'m mut [f64]) -> Result<Self, Error> {
        if sums.is_empty() {
            return Err(Error::Setting { name: "subtasks", expected: "at least 1" });
        }
        sums.fill(0.0);
        Ok(Self { sums, weights: 0.0 })
    }

    /// Adds a checkpoint: its weight (the mean learning rate around it, in any unit), its
    /// targets, and the sample's feature there.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the weight is finite and not negative; otherwise as
    /// [`LessTargets::score`]. The state is as it was.
    pub fn observe(
        &mut self,
        weight: f64,
        targets: &LessTargets<'_>,
        train: &Sketch<'_>,
    ) -> Result<(), Error> {
        check_length(self.sums.len(), targets.subtasks())?;
        if !weight.is_finite() || weight < 0.0 {
            return Err(Error::Setting { name: "weight", expected: "finite and not negative" });
        }
        for (sum, cosine) in self.sums.iter_mut().zip(targets.cosines(train)?) {
            *sum += weight * cosine;
        }
        self.weights += weight;
        Ok(())
    }

    /// Adds the checkpoints of `other`, which are none of this one's.
    ///
    /// # Errors
    /// [`Error::Length`] if the numbers of subtasks differ.
    pub fn merge(&mut self, other: &Less<'_>) -> Result<(), Error> {
        check_length(self.sums.len(), other.sums.len())?;
        self.sums.iter_mut().zip(other.sums.iter()).for_each(|(sum, other)| *sum += other);
        self.weights += other.weights;
        Ok(())
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.sums.fill(0.0);
        self.weights = 0.0;
    }

    /// The score of one subtask: the weighted mean over checkpoints; 0 while all weights
    /// are.
    #[must_use]
    pub fn subtask(&self, subtask: usize) -> Option<f64> {
        self.sums.get(subtask).map(|sum| if self.weights > 0.0 { sum / self.weights } else { 0.0 })
    }

    /// The largest score of a subtask; 0 while all weights are.
    #[must_use]
    pub fn score(&self) -> f64 {
        let largest = self.sums.iter().fold(f64::NEG_INFINITY, |largest, &sum| libm::fmax(largest, sum));
        if self.weights > 0.0 { largest / self.weights } else { 0.0 }
    }
}

impl LessTargets<'_> {
    /// Bytes of the state at rest.
    #[must_use]
    pub const fn bytes_at_rest(subtasks: usize, width: usize) -> usize {
        Self::floats(subtasks, width).saturating_mul(4).saturating_add(FRAME + 16)
    }
}

impl State for LessTargets<'_> {
    const KIND: StateKind = StateKind::LessTargets;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.count(self.width);
        to.count(self.counts.len());
        to.f32s(self.sums);
        to.f32s(self.counts);
    }

    fn read(&mut self, id: Option<SketchId>, from: &mut Reader<'_>) -> Result<(), Error> {
        check_width(self.width, from.u64()?)?;
        check_setting(from.u64()? == self.counts.len() as u64)?;
        from.exactly(size_of_val(self.sums).saturating_add(size_of_val(self.counts)))?;
        let mut counts = *from;
        counts.skip(size_of_val(self.sums))?;
        let mut observed = false;
        for _ in &*self.counts {
            observed |= counts.f32()? != 0.0;
        }
        check_id(id, self.width, observed)?;
        from.f32s(self.sums)?;
        from.f32s(self.counts)?;
        self.id = id;
        Ok(())
    }
}

impl Less<'_> {
    /// Bytes of the state at rest.
    #[must_use]
    pub const fn bytes_at_rest(subtasks: usize) -> usize {
        subtasks.saturating_mul(8).saturating_add(FRAME + 16)
    }
}

impl State for Less<'_> {
    const KIND: StateKind = StateKind::Less;

    /// Sums of numbers, which do not know where they came from.
    fn sketch_id(&self) -> Option<SketchId> {
        None
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.count(self.sums.len());
        to.f64(self.weights);
        to.f64s(self.sums);
    }

    fn read(&mut self, _id: Option<SketchId>, from: &mut Reader<'_>) -> Result<(), Error> {
        check_setting(from.u64()? == self.sums.len() as u64)?;
        let weights = from.f64()?;
        from.exactly(size_of_val(self.sums))?;
        from.f64s(self.sums)?;
        self.weights = weights;
        Ok(())
    }
}
