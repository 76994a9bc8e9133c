//! Licences, doubles and sources of all that the project depends on, by `deny.toml`.

use clap::ArgMatches;

use crate::check::Check;
use crate::installed::installed;
use crate::program::Program;
use crate::step::{Step, no_arguments};
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "deny",
    about: "Licences, doubles and sources of the dependencies, by cargo-deny",
    in_ci: false,
    arguments: no_arguments,
    run,
};

/// When compiling cargo-deny is given up, in seconds.
const PATIENCE: u32 = 240;

fn run(check: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let program = match installed("cargo-deny", &["--no-default-features"], PATIENCE) {
        Ok(program) => program,
        Err(error) => {
            check.skip("licences and sources of the dependencies", reason(&error));
            return Ok(());
        }
    };
    // Advisories would be fetched from elsewhere than the registry.
    Program::new(program).args(["--locked", "--offline", "check", "licenses", "bans", "sources"]).show()
}
