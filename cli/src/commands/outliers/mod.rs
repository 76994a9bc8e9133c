//! `gradsieve outliers`: gradients → anomaly scores of each sample, and the samples that
//! stand out.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what the command line says |
//! | `plan` | the same, checked |
//! | `members` | samples in their groups, those apart that are alone in theirs |
//! | `scorer` | a detector at work on the rows |
//! | `calibration` | what clean scores look like |
//! | `report` | which samples are flagged |
//! | `sink` | where scores go |

mod arguments;
mod calibration;
mod members;
mod plan;
mod report;
mod scorer;
mod sink;

pub use arguments::{DetectorName, OutliersArguments};
use plan::Plan;
use report::{CONSEQUENCE, Found, Report};
use scorer::{Losses, Scorer};
use sink::Sink;

use super::losses::losses;
use super::rows::{EXACT_COLUMNS, Rows, check_matrix_width};
use super::{CommandError, console};
use gradsieve_io::files::{Destination, read_groups, read_ids};

pub(super) const LONG_ABOUT: &str = "\
Score samples by how anomalous their gradients are, and flag the worst.

Harmful samples (mislabelled, corrupted, poisoned) are outliers among the gradients at the end of training; no validation data is \
needed. Prints the flagged samples, the most suspicious first, as indices of rows that count from 0.

A larger score is more anomalous; scores of different detectors cannot be compared. Flagged is what lies above \
the threshold: the quantile of the finite scores that leaves the share --contamination above it, or with --false-alarms the score \
that about this share of clean samples would lie above; or the --top most suspicious. Samples with NaN \
or infinite gradients are flagged too, whatever the detector; their score is infinite.

l1 and l2 are exact and need no sketch, and loss is what --loss says. The others look at sketches of --dim numbers; without --dim \
at the gradients themselves, up to 4096 columns. The matrix may be a file of sketches that \
gradsieve sketch wrote. Several detectors share the passes. Unless their sketches fit in 256 MiB, direction, mahalanobis and self-influence read the file twice.";

/// Runs the command.
pub(super) fn run(arguments: OutliersArguments) -> Result<(), CommandError> {
    let plan = Plan::new(arguments)?;
    let mut rows = open(&plan)?;
    let (name, count) = (rows.name().to_owned(), rows.count());
    let groups = plan.groups.as_ref().map(|source| read_groups(source, &name, count)).transpose()?;
    let ids = plan.ids.as_ref().map(|source| read_ids(source, &name, count)).transpose()?;
    let ids = ids.as_deref();
    let losses = plan.loss.as_ref().map(|source| losses(source, &rows, CONSEQUENCE)).transpose()?;
    let losses = losses.map(Losses::new).transpose().map_err(CommandError::core(&name))?;
    let create = |to| Sink::create(to, count, &plan.detectors, ids.is_some());
    let sink = plan.output.as_ref().map(create).transpose()?;

    let new = |&detector| Scorer::new(detector, &plan, &rows, groups.as_ref(), losses.as_ref());
    let mut scorers = plan.detectors.iter().map(new).collect::<Result<Vec<_>, _>>()?;
    let non_finite = score(&mut scorers, &mut rows)?;
    let is_alone = scorers.len() == 1;
    let found = scorers.iter().map(|scorer| Found::new(scorer, plan.choice, &rows, ids, is_alone));
    let found = found.collect::<Result<Vec<_>, _>>()?;
    sink.map_or(Ok(()), |sink| sink.write(&scorers, &found, ids))?;
    rows.remark_non_finite(&non_finite, CONSEQUENCE);
    found.iter().for_each(|found| found.remark_beyond(&rows));
    if plan.json {
        console::print_json(&Report::of(&found, count))
    } else if plan.output != Some(Destination::Stdout) {
        report::print(&name, plan.choice, &found, &scorers, ids)
    } else {
        Ok(())
    }
}

/// The rows, as the detectors want them.
fn open(plan: &Plan) -> Result<Rows, CommandError> {
    let needs_sketch = plan.detectors.iter().copied().filter(|detector| !detector.needs_no_sketch());
    if needs_sketch.clone().next().is_none() {
        return Rows::open_measures(&plan.grads, plan.projection.holds);
    }
    let rows = Rows::open(&plan.grads, &plan.projection)?;
    if plan.detectors.iter().any(|detector| detector.takes_norms()) {
        rows.require_norms()?;
    }
    for detector in needs_sketch {
        if detector.takes_second_moments() {
            check_matrix_width(&rows, detector.name())?;
        } else if plan.projection.dim.is_none() && rows.width() > EXACT_COLUMNS {
            let (file, what, columns) = (rows.name().to_owned(), detector.name(), rows.width());
            return Err(CommandError::TooWide { file, what, limit: EXACT_COLUMNS, columns });
        }
    }
    Ok(rows)
}

/// Has all detectors score all rows, in one pass, or in two if one of them learns first.
/// Returns the rows whose gradients are not finite.
fn score(scorers: &mut [Scorer<'_>], rows: &mut Rows) -> Result<Vec<usize>, CommandError> {
    let name = rows.name().to_owned();
    let learns = scorers.iter().any(Scorer::learns);
    if learns {
        rows.prepare_passes()?;
    }
    let core = |error| CommandError::core(&name)(error);
    let mut non_finite = Vec::new();
    rows.pass(if learns { "observing" } else { "scoring" }, |row, sketch| {
        if sketch.measures.non_finite > 0 {
            non_finite.push(row);
        }
        scorers.iter_mut().try_for_each(|scorer| scorer.observe(row, sketch)).map_err(core)
    })?;
    scorers.iter_mut().try_for_each(|scorer| scorer.fit(rows))?;
    if learns {
        rows.pass("scoring", |row, sketch| {
            scorers.iter_mut().try_for_each(|scorer| scorer.score(row, sketch)).map_err(core)
        })?;
    }
    Ok(non_finite)
}
