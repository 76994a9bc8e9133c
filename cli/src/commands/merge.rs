//! `gradsieve merge`: states at rest of devices or shards → the state of all.

use std::path::PathBuf;

use clap::Args;
use gradsieve::state::StateKind;
use gradsieve::{Error, Groups, Sieve};
use serde::Serialize;

use super::escaped::escaped;
use super::paths::destination;
use super::sieve::{Compared, compare, restored};
use super::{CommandError, console, state_file};
use gradsieve_io::files::{Destination, FileError, Source, refuse_overwrite};

pub(super) const LONG_ABOUT: &str = "\
Put states at rest together: those of devices, shards or parts that each saw some of the samples.

States are those of sieves, as gradsieve sieve --save-state and devices write them, with the same settings and the same kind of sketch. \
The result has the same bytes whatever the order of the files and whichever of them were merged before. \
With a half-life, states must have forgotten equally many half-lives. The bet on changes and the last samples, among which near duplicates \
are looked for, belong to one stream, and begin anew.";

const EXAMPLES: &str = "\
Examples:
  gradsieve merge monday.state tuesday.state -o both.state
  gradsieve merge clients/*.state -o all.state --json";

/// Arguments of `merge`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct MergeArguments {
    /// States at rest
    #[arg(required = true, value_name = "STATE")]
    pub states: Vec<PathBuf>,

    /// Where the state of all goes: a file, or - for standard output
    #[arg(short, long, value_name = "STATE", value_parser = destination())]
    pub output: Destination,

    /// Print JSON: {"states", "rows", "flagged", "non_finite", "state_bytes"}
    #[arg(long)]
    pub json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report {
    states: usize,
    rows: u64,
    flagged: u64,
    non_finite: u64,
    state_bytes: usize,
}

/// Runs the command.
pub(super) fn run(arguments: &MergeArguments) -> Result<(), CommandError> {
    let MergeArguments { states, output, json } = arguments;
    if *json && *output == Destination::Stdout {
        return Err(CommandError::Argument {
            argument: "--json",
            expected: "the state to go to a file, as in -o all.state".to_owned(),
            found: "standard output (-o -)".to_owned(),
        });
    }
    let sources: Vec<Source> = states.iter().map(|path| Source::Npy(path.clone())).collect();
    refuse_overwrite(output, &sources.iter().collect::<Vec<_>>())?;
    let mut progress = console::Progress::new("merging", states.len());
    let mut all: Option<Part> = None;
    for (done, path) in states.iter().enumerate() {
        let part = Part::read(path)?;
        match &mut all {
            Some(all) => all.merge(&part)?,
            None => all = Some(part),
        }
        progress.reach(done + 1);
    }
    drop(progress);
    let Some(Part { sieve, name }) = all else { return Ok(()) };
    let bytes = state_file::bytes(&name, &sieve)?;
    let mut file = output.create()?;
    file.write(&bytes)?;
    file.finish()?;
    let report = Report {
        states: states.len(),
        rows: sieve.count(),
        flagged: sieve.flagged(),
        non_finite: sieve.non_finite(),
        state_bytes: bytes.len(),
    };
    if *json {
        return console::print_json(&report);
    }
    if *output == Destination::Stdout {
        return Ok(());
    }
    let Report { states, rows, flagged, state_bytes, .. } = report;
    console::print(format!(
        "{}: {states} states of sieves, {rows} samples of which {flagged} were flagged, {}",
        escaped(output),
        console::bytes(state_bytes)
    ))
}

/// The state of a file, or of several: then by the name of the first.
struct Part {
    name: String,
    sieve: Sieve<Vec<i64>>,
}

impl Part {
    fn read(path: &std::path::Path) -> Result<Self, CommandError> {
        let (header, bytes) = state_file::read(path)?;
        let name = path.display().to_string();
        if header.kind != StateKind::Sieve as u16 {
            return Err(differ(&name, "the state of a sieve".to_owned(), state_file::named(header.kind)));
        }
        Ok(Self { sieve: restored(&name, &bytes)?, name })
    }

    /// Takes in another state.
    ///
    /// # Errors
    /// A sentence that names it, and what differs.
    fn merge(&mut self, other: &Self) -> Result<(), CommandError> {
        let (own, found) = (self.sieve.settings(), other.sieve.settings());
        let as_first = |what: String| format!("{what}, as {} has", self.name);
        if own.width != found.width {
            let [expected, found] =
                [own, found].map(|settings| format!("sketches of {} numbers", settings.width));
            return Err(differ(&other.name, as_first(expected), found));
        }
        if own.groups != found.groups {
            let [expected, found] = [own, found].map(|settings| groups(settings.groups));
            return Err(differ(&other.name, as_first(expected), found));
        }
        let differing = compare(&own, &found).into_iter().find(|compared| compared.one != compared.other);
        if let Some(Compared { option, one, other: found }) = differing {
            let expected = if one.starts_with(option) { one } else { format!("{option} {one}") };
            return Err(differ(&other.name, as_first(expected), found));
        }
        self.sieve.merge(&other.sieve).map_err(|error| match error {
            Error::Mismatch(field) => {
                let expected = format!("a state that can be merged with {}", self.name);
                differ(&other.name, expected, format!("one that differs in {}", field.name()))
            }
            Error::Full { capacity } => {
                let expected = format!("at most {capacity} groups in all states");
                differ(&other.name, expected, "groups beyond them".to_owned())
            }
            error => CommandError::core(&other.name)(error),
        })
    }
}

fn groups(groups: Groups) -> String {
    match groups {
        Groups::Fixed(groups) => format!("{groups} groups"),
        Groups::Growing(groups) => format!("up to {groups} groups"),
    }
}

fn differ(file: &str, expected: String, found: String) -> CommandError {
    FileError::Step { file: file.to_owned(), expected, found }.into()
}
