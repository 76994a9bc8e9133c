//! How much poison each detector bears: what a share of hostile gradients, of one length
//! and kind, does to its ranking of the others.
//!
//! A network is trained on digits of which some labels are flipped. Its per-sample
//! gradients are sketched, and hostile ones come between them at random places, as
//! further samples of random classes. Each detector observes all, and scores the samples:
//! the figure is the AUROC of the flipped labels among them. What it says of the hostile
//! ones themselves does not count. Those without poison come first ([`CLEAN`]).
//!
//! | file | what |
//! |---|---|
//! | `detectors` | the table of detectors, in their clipped and their exact form: [`DETECTORS`] |
//! | `poison` | the kinds of hostile gradients: [`KINDS`] |
//! | `found` | figures as they come, seed by seed: [`BreakdownLine`], and what breaks a detector: [`least_share`] |

mod detectors;
mod found;
mod poison;

pub use detectors::{DETECTORS, Form};
pub use found::{BreakdownLine, CLEAN, least_share};
pub use poison::KINDS;

use super::context::Context;
use super::error::TruthError;
use super::evidence::Quantity;
use super::jobs::run_jobs;
use super::ledger::Ledger;
use super::tally::{Tally, Whose};
use super::task::Task;
use crate::measures::auroc;
use found::Found;
use poison::{Honest, Poison};
use std::time::Instant;

const MEASURE: &str = "lowest AUROC of the flipped labels, over kinds and lengths";

pub(super) fn run(context: &Context<'_>, task: &Task, tally: &mut Tally) -> Result<(), TruthError> {
    let settings = context.settings;
    let (task, flips, model) = context.trained_on_flips(task, tally)?;
    let fitted = context.fitted(&task, &model)?;
    let rows = context.evidence(&task, &model, fitted.as_ref()).rows(&model, &task.train, Quantity::Loss)?;
    let honest = Honest::new(rows, task.train.labels(), &flips.mask);

    let mut cells = vec![Poison { share: CLEAN, ..Poison::default() }];
    for kind in 0..KINDS.len() {
        for &share in &settings.poison {
            cells.extend(settings.lengths.iter().map(|&length| Poison { kind, share, length }));
        }
    }
    let wanted: Vec<&Form> = (DETECTORS.iter())
        .filter(|form| settings.methods.is_empty() || settings.methods.iter().any(|wish| wish == form.name))
        .collect();
    let numbers: Vec<usize> = (0..cells.len()).collect();
    let stage = format!("poison, seed {}", task.seed);
    let figures = run_jobs(&stage, &numbers, &mut Ledger::none(), context.watch, |number| {
        let mixed = honest.poisoned(cells[number], task.seed);
        let figure = |form: &&Form| {
            let clock = Instant::now();
            // A detector that refuses has no ranking.
            let scores = (form.score)(&mixed, task.seed).ok();
            let figure = scores.map_or(Ok(f64::NAN), |scores| auroc(&scores, honest.flipped()))?;
            Ok([figure, clock.elapsed().as_secs_f64()])
        };
        Ok(wanted.iter().map(figure).collect::<Result<Vec<_>, TruthError>>()?.concat())
    })?;
    for (at, form) in wanted.iter().enumerate() {
        let of = |cell: &Vec<f64>| (cell[2 * at], cell[2 * at + 1]);
        for (&poison, cell) in cells.iter().zip(&figures) {
            Found { form, poison, rows: honest.hostile(poison) }.add_to(&mut tally.breakdown, of(cell).0);
        }
        for share in std::iter::once(&CLEAN).chain(&settings.poison) {
            let same = cells.iter().zip(&figures).filter(|(poison, _)| poison.share == *share);
            let (mut lowest, mut seconds, mut count) = (f64::INFINITY, 0.0, 0.0);
            for (figure, second) in same.map(|(_, cell)| of(cell)) {
                lowest = if figure.is_nan() || lowest.is_nan() { f64::NAN } else { lowest.min(figure) };
                (seconds, count) = (seconds + second, count + 1.0);
            }
            let title =
                if *share == CLEAN { "no poison".to_owned() } else { format!("{} % poison", 100.0 * share) };
            let whose = Whose { name: form.name, about: form.about };
            tally.add(&title, MEASURE, &whose, lowest, seconds / count, form.bytes(honest.width()));
        }
    }
    Ok(())
}
