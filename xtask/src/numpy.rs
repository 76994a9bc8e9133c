//! The published vectors, computed again in NumPy from their README alone; and published
//! states and packets, read in Python from the pages of their formats.

use clap::ArgMatches;

use crate::check::Check;
use crate::environment::python;
use crate::program::Program;
use crate::step::{Step, no_arguments};
use crate::targets::reason;

pub(crate) const STEP: Step = Step {
    name: "numpy",
    about: "The published vectors in NumPy, published states and packets in Python",
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
    for script in ["tests/vectors/reproduce.py", "tests/golden/states.py", "tests/golden/packets.py"] {
        let printed = Program::new(&python).arg(script).read()?;
        // What all of it came to.
        if let Some(line) = printed.lines().last() {
            println!("{line}");
        }
    }
    Ok(())
}
