//! The pages of all public items.

use clap::ArgMatches;

use crate::check::Check;
use crate::lint::unlinked;
use crate::program::Program;
use crate::step::{Step, no_arguments};

pub(crate) const STEP: Step =
    Step { name: "docs", about: "Rustdoc has nothing to say", in_ci: true, arguments: no_arguments, run };

fn run(_: &Check, _: &ArgMatches) -> anyhow::Result<()> {
    let docs = Program::cargo()
        .args(["doc", "--workspace", "--all-features", "--no-deps", "--locked"])
        .args(unlinked()?);
    docs.env("RUSTDOCFLAGS", "-D warnings").show()
}
