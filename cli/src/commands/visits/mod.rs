//! `gradsieve visits`: a file of scores an epoch → one number a sample.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what the command line says |
//! | `plan` | the same, checked |
//! | `epoch` | the scores of an epoch |
//! | `sink` | where numbers go |
//! | `report` | what is said of them |

mod arguments;
mod epoch;
mod plan;
mod report;
mod sink;

pub use arguments::{KindName, NumberName, VisitsArguments};
use epoch::Tally;
use plan::Plan;
use report::Seen;
use sink::Sink;

use super::{CommandError, console};
use gradsieve_io::files::Destination;
use gradsieve_io::visits::{VisitsReader, VisitsWriter};

pub(super) const LONG_ABOUT: &str = "\
Make one number for each sample of its scores or losses in all epochs: the mean, the mean rank or the worst.

One look at a sample that the model has memorised says little; the mean of its loss over the run finds more wrong labels than the last loss does. \
Bring a file of scores an epoch, all at once, or one by one with --state, which keeps a number and a count of visits for each sample: 6 bytes, or 4 with --number f16. \
A larger number is more suspicious. Samples that were never visited have none.

Memory does not grow with the files: at most 4194304 samples are held at a time, and each such block takes a pass over SCORES. The ids of one file \
are held as well, and for mean-rank its scores.

A run that ends early has added nothing to --state: its file is replaced when all is on the disk. One process at a time may add to it.";

/// Runs the command.
pub(super) fn run(arguments: VisitsArguments) -> Result<(), CommandError> {
    let plan = Plan::new(arguments)?;
    let writes = !plan.epochs.is_empty();
    let mut writer = plan.state.as_deref().filter(|_| writes).map(VisitsWriter::open).transpose()?;
    let mut reader = match (&writer, &plan.state) {
        (Some(writer), _) => writer.reader()?,
        (None, Some(path)) => Some(VisitsReader::open(path)?),
        (None, None) => None,
    };
    let format = plan.format(reader.as_ref().map(VisitsReader::format))?;
    let mut sink = plan.output.as_ref().map(|to| Sink::create(to, &format)).transpose()?;
    let (mut seen, mut tally) = (Seen::new(plan.top, &format)?, Tally::default());
    let name = plan.state.as_ref().map_or_else(|| "SCORES".to_owned(), |path| path.display().to_string());
    let core = |error| CommandError::core(&name)(error);

    let passes = format.blocks() as usize * plan.epochs.len();
    let (mut progress, mut done) = (console::Progress::new("visiting", passes), 0);
    for index in 0..format.blocks() {
        let before = reader.as_mut().map(VisitsReader::next_block).transpose()?.flatten();
        let mut block = before.map_or_else(|| format.block(&name, index), Ok)?;
        for epoch in &plan.epochs {
            epoch.observe(&mut block, &format, plan.skips, &mut tally)?;
            done += 1;
            progress.reach(done);
        }
        for id in block.ids() {
            let number = block.get(id).map_err(core)?;
            number.map_or(Ok(()), |number| seen.push(id, number)).map_err(core)?;
            sink.as_mut().map_or(Ok(()), |sink| sink.push(id, number))?;
        }
        writer.as_mut().map_or(Ok(()), |writer| writer.push(&block))?;
    }
    drop(progress);
    writer.map_or(Ok(()), VisitsWriter::finish)?;
    sink.map_or(Ok(()), Sink::finish)?;
    let report = seen.report(format, tally, plan.state.is_some());
    if plan.json {
        console::print_json(&report)
    } else if plan.output != Some(Destination::Stdout) {
        report.print(plan.state.as_deref())
    } else {
        Ok(())
    }
}
