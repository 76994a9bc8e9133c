//! What a run leaves behind for the walk back: each step's learning rate, samples and
//! rows, in the caller's buffers.
//!
//! *Memory*: 4·K + 4 bytes a sample of a step, 4·K a factor row, and [`StepMark`]'s bytes
//! a step ([`RecorderSettings::memory`]). *Cost*: a copy.

use super::{Curvature, Step};
use crate::error::{Error, check_length};
use crate::influence::curvature::copy;
use crate::memory::Memory;
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, place, slice};
use gradsieve_kernels::Certain;

/// Where a step begins, and how far it stepped. The recorder's own; lend it a slice of
/// them.
///
/// ```
/// use gradsieve::influence::dvemb::StepMark;
///
/// let marks = [StepMark::default(); 100]; // for a run of a hundred steps
/// assert!(size_of_val(&marks) <= 2400);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepMark {
    learning_rate: f32,
    /// Samples and factor rows of this step and all before it.
    samples: usize,
    factors: usize,
}

/// How much a [`Recorder`] keeps.
///
/// ```
/// use gradsieve::influence::dvemb::RecorderSettings;
///
/// const RUN: RecorderSettings = RecorderSettings { width: 64, steps: 100, samples: 800, factors: 0 };
/// assert_eq!((RUN.memory().f32s, RUN.memory().others), (800 * 64, 100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecorderSettings {
    /// K.
    pub width: usize,
    /// Steps.
    pub steps: usize,
    /// Samples, each counted once a step that it is in.
    pub samples: usize,
    /// Factor rows of all steps.
    pub factors: usize,
}

impl RecorderSettings {
    /// The rows as `f32`, and a [`StepMark`] a step; beside these, a `u32` a sample.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let f32s = self.samples.saturating_add(self.factors).saturating_mul(self.width);
        let marks = self.steps.saturating_mul(MARK_AT_REST);
        let numbers = f32s.saturating_add(self.samples).saturating_mul(4);
        Memory {
            f32s,
            others: self.steps,
            bytes_at_rest: marks.saturating_add(numbers).saturating_add(FRAME + 24),
            ..Memory::NONE
        }
    }
}

/// Records a run while training goes forward, sample by sample; then
/// [`Recorder::backward`] gives the steps, the last first.
///
/// A run without any factor rows is one of the empirical Fisher.
///
/// ```
/// use gradsieve::influence::dvemb::{Recorder, StepMark};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let (mut marks, mut ids, mut rows) = ([StepMark::default(); 2], [0; 2], [0.0; 4]);
/// let mut run = Recorder::new(id, &mut marks, &mut ids, &mut rows, &mut [])?;
/// for (sample, gradient) in [(7, [1.0, 0.0]), (8, [0.0, 1.0])] {
///     run.sample(sample, &Sketch::from_parts(id, &gradient, gradsieve_kernels::summarize(&gradient))?)?;
///     run.step(0.1)?;
/// }
/// let back: Vec<u32> = run.backward().map(|(samples, _)| samples[0]).collect();
/// assert_eq!(back, [8, 7]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Debug)]
pub struct Recorder<'m> {
    id: SketchId,
    /// Finished steps.
    steps: usize,
    /// Samples and factor rows so far, those of the unfinished step among them.
    samples: usize,
    factors: usize,
    marks: &'m mut [StepMark],
    ids: &'m mut [u32],
    gradients: &'m mut [f32],
    factor_rows: &'m mut [f32],
}

impl<'m> Recorder<'m> {
    /// An empty record of sketches of that id. There is room for as many steps as `marks`
    /// is long, for as many samples as `ids`, and `gradients` has K numbers a sample;
    /// `factors` has K numbers a factor row.
    ///
    /// # Errors
    /// [`Error::Length`] if `gradients` or `factors` is not such.
    pub fn new(
        id: SketchId,
        marks: &'m mut [StepMark],
        ids: &'m mut [u32],
        gradients: &'m mut [f32],
        factors: &'m mut [f32],
    ) -> Result<Self, Error> {
        check_length(ids.len().saturating_mul(id.width), gradients.len())?;
        let rows = factors.len().checked_div(id.width).unwrap_or(0);
        check_length(rows * id.width, factors.len())?;
        Ok(Self { id, steps: 0, samples: 0, factors: 0, marks, ids, gradients, factor_rows: factors })
    }

    /// Forgets everything.
    pub const fn reset(&mut self) {
        (self.steps, self.samples, self.factors) = (0, 0, 0);
    }

    /// Finished steps.
    #[must_use]
    pub const fn steps(&self) -> usize {
        self.steps
    }

    /// Takes in a sample of the step that is under way.
    ///
    /// # Errors
    /// [`Error::Mismatch`]; [`Error::NonFinite`]; [`Error::Full`] if there is no room for
    /// another sample. The record is as it was.
    pub fn sample(&mut self, sample: u32, gradient: &Sketch<'_>) -> Result<(), Error> {
        self.id.check(&gradient.id)?;
        gradient.check_finite()?;
        let full = Error::Full { capacity: self.ids.len() };
        let row = row_mut(self.gradients, self.id.width, self.samples).ok_or(full)?;
        *self.ids.get_mut(self.samples).ok_or(full)? = sample;
        copy(gradient.values, row);
        self.samples += 1;
        Ok(())
    }

    /// Takes in a row h of the step's curvature Σ h hᵀ ([`Curvature::Factors`]).
    ///
    /// # Errors
    /// As [`Recorder::sample`].
    pub fn factor(&mut self, row: &Sketch<'_>) -> Result<(), Error> {
        self.id.check(&row.id)?;
        row.check_finite()?;
        let capacity = self.factor_rows.len().checked_div(self.id.width).unwrap_or(0);
        let to = row_mut(self.factor_rows, self.id.width, self.factors).ok_or(Error::Full { capacity })?;
        copy(row.values, to);
        self.factors += 1;
        Ok(())
    }

    /// Ends the step that is under way: `learning_rate` is η in sum form, lr/B for a mean
    /// over B samples.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is finite and not negative; [`Error::Full`] if there
    /// is no room for another step. The record is as it was.
    pub fn step(&mut self, learning_rate: f32) -> Result<(), Error> {
        if !learning_rate.is_finite() || learning_rate < 0.0 {
            return Err(Error::Setting { name: "learning_rate", expected: "finite and not negative" });
        }
        let full = Error::Full { capacity: self.marks.len() };
        let mark = self.marks.get_mut(self.steps).ok_or(full)?;
        *mark = StepMark { learning_rate, samples: self.samples, factors: self.factors };
        self.steps += 1;
        Ok(())
    }

    /// Forgets the samples and factor rows of the step that is under way, such as one
    /// that was not taken after all.
    pub fn abandon(&mut self) {
        let last = self.before(self.steps);
        (self.samples, self.factors) = (last.samples, last.factors);
    }

    /// The finished steps, the last one first, each with its samples.
    pub fn backward(&self) -> impl Iterator<Item = (&[u32], Step<'_>)> {
        (0..self.steps).rev().map(|step| {
            let (first, mark) = (self.before(step), self.before(step + 1));
            let width = self.id.width;
            let factors = self.factor_rows.get(first.factors * width..mark.factors * width).certain();
            let curvature =
                if self.factors == 0 { Curvature::EmpiricalFisher } else { Curvature::Factors(factors) };
            let gradients = self.gradients.get(first.samples * width..mark.samples * width).certain();
            let samples = self.ids.get(first.samples..mark.samples).certain();
            (samples, Step { id: self.id, learning_rate: mark.learning_rate, gradients, curvature })
        })
    }

    /// Where step `step` begins.
    fn before(&self, step: usize) -> StepMark {
        step.checked_sub(1).map_or(StepMark::default(), |last| self.marks.get(last).copied().certain())
    }
}

/// Row `i`, if there is one.
fn row_mut(rows: &mut [f32], width: usize, i: usize) -> Option<&mut [f32]> {
    let start = i.checked_mul(width)?;
    rows.get_mut(start..start.checked_add(width)?)
}

/// Bytes of a step at rest.
const MARK_AT_REST: usize = 24;

impl State for Recorder<'_> {
    const KIND: StateKind = StateKind::Recorder;

    fn sketch_id(&self) -> Option<SketchId> {
        Some(self.id)
    }
}

impl Body for Recorder<'_> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let width = walk.state().id.width;
        walk.require(walk.id().is_some(), Error::Corrupt)?;
        let steps = walk.number(place!(steps))?;
        let samples = walk.number(place!(samples))?;
        let factors = walk.number(place!(factors))?;
        let Recorder { marks, ids, factor_rows, .. } = walk.state();
        let most = (marks.len(), ids.len(), factor_rows.len().checked_div(width).unwrap_or(0));
        walk.require(steps <= most.0, Error::Full { capacity: most.0 })?;
        walk.require(samples <= most.1, Error::Full { capacity: most.1 })?;
        walk.require(factors <= most.2, Error::Full { capacity: most.2 })?;
        // Steps follow each other, and none goes beyond what there is.
        let mut before = StepMark::default();
        walk.records(slice!(marks), 0..steps, |cursor, mark: &mut StepMark| {
            cursor.number(&mut mark.learning_rate)?;
            cursor.zeros(4)?;
            cursor.number(&mut mark.samples)?;
            cursor.number(&mut mark.factors)?;
            let rises = mark.samples >= before.samples && mark.factors >= before.factors;
            let ends = mark.samples <= samples && mark.factors <= factors;
            let steps_on = mark.learning_rate.is_finite() && mark.learning_rate >= 0.0;
            before = *mark;
            cursor.require(rises && ends && steps_on, Error::Corrupt)
        })?;
        walk.numbers(slice!(ids), 0..samples)?;
        walk.numbers(slice!(gradients), 0..samples.saturating_mul(width))?;
        walk.numbers(slice!(factor_rows), 0..factors.saturating_mul(width))
    }
}
