//! What all that solve for a block of targets do: hand the targets over, pass over the
//! rows of the curvature, and put the solutions in the targets' place.

use gradsieve::influence::Targets;
use gradsieve::{Error, Sketch, SketchId, Summary};

use crate::commands::CommandError;
use crate::commands::products::Block;
use crate::commands::rows::{Rows, reserved};

/// Calls `visit` with each target of a block.
pub(super) fn each(
    block: &Block,
    id: SketchId,
    mut visit: impl FnMut(&Sketch<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    // Whether they are finite was seen when they were read; nobody asks for their
    // measures.
    let unknown = Summary { l1: 0.0, l2_squared: 0.0, max: 0.0, non_finite: 0, count: 0 };
    block
        .values()
        .chunks_exact(id.width.max(1))
        .try_for_each(|target| visit(&Sketch::from_parts(id, target, unknown)?))
}

/// Rows that the passes of solvers multiply together.
const TOGETHER: usize = 64;

/// Numbers of `rows` rows that are handed over together, or of as many as fit in 32 MiB.
pub(super) fn numbers_together(width: usize, rows: usize) -> usize {
    let rows = ((32 << 20) / size_of::<f32>() / width.max(1)).clamp(1, rows);
    width.saturating_mul(rows)
}

/// One pass over all rows that are finite, some at a time: a solver's vectors come from
/// memory once for all of them.
pub(super) fn pass_over(
    train: &mut Rows,
    mut observe: impl FnMut(&SketchId, &[f32]) -> Result<usize, Error>,
) -> Result<(), CommandError> {
    let (id, name) = (train.id(), train.name().to_owned());
    let most = numbers_together(id.width, TOGETHER);
    let mut rows: Vec<f32> = reserved(&name, most)?;
    train.observe("solving over", |_, sketch| {
        sketch.check_finite()?;
        rows.extend_from_slice(sketch.values);
        if rows.len() >= most {
            observe(&id, &rows)?;
            rows.clear();
        }
        Ok(())
    })?;
    observe(&id, &rows).map(drop).map_err(CommandError::core(&name))
}

/// Puts solutions, `scale` times each, in the place of a block's targets: rounded to
/// `f32`, unless with this condition number that would show, or they leave its range.
pub(super) fn put(
    block: &mut Block,
    id: SketchId,
    mut solutions: Vec<f64>,
    scale: f64,
    condition: f64,
) -> Result<(), Error> {
    /// Up to here the rounding is less than a thousandth of the largest influence.
    const ROUNDED: f64 = 1e4;
    if scale != 1.0 {
        solutions.iter_mut().for_each(|x| *x *= scale);
    }
    let mut rounded = vec![0.0; if condition < ROUNDED { solutions.len() } else { 0 }];
    match Targets::new(id, &solutions)?.rounded(&mut rounded) {
        Ok(_) => block.replace(&rounded),
        Err(_) => block.replace_by_doubles(solutions),
    }
    Ok(())
}
