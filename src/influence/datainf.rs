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
//! solves for Q targets together. *Memory*: 24 bytes a layer; [`DataInfSolver::floats`],
//! 4·K a target and 16 rows. *Cost*: K a row, then 2·K + K/Q multiply–adds a row and
//! target. *Error*: r_l has one of at most (K/16 + 90)·2⁻²⁴ of the sum of its magnitudes.

use super::curvature::{Gram, Parts, Progress, copy};
use super::solver::IterativeSolver;
use super::targets::Targets;
use crate::error::{Error, check_length};
use crate::sketch::{Sketch, SketchId};
use crate::state::{FRAME, Reader, State, StateKind, Writer, check_id, check_setting, check_width};
use core::ops::Range;
use gradsieve_kernels::{Element, squared_norm};

/// A layer's place in the sketch, and what is known of it.
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

/// The first pass: the λ of each layer.
#[derive(Debug)]
pub struct DataInf<'m> {
    damping: f32,
    width: usize,
    layers: &'m mut [DataInfLayer],
    id: Option<SketchId>,
    count: u64,
    fitted: bool,
}

impl<'m> DataInf<'m> {
    /// The usual damping: a tenth of the mean square.
    pub const DAMPING: f32 = 0.1;

    /// No observations yet. The layers are forgotten but for their places.
    ///
    /// # Errors
    /// [`Error::Setting`] unless `damping` is positive and finite; [`Error::Layer`] with
    /// the index of the first layer that is empty, overlaps the one before it, stands out
    /// of order or ends beyond `width`, or with index 0 if there is none.
    pub fn new(damping: f32, width: usize, layers: &'m mut [DataInfLayer]) -> Result<Self, Error> {
        if !damping.is_finite() || damping <= 0.0 {
            return Err(Error::Setting { name: "damping", expected: "finite and above 0" });
        }
        let mut end = 0;
        for (index, layer) in layers.iter().enumerate() {
            if layer.start < end || layer.start >= layer.end || layer.end > width {
                return Err(Error::Layer { index });
            }
            end = layer.end;
        }
        if layers.is_empty() {
            return Err(Error::Layer { index: 0 });
        }
        let mut new = Self { damping, width, layers, id: None, count: 0, fitted: false };
        new.reset();
        Ok(new)
    }

    /// Forgets everything but the layers' places.
    pub fn reset(&mut self) {
        self.layers.iter_mut().for_each(|layer| *layer = DataInfLayer::new(layer.range()));
        (self.id, self.count, self.fitted) = (None, 0, false);
    }

    /// Takes a training sketch in.
    ///
    /// # Errors
    /// [`Error::NonFinite`], also if a square leaves the range of `f32`;
    /// [`Error::Length`] or [`Error::Mismatch`]. The state is as it was.
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
        check_length(self.width, row.len())?;
        self.id.map_or(Ok(()), |own| own.check(id))?;
        let square = squared_norm(row);
        if !square.is_finite() {
            return Err(Error::NonFinite);
        }
        for layer in self.layers.iter_mut() {
            let all = layer.range().len() == row.len();
            layer.squares +=
                if all { square } else { squared_norm(row.get(layer.range()).unwrap_or_default()) };
        }
        self.id = Some(*id);
        self.count += 1;
        self.fitted = false;
        Ok(())
    }

    /// Takes in all that `other` has observed.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if the two observed different kinds of sketch,
    /// [`Error::Length`] if their widths differ, [`Error::Setting`] if their layers or
    /// dampings do. The state is as it was.
    pub fn merge(&mut self, other: &DataInf<'_>) -> Result<(), Error> {
        check_length(self.width, other.width)?;
        let ranges = |layers: &[DataInfLayer]| layers.len();
        let same = self.layers.iter().zip(other.layers.iter()).all(|(a, b)| a.range() == b.range());
        if ranges(self.layers) != ranges(other.layers) || !same || self.damping != other.damping {
            return Err(Error::Setting {
                name: "damping and layers",
                expected: "the same as the other state's",
            });
        }
        if let (Some(id), Some(other)) = (self.id, other.id) {
            id.check(&other)?;
        }
        self.layers.iter_mut().zip(other.layers.iter()).for_each(|(to, from)| to.squares += from.squares);
        self.id = self.id.or(other.id);
        self.count += other.count;
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
        if self.layers.iter().all(|layer| layer.squares == 0.0) {
            return Err(Error::NotPositiveDefinite);
        }
        for layer in self.layers.iter_mut() {
            let entries = self.count as f64 * layer.range().len() as f64;
            layer.damping = f64::from(self.damping) * layer.squares / entries;
        }
        self.fitted = true;
        Ok(())
    }

    /// The layers.
    #[must_use]
    pub const fn layers(&self) -> &[DataInfLayer] {
        self.layers
    }

    /// Begins the second pass, for up to `targets` targets.
    ///
    /// # Errors
    /// [`Error::NotFitted`]; [`Error::Length`] if `memory` is not
    /// [`DataInfSolver::floats`] long.
    pub fn solver<'t>(&'t self, targets: usize, memory: &'t mut [f32]) -> Result<DataInfSolver<'t>, Error> {
        let Some(id) = self.id.filter(|_| self.fitted) else { return Err(Error::NotFitted) };
        check_length(DataInfSolver::floats(self.width, targets), memory.len())?;
        let mut parts = Parts(memory);
        let values = parts.take(targets.saturating_mul(self.width))?;
        values.fill(0.0);
        let gram = Gram::new(targets, self.width, parts.0)?;
        Ok(DataInfSolver {
            layers: self.layers,
            count: self.count,
            id,
            room: targets,
            targets: 0,
            seen: 0,
            solved: false,
            values,
            gram,
        })
    }
}

/// The second pass: the training rows again, for several targets together.
#[derive(Debug)]
pub struct DataInfSolver<'t> {
    layers: &'t [DataInfLayer],
    count: u64,
    id: SketchId,
    room: usize,
    targets: usize,
    seen: u64,
    /// Whether the pass has ended, and the solutions stand in the free memory of `gram`.
    solved: bool,
    /// v of each target, layer after layer.
    values: &'t mut [f32],
    gram: Gram<'t>,
}

impl<'t> DataInfSolver<'t> {
    /// Numbers of `f32` that so many targets need.
    #[must_use]
    pub const fn floats(width: usize, targets: usize) -> usize {
        width.saturating_mul(targets).saturating_add(Gram::floats(targets, width))
    }

    /// Adds a target, before the first row; its number is how many there were before.
    ///
    /// # Errors
    /// [`Error::InPass`] after the first row; [`Error::Length`] without room;
    /// [`Error::Mismatch`] or [`Error::NonFinite`]. The state is as it was.
    pub fn target(&mut self, target: &Sketch<'_>) -> Result<(), Error> {
        if self.seen > 0 || self.solved {
            return Err(Error::InPass);
        }
        self.id.check(&target.id)?;
        target.check_finite()?;
        if self.targets == self.room {
            return Err(Error::Length { expected: self.room, found: self.room.saturating_add(1) });
        }
        for layer in self.layers {
            let place = part(layer, self.room, self.targets);
            if let (Some(to), Some(from)) = (self.values.get_mut(place), target.values.get(layer.range())) {
                copy(from, to);
            }
        }
        self.targets += 1;
        Ok(())
    }

    /// Takes a training sketch in: the same ones as in the first pass, in any order.
    ///
    /// # Errors
    /// [`Error::TooFew`] without a target; [`Error::NonFinite`], [`Error::Length`] or
    /// [`Error::Mismatch`]. The state is as it was.
    pub fn observe(&mut self, train: &Sketch<'_>) -> Result<(), Error> {
        if train.measures.non_finite > 0 {
            return Err(Error::NonFinite);
        }
        self.observe_row(&train.id, train.values)
    }

    /// The same for a stored row of K numbers, labelled `id`.
    ///
    /// # Errors
    /// As [`DataInfSolver::observe`].
    pub fn observe_row<T: Element>(&mut self, id: &SketchId, row: &[T]) -> Result<(), Error> {
        self.begin(id)?;
        let (ranges, weight) = (ranges(self.layers), weight(self.layers));
        self.gram.push(row, ranges, self.values, weight)?;
        self.seen += 1;
        Ok(())
    }

    /// The same for n stored rows of K numbers, one after the other, labelled `id`, with
    /// the bits of one by one. Returns how many have NaN or infinite entries, or a square
    /// beyond the range of `f32`: they are passed over.
    ///
    /// Faster than one by one where one layer is the whole sketch, because rows are asked
    /// for ahead: hand it many.
    ///
    /// # Errors
    /// [`Error::TooFew`] without a target; [`Error::Length`] if the rows are not whole,
    /// or [`Error::Mismatch`]. The state is as it was.
    pub fn observe_rows<T: Element>(&mut self, id: &SketchId, rows: &[T]) -> Result<usize, Error> {
        self.begin(id)?;
        let (ranges, weight) = (ranges(self.layers), weight(self.layers));
        self.gram.push_rows(rows, ranges, self.values, weight, |_| self.seen += 1)
    }

    /// Ends the pass. There is no other: the solutions are in closed form.
    ///
    /// # Errors
    /// [`Error::Length`] if there were not as many rows as in the first pass, and then
    /// the pass does not count.
    pub fn end_pass(&mut self) -> Result<Progress, Error> {
        let number = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let seen = core::mem::take(&mut self.seen);
        check_length(number(self.count), number(seen))?;
        let (ranges, weight) = (ranges(self.layers), weight(self.layers));
        let (sums, solutions) = self.gram.end(ranges, self.values, weight)?;
        let n = self.count as f64;
        for (number, solution) in solutions.chunks_exact_mut(self.id.width.max(1)).enumerate() {
            for layer in self.layers.iter().filter(|layer| layer.damping > 0.0) {
                let place = part(layer, self.room, number);
                let (Some(to), Some(v), Some(sum)) =
                    (solution.get_mut(layer.range()), self.values.get(place.clone()), sums.get(place))
                else {
                    continue;
                };
                for ((to, &v), &sum) in to.iter_mut().zip(v).zip(sum) {
                    *to = ((f64::from(v) - f64::from(sum) / n) / layer.damping) as f32;
                }
            }
        }
        self.solved = true;
        Ok(Progress { passes: 1, residual: 0.0, converged: true })
    }

    /// The solved targets, in their order; a pair is a dot product from here on.
    ///
    /// # Errors
    /// [`Error::NotFitted`] before the pass has ended; [`Error::NonFinite`] if a solution
    /// leaves the range of `f32`.
    pub fn targets(&self) -> Result<Targets<'_>, Error> {
        if !self.solved {
            return Err(Error::NotFitted);
        }
        let end = self.targets.saturating_mul(self.id.width);
        Targets::new(self.id, self.gram.free().get(..end).unwrap_or_default())
    }

    /// Before rows labelled `id` are taken in.
    fn begin(&mut self, id: &SketchId) -> Result<(), Error> {
        if self.targets == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        self.id.check(id)?;
        if self.seen == 0 {
            self.gram.begin();
            self.solved = false;
        }
        Ok(())
    }
}

impl IterativeSolver for DataInfSolver<'_> {
    fn target(&mut self, target: &Sketch<'_>) -> Result<(), Error> {
        Self::target(self, target)
    }

    fn observe(&mut self, train: &Sketch<'_>) -> Result<(), Error> {
        Self::observe(self, train)
    }

    fn end_pass(&mut self) -> Result<Progress, Error> {
        Self::end_pass(self)
    }

    fn targets(&self) -> Result<Targets<'_>, Error> {
        Self::targets(self)
    }
}

/// Where a target's numbers of a layer are, if `room` targets lie layer after layer.
const fn part(layer: &DataInfLayer, room: usize, target: usize) -> Range<usize> {
    let len = layer.end.saturating_sub(layer.start);
    let start = layer.start.saturating_mul(room).saturating_add(len.saturating_mul(target));
    start..start.saturating_add(len)
}

fn ranges(layers: &[DataInfLayer]) -> impl Iterator<Item = Range<usize>> + Clone {
    layers.iter().map(DataInfLayer::range)
}

/// 1/(λ_l + ‖g_l‖²).
fn weight(layers: &[DataInfLayer]) -> impl Fn(usize, f64) -> f64 {
    |number, square| layers.get(number).map_or(0.0, |layer| layer.weight(square))
}

impl DataInf<'_> {
    /// Bytes of the state at rest.
    #[must_use]
    pub const fn bytes_at_rest(layers: usize) -> usize {
        layers.saturating_mul(LAYER_AT_REST).saturating_add(FRAME + 32)
    }
}

/// Bytes of a layer at rest.
const LAYER_AT_REST: usize = 32;

impl State for DataInf<'_> {
    const KIND: StateKind = StateKind::DataInf;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.f32(self.damping);
        to.u8(u8::from(self.fitted));
        to.zeros(3);
        to.count(self.width);
        to.u64(self.count);
        to.count(self.layers.len());
        for layer in &*self.layers {
            to.count(layer.start);
            to.count(layer.end);
            to.f64(layer.squares);
            to.f64(layer.damping);
        }
    }

    fn read(&mut self, id: Option<SketchId>, from: &mut Reader<'_>) -> Result<(), Error> {
        check_setting(self.damping.to_bits() == from.u32()?)?;
        let fitted = from.flag()?;
        from.skip(3)?;
        check_width(self.width, from.u64()?)?;
        let count = from.u64()?;
        check_id(id, self.width, count > 0 || fitted)?;
        check_setting(from.u64()? == self.layers.len() as u64)?;
        from.exactly(self.layers.len().saturating_mul(LAYER_AT_REST))?;
        let mut ranges = *from;
        for layer in &*self.layers {
            check_setting(ranges.u64()? == layer.start as u64)?;
            check_setting(ranges.u64()? == layer.end as u64)?;
            ranges.skip(16)?;
        }
        for layer in self.layers.iter_mut() {
            from.skip(16)?;
            (layer.squares, layer.damping) = (from.f64()?, from.f64()?);
        }
        (self.id, self.count, self.fitted) = (id, count, fitted);
        Ok(())
    }
}
