//! Dot products of all pairs of two sets of rows, in blocks that caches can hold.
//!
//! Each product has the bits of [`gradsieve_kernels::dot()`] ([`dots`]). Rows are divided
//! among threads, which changes no bit.
//!
//! Solutions of ill-conditioned systems stand beside their rows in `f64`, and are then
//! what is multiplied, in `f64`.

use std::num::NonZero;
use std::thread;

use gradsieve_kernels::dot::{Carried, carried_for, dots};
use gradsieve_kernels::double;
use gradsieve_kernels::matrix::Part;

/// Some rows of one width, and which ones they are.
#[derive(Debug)]
pub(super) struct Block {
    width: usize,
    room: usize,
    values: Vec<f32>,
    /// What stands in place of the values, where those would be too coarse.
    doubles: Vec<f64>,
    indices: Vec<usize>,
    /// A factor that the caller keeps beside each.
    factors: Vec<f64>,
}

impl Block {
    /// No rows yet, and room for as many as fit in `bytes`: one at least, `most` at most.
    pub(super) fn new(width: usize, bytes: usize, most: usize) -> Self {
        let room = (bytes / size_of::<f32>() / width.max(1)).clamp(1, most.max(1));
        // Taken at once: growing would copy, and what is not used costs nothing.
        let values = Vec::with_capacity(room * width);
        Self { width, room, values, doubles: Vec::new(), indices: Vec::new(), factors: Vec::new() }
    }

    /// Rows that it holds when full.
    pub(super) const fn room(&self) -> usize {
        self.room
    }

    pub(super) fn is_full(&self) -> bool {
        self.indices.len() >= self.room
    }

    pub(super) fn push(&mut self, index: usize, row: &[f32], factor: f64) {
        self.values.extend_from_slice(row);
        self.indices.push(index);
        self.factors.push(factor);
    }

    /// The rows, one after the other.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Puts others in their place, as many and in the same order.
    pub(super) fn replace(&mut self, values: &[f32]) {
        self.values.copy_from_slice(values);
    }

    /// Puts others in their place that are in `f64`.
    pub(super) fn replace_by_doubles(&mut self, values: Vec<f64>) {
        self.doubles = values;
    }

    /// Whether the rows are in `f64`.
    pub(super) const fn is_double(&self) -> bool {
        !self.doubles.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.doubles.clear();
        self.indices.clear();
        self.factors.clear();
    }

    /// How many rows there are.
    pub(super) const fn len(&self) -> usize {
        self.indices.len()
    }

    /// Which ones they are.
    pub(super) fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// The factor of each.
    pub(super) fn factors(&self) -> &[f64] {
        &self.factors
    }
}

/// Multiply–adds below which a thread costs more than it saves.
pub(super) const WORTH_A_THREAD: usize = 1 << 23;

/// The products of each row of `left` with each of `right`, row after row.
pub(super) fn products(left: &Block, right: &Block) -> Result<Vec<f64>, gradsieve_kernels::Error> {
    let (rows, columns, width) = (left.indices.len(), right.indices.len(), left.width);
    let mut out = vec![0.0; rows * columns];
    if out.is_empty() || width == 0 {
        return Ok(out);
    }
    let work = rows.saturating_mul(columns).saturating_mul(width);
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(work / WORTH_A_THREAD + 1);
    let share = rows.div_ceil(threads);
    let part = |left: &[f32], out: &mut [f64]| {
        if right.is_double() {
            part_of_doubles(left, &right.doubles, width, out)
        } else {
            part(left, &right.values, width, out)
        }
    };
    if threads == 1 {
        part(&left.values, &mut out)?;
        return Ok(out);
    }
    thread::scope(|scope| {
        let parts = left.values.chunks(share * width).zip(out.chunks_mut(share * columns));
        let workers: Vec<_> = parts.map(|(left, out)| scope.spawn(move || part(left, out))).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(out)
}

/// Rows of the right that caches hold beside some of the left.
const SIDE: usize = 4;

/// Products with rows in `f64`, each of which is read once for all of the left.
fn part_of_doubles(
    left: &[f32],
    right: &[f64],
    width: usize,
    out: &mut [f64],
) -> Result<(), gradsieve_kernels::Error> {
    let (rows, columns) = (left.len() / width, right.len() / width);
    let left = Part::whole(left, width)?;
    let mut products = vec![0.0; SIDE * rows];
    for (number, right) in right.chunks(SIDE * width).enumerate() {
        let products = &mut products[..right.len() / width * rows];
        products.fill(0.0);
        double::add_dots(Part::whole(right, width)?, left, products)?;
        for (j, products) in products.chunks_exact(rows).enumerate() {
            let place = number * SIDE + j;
            out.iter_mut().skip(place).step_by(columns).zip(products).for_each(|(to, from)| *to = *from);
        }
    }
    Ok(())
}

/// Block by block.
fn part(left: &[f32], right: &[f32], width: usize, out: &mut [f64]) -> Result<(), gradsieve_kernels::Error> {
    let mut carried = vec![Carried::new(); carried_for(left.len() / width, right.len() / width, width)];
    dots(left, right, width, &mut carried, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gradsieve_kernels::dot;
    use gradsieve_kernels::sum::TILE;

    #[test]
    fn products_in_blocks_have_the_bits_of_whole_dot_products() {
        for (rows, columns, width) in
            [(1, 1, 1), (3, 2, 4095), (5, 3, 4096), (7, 133, 3 * TILE + 17), (67, 2, 9 * TILE)]
        {
            let value = |i: usize| ((i * 7919) % 1013) as f32 / 500.0 - 1.0;
            let mut left = Block::new(width, 1 << 24, rows);
            let mut right = Block::new(width, 1 << 24, columns);
            // Of all sizes: some products leave f32 on the way.
            let size = |seed: usize| [1.0, 2.0_f32.powi(100), 2.0_f32.powi(-100)][seed % 3];
            let row =
                |seed: usize| (0..width).map(|i| size(seed) * value(i * (seed + 3))).collect::<Vec<f32>>();
            (0..rows).for_each(|i| left.push(i, &row(i), 1.0));
            (0..columns).for_each(|j| right.push(j, &row(100 + j), 1.0));
            let all = products(&left, &right).unwrap();
            for i in 0..rows {
                for j in 0..columns {
                    assert_eq!(all[i * columns + j], dot(&row(i), &row(100 + j)).unwrap());
                }
            }
        }
    }

    #[test]
    fn a_block_holds_one_row_at_least() {
        assert_eq!(Block::new(1000, 1, 8).room(), 1);
        assert_eq!(Block::new(1000, 12_000, 8).room(), 3);
        assert_eq!(Block::new(1, 1 << 30, 8).room(), 8);
    }
}
