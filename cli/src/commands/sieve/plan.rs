//! What is to be done, checked before a file is opened.

use std::path::PathBuf;

use super::arguments::{GuardName, SieveArguments};
use super::compare::{Compared, compare};
use crate::commands::CommandError;
use crate::commands::given::{Given, Use};
use crate::commands::inputs::{refuse, refuse_inputs, refuse_json_beside};
use crate::commands::rows::ProjectionArguments;
use gradsieve::{Error, Guards, Rate, Sieve, SieveSettings};
use gradsieve_io::files::{Destination, Source, refuse_overwrite};

/// Numbers a sketch without `--dim`, if gradients have more.
pub(super) const DIM: usize = 64;

/// A command line that makes sense.
pub(super) struct Plan {
    pub(super) given: Given,
    pub(super) grads: Source,
    pub(super) projection: ProjectionArguments,
    pub(super) groups: Option<Source>,
    pub(super) max_groups: Option<u32>,
    pub(super) loss: Option<Source>,
    pub(super) ids: Option<Source>,
    /// But for the width and the groups, which files tell.
    pub(super) settings: SieveSettings,
    pub(super) output: Option<Destination>,
    pub(super) state: Option<PathBuf>,
    pub(super) save_state: Option<PathBuf>,
    pub(super) top: usize,
    pub(super) json: bool,
}

impl Plan {
    /// The plan of a command line.
    ///
    /// # Errors
    /// [`CommandError::Argument`] by the name of the argument that is out of range, or
    /// does not suit the others; an output that is an input.
    pub(super) fn new(arguments: SieveArguments) -> Result<Self, CommandError> {
        arguments.given.refuse_unread(uses(&arguments))?;
        let settings = settings(&arguments)?;
        let SieveArguments { given, grads, projection, groups, max_groups, loss, .. } = arguments;
        let SieveArguments { ids, output, state, save_state, top, json, .. } = arguments;
        if max_groups == Some(0) {
            return refuse("--max-groups", "at least 1", "0".to_owned());
        }
        refuse_json_beside(json, output.as_ref(), "the verdicts to go to a file, as in -o verdicts.csv")?;
        let beside = [("--groups", groups.as_ref()), ("--loss", loss.as_ref()), ("--ids", ids.as_ref())];
        let inputs = [&[("GRADS", Some(&grads))][..], &beside].concat();
        refuse_inputs(&inputs, output.as_ref())?;
        if let Some(path) = &save_state {
            let to = Destination::Path(path.clone());
            refuse_inputs(&inputs, Some(&to))?;
            if output.as_ref() == Some(&to) {
                return refuse("--save-state", "another file than --output", path.display().to_string());
            }
        }
        if let (Some(output), Some(state)) = (&output, &state) {
            refuse_overwrite(output, &[&Source::Npy(state.clone())])?;
        }
        Ok(Self {
            given,
            grads,
            projection,
            groups,
            max_groups,
            loss,
            ids,
            settings,
            output,
            state,
            save_state,
            top,
            json,
        })
    }
}

/// The settings that the command line names, if a sieve takes them.
fn settings(arguments: &SieveArguments) -> Result<SieveSettings, CommandError> {
    let SieveArguments { false_alarms, false_discoveries, half_life, change, warm_up, .. } = *arguments;
    let usual = SieveSettings::new(DIM);
    let settings = SieveSettings {
        loss: arguments.loss_kind.kind(),
        rate: match (false_alarms, false_discoveries) {
            (_, Some(share)) => Rate::FalseDiscoveries(share),
            (Some(share), _) => Rate::FalseAlarms(share),
            _ => usual.rate,
        },
        change,
        half_life,
        guards: guards(&arguments.guards)?,
        learn_flagged: arguments.learn_flagged,
        warm_up,
        ..usual
    };
    let Err(error) = Sieve::new(settings, vec![0; settings.memory().i64s]) else { return Ok(settings) };
    let Error::Setting { name, expected } = error else { return Err(CommandError::core("the sieve")(error)) };
    // A setting has the name of its option.
    let said = |number: Option<f32>| number.map_or("none".to_owned(), |number| number.to_string());
    let options = [
        ("--false-alarms", said(false_alarms)),
        ("--false-discoveries", said(false_discoveries)),
        ("--change", change.to_string()),
        ("--warm-up", warm_up.to_string()),
        ("--half-life", half_life.unwrap_or(0).to_string()),
    ];
    let is_of = |option: &str| option.trim_start_matches('-').replace('-', "_") == name;
    match options.into_iter().find(|(option, _)| is_of(option)) {
        Some((option, found)) => refuse(option, expected, found),
        None => Err(CommandError::core("the sieve")(error)),
    }
}

/// The guards by their names.
fn guards(names: &[GuardName]) -> Result<Guards, CommandError> {
    match names {
        [GuardName::All] => Ok(Guards::ALL),
        [GuardName::None] => Ok(Guards::NONE),
        names if names.iter().any(|name| matches!(name, GuardName::All | GuardName::None)) => {
            let expected = "all or none alone, or names of guards, as in zero,short";
            let is_all = names.contains(&GuardName::All);
            let found = if is_all { "all beside others" } else { "none beside others" };
            refuse("--guards", expected, found.to_owned())
        }
        names => Ok(Guards {
            zero: names.contains(&GuardName::Zero),
            short: names.contains(&GuardName::Short),
            duplicates: if names.contains(&GuardName::Duplicate) { Guards::ALL.duplicates } else { 0 },
        }),
    }
}

impl Plan {
    /// Sees that the command line names no other settings than a state has.
    ///
    /// # Errors
    /// [`CommandError::Argument`] by the first option that was given and differs.
    pub(super) fn agree(&self, file: &str, state: &SieveSettings) -> Result<(), CommandError> {
        let uses = compare(state, &self.settings).map(|Compared { option, one, other }| Use {
            option,
            is_read: one == other,
            by: format!("{one}, as the state {file} has"),
            found: other,
        });
        self.given.refuse_unread(uses)
    }
}

/// When each option is read.
fn uses(arguments: &SieveArguments) -> impl Iterator<Item = Use> + use<> {
    let is_store = matches!(arguments.grads, Source::Store(_));
    let dim = arguments.projection.dim.or(if is_store { None } else { Some(DIM) });
    let projection = ProjectionArguments { dim, ..arguments.projection.clone() };
    let own = [
        Use {
            option: "--max-groups",
            is_read: arguments.groups.is_some(),
            by: "--groups beside it".to_owned(),
            found: "none".to_owned(),
        },
        Use {
            option: "--loss-kind",
            is_read: arguments.loss.is_some(),
            by: "--loss beside it".to_owned(),
            found: "none".to_owned(),
        },
        Use {
            option: "--dim",
            is_read: !is_store,
            by: "gradients to project".to_owned(),
            found: format!("{} with a store of sketches", dim.unwrap_or(0)),
        },
    ];
    own.into_iter().chain(projection.uses(&[]))
}
