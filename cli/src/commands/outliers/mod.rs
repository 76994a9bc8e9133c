//! `gradsieve outliers`: gradients → anomaly scores of each sample, and the samples that
//! stand out.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what the command line says |
//! | `plan` | the same, checked |
//! | `defaults` | what is done where it does not say |
//! | `chosen` | the same against the rows, and said |
//! | `samples` | the rows, and what is known of them: opened and scored |
//! | `members` | samples in their groups, those apart that are alone in theirs |
//! | `scorer` | a detector at work on the rows |
//! | `calibration` | what clean scores look like |
//! | `report` | which samples are flagged |
//! | `sink` | where scores go |

mod arguments;
mod calibration;
mod chosen;
mod defaults;
mod members;
mod plan;
mod report;
mod samples;
mod scorer;
mod sink;

pub use arguments::{DetectorName, OutliersArguments, SearchArguments};
pub(super) use calibration::Calibration;
pub(super) use defaults::several;
use plan::Plan;
pub(super) use plan::{Choice, Search, Wish};
pub(super) use report::{Found, Report};
pub(super) use samples::Samples;
pub(super) use scorer::Scored;
use sink::Sink;

use super::{CommandError, console};
use gradsieve_io::files::Destination;

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
gradsieve sketch wrote. Several detectors share the passes. \
Without --detector it is direction where --groups says what the samples are, else loss where --loss does, else self-influence, on sketches of 512 numbers where rows are longer; \
what was chosen is said on standard error, with the threshold for a false-alarm rate of 1 %. Take the gradients at the end of training, \
of the model that has seen these samples for long: before that the loss tells more. Unless their sketches fit in 256 MiB, direction, mahalanobis and self-influence read the file twice.";

/// Runs the command.
pub(super) fn run(arguments: OutliersArguments) -> Result<(), CommandError> {
    let Plan { mut search, output, json } = Plan::new(arguments)?;
    let mut samples = Samples::open(&mut search)?;
    let count = samples.rows.count();
    let create = |to| Sink::create(to, count, &search.detectors, samples.ids.is_some());
    let sink = output.as_ref().map(create).transpose()?;

    let scored = samples.score(&search)?;
    let Samples { rows, ids, .. } = &samples;
    let ids = ids.as_deref();
    let is_alone = scored.len() == 1;
    let found = scored.iter().map(|scored| Found::new(scored, search.choice, rows, ids, is_alone));
    let found = found.collect::<Result<Vec<_>, _>>()?;
    sink.map_or(Ok(()), |sink| sink.write(&scored, &found, ids))?;
    samples.remark(&found);
    if search.is_suggested && search.is_usual_choice {
        found.iter().zip(&scored).for_each(|(found, scored)| found.remark_choice(scored, search.choice));
    }
    if json {
        console::print_json(&Report::of(&found, count))
    } else if output != Some(Destination::Stdout) {
        report::print(rows.name(), search.choice, &found, &scored, ids)
    } else {
        Ok(())
    }
}
