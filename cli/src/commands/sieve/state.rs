//! The sieve: a new one, or one that goes on from a state at rest.

use std::path::Path;

use gradsieve::state::StateKind;
use gradsieve::{Error, Groups, Kind, Sieve, SieveSettings, SketchId};

use super::plan::{DIM, Plan};
use crate::commands::inputs::refuse;
use crate::commands::rows::{Rows, zeros};
use crate::commands::{CommandError, console, state_file};

/// Groups that have a direction of their own without `--max-groups`, at most.
const GROUPS: usize = 4096;

/// A state at rest.
pub(super) struct Before {
    name: String,
    bytes: Vec<u8>,
    pub(super) settings: SieveSettings,
    sketch: Option<SketchId>,
}

/// Reads the state of a sieve.
///
/// # Errors
/// As [`state_file::read`]; a state of another kind.
pub(super) fn read(path: &Path) -> Result<Before, CommandError> {
    let name = path.display().to_string();
    let (header, bytes) = state_file::read(path)?;
    if header.kind != StateKind::Sieve as u16 {
        let found = format!("{name}, which holds {}", state_file::named(header.kind));
        return refuse("--state", "the state of a sieve", found);
    }
    let settings = SieveSettings::read(&bytes).map_err(CommandError::core(&name))?;
    Ok(Before { name, bytes, settings, sketch: header.sketch })
}

/// How many numbers a sketch has without `--dim`, of gradients of so many columns; none
/// if they are taken as they are.
pub(super) fn width(before: Option<&Before>) -> impl Fn(usize) -> Option<usize> + use<> {
    let state = before
        .map(|before| (before.settings.width, before.sketch.is_none_or(|sketch| sketch.kind == Kind::Exact)));
    move |columns| match state {
        Some((width, is_exact)) => (!is_exact).then_some(width),
        None => (columns > DIM).then_some(DIM),
    }
}

/// A new sieve. `groups` are the groups of the rows, if they are told apart.
///
/// # Errors
/// Too little memory.
pub(super) fn begin(
    plan: &Plan,
    rows: &Rows,
    groups: Option<usize>,
) -> Result<Sieve<Vec<i64>>, CommandError> {
    let most = |groups: usize| plan.max_groups.unwrap_or(groups.min(GROUPS) as u32);
    let groups_of = groups.map_or(Groups::Fixed(1), |groups| Groups::Growing(most(groups)));
    if let Some(count) = groups.filter(|&count| plan.max_groups.is_none() && count > GROUPS) {
        console::remark(format!(
            "{}: the first {GROUPS} of {count} groups have a direction of their own; --max-groups says another number",
            rows.name()
        ));
    }
    sieve(SieveSettings { width: rows.width(), groups: groups_of, ..plan.settings }, rows.name())
}

/// A sieve that has seen nothing, for what is called `name`.
///
/// # Errors
/// Too little memory; settings that no sieve has.
pub(in crate::commands) fn sieve(
    settings: SieveSettings,
    name: &str,
) -> Result<Sieve<Vec<i64>>, CommandError> {
    let buffer = zeros(name, settings.memory().i64s)?;
    Sieve::new(settings, buffer).map_err(CommandError::core(name))
}

/// The sieve of a state, as its bytes say.
///
/// # Errors
/// Bytes that are no such state; too little memory.
pub(in crate::commands) fn restored(name: &str, bytes: &[u8]) -> Result<Sieve<Vec<i64>>, CommandError> {
    let settings = SieveSettings::read(bytes).map_err(CommandError::core(name))?;
    state_file::restored(name, Ok(sieve(settings, name)?), bytes)
}

/// The sieve that goes on from a state.
///
/// # Errors
/// [`CommandError::Argument`] if the command line or the rows do not fit it.
pub(super) fn resume(plan: &Plan, before: &Before, rows: &Rows) -> Result<Sieve<Vec<i64>>, CommandError> {
    let Before { name, bytes, settings, sketch } = before;
    plan.agree(name, settings)?;
    match (settings.groups, &plan.groups) {
        (Groups::Fixed(1), Some(groups)) => {
            let expected = format!("no groups, as the state {name} tells none apart");
            return refuse("--groups", expected, groups.to_string());
        }
        (Groups::Fixed(2..) | Groups::Growing(_), None) => {
            let expected = format!("a group for each row, as the state {name} tells groups apart");
            return refuse("--groups", expected, "none".to_owned());
        }
        (Groups::Growing(groups) | Groups::Fixed(groups), Some(_)) => {
            if let Some(found) = plan.max_groups.filter(|&most| most != groups) {
                return refuse(
                    "--max-groups",
                    format!("{groups}, as the state {name} has"),
                    found.to_string(),
                );
            }
        }
        _ => {}
    }
    let id = sketch.filter(|_| settings.width == rows.width());
    let differs = match id {
        Some(id) => id.check(&rows.id()).err(),
        None if settings.width == rows.width() => None,
        None => {
            let expected =
                format!("a state of sketches of {} numbers, as those of {} are", rows.width(), rows.name());
            return refuse("--state", expected, format!("{name}, of {}", settings.width));
        }
    };
    if let Some(Error::Mismatch(field)) = differs {
        let expected = format!("a state of sketches made as those of {}", rows.name());
        return refuse("--state", expected, format!("{name}, which differs in {}", field.name()));
    }
    state_file::restored(name, Ok(sieve(*settings, rows.name())?), bytes)
}
