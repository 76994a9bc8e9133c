//! What sketches and stores lose: every projection, width and codec, held against the
//! gradients themselves. Nothing is retrained.
//!
//! A network is trained on samples of which some labels are flipped. Of its per-sample
//! gradients three things are asked, once of the gradients as they are and once of rows
//! of K numbers that went through a [`Store`](gradsieve::store::Store):
//!
//! - **dot**: Spearman's correlation over the training samples between ⟨row z, sketch v⟩
//!   and ⟨∇ℓ_z, ∇ℓ_v⟩, mean over the test samples v, and the slope of a straight line
//!   through them;
//! - **ridge**: the same of ridge influence, v solved with the second moment of the
//!   training sketches as they came;
//! - **self-influence** finds flipped labels: AUROC of φᵀ(C + λI)⁻¹φ, in three ways for a
//!   row that has lost digits ([`Way`]).
//!
//! | file | what |
//! |---|---|
//! | `projections` | the table of projections: [`PROJECTIONS`] |
//! | `cell` | the figures of one projection and width, codec by codec |
//! | `stored` | rows in a store: their scores, and the rows read back |
//! | `solve` | (C + λI)⁻¹ of many sketches at once |
//! | `found` | figures as they come, seed by seed: [`SketchLine`] |

mod cell;
mod found;
mod projections;
mod solve;
mod stored;

pub use found::{SketchLine, Way};
pub use projections::{PROJECTIONS, Sketching};

use super::context::Context;
use super::error::TruthError;
use super::jobs::run_jobs;
use super::tally::Tally;
use super::task::Task;
use cell::{Reference, figures};
use found::Found;

/// Counts up whenever the same settings give other figures.
const VERSION: u32 = 2;

pub(super) fn run(context: &Context<'_>, task: &Task, tally: &mut Tally) -> Result<(), TruthError> {
    let settings = context.settings;
    let (task, flips, model) = context.trained_on_flips(task, tally)?;

    let mut cells = Vec::new();
    for (index, projection) in PROJECTIONS.iter().enumerate() {
        let wanted =
            settings.methods.is_empty() || settings.methods.iter().any(|wish| wish == projection.name);
        for dim in if wanted { projection.widths(&model, &settings.widths) } else { Vec::new() } {
            if projection.of(&model, dim, task.seed)?.is_some() {
                cells.push((index, dim));
            }
        }
    }
    let numbers: Vec<usize> = cells.iter().map(|&(index, dim)| index << 16 | dim).collect();
    // The widest first, so that no thread is left with one at the end.
    let mut order = numbers.clone();
    order.sort_by_key(|number| core::cmp::Reverse(number & 0xFFFF));

    let what = format!("sketches {VERSION}, {} flipped", settings.flip);
    let mut ledger = context.ledger(&task.key(settings, &what))?;
    let all_known = numbers.iter().all(|&number| ledger.finished(number).is_some());
    let reference =
        if all_known { None } else { Some(Reference::new(&model, &task.train, &task.test, &flips.mask)?) };
    let mut results = run_jobs("sketches", &order, &mut ledger, context.watch, |number| {
        let Some(reference) = &reference else { return Ok(Vec::new()) };
        figures(reference, &PROJECTIONS[number >> 16], number & 0xFFFF, task.seed)
    })?;
    for (number, (index, dim)) in numbers.iter().zip(cells) {
        let Some(at) = order.iter().position(|other| other == number) else { continue };
        let projection = &PROJECTIONS[index];
        let width = projection.of(&model, dim, task.seed)?.map_or(dim, |made| made.width());
        let found = Found { projection, dim, width, exact: width == model.parameters().len() };
        found.add_to(&mut tally.sketches, &core::mem::take(&mut results[at]));
    }
    Ok(())
}
