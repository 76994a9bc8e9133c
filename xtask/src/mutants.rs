//! Changes of single places of the kernels and the core, each of which a test must find:
//! cargo-mutants, by `.cargo/mutants.toml`.
//!
//! All of them take days, and the whole check leaves them out. What is run unless files
//! or a diff are named is what the promise of equal bits rests on.

use clap::{Arg, ArgMatches};

use crate::check::{Check, target};
use crate::program::Program;
use crate::step::Step;

pub(crate) const STEP: Step = Step {
    name: "mutants",
    about: "Changes of single places, each of which a test must find (hours)",
    in_ci: false,
    arguments,
    run,
};

/// Each form of a kernel and each function of the definition, replaced by a constant, 0
/// or its like where there are several.
const SELECTION: [&str; 10] = [
    "--package",
    "gradsieve-kernels",
    "--re",
    "replace <impl Kernel for",
    "--re",
    r"kernels/src/spec/.*: replace (<impl |[a-z]).* with",
    "--exclude-re",
    "match guard",
    "--exclude-re",
    r"with (Ok\()?-?1(\.0)?\)?$",
];

/// The tests that must find them.
const TESTS: [&str; 5] = ["--", "--test", "levels", "--test", "contract"];

/// Inputs that a property is tried on: few, for a constant is found by any of them.
const CASES: &str = "16";

fn arguments(command: clap::Command) -> clap::Command {
    let part = Arg::new("shard").long("shard").value_name("K/N").help("Every N-th change, from the K-th on");
    let list = Arg::new("list").long("list").num_args(0).help("Print the changes and make none");
    let file = Arg::new("file").long("file").value_name("GLOB").num_args(1..);
    let file = file.help("All changes of these files, instead of the selection");
    let diff = Arg::new("in-diff").long("in-diff").value_name("FILE");
    let diff = diff.help("All changes in the lines of a diff, instead of the selection");
    command.args([part, list, file, diff]).after_help(
        "Without --file and --in-diff each form of a kernel (scalar, and vector, which all \
         instruction sets share) and each function of the definition, kernels/src/spec, is \
         replaced by a constant, and the tests levels and contract of the kernels must fail. \
         Each change compiles the kernels again, which takes minutes of CPU: --shard takes a \
         part. With --file or --in-diff every change that cargo-mutants knows is made, \
         operators too, and all tests of the changed crate must find it.\n\n\
         A kernel's form for an instruction set that this machine lacks is not run, so a \
         change of it is missed here.\n\n\
         Examples:\n  cargo xtask mutants --shard 0/10\n  \
         cargo xtask mutants --file 'kernels/src/isa/avx2.rs' --shard 3/40\n  \
         cargo xtask mutants --file 'src/outlier/direction.rs'",
    )
}

fn run(_: &Check, given: &ArgMatches) -> anyhow::Result<()> {
    let mut cargo = Program::cargo().args(["mutants", "--output"]).arg(target());
    if let Some(part) = given.get_one::<String>("shard") {
        cargo = cargo.args(["--sharding", "round-robin", "--shard"]).arg(part);
    }
    if given.get_flag("list") {
        cargo = cargo.arg("--list");
    }
    let files: Vec<&String> = given.get_many("file").into_iter().flatten().collect();
    let diff = given.get_one::<String>("in-diff");
    if files.is_empty() && diff.is_none() {
        return cargo.args(SELECTION).args(TESTS).env("PROPTEST_CASES", CASES).show();
    }
    for package in ["gradsieve-kernels", "gradsieve"] {
        cargo = cargo.args(["--package", package]);
    }
    for glob in files {
        cargo = cargo.args(["--file", glob]);
    }
    if let Some(diff) = diff {
        cargo = cargo.arg("--in-diff").arg(diff);
    }
    cargo.args(["--", "--lib", "--tests"]).show()
}
