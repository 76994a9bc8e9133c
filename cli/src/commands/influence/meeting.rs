//! All training rows meet all targets: blocks of targets, and for each a pass over the
//! training rows.

use gradsieve::store::{Codec, Queries};

use super::Method;
use super::curvature::Solver;
use super::sink::Sink;
use super::stored::meet_stored;
use crate::commands::CommandError;
use crate::commands::products::{Block, products};
use crate::commands::rows::{Rows, is_finite};
use gradsieve_io::store::StoreReader;

/// The most memory for rows that meet, one row of each kind excepted.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    /// Bytes of target rows that meet one pass over the training rows, and of what
    /// solving for them takes.
    pub(super) target_bytes: usize,
    /// Bytes of training rows that meet the targets together, which come from memory once
    /// for all of them.
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
    pub(super) fn norm(self, values: &[f32]) -> f64 {
        if self.method.takes_directions() { gradsieve_kernels::squared_norm(values).sqrt() } else { 1.0 }
    }

    /// The part that a product has; as [`gradsieve::influence::grad_cos`], where
    /// directions count.
    pub(super) fn part(self, product: f64, norms: f64) -> f64 {
        self.weight
            * if !self.method.takes_directions() {
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
    let again = again || meeting.method.solves() || room(meeting, train, targets) < targets;
    // A store's rows meet the targets as they are stored; decoded ones would be for the
    // solver alone.
    let is_met_decoded = train.reader().is_none();
    let is_solved_over = meeting.method.iterates() || meeting.method == Method::Datainf;
    if again && (is_met_decoded || is_solved_over) {
        train.prepare_passes_within(meeting.budget.held_bytes)?;
    }
    Ok(())
}

/// Targets that meet one pass over the training rows, at most. Solving takes several
/// times their own memory, and so may their layout for a codec.
pub(super) fn room(meeting: Meeting, train: &Rows, targets: usize) -> usize {
    let solving = match meeting.method {
        Method::Lissa | Method::Cg => 8,
        Method::Datainf => 6,
        _ => 1,
    };
    let laid_out = match train.reader().map(StoreReader::codec) {
        Some(Codec::Sign) => Queries::floats(Codec::Sign, 1, 64) / 64,
        _ => 1,
    };
    let bytes = meeting.budget.target_bytes / solving.max(laid_out);
    Block::new(train.width(), bytes, targets).room()
}

/// Adds what these two files say to the scores.
pub(super) fn meet_all(
    meeting: Meeting,
    train: &mut Rows,
    target: &mut Rows,
    solver: &mut Solver<'_>,
    sink: &mut impl Sink,
) -> Result<(), CommandError> {
    let targets = target.count();
    let mut block = Block::new(train.width(), usize::MAX, room(meeting, train, targets));
    target.pass("influence on", |row, sketch| {
        if is_finite(sketch) {
            block.push(row, sketch.values, meeting.norm(sketch.values));
        } else {
            sink.non_finite_target(row);
        }
        if block.is_full() || row + 1 == targets {
            solver.solve(train, &mut block)?;
            if train.reader().is_some() && block.values().iter().all(|value| value.is_finite()) {
                meet_stored(meeting, train, &block, sink)?;
            } else {
                meet(meeting, train, &block, sink)?;
            }
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
    sink: &mut impl Sink,
) -> Result<(), CommandError> {
    let (count, name) = (train.count(), train.name().to_owned());
    let mut block = Block::new(train.width(), meeting.budget.train_bytes, meeting.budget.train_rows);
    train.pass("reading", |row, sketch| {
        if is_finite(sketch) {
            block.push(row, sketch.values, meeting.norm(sketch.values));
        } else {
            sink.non_finite_train(row);
        }
        if block.is_full() || row + 1 == count {
            let products = products(&block, targets);
            let products = products.map_err(|error| CommandError::core(&name)(error.into()))?;
            let (norms, target_norms) = (block.factors(), targets.factors());
            sink.take(block.indices(), targets.indices(), |first, j, parts| {
                for (i, part) in (first..).zip(parts) {
                    *part = meeting.part(products[i * target_norms.len() + j], norms[i] * target_norms[j]);
                }
            })?;
            block.clear();
        }
        Ok(())
    })
}
