//! Scores of all pairs: blocks of targets, and for each a pass over the training rows.

use super::Method;
use super::curvature::Solver;
use super::dual::Known;
use super::plan::Solving;
use super::scoring::{PairScoring, targets_per_pass};
use super::sink::Sink;
use super::stored::score_stored;
use crate::commands::CommandError;
use crate::commands::products::{Block, products};
use crate::commands::rows::{Rows, is_finite};

/// Makes the training rows ready for as many passes as there will be.
pub(super) fn prepare(
    scoring: PairScoring,
    solving: &Solving,
    train: &mut Rows,
    factors: Option<&mut Rows>,
    targets: usize,
    again: bool,
) -> Result<(), CommandError> {
    let in_blocks = targets_per_pass(scoring, train, targets) < targets;
    let has_factors = factors.is_some();
    let is_dual = solving.is_dual(factors.as_deref().unwrap_or(train));
    let is_solved_over = scoring.method.has_residuals() || scoring.method == Method::Datainf || is_dual;
    if let Some(factors) = factors.filter(|_| is_solved_over || solving.measures()) {
        factors.prepare_passes_within(scoring.budget.held_bytes)?;
    }
    let again = again || in_blocks || (scoring.method.solves() && !has_factors);
    // A store's rows are scored as they are stored, but for ill-conditioned systems;
    // decoded ones would be for the solver alone.
    let is_scored_decoded = train.reader().is_none();
    if again && (is_scored_decoded || (is_solved_over && !has_factors)) {
        train.prepare_passes_within(scoring.budget.held_bytes)?;
    }
    Ok(())
}

/// Adds what these two files say to the scores.
pub(super) fn score_all_pairs(
    scoring: PairScoring,
    train: &mut Rows,
    mut factors: Option<&mut Rows>,
    target: &mut Rows,
    solver: &mut Solver,
    sink: &mut dyn Sink,
) -> Result<(), CommandError> {
    let targets = target.count();
    let mut block = Block::new(train.width(), usize::MAX, targets_per_pass(scoring, train, targets));
    target.pass("influence on", |row, sketch| {
        if is_finite(sketch) {
            block.push(row, sketch.values, scoring.norm(sketch.values));
        } else {
            sink.non_finite_target(row);
        }
        if block.is_full() || row + 1 == targets {
            let known = if factors.is_none() { solver.influence(train, &block)? } else { None };
            if let Some(known) = known {
                take_known(scoring, train.count(), &block, &known, sink)?;
                block.clear();
                return Ok(());
            }
            match &mut factors {
                Some(factors) => solver.solve(factors, &mut block)?,
                None => solver.solve(train, &mut block)?,
            }
            let is_single = !block.is_double() && block.values().iter().all(|value| value.is_finite());
            if train.reader().is_some() && is_single {
                score_stored(scoring, train, &block, sink)?;
            } else {
                score_decoded(scoring, train, &block, sink)?;
            }
            block.clear();
        }
        Ok(())
    })
}

/// Takes in influence of so many training rows, which is known of those that are finite.
fn take_known(
    scoring: PairScoring,
    count: usize,
    targets: &Block,
    known: &Known<'_>,
    sink: &mut dyn Sink,
) -> Result<(), CommandError> {
    let mut finite = known.rows.iter().copied().peekable();
    (0..count).filter(|row| finite.next_if_eq(row).is_none()).for_each(|row| sink.non_finite_train(row));
    sink.take(known.rows, targets.indices(), &|first, j, parts| {
        let influence = known.influence[j * known.rows.len()..].iter().skip(first);
        parts.iter_mut().zip(influence).for_each(|(part, influence)| *part = scoring.part(*influence, 1.0));
    })
}

/// Scores all training rows, decoded, for a block of targets.
fn score_decoded(
    scoring: PairScoring,
    train: &mut Rows,
    targets: &Block,
    sink: &mut dyn Sink,
) -> Result<(), CommandError> {
    let (count, name) = (train.count(), train.name().to_owned());
    let mut block = Block::new(train.width(), scoring.budget.train_bytes, scoring.budget.train_rows);
    train.pass("reading", |row, sketch| {
        if is_finite(sketch) {
            block.push(row, sketch.values, scoring.norm(sketch.values));
        } else {
            sink.non_finite_train(row);
        }
        if block.is_full() || row + 1 == count {
            let products = products(&block, targets);
            let products = products.map_err(|error| CommandError::core(&name)(error.into()))?;
            let (norms, target_norms) = (block.factors(), targets.factors());
            sink.take(block.indices(), targets.indices(), &|first, j, parts| {
                for (i, part) in (first..).zip(parts) {
                    *part = scoring.part(products[i * target_norms.len() + j], norms[i] * target_norms[j]);
                }
            })?;
            block.clear();
        }
        Ok(())
    })
}
