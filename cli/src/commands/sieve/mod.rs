//! `gradsieve sieve`: gradients in the order of a stream → a verdict for each, by what
//! came before it.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what the command line says |
//! | `plan` | the same, checked |
//! | `compare` | the settings of two sieves |
//! | `ids` | the ids of groups |
//! | `state` | the sieve: a new one, or one that goes on |
//! | `sink` | where verdicts go |
//! | `report` | what is said of the whole |

mod arguments;
mod compare;
mod ids;
mod plan;
mod report;
mod sink;
mod state;

pub use arguments::{GuardName, LossKindName, SieveArguments};
pub(super) use compare::{Compared, compare};
use plan::Plan;
pub(super) use report::health_name;
use report::{CONSEQUENCE, Report};
use sink::Sink;
pub(super) use state::restored;

use gradsieve::{Reasons, Sieve};

use super::losses::losses;
use super::rows::{ProjectionArguments, Rows, is_finite};
use super::{CommandError, console, state_file};
use gradsieve_io::files::{Destination, read_groups, read_ids};

pub(super) const LONG_ABOUT: &str = "\
Judge each sample of a stream by what came before it, and flag a stated share.

One pass in the order of the rows, as a training loop would do it: a row is judged (p, score, flagged, reasons), then learnt. \
p is the rank of the row's score among those before it; of a clean stream about a share --false-alarms is flagged. \
Reasons say what stands out: length, direction, loss, shape, short, zero, duplicate, group (it came when all directions were \
taken), non-finite. Without --save-state nothing is kept.

Gradients of more than 64 columns are sketched to 64 numbers; --dim says another number. The matrix may be a file of sketches that gradsieve sketch wrote, or a store. \
Rows with NaN or infinite entries, or such a loss, are flagged: p 0, score 3.4028235e38, reason non-finite. They stop nothing, and are not learnt.

States of devices or shards that saw parts of the data are put together by gradsieve merge.";

/// Runs the command.
pub(super) fn run(arguments: SieveArguments) -> Result<(), CommandError> {
    let mut plan = Plan::new(arguments)?;
    let before = plan.state.take().map(|path| state::read(&path)).transpose()?;
    let width = state::width(before.as_ref());
    let mut rows = Rows::open_to_width(&plan.grads, &plan.projection, width)?;
    if !rows.is_projected() {
        // What says how gradients are projected is read by nothing.
        let without = ProjectionArguments { dim: None, ..plan.projection.clone() };
        plan.given.refuse_unread(without.uses(&[]))?;
    }
    let name = rows.name().to_owned();
    let groups = plan.groups.as_ref().map(|source| read_groups(source, &name, rows.count())).transpose()?;
    let ids = plan.ids.as_ref().map(|source| read_ids(source, &name, rows.count())).transpose()?;
    let numbers = groups.as_ref().map(ids::ids).transpose()?;
    let losses = plan.loss.as_ref().map(|source| losses(source, &rows, CONSEQUENCE)).transpose()?;
    let mut sieve = match &before {
        Some(before) => state::resume(&plan, before, &rows)?,
        None => state::begin(&plan, &rows, numbers.as_ref().map(Vec::len))?,
    };
    let mut sink =
        plan.output.as_ref().map(|to| Sink::create(to, rows.count(), ids.is_some())).transpose()?;
    let saved = plan.save_state.map(|path| Destination::Path(path).create()).transpose()?;

    let mut report = Report::new(&sieve.settings());
    let (mut non_finite, mut beyond) = (Vec::new(), Vec::new());
    rows.pass("judging", |row, sketch| {
        let group = match (&groups, &numbers) {
            (Some(groups), Some(numbers)) => numbers[groups.of()[row] as usize],
            _ => 0,
        };
        let mut sketch = sketch.in_group(group);
        if let Some(losses) = &losses {
            sketch = sketch.with_loss(losses[row] as f32);
        }
        let core = |error| CommandError::core(&format!("{name}: row {row}"))(error);
        let verdict = sieve.judge(&sketch).map_err(core)?;
        let alarm = sieve.observe(&sketch, &verdict).map_err(core)?;
        let is_non_finite = verdict.reasons.has(Reasons::NON_FINITE);
        if is_non_finite && !is_finite(&sketch) {
            let rows = if sketch.measures.non_finite == 0 { &mut beyond } else { &mut non_finite };
            rows.push(row);
        }
        let id = ids.as_ref().map(|ids| &ids[row]);
        report.push(id, &verdict, alarm);
        sink.as_mut().map_or(Ok(()), |sink| sink.push(row, id, &verdict))
    })?;
    sink.map_or(Ok(()), Sink::finish)?;
    let bytes = state_file::bytes(&name, &sieve)?;
    report.finish(bytes.len(), sieve.health(), |row| {
        rows.is_out_of_range(row) || beyond.binary_search(&row).is_ok()
    });
    if let Some(mut saved) = saved {
        saved.write(&bytes)?;
        saved.finish()?;
    }
    rows.remark_non_finite(&non_finite, CONSEQUENCE);
    rows.remark_beyond(&beyond, "its sketch", CONSEQUENCE);
    remark_warm_up(&name, &sieve);
    if plan.json {
        console::print_json(&report)
    } else if plan.output != Some(Destination::Stdout) {
        report.print(&name, &sieve.settings(), plan.top)
    } else {
        Ok(())
    }
}

/// Says that there were too few rows for any to be flagged.
fn remark_warm_up<B>(name: &str, sieve: &Sieve<B>) {
    let (count, warm_up) = (sieve.count(), sieve.settings().warm_up);
    if count <= u64::from(warm_up) {
        console::remark(format!(
            "{name}: none of the first {warm_up} samples is flagged but what is not finite, and there are {count}"
        ));
    }
}
