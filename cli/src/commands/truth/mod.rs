//! `gradsieve truth`: every method against what really happens when samples are left out.
//!
//! | file | what |
//! |---|---|
//! | `arguments` | what the command line says |
//! | `plan` | the same, checked: the harness's settings, and the files |
//! | `printing` | tables of what was found |

mod arguments;
mod plan;
mod printing;

pub(super) use arguments::LONG_ABOUT;
pub use arguments::{ExperimentName, RemovalName, TruthArguments};
use plan::Plan;
use printing::show;

use std::path::Path;

use serde::Serialize;

use super::CommandError;
use super::bars;
use super::console::{print, print_json};
use super::escaped::escaped;
use super::stream_files::write_streams;
use crate::report;
use gradsieve_harness::truth::{self, Outcome};

/// The outcome with the place of its picture, for machines.
#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    outcome: &'a Outcome,
    picture: &'a Path,
}

/// Runs the command.
pub(super) fn run(arguments: TruthArguments) -> Result<(), CommandError> {
    let Plan { settings, cache, out, csv, dump, json } = Plan::new(arguments)?;
    let watch = bars::watch();
    let watch = &*watch;
    if let Some(directory) = dump {
        let count = write_streams(&settings, &directory, watch)?;
        return print(format!("{count} streams below {}", escaped(&directory.display())));
    }
    let outcome = truth::run(&settings, Some(cache), watch)?;
    std::fs::create_dir_all(&out).map_err(|error| CommandError::Argument {
        argument: "--out",
        expected: "a directory that exists or can be made".to_owned(),
        found: format!("{}: {error}", out.display()),
    })?;
    let picture = report::write_fidelity(&outcome, &out)?;
    if let Some(csv) = csv {
        report::write_figures(&outcome, &csv)?;
    }
    if json {
        return print_json(&Json { outcome: &outcome, picture: &picture });
    }
    show(&outcome)?;
    print(format!("Picture: {}", escaped(&picture.display())))
}
