//! The published vectors, computed again in NumPy from their README alone.

use clap::ArgMatches;

use crate::check::Check;
use crate::environment::python;
use crate::program::Program;
use crate::step::{Step, no_arguments};
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "numpy",
    about: "The published vectors in NumPy",
    in_ci: true,
    arguments: no_arguments,
    run,
};

fn run(check: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let python = match python("numpy", "numpy", &["numpy"]) {
        Ok(python) => python,
        Err(error) => {
            check.skip("the published vectors in NumPy", reason(&error));
            return Ok(());
        }
    };
    let printed = Program::new(python).arg("tests/vectors/reproduce.py").read()?;
    for line in printed.lines().filter(|line| !line.starts_with("ok ")) {
        println!("{line}");
    }
    Ok(())
}
