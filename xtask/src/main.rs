//! The checks and chores of the project: `cargo xtask STEP`, and `cargo xtask ci` for all
//! of them.
//!
//! A step is a file of this folder: a [`Step`] and the function that it runs. The one
//! list of steps is [`steps::STEPS`]; the command line and the whole check are made from
//! it.

mod api;
mod bare;
mod book;
mod capi;
mod check;
mod ci;
mod cortex_m;
mod coverage;
mod crates;
mod cross;
mod demo;
mod deny;
mod devices;
mod docs;
mod environment;
mod examples;
mod features;
mod firmware;
mod fmt;
mod frameworks;
mod fuzz;
mod images;
mod imports;
mod installed;
mod lint;
mod locks;
mod memory;
mod mutants;
mod named;
mod numpy;
mod package;
mod program;
mod python;
mod riscv32;
mod size;
mod source;
mod step;
mod steps;
mod tables;
mod targets;
mod test;
mod wasm;
mod wrap;

use std::process::ExitCode;

use check::Check;
use step::Step;

const EXAMPLES: &str = "\
Examples:
  cargo xtask ci                    the whole check; what cannot run here is named as skipped
  cargo xtask ci --only fmt,lint    two steps of it
  cargo xtask wrap                  lines of prose over 90 columns
  cargo xtask imports --edges       which file imports which";

fn main() -> ExitCode {
    let all = || std::iter::once(&ci::STEP).chain(steps::STEPS);
    let command = clap::Command::new("cargo xtask")
        .about("The checks and chores of gradsieve")
        .after_help(EXAMPLES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(all().map(Step::command));
    let given = command.get_matches();
    let Some((name, arguments)) = given.subcommand() else { return ExitCode::FAILURE };
    let Some(step) = all().find(|step| step.name == name) else { return ExitCode::FAILURE };
    match (step.run)(&Check::default(), arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
