//! All training rows meet all targets: blocks of targets, and for each a pass over the training rows.

use super::Method;
use super::curvature::Solver;
use super::scores::Scores;
use crate::commands::CommandError;
use crate::commands::products::{Block, products};
use crate::commands::rows::{Rows, is_finite};

/// The most memory for rows that meet, one row of each kind excepted.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    /// Bytes of target rows that meet one pass over the training rows, and of what solving for them takes.
    pub(super) target_bytes: usize,
    /// Bytes of training rows that meet the targets together, which come from memory once for all of them.
    pub(super) train_bytes: usize,
    /// The most training rows at a time.
    pub(super) train_rows: usize,
    /// Bytes of training sketches that are kept for a second pass.
    pub(super) held_bytes: usize,
}

impl Budget {
    pub(super) const USUAL: Self =
        Self { target_bytes: 512 << 20, train_bytes: 128 << 20, train_rows: 64, held_bytes: 256 << 20 };
}

/// How a product of two rows becomes a part of their score.
#[derive(Clone, Copy)]
pub(super) struct Meeting {
    pub(super) method: Method,
    /// What it is multiplied by.
    pub(super) weight: f64,
    pub(super) budget: Budget,
}

impl Meeting {
    /// The factor of a row in the denominator.
    fn norm(self, values: &[f32]) -> f64 {
        if self.method.takes_directions() { gradsieve_kernels::squared_norm(values).sqrt() } else { 1.0 }
    }

    /// As [`gradsieve::influence::grad_cos`], where directions count.
    fn value(self, product: f64, norms: f64) -> f64 {
        if !self.method.takes_directions() {
            product
        } else if norms > 0.0 {
            (product / norms).clamp(-1.0, 1.0)
        } else {
            0.0
        }
    }
}

/// Makes the training rows ready for as many passes as there will be.
pub(super) fn prepare(
    meeting: Meeting,
    train: &mut Rows,
    targets: usize,
    again: bool,
) -> Result<(), CommandError> {
    if again || meeting.method.solves() || block(meeting, train.width(), targets).room() < targets {
        train.prepare_passes_within(meeting.budget.held_bytes)?;
    }
    Ok(())
}

/// Room for a block of targets. Solving takes several times their own memory.
fn block(meeting: Meeting, width: usize, targets: usize) -> Block {
    let share = match meeting.method {
        Method::Lissa | Method::Cg => 8,
        Method::Datainf => 6,
        _ => 1,
    };
    Block::new(width, meeting.budget.target_bytes / share, targets)
}

/// Adds what these two files say to the scores.
pub(super) fn meet_all(
    meeting: Meeting,
    train: &mut Rows,
    target: &mut Rows,
    solver: &mut Solver<'_>,
    scores: &mut Scores,
) -> Result<(), CommandError> {
    let targets = target.count();
    let mut block = block(meeting, train.width(), targets);
    target.pass("influence on", |row, sketch| {
        if is_finite(sketch) {
            block.push(row, sketch.values, meeting.norm(sketch.values));
        } else {
            scores.non_finite_target[row] = true;
        }
        if block.is_full() || row + 1 == targets {
            solver.solve(train, &mut block)?;
            meet(meeting, train, &block, scores)?;
            block.clear();
        }
        Ok(())
    })
}

/// All training rows meet a block of targets.
fn meet(
    meeting: Meeting,
    train: &mut Rows,
    targets: &Block,
    scores: &mut Scores,
) -> Result<(), CommandError> {
    let (count, name) = (train.count(), train.name().to_owned());
    let mut block = Block::new(train.width(), meeting.budget.train_bytes, meeting.budget.train_rows);
    train.pass("reading", |row, sketch| {
        if is_finite(sketch) {
            block.push(row, sketch.values, meeting.norm(sketch.values));
        } else {
            scores.non_finite_train[row] = true;
        }
        if block.is_full() || row + 1 == count {
            let products = products(&block, targets);
            let products = products.map_err(|error| CommandError::core(&name)(error.into()))?;
            let mut products = products.into_iter();
            for (i, train_norm) in block.rows() {
                for ((j, target_norm), product) in targets.rows().zip(&mut products) {
                    scores.add(i, j, meeting.weight * meeting.value(product, train_norm * target_norm));
                }
            }
            block.clear();
        }
        Ok(())
    })
}
