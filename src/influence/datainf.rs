//! DataInf: Σ_l r_l·g_l over the layers l, r_l = 1/(n λ_l) Σ_i [v_l − (v_l·g_il)/(λ_l +
//! ‖g_il‖²) g_il], λ_l = damping · mean of all squared entries of the layer's training
//! gradients.
//!
//! It is the mean of the samples' own inverses (g gᵀ + λI)⁻¹ in place of the inverse of
//! their mean, which makes it a closed form in one pass and exact for one sample (Sherman
//! & Morrison); its curvature is block-diagonal by layers. Positive is helpful (the
//! paper's influence has the opposite sign). Scale as ridge. The usual damping is a
//! tenth. Source: Kwon, Wu, Wu & Zou 2024.
//!
//! A layer is a range of the sketch's numbers: of the gradient itself
//! ([`Exact`](crate::Exact)), or of a sketch whose layers were projected apart. A sketch
//! in which one projection has mixed all layers is one layer, 0..K. Numbers that lie in
//! no layer take no part. A layer in which every training gradient is zero has no
//! influence.
//!
//! Two passes over the rows: [`DataInf::observe`] finds λ_l, [`DataInfSolver::observe`]
//! solves for Q targets together. *Memory*: [`DataInfSettings::memory`], 32 bytes a
//! layer, and for the second pass 4·K a target and 16 rows. *Cost*: K a row, then 2·K +
//! K/Q multiply–adds a row and target. *Error*: r_l has one of at most (K/16 + 90)·2⁻²⁴
//! of the sum of its magnitudes. Of a single sample nearly all of that cancels along its
//! own gradient; where λ_l is below 10⁻⁴ of its square the pass ends in
//! [`Error::NotSolved`]. Solutions that leave the range of `f32` are an
//! [`Error::Range`].

use super::check_damping;
use super::curvature::{Gram, GramState, copy};
use super::passes::Progress;
use super::precision::Precision;
use super::solver::IterativeSolver;
use super::targets::Targets;
use crate::error::{Error, Field, check_length};
use crate::memory::{Buffer, Memory};
use crate::moments::added;
use crate::sketch::{Sketch, SketchId};
use crate::state::{Body, FRAME, State, StateKind, Walk, place, slice};
use core::ops::Range;
use gradsieve_kernels::{Certain, Element, squared_norm};

/// A layer's place in the sketch, and what is known of it.
///
/// ```
/// use gradsieve::influence::DataInfLayer;
///
/// // Two layers that stand one behind the other in the sketch.
/// let layers = [DataInfLayer::new(0..64), DataInfLayer::new(64..96)];
/// assert_eq!(layers[1].range(), 64..96);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DataInfLayer {
    start: usize,
    end: usize,
    /// Σ ‖g_il‖², and λ_l once it is known.
    squares: f64,
    damping: f64,
}

impl DataInfLayer {
    /// The layer of the sketch's numbers `range`.
    #[must_use]
    pub const fn new(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end, squares: 0.0, damping: 0.0 }
    }

    /// Its numbers.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// λ_l; 0 before [`DataInf::fit`].
    #[must_use]
    pub const fn damping(&self) -> f64 {
        self.damping
    }

    /// What weighs a row with that squared norm in the layer.
    fn weight(&self, square: f64) -> f64 {
        if self.damping > 0.0 { 1.0 / (self.damping + square) } else { 0.0 }
    }
}

/// What [`DataInf`] is told.
///
/// ```
/// use gradsieve::influence::DataInfSettings;
///
/// const SETTINGS: DataInfSettings = DataInfSettings { layers: 2, ..DataInfSettings::new(96) };
/// assert_eq!(SETTINGS.memory().others, 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DataInfSettings {
    /// K.
    pub width: usize,
    /// Layers that the sketch keeps apart.
    pub layers: usize,
    /// The most targets of a second pass.
    pub targets: usize,
    /// λ_l in units of the mean of the layer's squared entries.
    pub damping: f32,
}

impl DataInfSettings {
    /// One layer, one target, a tenth of the mean square.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { width, layers: 1, targets: 1, damping: 0.1 }
    }

    /// The layers for [`DataInf`]; the `f32` of the second pass for [`DataInfSolver`].
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let values = self.width.saturating_mul(self.targets);
        Memory {
            f32s: values.saturating_add(self.targets).saturating_add(Gram::floats(self.targets, self.width)),
            others: self.layers,
            bytes_at_rest: self.layers.saturating_mul(LAYER_AT_REST).saturating_add(FRAME + 32),
            ..Memory::NONE
        }
    }
}

impl Default for DataInfSettings {
    /// [`DataInfSettings::new`] of 512 numbers.
    fn default() -> Self {
        Self::new(512)
    }
}

/// The first pass: the λ of each layer.
///
/// ```
/// use gradsieve::influence::{DataInf, DataInfLayer, DataInfSettings, IterativeSolver};
/// use gradsieve::{Exact, Layout, Projector, Sketch};
///
/// let rows = [1.0_f32, 0.0, 0.5, 0.5, -1.0, 2.0]; // three samples, K = 2
/// let id = Exact::new(2).id(Layout::flat(2)?.id());
/// let target = [1.0, 1.0];
/// let target = Sketch::from_parts(id, &target, gradsieve_kernels::summarize(&target))?;
///
/// const SETTINGS: DataInfSettings = DataInfSettings { layers: 2, ..DataInfSettings::new(2) };
/// let mut first = DataInf::new(SETTINGS, [DataInfLayer::new(0..1), DataInfLayer::new(1..2)])?;
/// rows.chunks(2).try_for_each(|row| first.observe_row(&id, row))?;
/// first.fit()?;
/// let mut second = first.solver(1, [0.0; SETTINGS.memory().f32s])?;
/// second.target(&target)?;
/// second.observe_rows(&id, &rows)?;
/// second.end_pass()?;
/// let mut scores = [0.0_f32; 3];
/// second.targets()?.score_rows(&id, &rows, &mut scores)?;
/// assert!(scores[0] > 0.0);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DataInf<B> {
    settings: DataInfSettings,
    layers: B,
    id: Option<SketchId>,
    count: u64,
    fitted: bool,
}

impl<B: Buffer<DataInfLayer>> DataInf<B> {
    /// No observations yet. The layers are forgotten but for their places.
    ///
    /// # Errors
    /// [`Error::Setting`] unless the damping is positive and finite; [`Error::Length`] if
    /// there are not as many layers as the settings say; [`Error::Layer`] with the index
    /// of the first layer that is empty, overlaps the one before it, stands out of order
    /// or ends beyond the width, or with index 0 if there is none.
    pub fn new(settings: DataInfSettings, layers: B) -> Result<Self, Error> {
        check_damping(settings.damping)?;
        check_length(settings.layers, layers.as_ref().len())?;
        let mut end = 0;
        for (index, layer) in layers.as_ref().iter().enumerate() {
            if layer.start < end || layer.start >= layer.end || layer.end > settings.width {
                return Err(Error::Layer { index });
            }
            end = layer.end;
        }
        if settings.layers == 0 {
            return Err(Error::Layer { index: 0 });
        }
        let mut new = Self { settings, layers, id: None, count: 0, fitted: false };
        new.reset();
        Ok(new)
    }

    /// Forgets everything but the layers' places.
    pub fn reset(&mut self) {
        self.layers.as_mut().iter_mut().for_each(|layer| *layer = DataInfLayer::new(layer.range()));
        (self.id, self.count, self.fitted) = (None, 0, false);
    }

    /// Takes a training sketch in.
    ///
    /// # Errors
    /// [`Error::NonFinite`], also if a square leaves the range of `f32`;
    /// [`Error::Length`] or [`Error::Mismatch`]; [`Error::Full`] past 2⁶⁴ observations.
    /// The state is as it was.
    pub fn observe(&mut self, train: &Sketch<'_>) -> Result<(), Error> {
        if train.measures.non_finite > 0 {
            return Err(Error::NonFinite);
        }
        self.observe_row(&train.id, train.values)
    }

    /// The same for a stored row of K numbers, labelled `id`.
    ///
    /// # Errors
    /// As [`DataInf::observe`].
    pub fn observe_row<T: Element>(&mut self, id: &SketchId, row: &[T]) -> Result<(), Error> {
        check_length(self.settings.width, row.len())?;
        self.id.map_or(Ok(()), |own| own.check(id))?;
        let square = squared_norm(row);
        if !square.is_finite() {
            return Err(Error::NonFinite);
        }
        let count = added(self.count, 1)?;
        for layer in self.layers.as_mut() {
            let all = layer.range().len() == row.len();
            layer.squares += if all { square } else { squared_norm(row.get(layer.range()).certain()) };
        }
        self.id = Some(*id);
        self.count = count;
        self.fitted = false;
        Ok(())
    }

    /// Takes in all that `other` has observed.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the two observed different kinds of sketch,
    /// [`Error::Length`] if their widths differ, [`Error::Setting`] if their layers or
    /// dampings do. The state is as it was.
    pub fn merge<O: Buffer<DataInfLayer>>(&mut self, other: &DataInf<O>) -> Result<(), Error> {
        check_length(self.settings.width, other.settings.width)?;
        if self.settings.damping != other.settings.damping {
            return Err(Error::Setting { name: "damping", expected: "the same as the other state's" });
        }
        let ranges = |layers| <[DataInfLayer]>::iter(layers).map(DataInfLayer::range);
        if !ranges(self.layers.as_ref()).eq(ranges(other.layers.as_ref())) {
            return Err(Error::Setting { name: "layers", expected: "the same as the other state's" });
        }
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        let count = added(self.count, other.count)?;
        for (to, from) in self.layers.as_mut().iter_mut().zip(other.layers.as_ref()) {
            to.squares += from.squares;
        }
        self.id = self.id.or(other.id);
        self.count = count;
        self.fitted = false;
        Ok(())
    }

    /// Ends the first pass.
    ///
    /// # Errors
    /// [`Error::TooFew`] without observations; [`Error::NotPositiveDefinite`] if all of
    /// them were zero in every layer.
    pub fn fit(&mut self) -> Result<(), Error> {
        if self.count == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        if self.layers.as_ref().iter().all(|layer| layer.squares == 0.0) {
            return Err(Error::NotPositiveDefinite);
        }
        for layer in self.layers.as_mut() {
            let entries = self.count as f64 * layer.range().len() as f64;
            layer.damping = f64::from(self.settings.damping) * layer.squares / entries;
        }
        self.fitted = true;
        Ok(())
    }

    /// The layers.
    #[must_use]
    pub fn layers(&self) -> &[DataInfLayer] {
        self.layers.as_ref()
    }

    /// Begins the second pass, for up to `targets` targets. The buffer is as long as
    /// [`DataInfSettings::memory`] says for so many.
    ///
    /// # Errors
    /// [`Error::NotFitted`]; [`Error::Length`] if `buffer` is of another length.
    pub fn solver<F: Buffer<f32>>(
        &self,
        targets: usize,
        mut buffer: F,
    ) -> Result<DataInfSolver<'_, F>, Error> {
        let Some(id) = self.id.filter(|_| self.fitted) else { return Err(Error::NotFitted) };
        let needed = DataInfSettings { targets, ..self.settings }.memory();
        check_length(needed.f32s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        let (layers, count, gram) = (self.layers.as_ref(), self.count, GramState::NEW);
        Ok(DataInfSolver {
            layers,
            count,
            id,
            most: targets,
            targets: 0,
            seen: 0,
            solved: false,
            gram,
            buffer,
        })
    }
}

/// The second pass: the training rows again, for several targets together. Its example is
/// that of [`DataInf`].
#[derive(Clone, Debug)]
pub struct DataInfSolver<'t, B> {
    layers: &'t [DataInfLayer],
    count: u64,
    id: SketchId,
    most: usize,
    targets: usize,
    seen: u64,
    /// Whether the pass has ended, and the solutions stand where it left numbers free.
    solved: bool,
    gram: GramState,
    /// v of each target, layer after layer, divided by a power of two that brings it near
    /// 1; these powers; then the pass.
    buffer: B,
}

impl<B: Buffer<f32>> DataInfSolver<'_, B> {
    /// The values of the targets and their scales, and the pass.
    fn view(&mut self) -> (Scaled<'_>, Gram<'_>) {
        let (values, rest) =
            self.buffer.as_mut().split_at_mut_checked(self.most.saturating_mul(self.id.width)).certain();
        let (scales, rest) = rest.split_at_mut_checked(self.most).certain();
        (Scaled { values, scales }, Gram::view(self.most, self.id.width, &mut self.gram, rest))
    }

    /// Before rows labelled `id` are taken in.
    fn begin(&mut self, id: &SketchId) -> Result<(), Error> {
        if self.targets == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        self.id.check(id)?;
        if self.seen == 0 {
            self.view().1.begin();
            self.solved = false;
        }
        Ok(())
    }
}

impl<B: Buffer<f32>> IterativeSolver for DataInfSolver<'_, B> {
    type Solution = f32;

    fn target(&mut self, target: &Sketch<'_>) -> Result<(), Error> {
        if self.seen > 0 || self.solved {
            return Err(Error::InPass);
        }
        self.id.check(&target.id)?;
        target.check_finite()?;
        if self.targets == self.most {
            return Err(Error::Length { expected: self.most, found: self.most.saturating_add(1) });
        }
        let (layers, most, number) = (self.layers, self.most, self.targets);
        let (Scaled { values, scales }, _) = self.view();
        let scale = power_of_two(target.values);
        copy(&[scale], scales.get_mut(number..=number).certain());
        for layer in layers {
            let to = values.get_mut(part(layer, most, number)).certain();
            let from = target.values.get(layer.range()).certain();
            // Of numbers that are subnormal the quotient of f32 is exact, too.
            to.iter_mut().zip(from).for_each(|(to, from)| *to = from / scale);
        }
        self.targets += 1;
        Ok(())
    }

    fn observe_row<T: Element>(&mut self, id: &SketchId, row: &[T]) -> Result<(), Error> {
        self.begin(id)?;
        let layers = self.layers;
        let (Scaled { values, .. }, mut gram) = self.view();
        gram.push(row, ranges(layers), values, weight(layers))?;
        self.seen += 1;
        Ok(())
    }

    fn observe_rows<T: Element>(&mut self, id: &SketchId, rows: &[T]) -> Result<usize, Error> {
        self.begin(id)?;
        let (layers, mut seen) = (self.layers, 0);
        let (Scaled { values, .. }, mut gram) = self.view();
        let outcome = gram.push_rows(rows, ranges(layers), values, weight(layers), |_| seen += 1);
        self.seen += seen;
        outcome
    }

    fn end_pass(&mut self) -> Result<Progress, Error> {
        let number = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let seen = core::mem::take(&mut self.seen);
        check_length(number(self.count), number(seen))?;
        if self.count == 1 && self.layers.iter().any(|layer| SLIGHT * layer.squares > layer.damping) {
            return Err(Error::NotSolved);
        }
        let (layers, most, n, width) = (self.layers, self.most, self.count as f64, self.id.width.max(1));
        let (Scaled { values, scales }, gram) = self.view();
        let (sums, solutions) = gram.end(ranges(layers), values, weight(layers))?;
        let mut is_in_range = true;
        for ((number, solution), &scale) in solutions.chunks_exact_mut(width).enumerate().zip(&*scales) {
            let mut largest = 0.0;
            for layer in layers.iter().filter(|layer| layer.damping > 0.0) {
                let place = part(layer, most, number);
                let to = solution.get_mut(layer.range()).certain();
                let (v, sum) = (values.get(place.clone()).certain(), sums.get(place).certain());
                let unit = f64::from(scale) / layer.damping;
                for ((to, &v), &sum) in to.iter_mut().zip(v).zip(sum) {
                    let x = (f64::from(v) - f64::from(sum) / n) * unit;
                    // A NaN, of sums that overflowed, is none of the numbers in range.
                    largest = if x.is_nan() { f64::INFINITY } else { libm::fmax(largest, x.abs()) };
                    *to = x as f32;
                }
            }
            is_in_range &= largest <= f32::MOST && (largest >= f32::LEAST || largest == 0.0);
        }
        if !is_in_range {
            return Err(Error::Range { what: "the solution" });
        }
        self.solved = true;
        Ok(Progress::solved(1))
    }

    fn targets(&self) -> Result<Targets<'_>, Error> {
        if !self.solved {
            return Err(Error::NotFitted);
        }
        let values = self.most.saturating_mul(self.id.width.saturating_add(1));
        let free = Gram::free(self.most, self.id.width);
        let solutions = self.buffer.as_ref().get(values..).and_then(|pass| pass.get(free)).certain();
        let end = self.targets.saturating_mul(self.id.width);
        Targets::new(self.id, solutions.get(..end).certain())
    }
}

/// The targets of a pass.
struct Scaled<'m> {
    values: &'m mut [f32],
    scales: &'m mut [f32],
}

/// The largest power of two that is not above the largest magnitude; 1 of zeros.
fn power_of_two(x: &[f32]) -> f32 {
    let largest = x.iter().fold(0.0, |most, x| libm::fmaxf(most, x.abs()));
    match largest.to_bits() >> 23 {
        0 if largest == 0.0 => 1.0,
        0 => f32::MIN_POSITIVE,
        exponent => f32::from_bits(exponent << 23),
    }
}

/// The least damping of a single sample, as part of the square of its gradient, that
/// rounding in `f32` leaves something of: a thousandth is wrong then.
const SLIGHT: f64 = 1e-4;

/// Where a target's numbers of a layer are, if `most` targets lie layer after layer.
const fn part(layer: &DataInfLayer, most: usize, target: usize) -> Range<usize> {
    let len = layer.end.saturating_sub(layer.start);
    let start = layer.start.saturating_mul(most).saturating_add(len.saturating_mul(target));
    start..start.saturating_add(len)
}

fn ranges(layers: &[DataInfLayer]) -> impl Iterator<Item = Range<usize>> + Clone {
    layers.iter().map(DataInfLayer::range)
}

/// 1/(λ_l + ‖g_l‖²).
fn weight(layers: &[DataInfLayer]) -> impl Fn(usize, f64) -> f64 {
    |number, square| layers.get(number).copied().certain().weight(square)
}

/// Bytes of a layer at rest.
const LAYER_AT_REST: usize = 32;

impl<B: Buffer<DataInfLayer>> State for DataInf<B> {
    const KIND: StateKind = StateKind::DataInf;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }
}

impl<B: Buffer<DataInfLayer>> Body for DataInf<B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let DataInfSettings { width, layers, damping, .. } = walk.state().settings;
        let is_same = walk.own_setting(damping.to_bits())?;
        let fitted = walk.number(place!(fitted))?;
        walk.zeros(3)?;
        walk.width(width)?;
        let count = walk.number(place!(count))?;
        walk.require_id(width, count > 0 || fitted)?;
        walk.setting(layers)?;
        walk.records(slice!(layers), 0..layers, |cursor, layer: &mut DataInfLayer| {
            cursor.same(layer.start, Field::StateSettings)?;
            cursor.same(layer.end, Field::StateSettings)?;
            cursor.number(&mut layer.squares)?;
            cursor.number(&mut layer.damping)
        })?;
        let id = walk.id();
        walk.load_with(|state| {
            state.id = id;
            if !is_same {
                // It was fitted by another damping.
                state.fitted = false;
                state.layers.as_mut().iter_mut().for_each(|layer| layer.damping = 0.0);
            }
        });
        Ok(())
    }
}
