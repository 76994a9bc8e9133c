//! Multiplies Q vectors by the weighted Gram matrix Σ w·g gᵀ of a stream of rows, without
//! storing it: DataInf is built on this. Memory grows with Q·K, not with K².
//!
//! Rows are gathered in blocks of [`BLOCK`], or stand one after the other. The kernels
//! multiply a block with all Q vectors (scores of rows, then a rank-B update), so that a
//! row comes from memory once for all of them. *Error*: 64 rows are summed in `f32`, and
//! these sums in pairs of `f32` that keep what rounding loses (Knuth's two-sum), so that
//! an entry's relative error is at most (64 + K/16 + 7)·2⁻²⁴ of the sum of its
//! magnitudes, however many rows there are. The bits depend on the rows' order, and on
//! nothing else.

use crate::error::{Error, check_length};
use core::ops::Range;
use gradsieve_kernels::matrix::add_products;
use gradsieve_kernels::score::float::score_rows;
use gradsieve_kernels::{Certain, Element, cannot_happen, squared_norm, widen};

/// Rows that are multiplied with the vectors together.
pub(super) const BLOCK: usize = 16;

/// Rows that are summed in `f32`.
const CARRIED: usize = 4 * BLOCK;

/// What is known of a pass beside the numbers in the caller's buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct GramState {
    /// Rows in the block, and their squared norms.
    filled: usize,
    squares: [f64; BLOCK],
    /// Rows whose sums are in `partial`.
    met: usize,
}

impl GramState {
    /// No rows yet.
    pub(super) const NEW: Self = Self { filled: 0, squares: [0.0; BLOCK], met: 0 };
}

/// Σ_i weight(g_i)·(g_i·p_q)·g_i over the rows of a pass, layer by layer, for Q vectors
/// p_q.
///
/// Rows, vectors and sums lie layer after layer, and in a layer row after row: a layer of
/// coordinates `start..end` begins at `start` times their number.
#[derive(Debug)]
pub(super) struct Gram<'m> {
    width: usize,
    targets: usize,
    state: &'m mut GramState,
    /// The rows of a block.
    rows: &'m mut [f32],
    /// Their products with the vectors: vector after vector, and then, weighted, row
    /// after row.
    dots: &'m mut [f32],
    weighted: &'m mut [f32],
    /// The sums of the last rows, fewer than [`CARRIED`], and the sums of all before.
    partial: &'m mut [f32],
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

    /// The pass as it stands, in a buffer of [`Gram::floats`].
    pub(super) fn view(
        targets: usize,
        width: usize,
        state: &'m mut GramState,
        buffer: &'m mut [f32],
    ) -> Self {
        cannot_happen!(buffer.len() != Self::floats(targets, width), "the buffer's length was checked");
        let mut parts = Parts(buffer);
        let vectors = targets.saturating_mul(width);
        Self {
            width,
            targets,
            state,
            rows: parts.take(width.saturating_mul(BLOCK)),
            dots: parts.take(targets.saturating_mul(BLOCK)),
            weighted: parts.take(targets.saturating_mul(BLOCK)),
            partial: parts.take(vectors),
            high: parts.take(vectors),
            low: parts.take(vectors),
        }
    }

    /// Begins a pass.
    pub(super) fn begin(&mut self) {
        *self.state = GramState::NEW;
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
        if !square.is_finite() {
            return Err(Error::NonFinite);
        }
        for layer in layers.clone() {
            let place = layer.start * BLOCK + self.state.filled * layer.len();
            let to = self.rows.get_mut(place..place.saturating_add(layer.len())).certain();
            widen(row.get(layer).certain(), to)?;
        }
        match self.state.squares.get_mut(self.state.filled) {
            Some(to) => *to = square,
            None => cannot_happen!("a full block was flushed"),
        }
        self.state.filled += 1;
        if self.state.filled == BLOCK || self.state.met + self.state.filled == CARRIED {
            self.flush(layers, vectors, weight)?;
        }
        Ok(square)
    }

    /// Takes rows of the pass in, one after the other, with the bits of [`Gram::push`] of
    /// each. Those with entries that are not finite are passed over; the number of them
    /// is returned, and `taken` is told the squared norm of each of the others.
    ///
    /// Rows that are one layer are not gathered, but multiplied where they stand: a
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
            let at_once = if is_one { BLOCK.min(CARRIED - self.state.met) } else { 1 };
            let few = rest.get(..at_once * width).unwrap_or(rest);
            let (count, squares) = if is_one {
                self.multiply(few, vectors, |square| weight(0, square))?
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
            let passed_over = usize::from(count * width < few.len());
            non_finite += passed_over;
            rest = rest.get((count + passed_over) * width..).certain();
        }
        Ok(non_finite)
    }

    /// Multiplies at most [`BLOCK`] rows, which are one layer, where they stand, up to
    /// the first with an entry that is not finite: their number and squared norms.
    fn multiply<T: Element>(
        &mut self,
        rows: &[T],
        vectors: &[f32],
        weight: impl Fn(f64) -> f64,
    ) -> Result<(usize, [f64; BLOCK]), Error> {
        let (width, targets) = (self.width.max(1), self.targets);
        let given = rows.len() / width;
        let mut squares = [0.0; BLOCK];
        let dots = self.dots.get_mut(..given * targets).certain();
        let vectors = vectors.get(..targets * width).certain();
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
        weigh(dots, weights.get(..count).certain(), given, targets, self.weighted);
        let (rows, weighted) = (rows.get(..count * width), self.weighted.get(..count * targets));
        let (rows, weighted) = (rows.certain(), weighted.certain());
        add_products(count, weighted, rows, self.partial)?;
        self.count_in(count);
        Ok((count, squares))
    }

    /// Rows have been summed: every so often their sums join those of all before.
    fn count_in(&mut self, rows: usize) {
        self.state.met += rows;
        if self.state.met >= CARRIED {
            self.carry();
        }
    }

    /// Multiplies the rows of the block.
    fn flush(
        &mut self,
        layers: impl Iterator<Item = Range<usize>>,
        vectors: &[f32],
        weight: impl Fn(usize, f64) -> f64,
    ) -> Result<(), Error> {
        let (targets, count) = (self.targets, self.state.filled);
        self.state.filled = 0;
        if count == 0 || targets == 0 {
            return Ok(());
        }
        for (number, layer) in layers.enumerate() {
            let part = |times: usize, rows: usize| {
                let start = layer.start.saturating_mul(times);
                start..start.saturating_add(layer.len().saturating_mul(rows))
            };
            let rows = self.rows.get(part(BLOCK, count)).certain();
            let vectors = vectors.get(part(targets, targets)).certain();
            let sums = self.partial.get_mut(part(targets, targets)).certain();
            let dots = self.dots.get_mut(..count * targets).certain();
            let weighted = self.weighted.get_mut(..count * targets).certain();
            score_rows(rows, layer.len(), vectors, dots)?;
            let mut weights = [0.0; BLOCK];
            for ((to, row), square) in
                weights.iter_mut().zip(rows.chunks_exact(layer.len().max(1))).zip(self.state.squares)
            {
                // What is known of a row as a whole is not asked again; widening changes
                // no bit of it.
                let square = if layer.len() == self.width { square } else { squared_norm(row) };
                *to = weight(number, square);
            }
            weigh(dots, weights.get(..count).certain(), count, targets, weighted);
            add_products(count, weighted, rows, sums)?;
        }
        self.count_in(count);
        Ok(())
    }

    /// Adds the blocks' sums to those of all before, and keeps what rounding loses.
    fn carry(&mut self) {
        self.state.met = 0;
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

    /// Ends the pass: the sums, layer after layer, and as many numbers that are free.
    pub(super) fn end(
        mut self,
        layers: impl Iterator<Item = Range<usize>>,
        vectors: &[f32],
        weight: impl Fn(usize, f64) -> f64,
    ) -> Result<(&'m mut [f32], &'m mut [f32]), Error> {
        self.flush(layers, vectors, weight)?;
        self.carry();
        self.high.iter_mut().zip(self.low.iter()).for_each(|(high, low)| *high += low);
        Ok((self.high, self.partial))
    }

    /// Where in the buffer the numbers are that [`Gram::end`] left free.
    pub(super) const fn free(targets: usize, width: usize) -> Range<usize> {
        let block = width.saturating_add(targets.saturating_mul(2)).saturating_mul(BLOCK);
        block..block.saturating_add(targets.saturating_mul(width))
    }
}

/// The products of `given` rows with the vectors, vector after vector, weighted and row
/// after row, for as many rows as there are weights.
fn weigh(dots: &[f32], weights: &[f64], given: usize, targets: usize, weighted: &mut [f32]) {
    for (q, dots) in dots.chunks_exact(given.max(1)).enumerate() {
        for (r, (&dot, weight)) in dots.iter().zip(weights).enumerate() {
            match weighted.get_mut(r * targets + q) {
                Some(to) => *to = (weight * f64::from(dot)) as f32,
                None => cannot_happen!("there is a place for each product"),
            }
        }
    }
}

/// Copies numbers into as many. (`copy_from_slice` can panic.)
pub(super) fn copy(from: &[f32], to: &mut [f32]) {
    cannot_happen!(from.len() != to.len(), "both lengths were checked");
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
}

/// A buffer that is divided from the front. Its length was checked before.
pub(super) struct Parts<'m>(pub(super) &'m mut [f32]);

impl<'m> Parts<'m> {
    /// The next `len` numbers.
    pub(super) fn take(&mut self, len: usize) -> &'m mut [f32] {
        let (part, rest) = core::mem::take(&mut self.0).split_at_mut_checked(len).certain();
        self.0 = rest;
        part
    }
}
