//! How a product of two rows becomes a score, and how many are made at a time.

use super::Method;
use crate::commands::products::Block;
use crate::commands::rows::{EXACT_COLUMNS, Rows};

/// The most memory for rows that are scored, one row of each kind excepted.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    /// Bytes of target rows that one pass over the training rows serves, and of what
    /// solving for them takes.
    pub(super) target_bytes: usize,
    /// Bytes of training rows that are scored together: the targets come from memory once
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
pub(super) struct PairScoring {
    pub(super) method: Method,
    /// What it is multiplied by.
    pub(super) weight: f64,
    pub(super) budget: Budget,
}

impl PairScoring {
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

/// Targets that one pass over the training rows serves, at most. Solving takes several
/// times their own memory, and so may their layout for a codec.
pub(super) fn targets_per_pass(scoring: PairScoring, train: &Rows, targets: usize) -> usize {
    let solving = match scoring.method {
        Method::Lissa | Method::Cg => 14,
        // By inner products of rows, maybe.
        Method::Ridge | Method::Trak if train.width() > EXACT_COLUMNS => 10,
        Method::Datainf | Method::Arnoldi => 6,
        Method::Ridge | Method::Trak | Method::Gif => 3,
        _ => 1,
    };
    let bytes = scoring.budget.target_bytes / solving;
    Block::new(train.width(), bytes, targets).room()
}
