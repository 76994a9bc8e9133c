//! The examples of the workspace, run to their ends.

use std::path::Path;

use anyhow::ensure;
use clap::ArgMatches;

use crate::check::{Check, root, target};
use crate::program::Program;
use crate::step::{Step, no_arguments};

pub(crate) const STEP: Step = Step {
    name: "examples",
    about: "Every example runs to its end",
    in_ci: true,
    arguments: no_arguments,
    run,
};

/// When an example is given up, in seconds.
const LIMIT: u32 = 120;

fn run(_: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let mut names: Vec<_> =
        std::fs::read_dir(root().join("examples"))?.filter_map(|entry| name(&entry.ok()?.path())).collect();
    names.sort();
    ensure!(!names.is_empty(), "no examples");
    // As the README's test command has built them.
    Program::cargo().args(["build", "--quiet", "--locked", "--examples"]).read()?;
    for name in names {
        let example = Program::new(target().join("debug/examples").join(&name)).limited(LIMIT);
        let printed = example.read()?;
        println!(
            "{name}: {} lines, the last: {}",
            printed.lines().count(),
            printed.lines().last().unwrap_or("")
        );
    }
    Ok(())
}

/// An example is a file, or a folder with a `main.rs`.
fn name(path: &Path) -> Option<String> {
    let is_example = path.extension().is_some_and(|ending| ending == "rs") || path.join("main.rs").is_file();
    is_example.then(|| path.file_stem()?.to_str().map(str::to_owned))?
}
