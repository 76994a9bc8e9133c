//! Ridge and TRAK of rows that are wider than they are many, by the inner products of the
//! rows of the curvature.

use gradsieve::Error;
use gradsieve::influence::{
    DualRidge, DualRidgeSettings, DualRidgeSolver, IterativeSolver as _, NumberedRows,
};

use super::quality::Quality;
use super::solved::{each, numbers_together, pass_over, put};
use crate::commands::CommandError;
use crate::commands::products::Block;
use crate::commands::rows::{EXACT_COLUMNS, Rows, reserved, zeros};

/// Whether so many rows of this width have a smaller matrix by far than their columns
/// have, and one that fits in memory.
pub(super) const fn is_smaller(count: usize, width: usize) -> bool {
    count > 0 && count <= EXACT_COLUMNS && count <= width / 2
}

/// Whether ridge has a matrix that fits in memory, of so many rows of this width: that of
/// the columns, or that of the rows.
pub(in crate::commands) const fn has_matrix(count: usize, width: usize) -> bool {
    width <= EXACT_COLUMNS || is_smaller(count, width)
}

/// The solver.
pub(super) struct Dual {
    ridge: DualRidge<Vec<f64>>,
    /// The rows of the curvature in their file: those that are finite.
    finite: Vec<usize>,
    is_sum: bool,
}

/// Influence that is known without solutions.
pub(super) struct Known<'s> {
    /// The training rows that have any.
    pub(super) rows: &'s [usize],
    /// Theirs on each target, target after target.
    pub(super) influence: Vec<f64>,
}

/// Rows that are multiplied together with all that are held.
const TOGETHER: usize = 256;

/// Bytes of rows that a pass multiplies with all behind them.
const HELD_BYTES: usize = 128 << 20;

impl Dual {
    /// The solver of these rows. `is_sum` is of curvature that is ΦᵀΦ.
    pub(super) fn fit(
        damping: f32,
        is_sum: bool,
        rows: &mut Rows,
        not_fitted: impl FnOnce(Error) -> CommandError,
    ) -> Result<Self, CommandError> {
        let (mut ridge, finite) = observed(damping, rows, HELD_BYTES)?;
        ridge.fit().map_err(not_fitted)?;
        Ok(Self { ridge, finite, is_sum })
    }

    /// Replaces the targets of a block by their solutions, by two passes.
    pub(super) fn solve(&self, scale: f64, rows: &mut Rows, block: &mut Block) -> Result<(), CommandError> {
        if block.len() == 0 {
            return Ok(());
        }
        let (id, name) = (rows.id(), rows.name().to_owned());
        let wrong = || CommandError::core(&name);
        let mut solver = self.passed_over(rows, block)?;
        pass_over(rows, |id, rows| solver.observe_rows(id, rows))?;
        solver.end_pass().map_err(wrong())?;
        let solutions = solver.targets().map_err(wrong())?.solutions().to_vec();
        // What of a target lies beside all rows is most of its solution, and no influence
        // of theirs: rounded to f32 it would be.
        put(block, id, solutions, self.scaled(scale), f64::INFINITY).map_err(wrong())
    }

    /// The influence of the rows of the curvature on the targets of a block, by one pass.
    pub(super) fn influence(
        &self,
        scale: f64,
        rows: &mut Rows,
        block: &Block,
    ) -> Result<Known<'_>, CommandError> {
        let (count, name) = (self.ridge.rows(), rows.name().to_owned());
        let mut influence = zeros(&name, block.len().saturating_mul(count))?;
        if block.len() > 0 {
            let solver = self.passed_over(rows, block)?;
            for (target, influence) in influence.chunks_exact_mut(count.max(1)).enumerate() {
                solver.write_influence(target, influence).map_err(CommandError::core(&name))?;
            }
        }
        let scale = self.scaled(scale);
        influence.iter_mut().for_each(|influence| *influence *= scale);
        Ok(Known { rows: &self.finite, influence })
    }

    /// What solutions are multiplied by, of curvature that may be a sum.
    fn scaled(&self, scale: f64) -> f64 {
        if self.is_sum { scale / self.ridge.rows() as f64 } else { scale }
    }

    /// The solver of a block's targets, after its first pass.
    fn passed_over(
        &self,
        rows: &mut Rows,
        block: &Block,
    ) -> Result<DualRidgeSolver<'_, Vec<f64>>, CommandError> {
        let (id, name) = (rows.id(), rows.name().to_owned());
        let wrong = || CommandError::core(&name);
        let settings = DualRidgeSettings::new(rows.width(), rows.count());
        let memory = zeros(&name, settings.solver_memory(block.len()).f64s)?;
        let mut solver = self.ridge.solver(block.len(), memory).map_err(wrong())?;
        each(block, id, |target| solver.target(target)).map_err(wrong())?;
        pass_over(rows, |id, rows| solver.observe_rows(id, rows))?;
        solver.end_pass().map_err(wrong())?;
        Ok(solver)
    }

    fn condition(&self) -> f64 {
        self.ridge.condition().unwrap_or(f64::INFINITY)
    }

    /// How well the damped curvature is conditioned.
    pub(super) fn quality(&self) -> Quality {
        Quality::Matrix { condition: self.condition(), singular: false }
    }
}

/// The inner products of all rows that are finite, and which those are, by as many passes
/// as it takes to have each of them once among `bytes` of rows.
fn observed(
    damping: f32,
    rows: &mut Rows,
    bytes: usize,
) -> Result<(DualRidge<Vec<f64>>, Vec<usize>), CommandError> {
    let (id, width, name) = (rows.id(), rows.width().max(1), rows.name().to_owned());
    let settings = DualRidgeSettings { damping, ..DualRidgeSettings::new(width, rows.count()) };
    let memory = zeros(&name, settings.memory().f64s)?;
    let mut ridge = DualRidge::new(settings, memory).map_err(CommandError::core(&name))?;
    let most = (bytes / size_of::<f32>() / width).clamp(1, rows.count().max(1)) * width;
    let together = numbers_together(width, TOGETHER);
    let (mut held, mut few): (Vec<f32>, Vec<f32>) = (reserved(&name, most)?, reserved(&name, together)?);
    let (mut first, mut finite) = (0, Vec::new());
    loop {
        held.clear();
        finite.clear();
        rows.observe("multiplying", |row, sketch| {
            sketch.check_finite()?;
            finite.push(row);
            let seen = finite.len();
            if seen > first && held.len() < most {
                held.extend_from_slice(sketch.values);
            } else if seen > first {
                few.extend_from_slice(sketch.values);
            }
            if few.len() < together {
                return Ok(());
            }
            let others = NumberedRows { first, values: &held[..] };
            ridge.observe_products(&id, last(seen, &few, width), others)?;
            few.clear();
            Ok(())
        })?;
        let others = NumberedRows { first, values: &held[..] };
        let left = ridge.observe_products(&id, last(finite.len(), &few, width), others);
        left.and_then(|()| ridge.observe_products(&id, others, others)).map_err(CommandError::core(&name))?;
        few.clear();
        first += held.len() / width;
        if first >= finite.len() {
            return Ok((ridge, finite));
        }
    }
}

/// Some rows, the last of which is the last of so many.
fn last<'r>(seen: usize, values: &'r [f32], width: usize) -> NumberedRows<'r, f32> {
    NumberedRows { first: seen - values.len() / width, values }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;
    use gradsieve_io::files::Source;

    use super::*;
    use crate::commands::rows::ProjectionArguments;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        projection: ProjectionArguments,
    }

    #[test]
    fn no_bit_depends_on_how_many_rows_are_in_memory() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/influence");
        let path = folder.join("train-f4.npy");
        let source: Source = path.to_str().unwrap().parse().unwrap();
        let projection = Line::parse_from(["line"]).projection;
        let mut rows = Rows::open(&source, &projection).unwrap();
        rows.prepare_passes().unwrap();
        let mut condition = |bytes| {
            let (mut ridge, finite) = observed(0.1, &mut rows, bytes).unwrap();
            assert!(finite.iter().copied().eq(0..ridge.rows()));
            ridge.fit().unwrap();
            ridge.condition().unwrap()
        };
        let whole = condition(HELD_BYTES);
        let row = condition(1);
        assert_eq!(row, whole);
        for rows in 1..13 {
            assert_eq!(condition(rows * 4 * 20), whole, "{rows}");
        }
    }
}
