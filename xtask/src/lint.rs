//! Clippy over the workspace: libraries, programs, tests, benches and examples.

use clap::ArgMatches;

use crate::check::Check;
use crate::program::Program;
use crate::step::{Step, no_arguments};

pub(crate) const STEP: Step =
    Step { name: "lint", about: "Clippy has nothing to say", in_ci: true, arguments: no_arguments, run };

fn run(_: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    Program::cargo()
        .args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
        .show()
}
