//! The propagator form: M = I − Π_{k>s} (I − η_k H_k), from which every sample's
//! embedding follows.
//!
//! E_s = η_s (G_s − G_s Mᵀ), then M += [η_s (F_s − F_s Mᵀ)]ᵀ F_s with the M before the
//! step.
//!
//! *Memory*: K² + max(F, 2)·K numbers of `f32`, F the most factor rows of a step (none
//! for the empirical Fisher). *Cost*: [`super`].

use super::stability::{LARGEST, at_least, at_most, growth};
use super::{Blocks, Curvature, Rows, Stability, Step, check_id};
use crate::error::{Error, check_length};
use crate::influence::curvature::copy;
use crate::memory::{Buffer, Memory};
use crate::sketch::SketchId;
use crate::state::{Body, FRAME, State, StateKind, Walk, place, slice};
use gradsieve_kernels::matrix::{Part, PartMut, add_products_of, product_of};
use gradsieve_kernels::{Certain, axpy, max_abs};

/// Walks a run backwards, from its last step to its first, and gives each sample's
/// embedding: score(z, v) = v·E(z).
///
/// ```
/// use gradsieve::influence::dvemb::{Blocks, Curvature, Propagator, PropagatorSettings, Step};
/// use gradsieve::{Exact, Layout, Projector};
///
/// let (id, blocks) = (Exact::new(2).id(Layout::flat(2)?.id()), Blocks::new(&[2])?);
/// let settings = PropagatorSettings::new(blocks);
/// let mut later = Propagator::new(settings, vec![0.0; settings.memory().f32s])?;
/// // Two steps of one sample each, last step first. η is in sum form.
/// let mut embedding = [0.0; 2];
/// for (learning_rate, gradients) in [(0.5, [1.0, 0.0]), (0.5, [1.0, 1.0])] {
///     let step = Step { id, learning_rate, gradients: &gradients, curvature: Curvature::EmpiricalFisher };
///     let stability = later.step(&step, &mut embedding)?;
///     assert!(stability.is_stable());
/// }
/// // ½·(1, 1), of which the last step has undone half along its own gradient.
/// assert_eq!(embedding, [0.25, 0.5]);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Propagator<'b, B> {
    settings: PropagatorSettings<'b>,
    id: Option<SketchId>,
    steps: u64,
    /// No entry of M is larger.
    largest: f64,
    /// M, then the scratch.
    buffer: B,
}

/// What a [`Propagator`] is told.
///
/// ```
/// use gradsieve::influence::dvemb::{Blocks, PropagatorSettings};
///
/// let (whole, halves) = ([64], [32, 64]);
/// let memory = |ends| Ok::<_, gradsieve::Error>(PropagatorSettings::new(Blocks::new(ends)?).memory());
/// // Two blocks have half the matrix.
/// assert_eq!(memory(&whole)?.f32s, 64 * 64 + 2 * 64);
/// assert_eq!(memory(&halves)?.f32s, 2 * 32 * 32 + 2 * 64);
/// # Ok::<(), gradsieve::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PropagatorSettings<'b> {
    /// The columns that share curvature.
    pub blocks: Blocks<'b>,
    /// The most rows that a step gives as [`Curvature::Factors`].
    pub factors: usize,
}

impl<'b> PropagatorSettings<'b> {
    /// For the empirical Fisher, which has no factor rows.
    #[must_use]
    pub const fn new(blocks: Blocks<'b>) -> Self {
        Self { blocks, factors: 0 }
    }

    /// M, and two rows or as many as a step has factors.
    #[must_use]
    pub const fn memory(&self) -> Memory {
        let rows = if self.factors < 2 { 2 } else { self.factors };
        let matrix = self.blocks.matrix();
        let ends = self.blocks.ends.len().saturating_mul(8);
        Memory {
            f32s: matrix.saturating_add(rows.saturating_mul(self.blocks.width())),
            bytes_at_rest: matrix.saturating_mul(4).saturating_add(ends).saturating_add(FRAME + 24),
            ..Memory::NONE
        }
    }
}

impl<'b, const N: usize> Propagator<'b, [f32; N]> {
    /// No steps yet, in an array of its own: Π = I.
    ///
    /// # Errors
    /// As [`Propagator::new`].
    pub const fn owned(settings: PropagatorSettings<'b>) -> Result<Self, Error> {
        match check_length(settings.memory().f32s, N) {
            Ok(()) => Ok(Self { settings, id: None, steps: 0, largest: 0.0, buffer: [0.0; N] }),
            Err(error) => Err(error),
        }
    }
}

impl<'b, B: Buffer<f32>> Propagator<'b, B> {
    /// No steps yet: Π = I. The buffer is set to zero.
    ///
    /// # Errors
    /// [`Error::Length`] if `buffer` is not as long as the settings' memory.
    pub fn new(settings: PropagatorSettings<'b>, mut buffer: B) -> Result<Self, Error> {
        check_length(settings.memory().f32s, buffer.as_ref().len())?;
        buffer.as_mut().fill(0.0);
        Ok(Self { settings, id: None, steps: 0, largest: 0.0, buffer })
    }

    /// M and the scratch.
    fn parts_mut(&mut self) -> (&mut [f32], &mut [f32]) {
        self.buffer.as_mut().split_at_mut_checked(self.settings.blocks.matrix()).certain()
    }

    /// Forgets everything: Π = I.
    pub fn reset(&mut self) {
        self.parts_mut().0.fill(0.0);
        (self.id, self.steps, self.largest) = (None, 0, 0.0);
    }

    /// Steps taken in.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// M, block after block, each row by row.
    #[must_use]
    pub fn matrix(&self) -> &[f32] {
        self.buffer.as_ref().get(..self.settings.blocks.matrix()).certain()
    }

    /// Takes in the step before those taken in so far, and writes the embedding of each
    /// of its samples: K numbers a sample.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another projection than before; [`Error::Length`] if rows
    /// are not whole, more factors come than there is room for, or `embeddings` is not as
    /// long as the gradients; [`Error::NonFinite`]; [`Error::Setting`] unless the
    /// learning rate is finite and not negative; [`Error::Unstable`] if numbers leave
    /// `f32`. The state is as it was; `embeddings` may have been written to.
    pub fn step(&mut self, step: &Step<'_>, embeddings: &mut [f32]) -> Result<Stability, Error> {
        let (blocks, largest, steps) = (self.settings.blocks, self.largest, self.steps);
        let width = blocks.width();
        check_id(self.id, &step.id)?;
        let shape = step.check(width)?;
        check_length(step.gradients.len(), embeddings.len())?;
        let (matrix, scratch) = self.parts_mut();
        if let Curvature::Factors(rows) = step.curvature
            && rows.len() > scratch.len()
        {
            return Err(Error::Length { expected: scratch.len(), found: rows.len() });
        }
        let at_most = at_most(blocks, step, &shape.factors);
        let at_least = if at_most > 2.0 { at_least(blocks, step, scratch)? } else { 0.0 };

        let eta = step.learning_rate;
        propagate(blocks, matrix, step.gradients, embeddings)?;
        scale(eta, step.gradients, embeddings);
        let mut stretch = growth(width, eta, step.gradients, embeddings);
        let u = match step.curvature {
            Curvature::EmpiricalFisher => &*embeddings,
            Curvature::Factors(rows) => {
                let u = scratch.get_mut(..rows.len()).certain();
                propagate(blocks, matrix, rows, u)?;
                scale(eta, rows, u);
                stretch = stretch.max(growth(width, eta, rows, u));
                u
            }
        };
        // An entry of M grows by at most this.
        let largest = largest + shape.factors.count as f64 * f64::from(max_abs(u)) * shape.factors.most;
        if !stretch.is_finite() || largest.is_nan() || largest > LARGEST {
            return Err(Error::Unstable { step: steps });
        }

        let mut matrix = matrix;
        for (first, columns) in blocks.iter() {
            let (block, rest) = split(matrix, columns * columns);
            matrix = rest;
            let u = Part::new(u, width, first, columns)?;
            let factors = Part::new(step.factors(), width, first, columns)?;
            add_products_of(u, factors, PartMut::whole(block, columns)?)?;
        }
        self.id = Some(step.id);
        self.steps = self.steps.saturating_add(1);
        self.largest = largest;
        Ok(Stability { at_least, at_most, growth: stretch })
    }

    /// Corrects embeddings of an *earlier* segment, made as if the run had ended where
    /// this segment begins: E ← E − E Mᵀ, in place.
    ///
    /// # Errors
    /// [`Error::Length`] unless they are rows of K numbers; [`Error::NonFinite`];
    /// [`Error::Unstable`] if numbers leave `f32`, and then they hold nothing of use.
    pub fn apply(&mut self, embeddings: &mut [f32]) -> Result<(), Error> {
        let (blocks, step) = (self.settings.blocks, self.steps);
        let width = blocks.width();
        Rows::of(width, embeddings)?;
        let (matrix, scratch) = self.parts_mut();
        let most = scratch.len().checked_div(width).unwrap_or(0).saturating_mul(width).max(1);
        for rows in embeddings.chunks_mut(most) {
            let moved = scratch.get_mut(..rows.len()).certain();
            propagate(blocks, matrix, rows, moved)?;
            scale(1.0, rows, moved);
            if growth(width, 1.0, rows, moved).is_infinite() {
                return Err(Error::Unstable { step });
            }
            copy(moved, rows);
        }
        Ok(())
    }

    /// Puts the steps of `earlier` before these: Π ← Π Π_earlier, M ← M + (I − M)
    /// M_earlier.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another projection; [`Error::Setting`] for other blocks;
    /// [`Error::Unstable`] if numbers could leave `f32`. The state is as it was.
    pub fn compose<O: Buffer<f32>>(&mut self, earlier: &Propagator<'_, O>) -> Result<(), Error> {
        let blocks = self.settings.blocks;
        if !blocks.same(&earlier.settings.blocks) {
            return Err(Error::Setting { name: "blocks", expected: "the same as the other propagator's" });
        }
        if let (Some(id), Some(other)) = (self.id, earlier.id) {
            id.check(&other)?;
        }
        let (mine, theirs) = (f64::from(max_abs(self.matrix())), f64::from(max_abs(earlier.matrix())));
        if mine + theirs + blocks.width() as f64 * mine * theirs > LARGEST {
            return Err(Error::Unstable { step: self.steps });
        }
        let (mut matrix, scratch) = self.parts_mut();
        let mut before = earlier.matrix();
        for (_, columns) in blocks.iter() {
            let (block, rest) = split(matrix, columns * columns);
            let (other, others) = before.split_at_checked(columns * columns).certain();
            (matrix, before) = (rest, others);
            // −M a few rows at a time, transposed, so that it is the U of an update by
            // the rows of `earlier`.
            let columns = columns.max(1);
            let most = (scratch.len() / columns).min(columns).saturating_mul(columns).max(1);
            for (rows, added) in block.chunks_mut(most).zip(other.chunks(most)) {
                let count = (rows.len() / columns).max(1);
                let u = scratch.get_mut(..rows.len()).certain();
                for (j, u) in u.chunks_exact_mut(count).enumerate() {
                    for (u, row) in u.iter_mut().zip(rows.chunks_exact(columns)) {
                        *u = -row.get(j).copied().certain();
                    }
                }
                axpy(1.0, added, rows)?;
                let (u, v) = (Part::whole(u, count)?, Part::whole(other, columns)?);
                add_products_of(u, v, PartMut::whole(rows, columns)?)?;
            }
        }
        self.id = self.id.or(earlier.id);
        self.steps = self.steps.saturating_add(earlier.steps);
        self.largest = f64::from(max_abs(self.matrix()));
        Ok(())
    }
}

/// `to` = rows Mᵀ, block by block.
fn propagate(blocks: Blocks<'_>, mut matrix: &[f32], rows: &[f32], to: &mut [f32]) -> Result<(), Error> {
    let width = blocks.width();
    for (first, columns) in blocks.iter() {
        let (block, rest) = matrix.split_at_checked(columns * columns).certain();
        matrix = rest;
        let rows = Part::new(rows, width, first, columns)?;
        product_of(rows, Part::whole(block, columns)?, PartMut::new(to, width, first, columns)?)?;
    }
    Ok(())
}

/// `moved` = η·(rows − moved).
fn scale(eta: f32, rows: &[f32], moved: &mut [f32]) {
    for (to, from) in moved.iter_mut().zip(rows) {
        *to = eta * (from - *to);
    }
}

fn split(matrix: &mut [f32], at: usize) -> (&mut [f32], &mut [f32]) {
    matrix.split_at_mut_checked(at).certain()
}

impl<B: Buffer<f32>> State for Propagator<'_, B> {
    const KIND: StateKind = StateKind::Propagator;

    fn sketch_id(&self) -> Option<SketchId> {
        self.id
    }
}

impl<B: Buffer<f32>> Body for Propagator<'_, B> {
    fn body(walk: &mut Walk<'_, '_, Self>) -> Result<(), Error> {
        let blocks = walk.state().settings.blocks;
        blocks.body(walk)?;
        let steps = walk.number(place!(steps))?;
        walk.number(place!(largest))?;
        walk.require_id(blocks.width(), steps > 0)?;
        walk.numbers(slice!(buffer), 0..blocks.matrix())?;
        let id = walk.id();
        walk.load_with(|state| state.id = id);
        Ok(())
    }
}
