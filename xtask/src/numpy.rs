//! The published vectors, computed again in NumPy from their README alone.

use std::path::PathBuf;

use clap::ArgMatches;

use crate::check::{Check, target};
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
    let python = match python() {
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

/// A Python with NumPy: the machine's, or one of its own under `target`.
fn python() -> anyhow::Result<PathBuf> {
    let has_numpy = |python: &PathBuf| Program::new(python).args(["-c", "import numpy"]).read().is_ok();
    let own = target().join("python/bin/python");
    if let Some(python) = [PathBuf::from("python3"), own.clone()].into_iter().find(has_numpy) {
        return Ok(python);
    }
    Program::new("python3").args(["-m", "venv"]).arg(target().join("python")).read()?;
    Program::new(&own).args(["-m", "pip", "install", "--quiet", "numpy"]).read()?;
    Ok(own)
}
