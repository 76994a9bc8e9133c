//! Formatting of all Rust files, those of the images and the fuzz targets among them.

use clap::{Arg, ArgAction, ArgMatches};

use crate::check::Check;
use crate::crates;
use crate::program::Program;
use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "fmt",
    about: "Every Rust file is formatted by rustfmt.toml",
    in_ci: true,
    arguments: |command| {
        let write =
            Arg::new("write").long("write").action(ArgAction::SetTrue).help("Formats, not only checks");
        command.arg(write)
    },
    run,
};

fn run(_: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let rest: &[&str] = if given.get_flag("write") { &[] } else { &["--check"] };
    Program::cargo().args(["fmt", "--all"]).args(rest).show()?;
    for folder in crates::alone()? {
        Program::cargo().arg("fmt").args(rest).folder(folder).show()?;
    }
    Ok(())
}
