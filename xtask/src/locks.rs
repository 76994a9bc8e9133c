//! The lock files: each holds what its manifests ask for, as `--locked` demands it.

use anyhow::bail;
use clap::ArgMatches;

use crate::check::{Check, root};
use crate::crates::{alone, short};
use crate::program::Program;
use crate::step::{Step, no_arguments};

pub(crate) const STEP: Step = Step {
    name: "locks",
    about: "Each lock file holds what its manifests ask for",
    in_ci: true,
    arguments: no_arguments,
    run,
};

fn run(_: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let mut wrong = Vec::new();
    for folder in std::iter::once(root().to_owned()).chain(alone()?) {
        let read = ["metadata", "--locked", "--format-version=1"];
        if let Err(error) = Program::cargo().args(read).folder(&folder).read() {
            let lock = short(&folder.join("Cargo.lock"));
            let folder = folder.display();
            wrong.push(format!("{lock}: {error:#}\nmended by: cd {folder} && cargo update --workspace"));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}
