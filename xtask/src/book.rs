//! The book under `docs`, and the tests that it names.

use clap::ArgMatches;

use crate::check::{Check, target};
use crate::installed::installed;
use crate::named;
use crate::program::Program;
use crate::step::{Step, no_arguments};
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "book",
    about: "The book can be made, and the tests that pages name exist",
    in_ci: true,
    arguments: no_arguments,
    run,
};

/// When compiling mdBook is given up, in seconds.
const PATIENCE: u32 = 240;

fn run(check: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    println!("{} tests named", named::check()?);
    let program = match installed("mdbook", &["--no-default-features"], PATIENCE) {
        Ok(program) => program,
        Err(error) => {
            check.skip("the book", reason(&error));
            return Ok(());
        }
    };
    Program::new(program).args(["build", "docs", "--dest-dir"]).arg(target().join("book")).show()
}
