//! What a state at rest holds.

use std::collections::BTreeMap;
use std::path::Path;

use gradsieve::state::StateKind;
use gradsieve::{Groups, SieveSettings};
use serde::Serialize;

use crate::commands::escaped::escaped;
use crate::commands::rows::told;
use crate::commands::sieve::{compare, health_name, restored};
use crate::commands::{CommandError, console, state_file};

/// What is printed as JSON.
#[derive(Serialize)]
struct StateInfo {
    file: String,
    kind: &'static str,
    state: String,
    bytes: usize,
    /// Of the sketches that it has seen; none if it has seen none.
    sketch: Option<BTreeMap<&'static str, String>>,
    #[serde(flatten)]
    sieve: Option<SieveInfo>,
}

/// The same, of a sieve.
#[derive(Serialize)]
struct SieveInfo {
    settings: BTreeMap<&'static str, String>,
    rows: u64,
    flagged: u64,
    non_finite: u64,
    /// The ids of growing groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<u32>>,
    health: &'static str,
}

/// Tells what a state at rest is.
///
/// # Errors
/// One that is damaged; a sentence that names it.
pub(super) fn run(path: &Path, json: bool) -> Result<(), CommandError> {
    let (header, bytes) = state_file::read(path)?;
    let file = path.display().to_string();
    let is_sieve = header.kind == StateKind::Sieve as u16;
    let about = StateInfo {
        kind: "state",
        state: state_file::named(header.kind),
        bytes: bytes.len(),
        sketch: header.sketch.map(|id| told(&id).into_iter().collect()),
        sieve: is_sieve.then(|| sieve(&file, &bytes)).transpose()?,
        file,
    };
    if json {
        return console::print_json(&about);
    }
    let StateInfo { file, state, bytes, sketch, sieve, .. } = &about;
    console::print(format!("{}: {state}, {}, whole", escaped(file), console::bytes(*bytes)))?;
    match sketch {
        Some(sketch) => print(sketch)?,
        None => console::print("  no sketch seen")?,
    }
    let Some(SieveInfo { settings, rows, flagged, non_finite, groups, health }) = sieve else {
        return Ok(());
    };
    print(settings)?;
    if let Some(groups) = groups {
        console::print(format!("  groups so far: {groups:?}"))?;
    }
    console::print(format!(
        "  {rows} samples, of which {flagged} were flagged and {non_finite} not finite; {health}"
    ))
}

/// A line for each.
fn print(lines: &BTreeMap<&'static str, String>) -> Result<(), CommandError> {
    lines.iter().try_for_each(|(key, text)| console::print(format!("  {key} = {}", escaped(text))))
}

fn sieve(file: &str, bytes: &[u8]) -> Result<SieveInfo, CommandError> {
    let sieve = restored(file, bytes)?;
    let settings = sieve.settings();
    Ok(SieveInfo {
        settings: told_settings(&settings),
        rows: sieve.count(),
        flagged: sieve.flagged(),
        non_finite: sieve.non_finite(),
        groups: matches!(settings.groups, Groups::Growing(_)).then(|| sieve.groups().collect()),
        health: health_name(sieve.health()),
    })
}

/// Settings by the names of the options that say them.
fn told_settings(settings: &SieveSettings) -> BTreeMap<&'static str, String> {
    let groups = match settings.groups {
        Groups::Fixed(groups) => format!("{groups}, fixed"),
        Groups::Growing(groups) => format!("up to {groups}"),
    };
    let each = compare(settings, settings).into_iter().map(|compared| (compared.option, compared.one));
    let bare = |(option, text): (&'static str, String)| match text.strip_prefix(option) {
        Some(share) => (option, share.trim().to_owned()),
        None => (option, text),
    };
    each.map(bare).chain([("--dim", settings.width.to_string()), ("groups", groups)]).collect()
}
