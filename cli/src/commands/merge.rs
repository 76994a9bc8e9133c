//! `gradsieve merge`: states at rest of devices or shards → the state of all.

use std::path::PathBuf;

use clap::Args;
use gradsieve::outlier::{
    Detector, Direction, DirectionSettings, Mahalanobis, MahalanobisSettings, SelfInfluence,
    SelfInfluenceSettings,
};
use gradsieve::state::StateKind;
use gradsieve::{Error, Field, Groups, Sieve, SieveSettings};
use serde::Serialize;

use super::escaped::escaped;
use super::inputs::refuse_json_beside;
use super::paths::destination;
use super::rows::zeros;
use super::sieve::{Compared, compare, restored};
use super::{CommandError, console, state_file};
use gradsieve_io::files::{Destination, FileError, Source, refuse_overwrite};

pub(super) const LONG_ABOUT: &str = "\
Put states at rest together: those of devices, shards or parts that each saw some of the samples.

States are those of sieves, as gradsieve sieve --save-state and devices write them, or of the detectors direction, mahalanobis and \
self-influence, as devices do; all of one kind, with the same settings and the same kind of sketch. \
The result has the same bytes whatever the order of the files and whichever of them were merged before; of mahalanobis and self-influence, \
whose sums are floating-point numbers, the same to rounding. With a half-life, states must have forgotten equally many half-lives. \
A sieve's bet on changes and its last samples, among which near duplicates are looked for, belong to one stream, and begin anew.";

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

    /// Print JSON: {"states", "kind", "rows", "flagged", "non_finite", "state_bytes"};
    /// flagged and non_finite of sieves alone
    #[arg(long)]
    pub json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report {
    states: usize,
    kind: String,
    rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    flagged: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    non_finite: Option<u64>,
    state_bytes: usize,
}

/// Runs the command.
pub(super) fn run(arguments: &MergeArguments) -> Result<(), CommandError> {
    let MergeArguments { states, output, json } = arguments;
    refuse_json_beside(*json, Some(output), "the state to go to a file, as in -o all.state")?;
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
    let Some(all) = all else { return Ok(()) };
    let bytes = all.state.bytes(&all.name)?;
    let mut file = output.create()?;
    file.write(&bytes)?;
    file.finish()?;
    let report = Report {
        states: states.len(),
        kind: state_file::named(all.kind),
        rows: all.state.rows(),
        flagged: all.state.sieve().map(Sieve::flagged),
        non_finite: all.state.sieve().map(Sieve::non_finite),
        state_bytes: bytes.len(),
    };
    if *json {
        return console::print_json(&report);
    }
    if *output == Destination::Stdout {
        return Ok(());
    }
    let Report { states, kind, rows, flagged, state_bytes, .. } = report;
    let flagged = flagged.map_or(String::new(), |flagged| format!(" of which {flagged} were flagged"));
    console::print(format!(
        "{}: {kind}, of {states} files, {rows} samples{flagged}, {}",
        escaped(output),
        console::bytes(state_bytes)
    ))
}

/// The state of a file, or of several: then by the name of the first.
struct Part {
    name: String,
    kind: u16,
    state: Merged,
}

/// A state that can take others in.
enum Merged {
    Sieve(Box<Sieve<Vec<i64>>>),
    Direction(Direction<Vec<i64>>),
    Mahalanobis(Mahalanobis<Vec<f64>>),
    SelfInfluence(SelfInfluence<Vec<f64>>),
}

impl Merged {
    const EXPECTED: &str = "the state of a sieve or of the detector direction, mahalanobis or self-influence";

    /// The state of these bytes, which are of this kind; none of a kind that is not
    /// merged.
    fn read(name: &str, kind: u16, bytes: &[u8]) -> Result<Option<Self>, CommandError> {
        const DIRECTION: u16 = StateKind::Direction as u16;
        const MAHALANOBIS: u16 = StateKind::Mahalanobis as u16;
        const SELF_INFLUENCE: u16 = StateKind::SelfInfluence as u16;
        const SIEVE: u16 = StateKind::Sieve as u16;
        let core = |error| CommandError::core(name)(error);
        let state = match kind {
            SIEVE => Self::Sieve(Box::new(restored(name, bytes)?)),
            DIRECTION => {
                let settings = DirectionSettings::read(bytes).map_err(core)?;
                let buffer = zeros(name, settings.memory().i64s)?;
                Self::Direction(state_file::restored(name, Direction::new(settings, buffer), bytes)?)
            }
            MAHALANOBIS => {
                let settings = MahalanobisSettings::read(bytes).map_err(core)?;
                let buffer = zeros(name, settings.memory().f64s)?;
                Self::Mahalanobis(state_file::restored(name, Mahalanobis::new(settings, buffer), bytes)?)
            }
            SELF_INFLUENCE => {
                let settings = SelfInfluenceSettings::read(bytes).map_err(core)?;
                let buffer = zeros(name, settings.memory().f64s)?;
                Self::SelfInfluence(state_file::restored(name, SelfInfluence::new(settings, buffer), bytes)?)
            }
            _ => return Ok(None),
        };
        Ok(Some(state))
    }

    /// Takes in another state of the same kind and settings.
    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        match (self, other) {
            (Self::Sieve(own), Self::Sieve(other)) => own.merge(other),
            (Self::Direction(own), Self::Direction(other)) => Detector::merge(own, other),
            (Self::Mahalanobis(own), Self::Mahalanobis(other)) => Detector::merge(own, other),
            (Self::SelfInfluence(own), Self::SelfInfluence(other)) => Detector::merge(own, other),
            _ => Err(Error::Mismatch(Field::State)),
        }
    }

    /// What the other has other than this one: what was expected, and what was found.
    fn differing(&self, other: &Self) -> Option<(String, String)> {
        if let (Self::Sieve(own), Self::Sieve(other)) = (self, other) {
            return differing_sieves(&own.settings(), &other.settings());
        }
        let (own, other) = (self.told(), other.told());
        let (own, other) = own.into_iter().zip(other).find(|(own, other)| own != other)?;
        Some((format!("{} {}", own.0, own.1), other.1))
    }

    /// The settings of a detector, by their names.
    fn told(&self) -> Vec<(&'static str, String)> {
        let (first, width, clip, half_life) = match self {
            Self::Sieve(_) => return Vec::new(),
            Self::Direction(state) => {
                let DirectionSettings { groups, width, clip, half_life } = state.settings();
                (("groups", groups.to_string()), width, clip, half_life)
            }
            Self::Mahalanobis(state) => {
                let MahalanobisSettings { shrinkage, width, clip, half_life } = state.settings();
                (("shrinkage", shrinkage.to_string()), width, clip, half_life)
            }
            Self::SelfInfluence(state) => {
                let SelfInfluenceSettings { damping, width, clip, half_life } = state.settings();
                (("damping", damping.to_string()), width, clip, half_life)
            }
        };
        let none = || "none".to_owned();
        vec![
            ("numbers a sketch:", width.to_string()),
            first,
            ("clip", clip.map_or_else(none, |clip| clip.to_string())),
            ("half-life", half_life.map_or_else(none, |samples| samples.to_string())),
        ]
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, CommandError> {
        match self {
            Self::Sieve(state) => state_file::bytes(name, state.as_ref()),
            Self::Direction(state) => state_file::bytes(name, state),
            Self::Mahalanobis(state) => state_file::bytes(name, state),
            Self::SelfInfluence(state) => state_file::bytes(name, state),
        }
    }

    fn rows(&self) -> u64 {
        match self {
            Self::Sieve(state) => state.count(),
            Self::Direction(state) => state.count(),
            Self::Mahalanobis(state) => state.moments().count(),
            Self::SelfInfluence(state) => state.moments().count(),
        }
    }

    fn sieve(&self) -> Option<&Sieve<Vec<i64>>> {
        match self {
            Self::Sieve(sieve) => Some(sieve),
            _ => None,
        }
    }
}

impl Part {
    fn read(path: &std::path::Path) -> Result<Self, CommandError> {
        let (header, bytes) = state_file::read(path)?;
        let (name, kind) = (path.display().to_string(), header.kind);
        match Merged::read(&name, kind, &bytes)? {
            Some(state) => Ok(Self { name, kind, state }),
            None => Err(differ(&name, Merged::EXPECTED.to_owned(), state_file::named(kind))),
        }
    }

    /// Takes in another state.
    ///
    /// # Errors
    /// A sentence that names it, and what differs.
    fn merge(&mut self, other: &Self) -> Result<(), CommandError> {
        let as_first = |what: String| format!("{what}, as {} has", self.name);
        if self.kind != other.kind {
            let expected = format!("{}, as {} is", state_file::named(self.kind), self.name);
            return Err(differ(&other.name, expected, state_file::named(other.kind)));
        }
        if let Some((expected, found)) = self.state.differing(&other.state) {
            return Err(differ(&other.name, as_first(expected), found));
        }
        self.state.merge(&other.state).map_err(|error| match error {
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

/// What differs in the settings of two sieves.
fn differing_sieves(own: &SieveSettings, other: &SieveSettings) -> Option<(String, String)> {
    if own.width != other.width {
        return Some((
            format!("sketches of {} numbers", own.width),
            format!("sketches of {} numbers", other.width),
        ));
    }
    if own.groups != other.groups {
        return Some((groups(own.groups), groups(other.groups)));
    }
    let differing = compare(own, other).into_iter().find(|compared| compared.one != compared.other);
    differing.map(|Compared { option, one, other }| {
        (if one.starts_with(option) { one } else { format!("{option} {one}") }, other)
    })
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
