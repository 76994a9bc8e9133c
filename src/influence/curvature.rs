//! Products with the second moment of streamed rows, GᵀG·P for Q vectors at once: what
//! DataInf, LiSSA and conjugate gradients are made of. The matrix is never formed, so
//! memory grows with Q·K, not with K².
//!
//! Rows are gathered in blocks of [`BLOCK`], or stand one after the other; a block meets
//! all Q vectors through the kernels (scores of rows, then a rank-B update), so that a
//! row comes from memory once for all of them. *Error*: 64 rows are summed in `f32`, and
//! these sums in pairs of `f32` that keep what rounding loses (Knuth's two-sum), so that
//! an entry's relative error is at most (64 + K/16 + 7)·2⁻²⁴ of the sum of its
//! magnitudes, however many rows there are. The bits depend on the rows' order, and on
//! nothing else.

use crate::error::{Error, check_length};
use crate::sketch::{Sketch, SketchId};
use core::ops::Range;
use gradsieve_kernels::matrix::add_products;
use gradsieve_kernels::score::float::score_rows;
use gradsieve_kernels::{Element, squared_norm, widen};

/// Rows that meet the vectors together.
pub(super) const BLOCK: usize = 16;

/// Rows that are summed in `f32`.
const CARRIED: usize = 4 * BLOCK;

/// Σ_i weight(g_i)·(g_i·p_q)·g_i over the rows of a pass, layer by layer, for Q vectors
/// p_q.
///
/// Rows, vectors and sums lie layer after layer, and in a layer row after row: a layer of
/// coordinates `start..end` begins at `start` times their number.
#[derive(Debug)]
pub(super) struct Gram<'m> {
    width: usize,
    targets: usize,
    /// The rows of a block, and how many there are.
    rows: &'m mut [f32],
    filled: usize,
    /// Their squared norms.
    squares: [f64; BLOCK],
    /// Their products with the vectors: vector after vector, and then, weighted, row
    /// after row.
    dots: &'m mut [f32],
    weighted: &'m mut [f32],
    /// The sums of the last rows, fewer than [`CARRIED`], how many they are, and the sums
    /// of all before.
    partial: &'m mut [f32],
    met: usize,
    high: &'m mut [f32],
    low: &'m mut [f32],
}

impl<'m> Gram<'m> {
    /// Numbers of `f32` that it needs.
    pub(super) const fn floats(targets: usize, width: usize) -> usize {
        let sums = targets.saturating_mul(width).saturating_mul(3);
        let block = width.saturating_add(targets.saturating_mul(2)).saturating_mul(BLOCK);
        sums.saturating_add(block)
    }

    /// No rows yet, in memory of [`Gram::floats`].
    pub(super) fn new(targets: usize, width: usize, memory: &'m mut [f32]) -> Result<Self, Error> {
        let (expected, found) = (Self::floats(targets, width), memory.len());
        check_length(expected, found)?;
        let mut parts = Parts(memory);
        let vectors = targets.saturating_mul(width);
        let mut new = Self {
            width,
            targets,
            rows: parts.take(width.saturating_mul(BLOCK))?,
            filled: 0,
            squares: [0.0; BLOCK],
            dots: parts.take(targets.saturating_mul(BLOCK))?,
            weighted: parts.take(targets.saturating_mul(BLOCK))?,
            partial: parts.take(vectors)?,
            met: 0,
            high: parts.take(vectors)?,
            low: parts.take(vectors)?,
        };
        new.begin();
        Ok(new)
    }

    /// Begins a pass.
    pub(super) fn begin(&mut self) {
        self.filled = 0;
        self.met = 0;
        self.partial.fill(0.0);
        self.high.fill(0.0);
        self.low.fill(0.0);
    }

    /// Takes a row of the pass in; its squared norm. `weight` is that of a layer's row,
    /// by the layer's number and the row's squared norm there.
    pub(super) fn push<T: Element>(
        &mut self,
        row: &[T],
        layers: impl Iterator<Item = Range<usize>> + Clone,
        vectors: &[f32],
        weight: impl Fn(usize, f64) -> f64,
    ) -> Result<f64, Error> {
        check_length(self.width, row.len())?;
        let square = squared_norm(row);
        // An entry that is not finite, or whose square is beyond the range.
        if !square.is_finite() {
            return Err(Error::NonFinite);
        }
        for layer in layers.clone() {
            let place = layer.start * BLOCK + self.filled * layer.len();
            let to = self.rows.get_mut(place..).and_then(|to| to.get_mut(..layer.len()));
            if let (Some(to), Some(from)) = (to, row.get(layer)) {
                widen(from, to)?;
            }
        }
        if let Some(to) = self.squares.get_mut(self.filled) {
            *to = square;
        }
        self.filled += 1;
        if self.filled == BLOCK || self.met + self.filled == CARRIED {
            self.flush(layers, vectors, weight)?;
        }
        Ok(square)
    }

    /// Takes rows of the pass in, one after the other, with the bits of [`Gram::push`] of
    /// each. Those with entries that are not finite are passed over; the number of them
    /// is returned, and `taken` is told the squared norm of each of the others.
    ///
    /// Rows that are one layer are not gathered, but meet the vectors where they stand: a
    /// few, while those behind them are on their way from memory.
    pub(super) fn push_rows<T: Element>(
        &mut self,
        rows: &[T],
        layers: impl Iterator<Item = Range<usize>> + Clone,
        vectors: &[f32],
        weight: impl Fn(usize, f64) -> f64,
        mut taken: impl FnMut(f64),
    ) -> Result<usize, Error> {
        let width = self.width.max(1);
        check_length(rows.len() / width * width, rows.len())?;
        let is_one = layers.clone().eq(core::iter::once(0..self.width));
        let (mut rest, mut non_finite) = (rows, 0);
        if is_one {
            self.flush(layers.clone(), vectors, &weight)?;
        }
        while !rest.is_empty() {
            let at_once = if is_one { BLOCK.min(CARRIED - self.met) } else { 1 };
            let few = rest.get(..at_once * width).unwrap_or(rest);
            let (count, squares) = if is_one {
                self.meet(few, vectors, |square| weight(0, square))?
            } else {
                match self.push(few, layers.clone(), vectors, &weight) {
                    Ok(square) => (1, [square; BLOCK]),
                    Err(Error::NonFinite) => (0, [0.0; BLOCK]),
                    Err(error) => return Err(error),
                }
            };
            squares.iter().take(count).for_each(|&square| taken(square));
            // Those before the first that is not finite were taken in; that one is passed
            // over.
            let spoilt = usize::from(count * width < few.len());
            non_finite += spoilt;
            rest = rest.get((count + spoilt) * width..).unwrap_or_default();
        }
        Ok(non_finite)
    }

    /// At most [`BLOCK`] rows, which are one layer, meet the vectors where they stand, up
    /// to the first with an entry that is not finite: their number and squared norms.
    fn meet<T: Element>(
        &mut self,
        rows: &[T],
        vectors: &[f32],
        weight: impl Fn(f64) -> f64,
    ) -> Result<(usize, [f64; BLOCK]), Error> {
        let (width, targets) = (self.width.max(1), self.targets);
        let given = rows.len() / width;
        let mut squares = [0.0; BLOCK];
        let (Some(dots), Some(vectors)) =
            (self.dots.get_mut(..given * targets), vectors.get(..targets * width))
        else {
            return Ok((0, squares));
        };
        score_rows(rows, width, vectors, dots)?;
        let (mut count, mut weights) = (0, [0.0; BLOCK]);
        for ((square, to), row) in squares.iter_mut().zip(&mut weights).zip(rows.chunks_exact(width)) {
            *square = squared_norm(row);
            if !square.is_finite() {
                break;
            }
            *to = weight(*square);
            count += 1;
        }
        weigh(dots, weights.get(..count).unwrap_or_default(), given, targets, self.weighted);
        let (Some(rows), Some(weighted)) = (rows.get(..count * width), self.weighted.get(..count * targets))
        else {
            return Ok((0, squares));
        };
        add_products(count, weighted, rows, self.partial)?;
        self.count_in(count);
        Ok((count, squares))
    }

    /// Rows have been summed: every so often their sums join those of all before.
    fn count_in(&mut self, rows: usize) {
        self.met += rows;
        if self.met >= CARRIED {
            self.carry();
        }
    }

    /// The rows of the block meet the vectors.
    fn flush(
        &mut self,
        layers: impl Iterator<Item = Range<usize>>,
        vectors: &[f32],
        weight: impl Fn(usize, f64) -> f64,
    ) -> Result<(), Error> {
        let (targets, count) = (self.targets, self.filled);
        self.filled = 0;
        if count == 0 || targets == 0 {
            return Ok(());
        }
        for (number, layer) in layers.enumerate() {
            let part = |times: usize, rows: usize| {
                let start = layer.start.saturating_mul(times);
                start..start.saturating_add(layer.len().saturating_mul(rows))
            };
            let (Some(rows), Some(vectors), Some(sums), Some(dots), Some(weighted)) = (
                self.rows.get(part(BLOCK, count)),
                vectors.get(part(targets, targets)),
                self.partial.get_mut(part(targets, targets)),
                self.dots.get_mut(..count * targets),
                self.weighted.get_mut(..count * targets),
            ) else {
                continue;
            };
            score_rows(rows, layer.len(), vectors, dots)?;
            let mut weights = [0.0; BLOCK];
            for ((to, row), square) in
                weights.iter_mut().zip(rows.chunks_exact(layer.len().max(1))).zip(self.squares)
            {
                // What is known of a row as a whole is not asked again; widening changes
                // no bit of it.
                let square = if layer.len() == self.width { square } else { squared_norm(row) };
                *to = weight(number, square);
            }
            weigh(dots, weights.get(..count).unwrap_or_default(), count, targets, weighted);
            add_products(count, weighted, rows, sums)?;
        }
        self.count_in(count);
        Ok(())
    }

    /// Adds the blocks' sums to those of all before, and keeps what rounding loses.
    fn carry(&mut self) {
        self.met = 0;
        for ((partial, high), low) in
            self.partial.iter_mut().zip(self.high.iter_mut()).zip(self.low.iter_mut())
        {
            let sum = *high + *partial;
            let part = sum - *high;
            *low += (*high - (sum - part)) + (*partial - part);
            *high = sum;
            *partial = 0.0;
        }
    }

    /// Ends the pass: the sums, layer after layer, and memory of the same size.
    pub(super) fn end(
        &mut self,
        layers: impl Iterator<Item = Range<usize>>,
        vectors: &[f32],
        weight: impl Fn(usize, f64) -> f64,
    ) -> Result<(&mut [f32], &mut [f32]), Error> {
        self.flush(layers, vectors, weight)?;
        self.carry();
        self.high.iter_mut().zip(self.low.iter()).for_each(|(high, low)| *high += low);
        Ok((&mut *self.high, &mut *self.partial))
    }

    /// The free memory that [`Gram::end`] gave, with what was written there.
    pub(super) const fn free(&self) -> &[f32] {
        self.partial
    }
}

/// The products of `given` rows with the vectors, vector after vector, weighted and row
/// after row, for as many rows as there are weights.
fn weigh(dots: &[f32], weights: &[f64], given: usize, targets: usize, weighted: &mut [f32]) {
    for (q, dots) in dots.chunks_exact(given.max(1)).enumerate() {
        for (r, (&dot, weight)) in dots.iter().zip(weights).enumerate() {
            if let Some(to) = weighted.get_mut(r * targets + q) {
                *to = (weight * f64::from(dot)) as f32;
            }
        }
    }
}

/// Copies as much as there is room for. (`copy_from_slice` can panic.)
pub(super) fn copy(from: &[f32], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
}

/// Memory that is divided from the front.
pub(super) struct Parts<'m>(pub(super) &'m mut [f32]);

impl<'m> Parts<'m> {
    /// The next `len` numbers.
    pub(super) fn take(&mut self, len: usize) -> Result<&'m mut [f32], Error> {
        let rest = core::mem::take(&mut self.0);
        let found = rest.len();
        let (part, rest) = rest.split_at_mut_checked(len).ok_or(Error::Length { expected: len, found })?;
        self.0 = rest;
        Ok(part)
    }
}

/// What an iterative solver of (C + λI) x = v is told, C = GᵀG/n.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SolverSettings {
    /// K.
    pub width: usize,
    /// Room for so many targets, which share the passes.
    pub targets: usize,
    /// λ in units of C's mean eigenvalue, which the first pass finds.
    pub damping: f32,
    /// A target is solved when ‖v − (C + λI) x‖ is at most this part of ‖v‖.
    pub tolerance: f32,
}

impl SolverSettings {
    /// One target, a tenth of the mean eigenvalue, a residual of 10⁻⁴.
    #[must_use]
    pub const fn new(width: usize) -> Self {
        Self { width, targets: 1, damping: 0.1, tolerance: 1e-4 }
    }

    /// Room for so many targets.
    #[must_use]
    pub const fn with_targets(self, targets: usize) -> Self {
        Self { targets, ..self }
    }

    /// Refuses what makes no sense.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.width == 0 {
            return Err(Error::Width { multiple: 1, found: 0 });
        }
        let positive = |x: f32| x.is_finite() && x > 0.0;
        if self.targets == 0 || !positive(self.damping) || !positive(self.tolerance) {
            return Err(Error::Setting {
                name: "targets, damping, tolerance",
                expected: "at least 1 target, damping and tolerance finite and above 0",
            });
        }
        Ok(())
    }
}

/// How far an iterative solver has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Passes over the rows so far.
    pub passes: u32,
    /// The largest ‖v − (C + λI) x‖/‖v‖ of a target.
    pub residual: f64,
    /// Whether it is within the tolerance.
    pub converged: bool,
}

/// The rows of an iterative solver: passes over the same rows, their product with the
/// solver's vectors, and λ.
#[derive(Debug)]
pub(super) struct Passes<'m> {
    pub(super) settings: SolverSettings,
    gram: Gram<'m>,
    /// Targets so far, and what everything is labelled with.
    pub(super) targets: usize,
    id: Option<SketchId>,
    /// Rows of the pass so far, and the sum of their squares; rows of the first pass.
    seen: u64,
    squares: f64,
    rows: u64,
    pub(super) damping: f64,
    pub(super) passes: u32,
    failed: bool,
}

impl<'m> Passes<'m> {
    pub(super) fn new(settings: SolverSettings, memory: &'m mut [f32]) -> Result<Self, Error> {
        let gram = Gram::new(settings.targets, settings.width, memory)?;
        let (targets, id, seen, squares, rows) = (0, None, 0, 0.0, 0);
        Ok(Self { settings, gram, targets, id, seen, squares, rows, damping: 0.0, passes: 0, failed: false })
    }

    pub(super) fn reset(&mut self) {
        self.gram.begin();
        (self.targets, self.id, self.seen, self.squares, self.rows) = (0, None, 0, 0.0, 0);
        (self.damping, self.passes, self.failed) = (0.0, 0, false);
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
        if !squared_norm(target.values).is_finite() {
            return Err(Error::NonFinite);
        }
        self.id = Some(target.id);
        let start = self.targets * self.settings.width;
        self.targets += 1;
        Ok(start..start.saturating_add(self.settings.width))
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
    fn begin(&mut self, id: &SketchId) -> Result<(), Error> {
        self.check()?;
        if self.targets == 0 {
            return Err(Error::TooFew { needed: 1, found: 0 });
        }
        self.check_id(id)?;
        if self.seen == 0 {
            self.gram.begin();
        }
        Ok(())
    }

    /// Takes a row of the pass in.
    pub(super) fn observe<T: Element>(
        &mut self,
        id: &SketchId,
        row: &[T],
        vectors: &[f32],
    ) -> Result<(), Error> {
        self.begin(id)?;
        let layer = core::iter::once(0..self.settings.width);
        self.squares += self.gram.push(row, layer, vectors, |_, _| 1.0)?;
        self.seen += 1;
        Ok(())
    }

    /// Takes rows of the pass in, and returns how many were passed over.
    pub(super) fn observe_rows<T: Element>(
        &mut self,
        id: &SketchId,
        rows: &[T],
        vectors: &[f32],
    ) -> Result<usize, Error> {
        self.begin(id)?;
        let layer = core::iter::once(0..self.settings.width);
        let (squares, seen) = (&mut self.squares, &mut self.seen);
        self.gram.push_rows(
            rows,
            layer,
            vectors,
            |_, _| 1.0,
            |square| {
                *squares += square;
                *seen += 1;
            },
        )
    }

    /// Ends a pass: C·(vectors), which may be written over, and λ. A pass over another
    /// number of rows than the first is forgotten.
    pub(super) fn end(&mut self, vectors: &[f32]) -> Result<(&mut [f32], f64), Error> {
        self.check()?;
        let (seen, squares) = (self.seen, self.squares);
        (self.seen, self.squares) = (0, 0.0);
        if seen == 0 || (self.rows > 0 && seen != self.rows) {
            return Err(if seen == 0 {
                Error::TooFew { needed: 1, found: 0 }
            } else {
                let number = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
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
        let layer = core::iter::once(0..self.settings.width);
        let (product, _) = self.gram.end(layer, vectors, |_, _| 1.0)?;
        let share = 1.0 / seen as f64;
        product.iter_mut().for_each(|entry| *entry = (share * f64::from(*entry)) as f32);
        Ok((product, self.damping))
    }

    /// What solutions are labelled with, once there are some.
    pub(super) fn solved(&self) -> Result<SketchId, Error> {
        self.check()?;
        if self.passes == 0 { Err(Error::NotFitted) } else { self.id.ok_or(Error::NotFitted) }
    }
}
