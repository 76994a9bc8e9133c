//! Changes of single places of the kernels and the core, each of which a test must find:
//! cargo-mutants, by `.cargo/mutants.toml`.
//!
//! It takes minutes a file and hours for all, so the whole check leaves it out.

use clap::{Arg, ArgMatches};

use crate::check::{Check, target};
use crate::program::Program;
use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "mutants",
    about: "Changes of single places, each of which a test must find (hours for all)",
    in_ci: false,
    arguments,
    run,
};

fn arguments(command: clap::Command) -> clap::Command {
    let part = Arg::new("shard").long("shard").value_name("K/N").help("The K-th of N parts, from 0");
    let file = Arg::new("file").long("file").value_name("GLOB").num_args(1..).help("These files alone");
    let diff = Arg::new("in-diff").long("in-diff").value_name("FILE").help("The lines of a diff alone");
    command.args([part, file, diff]).after_help(
        "Examples:\n  cargo xtask mutants --file 'kernels/src/spec/*.rs'\n  cargo xtask mutants --shard 0/40",
    )
}

fn run(_: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let mut cargo = Program::cargo().args(["mutants", "--output"]).arg(target());
    for name in ["shard", "in-diff"] {
        if let Some(value) = given.get_one::<String>(name) {
            cargo = cargo.arg(format!("--{name}")).arg(value);
        }
    }
    for glob in given.get_many::<String>("file").into_iter().flatten() {
        cargo = cargo.args(["--file", glob]);
    }
    cargo.show()
}
